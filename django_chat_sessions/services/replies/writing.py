"""The only writes to a reply. Each carries the token of the worker that may make it."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db.models import F

from django_chat_sessions import clock
from django_chat_sessions.conf import app_settings
from django_chat_sessions.exceptions import (
    SessionEnded,
    SessionNotFound,
    TurnInProgress,
    TurnLost,
)
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession, ReplyState
from django_chat_sessions.querysets import ChatMessageQuerySet
from django_chat_sessions.services.excerpts import preview_of, storable
from django_chat_sessions.services.opening import expiry
from django_chat_sessions.services.races import (
    RaceLost,
    compare_and_set,
    read_again,
    survives_races,
    with_latest,
)
from django_chat_sessions.services.tables import announce, messages, short_transaction
from django_chat_sessions.signals import turn_answered, turn_failed

UNFINISHED = (ReplyState.PENDING, ReplyState.RUNNING)


@survives_races
def claim(reply: AbstractChatMessage, session: AbstractChatSession) -> bool:
    """Make a pending reply ours to write and hold its session open meanwhile; 2 statements."""
    now = clock.now()
    token = uuid.uuid4()
    lease = clock.after(now, app_settings.REPLY_LEASE)
    claimed = messages().filter(pk=reply.pk, state=ReplyState.PENDING, lease_until__gt=now)
    if not claimed.update(
        state=ReplyState.RUNNING, token=token, lease_until=lease, attempt=F("attempt") + 1
    ):
        return False
    reply.state, reply.token, reply.lease_until = ReplyState.RUNNING.value, token, lease
    with suppress(SessionNotFound):  # purged this very moment; so is the reply
        _pin(session, lease)
    return True


def take_over(reply: AbstractChatMessage, session: AbstractChatSession) -> None:
    """Make a reply that failed or was left behind ours to write again; 2 statements together.

    Raises SessionEnded, TurnInProgress; RaceLost when another was faster.
    """
    now = clock.now()
    if not session.is_active(now):
        raise SessionEnded(session)
    if session.is_running(now) or reply.reply_state(now) in UNFINISHED:
        raise TurnInProgress(session, reply)
    token, lease = uuid.uuid4(), clock.after(now, app_settings.REPLY_LEASE)
    facts = {"state": ReplyState.RUNNING.value, "token": token, "lease_until": lease}
    facts |= {"attempt": reply.attempt + 1, "error": "", "content": ""}
    as_read = messages().filter(pk=reply.pk, state=reply.state, attempt=reply.attempt)
    with short_transaction(session):
        if not as_read.filter(token=reply.token).update(**facts):
            raise RaceLost(f"Reply {reply.pk} changed meanwhile.")
        compare_and_set(
            session,
            running_until=lease,
            last_activity_at=_latest(session, now),
            expires_at=expiry(session, last_activity_at=_latest(session, lease)),
        )
    for name, value in facts.items():
        setattr(reply, name, value)


def _latest(session: AbstractChatSession, moment: datetime) -> datetime:
    return max(moment, session.last_activity_at or moment)


@survives_races
def _pin(session: AbstractChatSession, lease: datetime) -> None:
    """Hold the session open until the lease ends, unless the turn or the session is over."""

    def step(known: AbstractChatSession) -> None:
        if known.running_until is None or known.is_lapsed(clock.now()):
            return
        expires_at = expiry(known, last_activity_at=_latest(known, lease))
        compare_and_set(known, running_until=lease, expires_at=expires_at)

    with_latest(session, step)


def _ours(reply: AbstractChatMessage) -> ChatMessageQuerySet:
    """The reply, as long as it is still ours and still unfinished."""
    return messages().filter(pk=reply.pk, token=reply.token).replies_running()


@survives_races
def save_text(reply: AbstractChatMessage, content: str) -> None:
    """Store the answer as far as it has come; one UPDATE. Raises TurnLost."""
    reply.content = storable(content)
    if not _ours(reply).update(content=reply.content):
        raise TurnLost(f"Reply {reply.pk} is no longer ours to write.")


@survives_races
def renew(reply: AbstractChatMessage, session: AbstractChatSession) -> None:
    """Renew the lease and keep the session from expiring; 3 statements. Raises TurnLost."""
    read_again(session)
    now = clock.now()
    lease = clock.after(now, app_settings.REPLY_LEASE)
    # An expired session stays expired: whoever slept through a lease and a timeout comes too late.
    if session.is_lapsed(now) or not _ours(reply).update(lease_until=lease):
        raise TurnLost(f"Reply {reply.pk} is no longer ours to write.")
    _pin(session, lease)


@survives_races
def finish(
    reply: AbstractChatMessage,
    session: AbstractChatSession,
    state: ReplyState,
    *,
    content: str | None = None,
    metadata: dict[str, Any] | None = None,
    error: str = "",
) -> None:
    """Store how the reply ended and let the idle clock start again; 2 statements together.

    ``error`` is for staff. Sends ``turn_answered`` or ``turn_failed``. Raises TurnLost.
    """
    final: dict[str, Any] = {"state": state.value, "error": storable(error), "lease_until": None}
    if content is not None:
        final["content"] = storable(content)
    if metadata:
        final["metadata"] = {**(reply.metadata or {}), **metadata}

    def step(known: AbstractChatSession) -> None:
        with short_transaction(known):
            if not _ours(reply).update(**final):
                raise TurnLost(f"Reply {reply.pk} is no longer ours to write.")
            compare_and_set(known, **_after_reply(known, final.get("content", reply.content)))
            for name, value in final.items():  # before the signal, which shows the reply
                setattr(reply, name, value)
            if state == ReplyState.ANSWERED:
                announce(turn_answered, known, reply=reply)
            else:
                announce(turn_failed, known, reply=reply, state=state.value)

    with_latest(session, step)


def _after_reply(session: AbstractChatSession, content: str) -> dict[str, Any]:
    now = clock.now()
    changes: dict[str, Any] = {"last_message_at": max(now, session.last_message_at or now)}
    if not session.is_lapsed(now):  # an answer that comes too late does not bring it back
        activity = _latest(session, now)
        expires_at = expiry(session, last_activity_at=activity)
        changes |= {"last_activity_at": activity, "expires_at": expires_at, "running_until": None}
    if content:
        changes["preview"] = preview_of(content)
    return changes


def mark_interrupted(session: AbstractChatSession, now: datetime) -> None:
    """Write down that a reply whose lease has passed was left behind; 1 SELECT and 1 UPDATE.

    Sends ``turn_failed``.
    """
    lost = messages().filter(session=session.pk, lease_until__lte=now)
    _take_away(session, lost, ReplyState.INTERRUPTED)


def stop_replies(session: AbstractChatSession) -> None:
    """Stop what is being written; 1 SELECT and 1 UPDATE. Sends ``turn_failed``."""
    _take_away(session, messages().filter(session=session.pk), ReplyState.STOPPED)


def _take_away(
    session: AbstractChatSession, replies: ChatMessageQuerySet, state: ReplyState
) -> None:
    final = {"state": state.value, "lease_until": None, "token": None}
    for reply in replies.replies_running().in_order():
        # Asked again: the lease may have been renewed since.
        if _ours(reply).filter(lease_until=reply.lease_until).update(**final):
            for name, value in final.items():
                setattr(reply, name, value)
            announce(turn_failed, session, reply=reply, state=state.value)
