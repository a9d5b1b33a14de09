"""What people do with their conversations: rename, pin, archive, delete and take it back."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from django_chat_sessions import clock
from django_chat_sessions.exceptions import SessionNotFound
from django_chat_sessions.models import AbstractChatSession, EndReason, Role
from django_chat_sessions.owners import Owner
from django_chat_sessions.querysets import is_text
from django_chat_sessions.services.excerpts import fitting, storable, title_from
from django_chat_sessions.services.history import find_also_deleted
from django_chat_sessions.services.opening import close
from django_chat_sessions.services.races import (
    compare_and_set,
    read_again,
    survives_races,
    with_latest,
)
from django_chat_sessions.services.replies.control import stop_replies
from django_chat_sessions.services.retention import UNDO_SECONDS
from django_chat_sessions.services.tables import (
    announce,
    messages,
    sessions,
    short_transaction,
    tell_readers,
)
from django_chat_sessions.signals import session_ended


def _note(session: AbstractChatSession, **values: Any) -> AbstractChatSession:
    """Write what no other verb decides by; 1 statement. Raises SessionNotFound when it is gone."""
    if not sessions().filter(pk=session.pk).update(**values):
        raise SessionNotFound(f"Chat session {session.pk} is gone.")
    for name, value in values.items():
        setattr(session, name, value)
    tell_readers(session)
    return session


@survives_races
def rename(session: AbstractChatSession, title: str) -> AbstractChatSession:
    """Give the session a title; 1 statement. Not an activity.

    Raises ValueError for one that is longer than its column (200 characters).
    """
    return _note(session, title=fitting(session.__class__, "title", storable(title)))


@survives_races
def suggest_title(session: AbstractChatSession, title: str) -> AbstractChatSession:
    """Give the session a title, such as a model writes, unless somebody has given it one.

    It replaces only the title made of the first message, once: what a person wrote stays.
    Cut to one line of 80 characters. Not an activity. 2 statements, none for a blank title.
    """
    suggested = title_from(storable(title))
    table = sessions()
    if not suggested or not is_text(table, "title"):
        return session
    said = messages().filter(session=session.pk, role=Role.USER.value).in_order()
    first = said.values_list("content", flat=True).first() or ""
    untouched = table.filter(Q(title="") | table.exactly("title", title_from(first)), pk=session.pk)
    if untouched.update(title=suggested):
        session.title = suggested
        tell_readers(session)
    return session


@survives_races
def pin(session: AbstractChatSession) -> AbstractChatSession:
    """Keep the session at the top of the history; 1 statement. Not an activity.

    The session pinned last comes first.
    """
    if session.pinned_at is not None:
        read_again(session)  # what is held may be old, and nothing need be written to find out
    return session if session.pinned_at is not None else _note(session, pinned_at=clock.now())


@survives_races
def unpin(session: AbstractChatSession) -> AbstractChatSession:
    """Let the session go back to its place in the history; 1 statement. Not an activity."""
    return _note(session, pinned_at=None)


@survives_races
def archive(session: AbstractChatSession) -> AbstractChatSession:
    """Put the session away: out of the history, into the list of archived ones.

    An open one ends with reason ``user``, so that the next message does not go where nobody
    looks; reopening brings it back into the history. Sends ``session_ended`` if it was open.
    1 statement, 2 if it was open.
    """

    def step(known: AbstractChatSession) -> None:
        if known.archived_at is not None:
            read_again(known)  # what is held may be old, and nothing need be written to find out
            if known.archived_at is not None:
                return
        now = clock.now()
        with short_transaction(known):
            if known.open_key is not None:
                close(known, EndReason.USER.value, now)
            compare_and_set(known, archived_at=now)

    with_latest(session, step)
    return session


@survives_races
def unarchive(session: AbstractChatSession) -> AbstractChatSession:
    """Put the session back into the history; 1 statement. Not an activity, nor a reopening."""
    return _note(session, archived_at=None)


@survives_races
def mark_read(session: AbstractChatSession) -> AbstractChatSession:
    """Note that the session's answers have been seen; 1 statement. Not an activity."""
    if sessions().filter(pk=session.pk, unread=True).update(unread=False):
        tell_readers(session)
    session.unread = False
    return session


@survives_races
def delete(session: AbstractChatSession) -> None:
    """Take the session out of its owner's sight; a day later a purge removes it. 1 statement.

    Until then ``restore`` brings it back. One that has expired already ends as expired. An answer
    that is being written is stopped, for 2 statements more. Sends ``session_ended`` if it was
    open, ``turn_failed`` if an answer was stopped.
    """

    def step(known: AbstractChatSession) -> None:
        if known.deleted_at is not None:
            read_again(known)  # what is held may be old: it may have been restored
            if known.deleted_at is not None:
                return
        now = clock.now()
        was_open, reason = known.open_key is not None, EndReason.DELETED.value
        changes: dict[str, Any] = {"deleted_at": now, "open_key": None, "running_until": None}
        if known.is_lapsed(now):  # as if a sweep had passed before
            reason = known.final_reason(now)
            changes |= {"ended_at": known.final_moment(now), "end_reason": reason}
        elif was_open:
            changes |= {"ended_at": now, "end_reason": reason}
        with short_transaction(known):
            if known.running_until is not None:
                stop_replies(known)
            compare_and_set(known, **changes)
            if was_open:
                announce(session_ended, known, reason=reason)

    with_latest(session, step)


@survives_races
def restore(owner: Owner, session_id: Any) -> AbstractChatSession:
    """Bring back a session that its owner deleted less than a day ago; 2 statements.

    One that was open has ended, with reason ``user``: it can be reopened. One that is not
    deleted stays as it is. Raises SessionNotFound after that day, and for everybody else's.
    """
    session = find_also_deleted(owner, session_id)

    def step(known: AbstractChatSession) -> None:
        if known.deleted_at is None:
            return
        if clock.seconds_between(known.deleted_at, clock.now()) >= UNDO_SECONDS:
            raise SessionNotFound("There is no such chat session.")
        was_open = known.end_reason == EndReason.DELETED
        reason = EndReason.USER.value if was_open else known.end_reason
        compare_and_set(known, deleted_at=None, end_reason=reason)

    with_latest(session, step)
    return session
