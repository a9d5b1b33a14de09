"""For your own tests: conversations, a clock that stands still, scripted answers, assertions.

Needs the extra ``testing``. For pytest there are fixtures: ``pytest_plugins =
["django_chat_sessions.testing.fixtures"]``.
"""

from django_chat_sessions.testing.answers import ScriptedResponder, answering
from django_chat_sessions.testing.assertions import (
    assert_conversation,
    assert_one_open_session,
    assert_state,
)
from django_chat_sessions.testing.factories import ChatMessageFactory, ChatSessionFactory
from django_chat_sessions.testing.frozen import FrozenClock, frozen_clock

__all__ = [
    "ChatMessageFactory",
    "ChatSessionFactory",
    "FrozenClock",
    "ScriptedResponder",
    "answering",
    "assert_conversation",
    "assert_one_open_session",
    "assert_state",
    "frozen_clock",
]
