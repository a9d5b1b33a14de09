"""Whatever happens in whatever order: who applies the updates has what the database has."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from django_chat_sessions import get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.exceptions import ChatSessionsError
from django_chat_sessions.models import ReplyState
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.replies.writing import finish, renew, save_text, take
from tests.conversations import configure, fill, stored
from tests.services.following.readers import SimulatedReader

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
SCOPES = ("", "a", "b")
PIECES = ("Ice ", "❄️", "👩‍🔬", "\n", "e\u0301")


class Story:
    """One owner, whose conversations change in every way there is, and workers that write."""

    def __init__(self, traveller: Any) -> None:
        self.owner = Owner.for_visitor(str(uuid4()))
        self.time = traveller
        self.workers: list[Any] = []
        self.sent = 0

    def session(self, number: int) -> Any:
        """Return one of the owner's sessions, as it is stored; deleted ones too."""
        mine = get_session_model().objects.filter(visitor_key=self.owner.visitor_key)
        found = list(mine.order_by("pk"))
        return found[number % len(found)] if found else None

    def worker(self, number: int) -> Any:
        """Return a reply that somebody writes, or wrote once and still holds."""
        return self.workers[number % len(self.workers)] if self.workers else None

    def send(self, number: int) -> None:
        self.sent += 1
        key = f"key-{self.sent:08}"
        chat_sessions.send(self.owner, f"Question {self.sent}", key=key, scope=SCOPES[number % 3])

    def take(self, number: int) -> None:
        session = self.session(number)
        if session is not None:
            for reply in session.messages.replies_running():
                if take(reply, session):
                    self.workers.append(reply)

    def grow(self, number: int) -> None:
        if reply := self.worker(number):
            save_text(reply, reply.content + PIECES[number % len(PIECES)])

    def renew(self, number: int) -> None:
        if reply := self.worker(number):
            renew(reply, stored(reply.session))

    def answer(self, number: int) -> None:
        if reply := self.worker(number):
            done: dict[str, Any] = {
                "content": f"{reply.content}.",
                "metadata": {"n": number},
                "unread": True,
            }
            finish(reply, stored(reply.session), ReplyState.ANSWERED, **done)

    def fail(self, number: int) -> None:
        if reply := self.worker(number):
            finish(reply, stored(reply.session), ReplyState.FAILED, error="broken")

    def with_session(self, number: int, verb: Callable[[Any], Any]) -> None:
        session = self.session(number)
        if session is not None and session.deleted_at is None:
            verb(session)

    def stop(self, number: int) -> None:
        self.with_session(number, chat_sessions.stop)

    def retry(self, number: int) -> None:
        self.with_session(number, chat_sessions.retry)

    def end(self, number: int) -> None:
        self.with_session(number, chat_sessions.end)

    def reopen(self, number: int) -> None:
        self.with_session(number, chat_sessions.reopen)

    def rename(self, number: int) -> None:
        self.with_session(number, lambda row: chat_sessions.rename(row, f"Title {number}"))

    def delete(self, number: int) -> None:
        self.with_session(number, chat_sessions.delete)

    def touch(self, number: int) -> None:
        self.with_session(number, chat_sessions.touch)

    def read(self, number: int) -> None:
        self.with_session(number, chat_sessions.mark_read)

    def add(self, number: int) -> None:
        text = "" if number % 4 == 0 else f"Added {number}"
        self.with_session(number, lambda row: chat_sessions.add_message(row, "assistant", text))

    def flood(self, number: int) -> None:
        """Add more than updates hold, behind everybody's back."""
        self.with_session(number, lambda row: fill(row, row.message_count + 60))

    def start(self, number: int) -> None:
        chat_sessions.start(self.owner, SCOPES[number % 3])

    def wait(self, number: int) -> None:
        self.time.shift((1, 15, 31, 301)[number % 4])

    def clean_up(self, number: int) -> None:
        (chat_sessions.recover, chat_sessions.sweep)[number % 2]()


HAPPENS = (
    *("send", "send", "take", "take", "grow", "grow", "grow", "renew", "answer", "fail"),
    *("stop", "retry", "end", "reopen", "rename", "delete", "touch", "read", "add", "flood"),
    *("start", "wait", "wait", "clean_up"),
)
LOOKS = ("nobody", "nobody", "first", "second")
steps = st.tuples(st.sampled_from(HAPPENS), st.integers(0, 11), st.sampled_from(LOOKS))
WHOLE_LIFE: list[tuple[str, int, str]] = [
    *[("send", 0, "first"), ("take", 0, "first"), ("grow", 0, "first"), ("grow", 1, "second")],
    *[("grow", 2, "first"), ("fail", 0, "first"), ("retry", 0, "second"), ("take", 0, "first")],
    *[("grow", 3, "first"), ("answer", 1, "first"), ("read", 0, "first"), ("wait", 3, "first")],
    *[("rename", 0, "first"), ("reopen", 0, "first"), ("flood", 0, "second"), ("end", 0, "first")],
    *[("start", 1, "first"), ("send", 1, "first"), ("stop", 1, "first"), ("delete", 1, "first")],
    *[("send", 1, "nobody"), ("take", 2, "first"), ("wait", 2, "first"), ("wait", 3, "second")],
]
STOPPED_TWICE: list[tuple[str, int, str]] = [
    *[("send", 0, "nobody"), ("stop", 0, "first"), ("retry", 0, "nobody"), ("stop", 0, "nobody")],
]


@pytest.mark.parametrize("attempts", [1, 2])
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=st.lists(steps, min_size=5, max_size=40))
@example(story=WHOLE_LIFE)
@example(story=STOPPED_TWICE)
def test_readers_who_look_now_and_then_have_in_the_end_what_is_stored(
    settings: Any, attempts: int, story: list[tuple[str, int, str]]
) -> None:
    configure(settings, REPLY_ATTEMPTS=attempts)
    with time_machine.travel(NOON, tick=False) as traveller:
        told = Story(traveller)
        readers = {"first": SimulatedReader(told.owner), "second": SimulatedReader(told.owner)}
        readers["first"].look()
        for happens, number, looks in story:
            # No two things happen in one moment: a retry stopped in the same would look like none.
            traveller.shift(timedelta(milliseconds=1))
            with suppress(ChatSessionsError):  # a refusal changes nothing
                getattr(told, happens)(number)
            if looks in readers:
                readers[looks].look()
                readers[looks].assert_has_what_is_stored()
        for reader in readers.values():
            reader.look()
            reader.assert_has_what_is_stored()
