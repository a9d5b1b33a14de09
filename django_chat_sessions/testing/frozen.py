"""A clock that stands still until a test moves it; no other part of Python notices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from unittest import mock

from django_chat_sessions import clock


class FrozenClock:
    """The package's clock, standing still at ``moment`` (aware, UTC)."""

    def __init__(self, moment: datetime) -> None:
        self.moment = clock.aware(moment)

    def now(self) -> datetime:
        """Return the moment in the form the database takes it."""
        return clock.stored(self.moment)

    def shift(self, by: timedelta | float) -> None:
        """Move on by a timedelta or by seconds; back, if it is negative."""
        self.moment += by if isinstance(by, timedelta) else timedelta(seconds=by)

    def move_to(self, moment: datetime) -> None:
        """Move to a moment."""
        self.moment = clock.aware(moment)


@contextmanager
def frozen_clock(at: datetime | None = None) -> Iterator[FrozenClock]:
    """Let the package's clock stand still, at the present unless a moment is given.

    Only sessions, messages and replies are affected: cookies, tokens and sleeping go on.
    """
    frozen = FrozenClock(clock.now() if at is None else at)
    with mock.patch.object(clock, "now", frozen.now):
        yield frozen
