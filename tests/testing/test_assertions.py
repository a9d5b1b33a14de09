"""Assertions fail when they should, and say what is there instead."""

from __future__ import annotations

import pytest

from django_chat_sessions import get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.owners import Owner
from django_chat_sessions.testing import (
    ChatSessionFactory,
    assert_conversation,
    assert_one_open_session,
    assert_state,
)
from tests.conversations import missing_id

pytestmark = pytest.mark.django_db


def test_another_conversation() -> None:
    session = ChatSessionFactory.create(messages=[("user", "Hello")])
    for wrong in ([], [("user", "hello")], [("assistant", "Hello")], [("user", "Hello")] * 2):
        with pytest.raises(AssertionError, match=r"The conversation is \[\('user', 'Hello'\)\]"):
            assert_conversation(session, wrong)


def test_a_counter_that_is_wrong() -> None:
    session = ChatSessionFactory.create(messages=[("user", "Hello")])
    get_session_model().objects.update(message_count=2)
    with pytest.raises(AssertionError, match=r"stand at \[0\], and the session counts 2"):
        assert_conversation(session, [("user", "Hello")])


def test_none_open(owner: Owner) -> None:
    chat_sessions.end(ChatSessionFactory.create(owner=owner))
    with pytest.raises(AssertionError, match="0 of 1 sessions are open, not 1"):
        assert_one_open_session(owner)


def test_a_scope_in_other_letters_is_another(owner: Owner) -> None:
    session = chat_sessions.start(owner, "subject:a").opened
    chat_sessions.start(owner, "subject:A")
    assert assert_one_open_session(owner, "subject:a") == session


def test_another_state() -> None:
    session = ChatSessionFactory.create()
    assert_state(session, "active")
    with pytest.raises(AssertionError, match="is active, not expired"):
        assert_state(session, "expired")
    session.pk = missing_id()
    with pytest.raises(AssertionError, match="is not in the database"):
        assert_state(session, "active")
