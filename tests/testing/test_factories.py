"""Conversations made for hosts' tests are like those that people make."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from django_chat_sessions import clock, get_message_model, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.exceptions import SessionEnded, TurnInProgress
from django_chat_sessions.limits import Limits
from django_chat_sessions.owners import Owner
from django_chat_sessions.policies import IdleTimeoutPolicy
from django_chat_sessions.services.replies.asking import last_reply
from django_chat_sessions.testing import (
    ChatMessageFactory,
    ChatSessionFactory,
    assert_conversation,
    assert_one_open_session,
    assert_state,
)
from tests.conversations import configure, rows, stored

pytestmark = pytest.mark.django_db

TALK = [("user", "Why is the sky blue?"), ("assistant", "Because of the air.")]


SESSION = (
    *("title", "preview", "message_count", "expires_at", "last_activity_at", "end_reason"),
    *("started_at", "last_message_at", "running_until", "scope", "unread", "deleted_at"),
)
MESSAGE = ("role", "content", "position", "state", "attempt", "lease_until", "created_at")


def facts(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def test_it_is_like_one_that_was_had(owner: Owner, noon: Any) -> None:
    made = ChatSessionFactory.create(owner=owner)
    assert_conversation(made, TALK)
    made = stored(made)
    session = chat_sessions.start(Owner.for_visitor("somebody")).opened
    with chat_sessions.record_turn(session, TALK[0][1]) as turn:
        turn.answer = TALK[1][1]
    had = stored(session)
    assert facts(made, SESSION) == facts(had, SESSION)
    assert made.open_key == owner.open_key("")
    for mine, theirs in zip(rows(made), rows(had), strict=True):
        assert facts(mine, MESSAGE) == facts(theirs, MESSAGE)


def test_owners(user: Any) -> None:
    assert Owner.of(ChatSessionFactory.create(user=user)) == Owner.for_user(user)
    first, second = ChatSessionFactory.create_batch(2)
    assert first.visitor_key
    assert Owner.of(first) != Owner.of(second)


def test_each_open_one_replaces_the_one_before(owner: Owner) -> None:
    first = ChatSessionFactory.create(owner=owner, empty=True)
    second = ChatSessionFactory.create(owner=owner, empty=True)
    third = ChatSessionFactory.create(owner=owner)
    assert len({first.pk, second.pk, third.pk}) == 3
    assert assert_one_open_session(owner) == third
    assert [stored(row).end_reason for row in (first, second)] == ["user", "user"]
    beside = ChatSessionFactory.create(owner=owner, scope="2")
    assert assert_one_open_session(owner, "2") == beside


def test_a_test_may_make_more_than_a_person_may_send(owner: Owner, settings: Any) -> None:
    configure(settings, LIMITS=Limits(messages_per_minute=2, replies_at_once=1))
    made = ChatSessionFactory.create_batch(4, owner=owner)
    ChatSessionFactory.create_batch(2, owner=owner, running=True)
    assert len(chat_sessions.recent_sessions(owner)) == 6
    assert [stored(row).end_reason for row in made] == ["user"] * 4


def test_what_has_ended_leaves_the_open_one_alone(owner: Owner) -> None:
    now = ChatSessionFactory.create(owner=owner)
    ended = ChatSessionFactory.create(owner=owner, ended=True, title="Old")
    archived = ChatSessionFactory.create(owner=owner, archived=True, ago=timedelta(days=3))
    assert assert_one_open_session(owner) == now
    assert_state(ended, "ended")
    assert_conversation(archived, TALK)
    assert archived.archived_at is not None
    assert archived.ended_at is not None
    assert chat_sessions.recent_sessions(owner) == [now, ended]
    assert (ended.title, ended.open_key) == ("Old", None)
    assert clock.seconds_between(archived.ended_at, clock.now()) >= 3 * 24 * 3600
    assert chat_sessions.reopen(ended).previous == now


def test_expired(owner: Owner, settings: Any) -> None:
    session = ChatSessionFactory.create(owner=owner, expired=True)
    assert_state(session, "expired")
    assert chat_sessions.look(owner).previous == session
    assert chat_sessions.sweep() == 1
    configure(settings, TIMEOUT_POLICY=IdleTimeoutPolicy(None))
    with pytest.raises(ValueError, match="longer than 1 day, 0:00:00; give more `ago`"):
        ChatSessionFactory.create(expired=True)


def test_running() -> None:
    session = ChatSessionFactory.create(running=True, messages=[*TALK, ("user", "And red?")])
    assert_conversation(session, [*TALK, ("user", "And red?"), ("assistant", "")])
    reply = last_reply(session)
    assert reply is not None
    assert reply.state == "running"
    with pytest.raises(TurnInProgress):
        chat_sessions.add_message(session, "user", "Hello?")
    assert chat_sessions.stop(session) == reply


def test_other_roles_and_a_question_without_an_answer() -> None:
    said = [("system", "Be kind"), ("user", "Why?"), ("user", "Hello?"), ("assistant", "Yes?")]
    assert_conversation(ChatSessionFactory.create(messages=said), said)


def test_one_message_more() -> None:
    message = ChatMessageFactory.create(content="Hello")
    assert_conversation(message.session, [("user", "Hello")])
    ChatMessageFactory.create(session=message.session, role="assistant", content="Hi")
    assert_conversation(message.session, [("user", "Hello"), ("assistant", "Hi")])
    with pytest.raises(SessionEnded):
        ChatMessageFactory.create(session=ChatSessionFactory.create(ended=True))


@pytest.mark.parametrize("factory", [ChatSessionFactory, ChatMessageFactory])
def test_nothing_is_built_beside_the_database(factory: Any) -> None:
    with pytest.raises(TypeError, match="use create"):
        factory.build()
    assert not get_session_model().objects.exists()
    assert not get_message_model().objects.exists()
