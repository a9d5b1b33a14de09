"""Operations that build beside a site's traffic, where a database needs nothing of that kind."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.db.migrations import RunSQL

from django_chat_sessions.adoption import Concurrently


class Noted(RunSQL):
    """Notes what it is asked to do."""

    def __init__(self) -> None:
        super().__init__("")
        self.asked: list[Any] = []

    def database_forwards(self, *given: Any) -> None:
        self.asked.append(("forwards", given))

    def database_backwards(self, *given: Any) -> None:
        self.asked.append(("backwards", given))


def test_elsewhere_an_operation_does_what_it_always_does() -> None:
    operation = Noted()
    assert not Concurrently(operation).reversible  # nor is SQL that nobody has said how to undo
    given: Any = ("subjects", SimpleNamespace(connection=SimpleNamespace(vendor="sqlite")), 1, 2)
    Concurrently(operation).database_forwards(*given)
    Concurrently(operation).database_backwards(*given)
    assert operation.asked == [("forwards", given), ("backwards", given)]
