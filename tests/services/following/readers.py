"""A reader as a client is one: it applies what it is told, and joins texts by what it is told."""

from __future__ import annotations

from typing import Any

from django_chat_sessions import clock
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.api import payloads
from django_chat_sessions.owners import Owner
from tests.conversations import rows

Payload = dict[str, Any]


class SimulatedReader:
    """Follows an owner by ``updates`` alone; reads the list when it is told that it changed."""

    def __init__(self, owner: Owner) -> None:
        self.owner = owner
        self.cursor: str | None = None
        self.sessions: dict[str, Payload] = {}
        self.messages: dict[str, dict[int, Payload]] = {}

    def look(self) -> None:
        """Ask for what is new, and apply it."""
        told = payloads.updates(chat_sessions.updates(self.owner, self.cursor), clock.now())
        is_first, self.cursor = self.cursor is None, told["cursor"]
        if is_first or told["history_changed"]:
            self._list()
        for session in told["sessions"]:
            self.sessions[session["id"]] = session
        for message in told["messages"]:
            self._put(message)
        for delta in told["deltas"]:
            self._grow(delta)

    def _list(self) -> None:
        """Take the list anew, as ``GET sessions`` gives it."""
        listed = chat_sessions.recent_sessions(self.owner)
        self.sessions = {str(row.pk): payloads.session(row, clock.now()) for row in listed}

    def _put(self, message: Payload) -> None:
        known = self.messages.setdefault(message["session"], {})
        if known and message["position"] > max(known) + 1:
            known.clear()  # too much is missing: a client reads the transcript
        known[message["position"]] = message

    def _grow(self, delta: Payload) -> None:
        [reply] = [
            message
            for message in self.messages[delta["session"]].values()
            if message["id"] == delta["message"]
        ]
        assert reply["attempt"] == delta["attempt"]
        assert len(reply["content"]) == delta["offset"], "a doubled or missing piece"
        assert delta["text"]
        reply["content"] += delta["text"]

    def assert_has_what_is_stored(self) -> None:
        """Everything this reader shows is what the database has now."""
        now = clock.now()
        stored = chat_sessions.recent_sessions(self.owner)
        shown = {pk: row for pk, row in self.sessions.items() if row["message_count"]}
        assert shown == {str(row.pk): payloads.session(row, now) for row in stored}
        for row in stored:
            if row.is_active(now) or row.is_running(now):
                told = [payloads.message(message, now) for message in rows(row)]
                known = self.messages[str(row.pk)]
                assert list(known.values()) == told[min(known) :], "in another order, or not all"
                assert len(known) >= min(2, len(told))
