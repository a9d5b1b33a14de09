"""What is asked of the package, and of the bare view in its place."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from django_chat_sessions import services
from django_chat_sessions.models import AbstractChatSession
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.tables import sessions

SAID = "What happens to water when it freezes, and why does ice float on the lake in winter?"
# A count that no other number in a statement is, so that a replay knows it when it sees it.
MANY = 1_000_000
_numbers = itertools.count(10_000_000)


@dataclass(frozen=True)
class Endpoint:
    """One request of a person; ``{session}`` in the route is the open session."""

    name: str
    method: str
    route: str
    body: dict[str, Any] = field(default_factory=dict)

    def sent(self) -> dict[str, Any] | None:
        """Return the body of the next request: each message has a key of its own."""
        if self.method == "GET":
            return None
        return self.body | ({"key": f"key-{next(_numbers)}"} if "content" in self.body else {})


ENDPOINTS = (
    Endpoint("look at the open session", "GET", "sessions/current"),
    Endpoint("resume: note an activity", "POST", "sessions/{session}/touch"),
    Endpoint("append: send a message", "POST", "messages", {"content": SAID}),
    Endpoint("list of 30", "GET", "sessions?limit=30"),
    Endpoint("page of 50", "GET", "sessions/{session}/messages?limit=50"),
    Endpoint("rename", "PATCH", "sessions/{session}", {"title": "Why ice floats"}),
)


def open_conversation(owner: Owner, turns: int = 60) -> AbstractChatSession:
    """Give the owner an open session in which much was said, and return it."""
    session = services.resume_or_start(owner).opened
    for number in range(turns):
        services.add_message(session, "user", f"{number}: {SAID}")
        services.add_message(session, "assistant", f"{number}: {SAID * 4}")
    sessions().filter(pk=session.pk).update(message_count=MANY)
    session.refresh_from_db()
    return session
