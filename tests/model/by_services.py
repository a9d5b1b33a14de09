"""The package by its Python verbs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import wraps
from typing import Any, TypeVar

from django.contrib.auth import get_user_model

from django_chat_sessions import exceptions, services
from django_chat_sessions.models import AbstractChatSession
from django_chat_sessions.owners import Owner
from tests.model.reference import Refused
from tests.model.views import View, arrival_view, message_view, refused, session_view

USERS = ("ada", "eve")
VISITORS = ("vera", "vito")
R = TypeVar("R")
CODES = {
    exceptions.SessionNotFound: "not_found",
    exceptions.SessionEnded: "session_ended",
    exceptions.TurnInProgress: "turn_in_progress",
    exceptions.NothingToRetry: "nothing_to_retry",
    exceptions.KeyReused: "key_reused",
}


@contextmanager
def translated() -> Iterator[None]:
    """Let an exception of the package's be a refusal of the model's."""
    try:
        yield
    except exceptions.ChatSessionsError as error:
        session, other = getattr(error, "session", None), getattr(error, "current", None)
        reply = getattr(error, "reply", None)
        facts = {
            "session": None if session is None else session_view(session),
            "current": None if other is None else session_view(other),
            "running": None if reply is None else message_view(reply),
        }
        raise refused(CODES[type(error)], facts) from error


def speaks(verb: Callable[..., R]) -> Callable[..., R]:
    """Translate what a way of asking raises."""

    @wraps(verb)
    def wrapper(*args: Any, **kwargs: Any) -> R:
        with translated():
            return verb(*args, **kwargs)

    return wrapper


class ByServices:
    """What the owners ask for, as calls of the verbs."""

    def __init__(self) -> None:
        users: Any = get_user_model()
        self.owners = {
            name: Owner.for_user(users.objects.get_or_create(username=name)[0]) for name in USERS
        }
        self.owners |= {name: Owner.for_visitor(f"the key of {name}") for name in VISITORS}
        self._seen: dict[str, AbstractChatSession] = {}

    def reset(self) -> None:
        """Forget what was seen; the rows are gone."""
        self._seen.clear()

    def _find(self, owner: str, session: str, *, stale: bool = False) -> AbstractChatSession:
        found = services.find_session(self.owners[owner], session)
        # A copy, as another process would have it: a verb changes what it is given.
        known = self._seen.get(session) if stale else None
        self._seen.setdefault(session, copy(found))
        return found if known is None else copy(known)

    # Reading

    @speaks
    def look(self, owner: str, scope: str) -> View:
        arrival = services.look(self.owners[owner], scope)
        current = services.current(self.owners[owner], scope)
        assert current == arrival.session
        return arrival_view(arrival)

    @speaks
    def history(self, owner: str, *, archived: bool = False, size: int = 100) -> list[View]:
        rows, place = services.history_page(self.owners[owner], limit=size, archived=archived)
        while place is not None:
            more, place = services.history_page(
                self.owners[owner], limit=size, archived=archived, after=place
            )
            rows += more
        return [session_view(row) for row in rows]

    @speaks
    def transcript(self, owner: str, session: str) -> View:
        found = self._find(owner, session)
        page = services.transcript(found, limit=100)
        return {
            "session": session_view(found),
            "messages": [message_view(each) for each in page.messages],
        }

    @speaks
    def updates(self, owner: str, since: str | None) -> View:
        found = services.updates(self.owners[owner], since)
        return {
            "cursor": found.cursor,
            "sessions": [session_view(row) for row in found.sessions],
            "messages": [message_view(row) for row in found.messages],
            "deltas": [
                {"message": str(each.reply.pk), "offset": each.offset, "text": each.text}
                for each in found.grown
            ],
        }

    # Acting

    @speaks
    def send(self, owner: str, content: str, key: str, scope: str, named: str | None) -> View:
        sent = services.send(self.owners[owner], content, key=key, scope=scope, session_id=named)
        arrival = {**arrival_view(sent.arrival), "session": session_view(sent.session)}
        reply = None if sent.reply is None else message_view(sent.reply)
        return {
            "arrival": arrival,
            "message": message_view(sent.message),
            "reply": reply,
            "created": sent.created,
        }

    @speaks
    def start(self, owner: str, scope: str) -> View:
        return arrival_view(services.start(self.owners[owner], scope))

    @speaks
    def resume_or_start(self, owner: str, scope: str) -> View:
        return arrival_view(services.resume_or_start(self.owners[owner], scope))

    @speaks
    def touch(self, owner: str, session: str) -> View:
        found = self._find(owner, session)
        is_open = services.touch(found)
        seen = session_view(found)
        assert is_open == (seen["state"] == "active")
        return seen

    @speaks
    def end(self, owner: str, session: str, *, stale: bool = False) -> View:
        return session_view(services.end(self._find(owner, session, stale=stale)))

    @speaks
    def reopen(self, owner: str, session: str, *, stale: bool = False) -> View:
        return arrival_view(services.reopen(self._find(owner, session, stale=stale)))

    @speaks
    def stop(self, owner: str, session: str, *, stale: bool = False) -> View:
        found = self._find(owner, session, stale=stale)
        reply = services.stop(found)
        return {
            "session": session_view(found),
            "reply": None if reply is None else message_view(reply),
        }

    @speaks
    def retry(self, owner: str, session: str, *, stale: bool = False) -> View:
        found = self._find(owner, session, stale=stale)
        reply = services.retry(found)
        return {"session": session_view(found), "reply": message_view(reply)}

    @speaks
    def organise(self, owner: str, session: str, what: str, title: str) -> View:
        found = self._find(owner, session)
        verb: Any = getattr(services, what)
        self._seen.pop(session, None)  # no other verb decides by these, or reads them again
        return session_view(verb(found, title) if what == "rename" else verb(found))

    @speaks
    def delete(self, owner: str, session: str, *, stale: bool = False) -> None:
        services.delete(self._find(owner, session, stale=stale))

    @speaks
    def restore(self, owner: str, session: str) -> View:
        return session_view(services.restore(self.owners[owner], session))

    @speaks
    def claim(self, visitor: str, user: str) -> None:
        services.claim(self.owners[visitor], self.owners[user])

    @speaks
    def erase(self, owner: str) -> None:
        services.erase(self.owners[owner])

    # Only here

    @speaks
    def add_message(
        self, owner: str, session: str, role: str, content: str, key: str | None, *, stale: bool
    ) -> View:
        found = self._find(owner, session, stale=stale)
        return message_view(services.add_message(found, role, content, key))

    @speaks
    def record_turn(
        self,
        owner: str,
        session: str,
        *,
        question: str,
        key: str,
        answer: str | None,
        meanwhile: Callable[[bool], None],
    ) -> View:
        """Answer in the host's own view, during which something happens."""
        found = self._find(owner, session)
        try:
            with services.record_turn(found, question, key=key) as turn:
                meanwhile(turn.created)
                turn.answer = answer if turn.created else turn.answer
                created, given = turn.created, turn.answer
        except exceptions.TurnLost:
            return {"created": True, "answer": answer, "lost": True}
        return {"created": created, "answer": given, "lost": False}

    @speaks
    def add_turn(
        self, owner: str, session: str, question: str, answer: str, key: str, *, stale: bool
    ) -> View:
        found = self._find(owner, session, stale=stale)
        turn = services.add_turn(found, question, answer, key=key)
        return {"created": turn.created, "answer": turn.answer}


__all__ = ["USERS", "VISITORS", "ByServices", "Refused", "translated"]
