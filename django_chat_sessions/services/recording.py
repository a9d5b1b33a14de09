"""Turns that the host answers itself: in its own view, or before we hear of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import Error

from django_chat_sessions import clock
from django_chat_sessions.conf import app_settings
from django_chat_sessions.exceptions import KeyReused, TurnLost
from django_chat_sessions.models import (
    AbstractChatMessage,
    AbstractChatSession,
    ReplyState,
    Role,
)
from django_chat_sessions.services.excerpts import storable, storable_data
from django_chat_sessions.services.races import survives_races, with_latest
from django_chat_sessions.services.replies.control import ask_again
from django_chat_sessions.services.replies.leases import lease_keeper
from django_chat_sessions.services.replies.writing import cause_of, finish
from django_chat_sessions.services.tables import announce
from django_chat_sessions.services.turns import Sent, append_once, new_message, new_reply
from django_chat_sessions.signals import turn_answered


@dataclass(slots=True)
class Turn:
    """A turn that the host answers: set ``answer``, and ``metadata`` if you like.

    ``created`` is false when the same key was answered before; ``answer`` and ``metadata`` are
    those of that time then, and nothing more is written.
    """

    session: AbstractChatSession
    message: AbstractChatMessage
    reply: AbstractChatMessage
    created: bool = True
    answer: str | None = field(default=None, repr=False)
    metadata: dict[str, Any] = field(default_factory=dict, repr=False)


@contextmanager
def record_turn(
    session: AbstractChatSession, question: str, *, key: str | None = None
) -> Iterator[Turn]:
    """Store the question, keep the session open while the host answers, store the answer.

    The question is committed before the block runs. Leaving the block stores ``turn.answer``;
    an exception stores the reply as failed and is raised on. No transaction is held meanwhile.

    The same ``key`` again gives the answer that is there, or asks again after a failure.

    Raises SessionEnded, TurnInProgress, KeyReused; TurnLost when the lease passed to another.
    Sends ``message_added``, then ``turn_answered`` or ``turn_failed``.
    2 statements before the block, 2 after it, each pair in one transaction; on PostgreSQL, outside
    of transactions, each pair is 1 statement. 2 or 3 more for a repeated ``key``, 2 to ask again;
    4 before the block, and ``turn_failed`` first, where a dead worker left a reply behind.
    """
    turn = _place_turn(session, question, key, _place_to_answer)
    if not turn.created:
        yield turn
        return
    with lease_keeper.keeping(turn.reply, turn.session):
        try:
            yield turn
            _finish(turn)
        except BaseException as error:
            # What cannot be stored as an answer, too; of both errors the first says why.
            with suppress(TurnLost, Error):
                finish(turn.reply, turn.session, ReplyState.FAILED, error=cause_of(error))
            raise


def add_turn(
    session: AbstractChatSession,
    question: str,
    answer: str,
    *,
    key: str | None = None,
    metadata: dict[str, Any] | None = None,
) -> Turn:
    """Store a question together with its answer, which is there already.

    For what takes no time to answer, or was said elsewhere. The same ``key`` again gives the answer
    that is there; where there is none, because that time failed, this one is stored.

    Raises SessionEnded, TurnInProgress, KeyReused; TypeError for an answer that is no text, or
    metadata that is no dict.
    Sends ``message_added``, then ``turn_answered``.
    2 statements in one transaction; on PostgreSQL, outside of transactions, 1 statement. 2 or 3
    more for a repeated ``key``, and up to 4 where that time failed; 4, and ``turn_failed`` first,
    where a dead worker left a reply behind.
    """
    content, facts = _fit_to_store(answer, {} if metadata is None else metadata)

    def answered(now: datetime) -> AbstractChatMessage:
        state = ReplyState.ANSWERED.value
        final: dict[str, Any] = {"state": state, "attempt": 1, "metadata": facts}
        return new_message(Role.ASSISTANT, content, now, **final)

    turn = _place_turn(session, question, key, answered)
    if turn.created:
        if turn.reply.state == ReplyState.RUNNING:  # asked again, after a failure
            finish(turn.reply, turn.session, ReplyState.ANSWERED, content=content, metadata=facts)
        else:
            announce(turn_answered, turn.session, reply=turn.reply)
        turn.answer, turn.metadata = content, facts
    return turn


def _finish(turn: Turn) -> None:
    if turn.answer is None:
        cause = "The block ended without an answer."
        finish(turn.reply, turn.session, ReplyState.FAILED, error=cause)
        return
    turn.answer, turn.metadata = _fit_to_store(turn.answer, turn.metadata)
    facts = turn.metadata
    finish(turn.reply, turn.session, ReplyState.ANSWERED, content=turn.answer, metadata=facts)


def _fit_to_store(answer: Any, metadata: Any) -> tuple[str, dict[str, Any]]:
    """Return the host's answer as it is stored. Raises TypeError where it is no text, no dict."""
    if not isinstance(answer, str):
        raise TypeError(f"answer is a {type(answer).__name__}; give text.")
    if not isinstance(metadata, dict):
        raise TypeError(f"metadata is a {type(metadata).__name__}; give a dict.")
    return storable(answer), storable_data(metadata)


def _place_to_answer(now: datetime) -> AbstractChatMessage:
    return new_reply(now, ReplyState.RUNNING, app_settings.REPLY_LEASE)


@survives_races
def _place_turn(
    session: AbstractChatSession,
    question: str,
    key: str | None,
    new: Callable[[datetime], AbstractChatMessage],
) -> Turn:
    """Store the question with ``new``'s reply, or return what its key has led to."""
    content = storable(question)

    def step(known: AbstractChatSession) -> Turn:
        now = clock.now()
        ask, reply = new_message(Role.USER, content, now), new(now)
        before = append_once(known, [ask, reply], now, key)
        return Turn(known, ask, reply) if before is None else _again(before, known)

    return with_latest(session, step)


def _again(before: Sent, known: AbstractChatSession) -> Turn:
    """Return the turn this key began: answered, or ours to answer again after a failure."""
    session = known if known.pk == before.session.pk else before.session
    reply = before.reply
    if reply is None:
        raise KeyReused("This key belongs to a message that asked for no reply; use a new key.")
    if reply.state == ReplyState.ANSWERED:
        known_facts = dict(reply.metadata or {})
        return Turn(session, before.message, reply, False, reply.content, known_facts)
    lease, asked = app_settings.REPLY_LEASE, before.message.content
    ask_again(reply, session, ReplyState.RUNNING, lease, question=asked)
    return Turn(session, before.message, reply)
