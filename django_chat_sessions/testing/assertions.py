"""Assertions in the words of a conversation; all look at what the database has."""

from __future__ import annotations

from collections.abc import Sequence

from django_chat_sessions import clock
from django_chat_sessions.models import AbstractChatSession
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.tables import messages, sessions


def _stored(session: AbstractChatSession) -> AbstractChatSession:
    row: AbstractChatSession | None = sessions().filter(pk=session.pk).first()
    if row is None:
        raise AssertionError(f"Chat session {session.pk} is not in the database.")
    return row


def assert_conversation(session: AbstractChatSession, expected: Sequence[tuple[str, str]]) -> None:
    """Assert that the session holds exactly these messages: (role, text), in order."""
    rows = list(messages().filter(session=session.pk).in_order())
    said = [(row.role, row.content) for row in rows]
    if said != list(expected):
        raise AssertionError(f"The conversation is {said}, not {list(expected)}.")
    counted = _stored(session).message_count
    if [row.position for row in rows] != list(range(counted)):
        places = [row.position for row in rows]
        raise AssertionError(f"The messages stand at {places}, and the session counts {counted}.")


def assert_one_open_session(owner: Owner, scope: str = "") -> AbstractChatSession:
    """Assert that one session of the owner and scope takes messages now; return it."""
    now = clock.now()
    mine = sessions().owned_by(owner).about(scope)
    active: list[AbstractChatSession] = [row for row in mine if row.is_active(now)]
    if len(active) != 1:
        raise AssertionError(f"{len(active)} of {len(mine)} sessions are open, not 1.")
    return active[0]


def assert_state(session: AbstractChatSession, expected: str) -> None:
    """Assert that the session is ``active``, ``expired`` or ``ended`` now."""
    state = _stored(session).state(clock.now())
    if state != expected:
        raise AssertionError(f"Chat session {session.pk} is {state}, not {expected}.")
