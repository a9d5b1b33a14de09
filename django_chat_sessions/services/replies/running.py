"""Runs one reply: take it, ask the responder, store the text as it grows, finish it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import nullcontext
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.urls import set_script_prefix

from django_chat_sessions.conf import app_settings
from django_chat_sessions.exceptions import TurnLost
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession, ReplyState
from django_chat_sessions.services.excerpts import storable_data
from django_chat_sessions.services.outages import is_away
from django_chat_sessions.services.races import is_refusal
from django_chat_sessions.services.replies.growing import Growth
from django_chat_sessions.services.replies.leases import Lease, lease_keeper
from django_chat_sessions.services.replies.responding import ReplyTurn, pieces
from django_chat_sessions.services.replies.writing import cause_of, finish, take
from django_chat_sessions.services.tables import (
    borrowed_connection,
    in_transaction,
    is_pooled,
    let_go_of_connection,
    messages,
    no_transaction_left,
)

logger = logging.getLogger(__name__)

R = TypeVar("R")
AGAIN = 0.5  # seconds until a database that was away is tried again


def run(reply_id: Any) -> None:
    """Answer a pending reply. Does nothing when another worker has it or it has ended.

    Never raises for what a responder does, whatever that raises: the reply is stored as failed,
    with the error for staff; logs name the reply and the kind of error, never the text. Only
    KeyboardInterrupt is raised on after that: it is meant for the program.
    What a responder sets in context variables, such as the language, is gone with its answer.
    """
    copy_context().run(_run, reply_id)  # the next answer in this thread may be somebody else's


def _run(reply_id: Any) -> None:
    if settings.FORCE_SCRIPT_NAME:  # django.setup() told it to the program's first thread alone
        set_script_prefix(settings.FORCE_SCRIPT_NAME)
    is_private = in_transaction()
    taken = _waiting_for_database(reply_id, "to be begun", partial(_take, reply_id), is_private)
    if taken is None:
        return
    question, reply, session = taken
    growth = Growth(reply)
    with lease_keeper.keeping(reply, session, growth) as lease:
        turn = ReplyTurn(session, question, reply, growth) if question else None
        metadata, error = _tried(turn, lease)
        if error is None:
            error = _finish_answered(growth, metadata)
        if isinstance(error, TurnLost) and growth.is_lost:
            logger.info("Reply %s was taken away while it was being written.", reply.pk)
        elif error is not None:  # TurnLost, too: of another session that the responder talks in
            _fail(growth, error)
        if isinstance(error, KeyboardInterrupt):
            raise error


def _take(
    reply_id: Any,
) -> tuple[AbstractChatMessage | None, AbstractChatMessage, AbstractChatSession] | None:
    """Make the reply ours. Return what it answers, it and its session; None when it is not ours."""
    found = messages().filter(pk=reply_id).select_related("session__previous")
    reply = found.first()
    if reply is None:
        return None
    session = reply.session
    # Before it is taken: a database that goes away here leaves a reply that anybody may take.
    before = messages().filter(session=session.pk, position__lt=reply.position)
    question = before.order_by("-position").first()
    if not take(reply, session, is_held=lease_keeper.holds(reply)):
        return None
    return question, reply, session


def _tried(turn: ReplyTurn | None, lease: Lease) -> tuple[dict[str, Any], BaseException | None]:
    """Return the metadata of the answer, and what was raised instead.

    It is returned, because what a receiver of ``turn_failed`` raises while it is being handled is
    logged with it, and an error of a host's may quote what somebody wrote.
    """
    try:
        return _answer(turn, lease), None
    # A host's own code: gevent's Timeout and a panic of Rust's are no Exception, and a worker
    # that ends by them would leave the reply, and whoever waits behind it, to their leases.
    except BaseException as error:  # noqa: BLE001
        return {}, error


def _finish_answered(growth: Growth, metadata: dict[str, Any]) -> Exception | None:
    """Store the answer. Return the error of one that cannot be stored: it has failed."""
    try:
        _finish_quietly(growth, ReplyState.ANSWERED, metadata=metadata, unread=True)
    except Exception as error:
        # But a database that takes nothing now would not take a failure.
        if isinstance(error, DatabaseTrouble) and not is_refusal(error):
            raise
        return error
    return None


def _fail(growth: Growth, error: BaseException) -> None:
    logger.error("Reply %s failed: %s", growth.reply.pk, type(error).__name__)
    # Of a text that the database refuses, as much stays as it has taken.
    kept: dict[str, Any] = {"content": None} if is_refusal(error) else {}
    _finish_quietly(growth, ReplyState.FAILED, error=cause_of(error), **kept)


def _answer(turn: ReplyTurn | None, lease: Lease) -> dict[str, Any]:
    """Store what the responder gives as it comes; return the metadata it gave."""
    if turn is None:  # a host may have deleted it, and its reader asks again
        raise LookupError("The question of this reply is not there any more.")
    responder = app_settings.RESPONDER
    if responder is None:
        raise LookupError('CHAT_SESSIONS["RESPONDER"] is not set; nobody can answer.')
    growth = turn.growth
    let_go_of_connection()  # the answer may take a minute
    # Without a pool it is kept once there is a text: to connect twice a second would cost more.
    # Not tested for each piece: what cannot be stored yet is stored later.
    writing = partial(borrowed_connection, tested=False) if is_pooled() else nullcontext
    metadata: dict[str, Any] = {}
    with no_transaction_left():
        for piece in pieces(responder, turn):
            if isinstance(piece, dict):
                metadata.update(piece)
                continue
            with writing():
                growth.add(piece)
                if not (growth.is_private or growth.is_left_to_keeper):
                    lease.renew_if_due()
    if not growth.text.strip():
        raise ValueError("The RESPONDER gave no text.")
    stored: dict[str, Any] = storable_data(metadata)
    return stored


def _finish_quietly(growth: Growth, state: ReplyState, **facts: Any) -> None:
    """Store the end, unless it has another one by now."""
    reply = growth.reply
    given = {"content": growth.text, **facts}
    step = partial(finish, reply, reply.session, state, **given)
    try:
        _waiting_for_database(reply.pk, "to be finished", step, growth.is_private)
    except TurnLost:
        logger.info("Reply %s ended elsewhere; this answer is dropped.", reply.pk)


def _waiting_for_database(
    reply_id: Any, what_for: str, step: Callable[[], R], is_private: bool
) -> R:
    """Take a step. A database that is away is waited for: after the lease others may take over.

    Within a transaction of a caller's, which is broken then, the error is raised at once.
    """
    until = time.monotonic() + app_settings.REPLY_LEASE
    while True:
        try:
            return step()
        except DatabaseTrouble as error:
            is_hopeless = is_private or is_refusal(error) or not is_away(error)
            if is_hopeless or time.monotonic() >= until:
                raise
            logger.warning("Reply %s waits %s: %s", reply_id, what_for, type(error).__name__)
            let_go_of_connection()
            time.sleep(AGAIN)
