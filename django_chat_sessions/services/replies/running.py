"""Runs one reply: claim it, ask the responder, store the text as it grows, finish it."""

from __future__ import annotations

import logging
import time
from asyncio import CancelledError
from typing import Any

from django_chat_sessions.conf import app_settings
from django_chat_sessions.exceptions import TurnLost
from django_chat_sessions.models import AbstractChatMessage, ReplyState
from django_chat_sessions.services.excerpts import storable_data
from django_chat_sessions.services.replies.leases import lease_keeper
from django_chat_sessions.services.replies.responding import ReplyTurn, pieces
from django_chat_sessions.services.replies.writing import claim, finish, save_text
from django_chat_sessions.services.tables import messages

logger = logging.getLogger(__name__)

# A host's own code: whatever it raises is an answer that failed, and never the end of a worker.
FAILURES = (Exception, CancelledError, SystemExit)
SAVE_EVERY = 0.5  # seconds; at most this much of a growing answer is lost in a crash


def run(reply_id: Any) -> None:
    """Answer a pending reply. Does nothing when another worker has it or it has ended.

    Never raises for what a responder does: the reply is stored as failed, with the error for
    staff; logs name the reply and the kind of error, never the text.
    """
    found = messages().filter(pk=reply_id).select_related("session__previous")
    reply = next(iter(found[:1]), None)
    if reply is None:
        return
    session = reply.session
    if not claim(reply, session):
        return
    with lease_keeper.keeping(reply, session):
        try:
            metadata = _answer(reply)
        except TurnLost:
            logger.info("Reply %s was taken away while it was being written.", reply.pk)
        except FAILURES as error:
            logger.error("Reply %s failed: %s", reply.pk, type(error).__name__)
            _finish_quietly(reply, ReplyState.FAILED, error=f"{type(error).__name__}: {error}")
        else:
            _finish_quietly(reply, ReplyState.ANSWERED, metadata=metadata)


def _answer(reply: AbstractChatMessage) -> dict[str, Any]:
    """Store what the responder gives as it comes; return the metadata it gave."""
    responder = app_settings.RESPONDER
    if responder is None:
        raise LookupError('CHAT_SESSIONS["RESPONDER"] is not set; nobody can answer.')
    question = messages().filter(session=reply.session_id, position__lt=reply.position)
    turn = ReplyTurn(reply.session, question.order_by("-position")[0], reply)
    text: list[str] = []
    metadata: dict[str, Any] = {}
    saved_at = time.monotonic()
    for piece in pieces(responder, turn):
        if isinstance(piece, dict):
            metadata.update(piece)
            continue
        text.append(piece)
        reply.content = "".join(text)
        if time.monotonic() - saved_at >= SAVE_EVERY:
            save_text(reply, reply.content)
            saved_at = time.monotonic()
    if not reply.content.strip():
        raise ValueError("The RESPONDER gave no text.")
    stored: dict[str, Any] = storable_data(metadata)
    return stored


def _finish_quietly(reply: AbstractChatMessage, state: ReplyState, **facts: Any) -> None:
    try:
        finish(reply, reply.session, state, content=reply.content, **facts)
    except TurnLost:
        logger.info("Reply %s ended elsewhere; this answer is dropped.", reply.pk)
