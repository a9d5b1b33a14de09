"""The other side of a reply: the queue it is handed to, its workers, and who answers at once."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any, ClassVar

from django.db import connection

from django_chat_sessions.exceptions import SessionNotFound, TurnLost
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession, ReplyState
from django_chat_sessions.services.replies import running, writing

FAILING = "Fail!"  # the beginning of a question that nobody can answer


class Queue:
    """A runner that keeps what it is handed, until some worker comes, or none."""

    patience = None
    items: ClassVar[list[tuple[AbstractChatMessage, AbstractChatSession]]] = []

    def submit(self, reply: AbstractChatMessage, session: AbstractChatSession) -> None:
        """Keep copies: a queue takes what it is given as it is at that moment."""
        assert not connection.in_atomic_block, "handed over before its transaction was committed"
        self.items.append((copy(reply), copy(session)))


def respond(turn: Any) -> Iterator[str]:
    """Answer with the question, or break down in the middle."""
    yield "You asked"
    if turn.question.startswith(FAILING):
        raise ValueError("This is asked for.")
    yield f": {turn.question}"


class Workers:
    """Every worker that was ever given a reply to write, also those that sleep or are dead."""

    def __init__(self) -> None:
        self.writing: list[tuple[AbstractChatMessage, AbstractChatSession]] = []

    def take(self, item: int) -> bool:
        """Let a new worker take what was handed over, as the queue has it."""
        handed = Queue.items[item]
        reply, session = copy(handed[0]), copy(handed[1])
        is_ours = writing.take(reply, session)
        if is_ours:
            self.writing.append((reply, session))
        return is_ours

    def write(self, worker: int, text: str) -> bool:
        reply, _session = self.writing[worker]
        return _wins(writing.save_text, reply, text)

    def renew(self, worker: int) -> bool:
        return _wins(writing.renew, *self.writing[worker])

    def finish(self, worker: int, state: str, text: str, *, unread: bool) -> bool:
        reply, session = self.writing[worker]
        facts: Any = {"content": text, "unread": unread}
        return _wins(writing.finish, reply, session, ReplyState(state), **facts)

    def run(self, item: int) -> None:
        """Do all that a worker does with what was handed over, at once."""
        running.run(Queue.items[item][0].pk)


def _wins(write: Any, *arguments: Any, **facts: Any) -> bool:
    try:
        write(*arguments, **facts)
    except (TurnLost, SessionNotFound):
        return False
    return True
