"""What people see of their conversations: the list, one session, its transcript; rename, delete."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError

from django_chat_sessions import clock
from django_chat_sessions.conf import app_settings
from django_chat_sessions.exceptions import SessionNotFound
from django_chat_sessions.models import (
    AbstractChatMessage,
    AbstractChatSession,
    EndReason,
)
from django_chat_sessions.owners import Owner
from django_chat_sessions.querysets import ChatSessionQuerySet
from django_chat_sessions.services.excerpts import storable
from django_chat_sessions.services.races import compare_and_set, survives_races, with_latest
from django_chat_sessions.services.replies.control import stop_replies
from django_chat_sessions.services.tables import (
    announce,
    messages,
    sessions,
    short_transaction,
    tell_readers,
)
from django_chat_sessions.signals import session_ended


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the history: the sessions after it come next."""

    last_message_at: datetime
    pk: Any


@dataclass(frozen=True, slots=True)
class Transcript:
    """One page of a conversation, oldest message first; ``before`` asks for the page above it."""

    messages: list[AbstractChatMessage]
    before: int | None


def find_session(owner: Owner, session_id: Any) -> AbstractChatSession:
    """Return the owner's session of that id; 1 statement.

    Raises SessionNotFound for everybody else's, exactly as for one that does not exist.
    """
    try:
        found: AbstractChatSession | None = next(
            iter(sessions().owned_by(owner).filter(pk=session_id)[:1]), None
        )
    except (ValidationError, ValueError, TypeError, OverflowError):  # not a key of this table
        found = None
    if found is None:
        raise SessionNotFound("There is no such chat session.")
    return found


def _listed(owner: Owner, scope: str | None) -> ChatSessionQuerySet:
    mine = sessions().owned_by(owner).in_history()
    return mine if scope is None else mine.filter(scope=scope)


def recent_sessions(
    owner: Owner, limit: int | None = None, *, scope: str | None = None
) -> list[AbstractChatSession]:
    """Return the owner's latest conversations, all scopes unless one is named; 1 statement.

    ``limit`` defaults to HISTORY_LIMIT. Everything a list shows is on the row.
    """
    return list(_listed(owner, scope)[: limit or app_settings.HISTORY_LIMIT])


def history_page(
    owner: Owner, *, limit: int, after: Place | None = None, scope: str | None = None
) -> tuple[list[AbstractChatSession], Place | None]:
    """Return one page of the history and the place where the next begins; 1 statement."""
    listed = _listed(owner, scope)
    if after is not None:
        listed = listed.before(after.last_message_at, after.pk)
    rows = list(listed[: limit + 1])
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], Place(rows[limit - 1].last_message_at, rows[limit - 1].pk)


def transcript(
    session: AbstractChatSession, limit: int = 50, before: int | None = None
) -> Transcript:
    """Return the newest messages, or the newest before a position; 1 statement, no COUNT."""
    page = messages().filter(session=session.pk)
    if before is not None:
        page = page.filter(position__lt=before)
    rows = list(page.order_by("-position")[: limit + 1])
    shown = rows[:limit][::-1]
    return Transcript(shown, shown[0].position if len(rows) > limit else None)


def rename(session: AbstractChatSession, title: str) -> AbstractChatSession:
    """Give the session a title; 1 statement. Not an activity."""
    session.title = storable(title)
    sessions().filter(pk=session.pk).update(title=session.title)
    tell_readers(session)
    return session


def mark_read(session: AbstractChatSession) -> AbstractChatSession:
    """Note that the session's answers have been seen; 1 statement. Not an activity."""
    if sessions().filter(pk=session.pk, unread=True).update(unread=False):
        tell_readers(session)
    session.unread = False
    return session


@survives_races
def delete(session: AbstractChatSession) -> None:
    """Take the session out of its owner's sight; the next purge removes the rows. 1 statement.

    An answer that is being written is stopped, for 2 statements more. Sends ``session_ended`` if
    it was open, ``turn_failed`` if an answer was stopped.
    """

    def step(known: AbstractChatSession) -> None:
        if known.deleted_at is not None:
            return
        now = clock.now()
        was_open = known.open_key is not None
        changes: dict[str, Any] = {"deleted_at": now, "open_key": None, "running_until": None}
        if was_open:
            changes |= {"ended_at": now, "end_reason": EndReason.DELETED.value}
        with short_transaction(known):
            if known.running_until is not None:
                stop_replies(known)
            compare_and_set(known, **changes)
            if was_open:
                announce(session_ended, known, reason=EndReason.DELETED.value)

    with_latest(session, step)
