"""The verbs on a reply: stop, retry, and recover what a dead worker left behind."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db.models import OuterRef, Subquery

from django_chat_sessions import clock
from django_chat_sessions.conf import app_settings
from django_chat_sessions.exceptions import (
    NothingToRetry,
    SessionEnded,
    SessionNotFound,
    TurnInProgress,
)
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession, ReplyState
from django_chat_sessions.owners import Owner
from django_chat_sessions.querysets import UNFINISHED
from django_chat_sessions.services.limiting import refuse_excess
from django_chat_sessions.services.opening import latest_activity
from django_chat_sessions.services.races import (
    compare_and_set,
    read_again,
    survives_races,
    with_latest,
)
from django_chat_sessions.services.replies.control import ask_again, mark_interrupted, stop_replies
from django_chat_sessions.services.replies.runners import first_lease, hand_over
from django_chat_sessions.services.replies.writing import after_reply
from django_chat_sessions.services.tables import (
    after_commit,
    in_batches,
    messages,
    sessions,
    short_transaction,
)

logger = logging.getLogger(__name__)
BATCH = 500
MOST_ATTEMPTS = 100  # of one reply: each may cost a model call


def last_reply(session: AbstractChatSession) -> AbstractChatMessage | None:
    """Return the latest message that is a reply; 1 statement."""
    replies = messages().filter(session=session.pk).exclude(state="")
    return replies.order_by("-position").first()


@survives_races
def stop(session: AbstractChatSession) -> AbstractChatMessage | None:
    """Stop the reply that is being written; what is stored of it stays. Return the last reply.

    Deliberate activity: the idle clock starts again. Without a running reply nothing changes.
    Its worker finds out at its next write, and what it writes later is refused.
    Sends ``turn_failed`` with state ``stopped``. 5 statements, 2 when nothing is running.
    """
    read_again(session)

    def step(known: AbstractChatSession) -> None:
        now = clock.now()
        if not known.is_running(now):
            return
        with short_transaction(known):
            stopped = stop_replies(known)
            text = stopped[-1].content if stopped else ""
            compare_and_set(known, **{**after_reply(known, text), "running_until": None})

    with_latest(session, step)
    return last_reply(session)


@survives_races
def retry(session: AbstractChatSession) -> AbstractChatMessage:
    """Ask the RESPONDER again for the last reply, which failed, was stopped or was interrupted.

    The question stays as it is; the reply begins anew, with the next ``attempt``. Returns it.
    Deliberate activity. Raises NothingToRetry (also after 100 attempts), TurnInProgress,
    SessionEnded (reopen it first), TooManyMessages (LIMITS). 3 statements, 1 or 2 more for LIMITS,
    if there are any.
    """

    def step(known: AbstractChatSession) -> AbstractChatMessage:
        now = clock.now()
        latest = list(messages().filter(session=known.pk).order_by("-position")[:2])
        reply: AbstractChatMessage | None = latest[0] if latest else None
        state = "" if reply is None else reply.reply_state(now)
        if reply is not None and state in UNFINISHED:
            raise TurnInProgress(known, reply)
        if reply is None or not _can_be_asked_again(state) or reply.attempt >= MOST_ATTEMPTS:
            raise NothingToRetry(known)
        refuse_excess(Owner.of(known), now, asks=True)
        asked = latest[-1].content
        ask_again(reply, known, ReplyState.PENDING, first_lease(), question=asked)
        after_commit(partial(hand_over, reply, known))
        return reply

    return with_latest(session, step)


def _can_be_asked_again(state: str) -> bool:
    again = {ReplyState.FAILED, ReplyState.STOPPED, ReplyState.INTERRUPTED}
    return state in again and app_settings.RESPONDER is not None


@dataclass(frozen=True, slots=True)
class Recovered:
    """How many replies that dead workers had left were asked for again, and how many were not."""

    retried: int = 0
    interrupted: int = 0


def recover(*, dry_run: bool = False, ended: bool = False) -> Recovered:
    """Deal with every reply of an open session that a dead worker left behind.

    With ``ended`` also those of sessions that have ended meanwhile, which are interrupted; that
    reads the whole table of sessions, and is for cron.

    A reply is asked for again until it has had REPLY_ATTEMPTS; after that it is interrupted, and
    its reader may ask. Safe beside live traffic and beside itself. Run by a starting worker and by
    ``clear_chat_sessions``; a reader does it for its own sessions. Sends ``turn_failed``.
    1 statement, 1 more for each 500 sessions with such a reply, and up to 4 for each reply.
    """
    if dry_run:
        return _would_recover(clock.now(), ended)
    done: list[ReplyState | None] = []
    for batch in in_batches(sessions().left_behind(clock.now(), ended=ended), BATCH):
        done += [recover_session(session) for session in batch]
    return Recovered(done.count(ReplyState.PENDING), done.count(ReplyState.INTERRUPTED))


def _would_recover(now: datetime, ended: bool) -> Recovered:
    lost = messages().filter(lease_until__lte=now).replies_running()
    left = sessions().left_behind(now, ended=ended)
    retried = 0
    if app_settings.RESPONDER is not None:
        again = lost.filter(attempt__lt=app_settings.REPLY_ATTEMPTS).values("session")
        still_open = left.filter(pk__in=again, open_key__isnull=False)
        retried = still_open.exclude(expires_at__lte=now).count()
    return Recovered(retried, left.filter(pk__in=lost.values("session")).count() - retried)


@survives_races
def recover_session(session: AbstractChatSession) -> ReplyState | None:
    """Deal with one session's reply that was left behind; return what it is now, if it was."""
    try:
        return with_latest(session, _recover)
    except (SessionEnded, SessionNotFound, TurnInProgress):  # somebody else was there first
        return None


def _recover(session: AbstractChatSession) -> ReplyState | None:
    now = clock.now()
    if session.running_until is None or session.is_running(now):
        return None
    lost = messages().filter(session=session.pk, lease_until__lte=now).replies_running()
    before = messages().filter(session=OuterRef("session"), position=OuterRef("position") - 1)
    question = Subquery(before.values("content")[:1])
    reply = lost.annotate(chat_question=question).order_by("-position").first()
    if reply is not None and _has_attempts_left(reply, session, now):
        asked = reply.chat_question or ""
        ask_again(reply, session, ReplyState.PENDING, first_lease(), question=asked)
        after_commit(partial(hand_over, reply, session))
        logger.info("Reply %s was left behind and is asked for again.", reply.pk)
        return ReplyState.PENDING
    with short_transaction(session):
        mark_interrupted(session, now)
        compare_and_set(session, **_without_running(session))
    return None if reply is None else ReplyState.INTERRUPTED


def _without_running(session: AbstractChatSession) -> dict[str, Any]:
    """Let go of the session so that it expires when it would have: the lease was its activity."""
    if session.open_key is None:  # over is over
        return {"running_until": None}
    until: Any = session.running_until
    return {"running_until": None, "last_activity_at": latest_activity(session, until)}


def _has_attempts_left(
    reply: AbstractChatMessage, session: AbstractChatSession, now: datetime
) -> bool:
    wanted = app_settings.RESPONDER is not None and session.is_active(now)
    return wanted and reply.attempt < app_settings.REPLY_ATTEMPTS
