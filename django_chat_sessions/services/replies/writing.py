"""The only writes to a reply. Each carries the token of the worker that may make it."""

from __future__ import annotations

import uuid
from copy import copy
from datetime import datetime
from functools import partial
from typing import Any

from django_chat_sessions import clock
from django_chat_sessions.conf import app_settings
from django_chat_sessions.exceptions import SessionNotFound, TurnLost
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession, ReplyState
from django_chat_sessions.querysets import ChatMessageQuerySet
from django_chat_sessions.services.excerpts import preview_of, storable
from django_chat_sessions.services.opening import expiry, latest_activity
from django_chat_sessions.services.races import (
    compare_and_set,
    moving,
    read_again,
    survives_races,
    with_latest,
)
from django_chat_sessions.services.tables import (
    announce,
    messages,
    short_transaction,
    tell_readers,
)
from django_chat_sessions.services.together import Change, write
from django_chat_sessions.signals import turn_answered, turn_failed


@survives_races
def take(
    reply: AbstractChatMessage, session: AbstractChatSession, *, is_held: bool = False
) -> bool:
    """Make a pending reply ours to write and hold its session open meanwhile.

    2 statements together. False when another worker has it, or it is over: its lease, too, unless
    the reply ``is_held`` by this process, which could not renew it while the database was away.
    """
    facts: dict[str, Any] = {"state": ReplyState.RUNNING.value, "token": uuid.uuid4()}

    def step(known: AbstractChatSession) -> bool:
        now = clock.now()
        facts["lease_until"] = lease = clock.after(now, app_settings.REPLY_LEASE)
        pending = messages().filter(pk=reply.pk, state=ReplyState.PENDING)
        if not is_held:
            pending = pending.filter(lease_until__gt=now)
        with short_transaction(known):
            # The attempt too: whoever read an earlier one must not run the one that followed.
            if not pending.filter(attempt=reply.attempt).update(**facts):
                return False
            if pinned := _pinned(known, lease, now):
                compare_and_set(known, **pinned)
        return True

    try:
        is_ours = with_latest(session, step)
    except SessionNotFound:  # purged this very moment; so is the reply
        return False
    if is_ours:
        for name, value in facts.items():
            setattr(reply, name, value)
    return is_ours


def _pinned(session: AbstractChatSession, lease: datetime, now: datetime) -> dict[str, Any]:
    """Return what holds the session open until the lease ends; nothing when either is over.

    Written together with the reply's own lease: in between, others would take the worker for dead.
    """
    if session.running_until is None or session.is_lapsed(now):
        return {}
    expires_at = expiry(session, last_activity_at=latest_activity(session, lease))
    return {"running_until": lease, "expires_at": expires_at}


def ours(reply: AbstractChatMessage) -> ChatMessageQuerySet:
    """The reply, as long as it is still ours and still unfinished."""
    return messages().filter(pk=reply.pk, token=reply.token).replies_running()


def growing(reply: AbstractChatMessage, **values: Any) -> Change:
    """Return the change of a reply that is still ours and still unfinished."""
    known = {"pk": reply.pk, "token": reply.token}
    unfinished = ChatMessageQuerySet.replies_running
    return Change(reply, messages(), known, values, partial(lost, reply), unfinished)


def lost(reply: AbstractChatMessage) -> TurnLost:
    """Return the error of a reply that is not ours any more."""
    return TurnLost(f"Reply {reply.pk} is no longer ours to write.")


@survives_races
def save_text(reply: AbstractChatMessage, content: str) -> None:
    """Store the answer as far as it has come; one UPDATE. Raises TurnLost."""
    write(growing(reply, content=storable(content)))
    tell_readers(reply.session)


@survives_races
def renew(reply: AbstractChatMessage, session: AbstractChatSession) -> None:
    """Renew the lease and keep the session from expiring; 3 statements, on PostgreSQL 2.

    Raises TurnLost.
    """
    read_again(session)

    def step(known: AbstractChatSession) -> None:
        now = clock.now()
        # An expired session stays expired: whoever slept through both comes too late.
        if known.is_lapsed(now):
            raise lost(reply)
        lease = clock.after(now, app_settings.REPLY_LEASE)
        held = growing(copy(reply), lease_until=lease)  # its worker has the row itself in hand
        if pinned := _pinned(known, lease, now):
            write(held, moving(known, **pinned))
            tell_readers(known)
        else:
            write(held)

    with_latest(session, step)


@survives_races
def finish(
    reply: AbstractChatMessage,
    session: AbstractChatSession,
    state: ReplyState,
    *,
    content: str | None = None,
    metadata: dict[str, Any] | None = None,
    error: str = "",
    unread: bool = False,
) -> None:
    """Store how the reply ended and let the idle clock start again; 2 statements, on PostgreSQL 1.

    ``error`` is for staff; ``unread`` says that nobody may have seen the answer yet.
    Sends ``turn_answered`` or ``turn_failed``. Raises TurnLost.
    """
    final: dict[str, Any] = {"state": state.value, "error": storable(error), "lease_until": None}
    if content is not None:
        final["content"] = storable(content)
    if metadata:
        final["metadata"] = {**(reply.metadata or {}), **metadata}

    def step(known: AbstractChatSession) -> None:
        changes = after_reply(known, final.get("content", reply.content))
        if unread:
            changes["unread"] = True
        write(growing(reply, **final), moving(known, **changes))
        tell_readers(known)
        if state == ReplyState.ANSWERED:
            announce(turn_answered, known, reply=reply)
        else:
            announce(turn_failed, known, reply=reply, state=state.value)

    with_latest(session, step)


def cause_of(error: BaseException) -> str:
    """Return what staff may read of an error: its kind and, if it can be had, its text."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001  an error of a host's, or one that names a number too long
        return type(error).__name__


def after_reply(session: AbstractChatSession, content: str) -> dict[str, Any]:
    """Return what changes on the session when its reply ends now."""
    now = clock.now()
    changes: dict[str, Any] = {"last_message_at": max(now, session.last_message_at or now)}
    if not session.is_lapsed(now):  # an answer that comes too late does not bring it back
        activity = latest_activity(session, now)
        expires_at = expiry(session, last_activity_at=activity)
        changes |= {"last_activity_at": activity, "expires_at": expires_at, "running_until": None}
    if content:
        changes["preview"] = preview_of(content)
    return changes
