"""The pool: bounded, patient, and alive whatever one reply meets."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError

from django_chat_sessions import services as chat_sessions
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.replies.leases import lease_keeper
from django_chat_sessions.services.replies.runners import InlineRunner, ThreadRunner, get_runner
from django_chat_sessions.services.replies.running import run
from tests.conversations import configure, leave_replies, reply_of, stored, waiting
from tests.services.replies.test_leases import until

THREADS = "django_chat_sessions.services.replies.runners.ThreadRunner"


def until_answered(sent: chat_sessions.Sent) -> None:
    """Wait for the answer."""
    until(lambda: stored(reply_of(sent)).state == "answered")


class Small(ThreadRunner):
    """A pool that is quickly full."""

    size = 2


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Holds every answer back until it is set; opens at the end whatever happens."""
    event = threading.Event()
    yield event
    event.set()


def test_the_configured_runner_is_made_once_per_process(settings: Any) -> None:
    assert isinstance(get_runner(), InlineRunner)
    configure(settings, RUNNER=THREADS)
    assert isinstance(get_runner(), ThreadRunner)
    assert get_runner() is get_runner()


@pytest.mark.django_db(transaction=True)
class TestThreadRunner:
    def asked(self, owner: Owner, settings: Any, count: int) -> list[Any]:
        leave_replies(settings)
        return [
            chat_sessions.send(owner, f"Question {number}", key=f"key-{number}", scope=str(number))
            for number in range(count)
        ]

    def test_the_answer_comes_while_the_sender_goes_on(
        self, owner: Owner, settings: Any, gate: threading.Event
    ) -> None:
        def answer(turn: Any) -> str:
            assert gate.wait(10)
            return f"Answer to {turn.question}"

        configure(settings, RESPONDER=answer, RUNNER=THREADS)
        reply = reply_of(waiting(owner))
        until(lambda: stored(reply).state == "running")
        gate.set()
        until(lambda: stored(reply).state == "answered")
        assert stored(reply).content == "Answer to Hello"

    def test_no_more_threads_than_its_size_and_none_waits_for_ever(
        self, owner: Owner, settings: Any, gate: threading.Event
    ) -> None:
        together, lock, most = [0], threading.Lock(), [0]

        def answer(turn: Any) -> str:
            with lock:
                together[0] += 1
                most[0] = max(most[0], together[0])
            assert gate.wait(10)
            with lock:
                together[0] -= 1
            return "Yes"

        pool = Small()
        sent = self.asked(owner, settings, 5)
        configure(settings, RESPONDER=answer)
        for one in sent:
            pool.submit(reply_of(one), one.session)
        until(lambda: together[0] == 2)
        assert len(pool._threads) == 2
        queued = [reply_of(one).pk for one in sent if stored(reply_of(one)).state == "pending"]
        assert len(queued) == 3
        assert set(queued) <= set(lease_keeper._held)  # a full pool must not look like a dead one
        gate.set()
        for one in sent:
            until_answered(one)
        assert most[0] == 2
        until(lambda: not lease_keeper._held)

    def test_an_idle_thread_is_used_again(self, owner: Owner, settings: Any) -> None:
        pool = Small()
        sent = self.asked(owner, settings, 3)
        configure(settings, RESPONDER="tests.responders.echo")
        for one in sent:
            pool.submit(reply_of(one), one.session)
            until_answered(one)
            until(lambda: pool._idle._value == 1)
        assert len(pool._threads) == 1

    def test_a_thread_outlives_a_reply_that_cannot_even_be_read(
        self,
        owner: Owner,
        settings: Any,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        broken = threading.Event()

        def sometimes(reply_id: Any) -> None:
            if not broken.is_set():
                broken.set()
                raise DatabaseError("SECRET-4711")
            run(reply_id)

        monkeypatch.setattr("django_chat_sessions.services.replies.runners.run", sometimes)
        pool = Small()
        first, second = self.asked(owner, settings, 2)
        configure(settings, RESPONDER="tests.responders.echo")
        with caplog.at_level(logging.DEBUG):
            pool.submit(reply_of(first), first.session)
            until(lambda: "was left behind" in caplog.text)
            until(lambda: pool._idle._value == 1)
            pool.submit(reply_of(second), second.session)
            until(lambda: stored(reply_of(second)).state == "answered")
        assert len(pool._threads) == 1
        assert "SECRET-4711" not in caplog.text
        assert f"Reply {reply_of(first).pk} was left behind: DatabaseError" in caplog.text

    def test_threads_do_not_keep_a_program_from_ending(self, owner: Owner, settings: Any) -> None:
        pool = Small()
        (sent,) = self.asked(owner, settings, 1)
        configure(settings, RESPONDER="tests.responders.echo")
        pool.submit(reply_of(sent), sent.session)
        until(lambda: stored(reply_of(sent)).state == "answered")
        assert all(thread.daemon for thread in pool._threads)
