"""What the model expects beside what the package shows; ids are learnt as they appear."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.model.reference import Ref

START = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def ticks(moment: datetime | str | None) -> int | None:
    """Return a moment as the model has it: whole microseconds since the start."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return None if moment is None else (moment - START) // MICROSECOND


def moment_of(now: int) -> datetime:
    """Return the model's moment as a time."""
    return START + now * MICROSECOND


class Names:
    """Which id of the package stands for which of the model: one for one, and for good."""

    def __init__(self) -> None:
        self.real: dict[Any, Any] = {}
        self.known: dict[Any, Any] = {}

    def match(self, expected: Any, actual: Any, where: str = "") -> None:
        """Compare. Raises AssertionError that says where they differ."""
        if isinstance(expected, Ref):
            self._match_id(expected.of, actual, where)
        elif isinstance(expected, dict):
            assert isinstance(actual, dict), f"{where}: {actual!r} instead of {expected!r}"
            assert expected.keys() == actual.keys(), f"{where}: {sorted(actual)}"
            for name, value in expected.items():
                self.match(value, actual[name], f"{where}.{name}")
        elif isinstance(expected, list | tuple):
            assert isinstance(actual, list | tuple), f"{where}: {actual!r} instead of {expected!r}"
            assert len(expected) == len(actual), f"{where}: {actual!r} instead of {expected!r}"
            for number, (one, other) in enumerate(zip(expected, actual, strict=True)):
                self.match(one, other, f"{where}[{number}]")
        else:
            assert expected == actual, f"{where}: {actual!r} instead of {expected!r}"

    def _match_id(self, wanted: Any, actual: Any, where: str) -> None:
        assert actual is not None, f"{where}: nothing instead of {wanted}"
        # A host's keys may be numbers: a session and a message can have the same.
        seen = (type(wanted), str(actual))
        if wanted not in self.real and seen not in self.known:
            self.real[wanted], self.known[seen] = actual, wanted
        found = self.known.get(seen, "an unknown id")
        assert found == wanted, f"{where}: the id of {found} instead of {wanted}"
