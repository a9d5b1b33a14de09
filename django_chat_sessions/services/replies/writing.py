"""The only writes to a reply. Each carries the token of the worker that may make it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db.models import F

from django_chat_sessions import clock
from django_chat_sessions.conf import app_settings
from django_chat_sessions.exceptions import TurnLost
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession, ReplyState
from django_chat_sessions.querysets import ChatMessageQuerySet
from django_chat_sessions.services.excerpts import preview_of, storable
from django_chat_sessions.services.opening import expiry
from django_chat_sessions.services.races import compare_and_set, survives_races, with_latest
from django_chat_sessions.services.tables import announce, messages, short_transaction
from django_chat_sessions.signals import turn_answered, turn_failed


def claim(reply: AbstractChatMessage, now: datetime) -> bool:
    """Make a pending reply ours to write; one compare-and-set UPDATE."""
    token = uuid.uuid4()
    lease = clock.after(now, app_settings.REPLY_LEASE)
    claimed = messages().filter(pk=reply.pk, state=ReplyState.PENDING, lease_until__gt=now)
    if not claimed.update(
        state=ReplyState.RUNNING, token=token, lease_until=lease, attempt=F("attempt") + 1
    ):
        return False
    reply.state, reply.token, reply.lease_until = ReplyState.RUNNING.value, token, lease
    return True


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
    lease = clock.after(clock.now(), app_settings.REPLY_LEASE)
    if not _ours(reply).update(lease_until=lease):
        raise TurnLost(f"Reply {reply.pk} is no longer ours to write.")
    session.refresh_from_db(using=messages().db)
    with_latest(
        session,
        lambda known: compare_and_set(
            known, running_until=lease, expires_at=expiry(known, last_activity_at=lease)
        ),
    )


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
    activity = max(now, session.last_activity_at or now)
    changes: dict[str, Any] = {
        "running_until": None,
        "last_activity_at": activity,
        "last_message_at": max(now, session.last_message_at or now),
        "expires_at": expiry(session, last_activity_at=activity),
    }
    if content:
        changes["preview"] = preview_of(content)
    return changes


def mark_interrupted(session: AbstractChatSession, now: datetime) -> None:
    """Write down that replies whose lease has passed were left behind; one UPDATE."""
    lost = messages().filter(session=session.pk, lease_until__lte=now).replies_running()
    lost.update(state=ReplyState.INTERRUPTED, lease_until=None, token=None)
