"""What others than its worker do to a reply: stop it, ask for it again, note that it was lost."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django_chat_sessions import clock
from django_chat_sessions.exceptions import SessionEnded, TurnInProgress
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession, ReplyState
from django_chat_sessions.querysets import UNFINISHED, ChatMessageQuerySet
from django_chat_sessions.services.excerpts import preview_of
from django_chat_sessions.services.opening import expiry, latest_activity
from django_chat_sessions.services.races import RaceLost, compare_and_set
from django_chat_sessions.services.replies.writing import ours
from django_chat_sessions.services.tables import announce, messages, short_transaction
from django_chat_sessions.signals import turn_failed


def ask_again(
    reply: AbstractChatMessage,
    session: AbstractChatSession,
    state: ReplyState,
    lease_seconds: float,
    *,
    question: str = "",
) -> None:
    """Begin a reply that failed, was stopped or was left behind anew; 2 statements together.

    ``running`` makes it ours to write, ``pending`` is for a runner. An activity, as the message
    was: the session is held open for the new attempt. The history shows the ``question`` again, and
    no longer what was written before.
    Raises SessionEnded, TurnInProgress; RaceLost when another was faster.
    """
    now = clock.now()
    if not session.is_active(now):
        raise SessionEnded(session)
    if session.is_running(now) or reply.reply_state(now) in UNFINISHED:
        raise TurnInProgress(session, reply)
    lease = clock.after(now, lease_seconds)
    token = uuid.uuid4() if state == ReplyState.RUNNING else None
    facts: dict[str, Any] = {"state": state.value, "token": token, "lease_until": lease}
    facts |= {"attempt": reply.attempt + 1, "error": "", "content": ""}
    as_read = messages().filter(pk=reply.pk, state=reply.state, attempt=reply.attempt)
    preview = {"preview": preview_of(question)} if question else {}
    with short_transaction(session):
        if not as_read.filter(token=reply.token, lease_until=reply.lease_until).update(**facts):
            raise RaceLost(f"Reply {reply.pk} changed meanwhile.")
        compare_and_set(
            session,
            running_until=lease,
            last_activity_at=latest_activity(session, now),
            expires_at=expiry(session, last_activity_at=latest_activity(session, lease)),
            **preview,
        )
    for name, value in facts.items():
        setattr(reply, name, value)


def mark_interrupted(session: AbstractChatSession, now: datetime) -> None:
    """Write down that a reply whose lease has passed was left behind; 1 SELECT and 1 UPDATE.

    Sends ``turn_failed``.
    """
    lost = messages().filter(session=session.pk, lease_until__lte=now)
    _take_away(session, lost, ReplyState.INTERRUPTED)


def stop_replies(session: AbstractChatSession) -> list[AbstractChatMessage]:
    """Stop what is being written and return it; 1 SELECT and 1 UPDATE. Sends ``turn_failed``."""
    return _take_away(session, messages().filter(session=session.pk), ReplyState.STOPPED)


def _take_away(
    session: AbstractChatSession, replies: ChatMessageQuerySet, state: ReplyState
) -> list[AbstractChatMessage]:
    final = {"state": state.value, "lease_until": None, "token": None}
    taken = []
    for reply in replies.replies_running().in_order():
        still = messages().filter(pk=reply.pk).replies_running()  # stopped, whoever writes it
        if state == ReplyState.INTERRUPTED:  # it may have been claimed or renewed since
            still = ours(reply).filter(lease_until=reply.lease_until)
        if still.update(**final):
            for name, value in final.items():
                setattr(reply, name, value)
            announce(turn_failed, session, reply=reply, state=state.value)
            taken.append(reply)
    return taken
