"""A tab that follows: it applies what `updates` says, and knows nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

View = dict[str, Any]


class Follower:
    """What one reader has of its owner's open sessions."""

    def __init__(self) -> None:
        self.cursor: str | None = None
        self.sessions: dict[str, View] = {}
        self.messages: dict[str, dict[int, View]] = {}

    def read(self, ask: Callable[[str | None], View]) -> None:
        """Ask for what is new, and apply it."""
        found = ask(self.cursor)
        self.cursor = found["cursor"]
        for session in found["sessions"]:
            self.sessions[session["id"]] = session
        for message in found["messages"]:
            self.messages.setdefault(message["session"], {})[message["position"]] = message
        known = {each["id"]: each for some in self.messages.values() for each in some.values()}
        for delta in found["deltas"]:
            growing = known[delta["message"]]
            assert len(growing["content"]) == delta["offset"], "text is missing, or comes twice"
            growing["content"] += delta["text"]

    def keep(self, live: set[str]) -> None:
        """Forget what is no longer open; who reads it again reads the transcript."""
        for session in [one for one in self.messages if one not in live]:
            del self.messages[session]

    def seen_of(self, session: str) -> View:
        """Return one session and its messages, in order."""
        said = self.messages.get(session, {})
        return {
            "session": self.sessions.get(session),
            "messages": [said[position] for position in sorted(said)],
        }
