"""Each verb that writes is run again after a deadlock, and is done as a whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

import pytest
from django.db import DatabaseError, OperationalError, connection

from django_chat_sessions import get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.models import ReplyState
from django_chat_sessions.owners import Owner
from django_chat_sessions.services import races
from django_chat_sessions.services.context import carry_over
from django_chat_sessions.services.replies.asking import recover_session
from django_chat_sessions.services.replies.writing import finish, renew, save_text, take
from tests.callers import rows
from tests.conversations import leave_replies, reply_of, somebody_else, stored, waiting

WRITES = ("INSERT", "UPDATE", "DELETE", "WITH")
DAY = timedelta(days=1)
Call = Callable[[], Any]


class Chat(NamedTuple):
    """A chat whose reply is pending, and what else a verb may need."""

    session: Any
    reply: Any
    owner: Owner
    user: Any
    noon: Any


def stopped(session: Any) -> Any:
    """Return the session when nothing is written into it any more."""
    chat_sessions.stop(session)
    return session


def ended(session: Any) -> Any:
    """Return the session when it has ended."""
    chat_sessions.stop(session)
    return chat_sessions.end(session)


def replaced(session: Any, owner: Owner) -> Any:
    """Return the session when another one is open in its place."""
    left_one = ended(session)
    chat_sessions.resume_or_start(owner)
    return left_one


def deleted(session: Any) -> Any:
    """Return the id of the session, which is deleted."""
    chat_sessions.delete(session)
    return session.pk


def taken(reply: Any) -> Any:
    """Return the reply, which is being written."""
    take(reply, reply.session)
    return reply


def left(session: Any, noon: Any, seconds: float) -> Any:
    """Return the session when so much time has passed."""
    noon.shift(seconds)
    return session


def unread(session: Any) -> Any:
    """Return the session with an answer that nobody has seen."""
    get_session_model()._base_manager.filter(pk=session.pk).update(unread=True)
    return session


def recorded(session: Any) -> Call:
    """Return what records a turn."""

    def record() -> None:
        with chat_sessions.record_turn(session, "And?") as turn:
            turn.answer = "Yes"

    return record


def exported(owner: Owner) -> str:
    """Return a document with what the owner has."""
    return "".join(chat_sessions.export(owner))


# What makes things ready and returns the call that is broken off.
VERBS: dict[str, Callable[[Chat], Call]] = {
    "take": lambda chat: partial(take, chat.reply, chat.session),
    "save_text": lambda chat: partial(save_text, taken(chat.reply), "Yes"),
    "renew": lambda chat: partial(renew, taken(chat.reply), chat.session),
    "finish": lambda chat: partial(finish, taken(chat.reply), chat.session, ReplyState.ANSWERED),
    "stop": lambda chat: partial(chat_sessions.stop, chat.session),
    "retry": lambda chat: partial(chat_sessions.retry, stopped(chat.session)),
    "recover_session": lambda chat: partial(recover_session, left(chat.session, chat.noon, 60)),
    "rename": lambda chat: partial(chat_sessions.rename, chat.session, "Physics"),
    "suggest_title": lambda chat: partial(chat_sessions.suggest_title, chat.session, "Physics"),
    "pin": lambda chat: partial(chat_sessions.pin, chat.session),
    "unpin": lambda chat: partial(chat_sessions.unpin, chat_sessions.pin(chat.session)),
    "archive": lambda chat: partial(chat_sessions.archive, chat.session),
    "unarchive": lambda chat: partial(chat_sessions.unarchive, chat_sessions.archive(chat.session)),
    "mark_read": lambda chat: partial(chat_sessions.mark_read, unread(chat.session)),
    "delete": lambda chat: partial(chat_sessions.delete, chat.session),
    "restore": lambda chat: partial(chat_sessions.restore, chat.owner, deleted(chat.session)),
    "erase": lambda chat: partial(chat_sessions.erase, chat.owner),
    "purge_chosen": lambda chat: partial(chat_sessions.purge_chosen, [chat.session]),
    "claim": lambda chat: partial(chat_sessions.claim, chat.owner, Owner.for_user(chat.user)),
    "record_turn": lambda chat: recorded(stopped(chat.session)),
    "import_sessions": lambda chat: partial(
        chat_sessions.import_sessions, somebody_else(), exported(chat.owner)
    ),
    "resume_or_start": lambda chat: partial(chat_sessions.resume_or_start, somebody_else()),
    "start": lambda chat: partial(chat_sessions.start, chat.owner),
    "touch": lambda chat: partial(chat_sessions.touch, left(stopped(chat.session), chat.noon, 60)),
    "end": lambda chat: partial(chat_sessions.end, chat.session),
    "reopen": lambda chat: partial(chat_sessions.reopen, ended(chat.session)),
    "reopen instead of another": lambda chat: partial(
        chat_sessions.reopen, replaced(chat.session, chat.owner)
    ),
    "send": lambda chat: partial(waiting, somebody_else(), "Hello"),
    "add_message": lambda chat: partial(
        chat_sessions.add_message, stopped(chat.session), "user", "And?"
    ),
    "add_message after a lost reply": lambda chat: partial(
        chat_sessions.add_message, left(chat.session, chat.noon, 60), "user", "And?"
    ),
    "sweep with a lost reply": lambda chat: (
        left(chat.session, chat.noon, 600) and chat_sessions.sweep
    ),
    "sweep": lambda chat: left(stopped(chat.session), chat.noon, 600) and chat_sessions.sweep,
    "purge": lambda chat: partial(
        chat_sessions.purge, older_than_days=left(ended(chat.session), chat.noon, 60) and 0
    ),
    "carry_over": lambda chat: partial(carry_over, chat.session, "Before"),
}


@contextmanager
def first_write_deadlocks() -> Iterator[list[Exception]]:
    """Let the first write be broken off as PostgreSQL does; yield what is still to be raised."""
    failure = OperationalError("deadlock detected")
    failure.__cause__ = cause = Exception()
    cause.sqlstate = "40P01"  # type: ignore[attr-defined]
    failures: list[Exception] = [failure]

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if failures and sql.startswith(WRITES):
            raise failures.pop()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        yield failures


@contextmanager
def write_fails(number: int) -> Iterator[list[str]]:
    """Let the disk be full at that write, the first being 1; yield those that are sent."""
    sent: list[str] = []

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(WRITES):
            sent.append(sql)
            if len(sent) == number:
                raise DatabaseError("the disk is full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        yield sent


@pytest.fixture
def chat(user: Any, settings: Any, noon: Any) -> Chat:
    leave_replies(settings)
    owner = Owner.for_visitor("ada")
    sent = waiting(owner)
    noon.shift(5)
    return Chat(stored(sent.session), stored(reply_of(sent)), owner, user, noon)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", VERBS)
def test_a_deadlock_is_survived(name: str, chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(races, "pause", lambda attempt: None)
    call = VERBS[name](chat)
    with first_write_deadlocks() as failures:
        call()
    assert failures == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", sorted(VERBS.keys() - {"record_turn"}))  # which keeps the question
def test_where_one_write_fails_nothing_is_left_of_the_others(name: str, chat: Chat) -> None:
    call = VERBS[name](chat)
    before = rows()
    for number in range(1, 20):
        with write_fails(number) as sent, suppress(DatabaseError):
            call()
        if len(sent) < number:  # it is done
            assert number > 1
            return
        assert rows() == before
    pytest.fail("It never ends.")
