"""A process whose clock is wrong by as many seconds as a file says, at this very moment."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from django_chat_sessions import clock


def follow_file(path: str) -> None:
    """Let the application's clock, which is the only one, go by the file."""
    file, right = Path(path), clock.now

    def wrong() -> datetime:
        return right() + timedelta(seconds=float(file.read_text() or 0))

    clock.now = wrong
