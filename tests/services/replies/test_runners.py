"""The pool: bounded, patient, and alive whatever one reply meets. And what no runner takes."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection

from django_chat_sessions import clock, get_message_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.limits import Limits
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.replies import asking, runners
from django_chat_sessions.services.replies.leases import lease_keeper
from django_chat_sessions.services.replies.runners import (
    InlineRunner,
    ThreadRunner,
    first_lease,
    get_runner,
    hand_over,
)
from django_chat_sessions.services.replies.running import run
from django_chat_sessions.services.replies.writing import take
from tests import databases
from tests.conversations import (
    LeavesReplies,
    configure,
    leave_replies,
    reply_of,
    rows,
    stored,
    waiting,
)
from tests.services.replies.ending_program import QUESTIONS
from tests.threads import threads, until

THREADS = "django_chat_sessions.services.replies.runners.ThreadRunner"
HERE = __name__


def later(seconds: float) -> Any:
    return clock.after(clock.now(), seconds)


def reply_threads() -> list[threading.Thread]:
    return threads("chat-reply")


def until_answered(sent: chat_sessions.Sent) -> None:
    """Wait for the answer."""
    until(lambda: stored(reply_of(sent)).state == "answered")


class Slow:
    """A responder that waits for a gate, and counts in how many threads it does at once."""

    def __init__(self, gate: threading.Event) -> None:
        self.together = self.most = 0
        self._gate = gate
        self._lock = threading.Lock()

    def __call__(self, turn: Any) -> str:
        with self._lock:
            self.together += 1
            self.most = max(self.most, self.together)
        assert self._gate.wait(10)
        with self._lock:
            self.together -= 1
        return "Yes"


class Small(ThreadRunner):
    """A pool that is quickly full."""

    size = 2


class OneByOne(ThreadRunner):
    """A pool in which everybody waits for everybody."""

    size = 1


class Patient(LeavesReplies):
    """A runner whose queue may be long."""

    patience = 600


class Refuses:
    """A runner whose queue cannot be reached."""

    patience = None
    before: Any = None

    def submit(self, reply: Any, session: Any) -> None:
        if Refuses.before is not None:
            Refuses.before(reply)
        raise ConnectionError("SECRET-4711")


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


@pytest.mark.parametrize("runner", [THREADS, "tests.conversations.LeavesReplies"])
def test_a_runner_has_a_lease_to_begin_in(settings: Any, runner: str) -> None:
    configure(settings, RUNNER=runner, REPLY_LEASE=7)
    assert first_lease() == 7


def test_or_as_long_as_it_asks_for(settings: Any) -> None:
    configure(settings, RUNNER=f"{HERE}.Patient", REPLY_LEASE=7)
    assert first_lease() == 600


@pytest.mark.django_db
def test_a_patient_runner_may_let_a_reply_wait_longer_than_a_lease(
    settings: Any, noon: Any
) -> None:
    configure(settings, RUNNER=f"{HERE}.Patient")
    sent = waiting(Owner.for_visitor("v"))
    noon.shift(599)
    assert stored(sent.session).is_running(later(0))
    assert take(reply_of(sent), sent.session)
    assert stored(reply_of(sent)).lease_until == later(30)
    assert stored(sent.session).running_until == later(30)


@pytest.mark.django_db(transaction=True)
class TestThreadRunner:
    @pytest.fixture(autouse=True)
    def nothing_left(self) -> Iterator[None]:
        yield
        until(lambda: not reply_threads())

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
        slow = Slow(gate)
        pool = Small()
        sent = self.asked(owner, settings, 5)
        configure(settings, RESPONDER=slow)
        for one in sent:
            pool.submit(reply_of(one), one.session)
        until(lambda: slow.together == 2)
        assert len(reply_threads()) == 2
        queued = [reply_of(one).pk for one in sent if stored(reply_of(one)).state == "pending"]
        assert len(queued) == 3
        assert set(queued) <= set(lease_keeper._held)  # a full pool must not look like a dead one
        gate.set()
        for one in sent:
            until_answered(one)
        assert slow.most == 2
        until(lambda: not lease_keeper._held)

    def test_s10_who_stops_what_they_asked_for_keeps_no_thread_from_anybody_else(
        self, owner: Owner, settings: Any, gate: threading.Event
    ) -> None:
        slow = Slow(gate)

        def answer(turn: Any) -> str:
            return "At once" if turn.question == "Theirs" else slow(turn)

        configure(settings, RESPONDER=answer, RUNNER=THREADS, LIMITS=Limits(replies_at_once=4))
        first = chat_sessions.send(owner, "Mine", key="key-first")
        for working in range(1, 2 * ThreadRunner.size):
            until(lambda: slow.together == min(working, 4))  # noqa: B023  called at once
            chat_sessions.stop(first.session)  # and none is being written any more
            chat_sessions.retry(first.session)
        theirs = chat_sessions.send(Owner.for_visitor("another"), "Theirs", key="key-theirs")
        until_answered(theirs)
        gate.set()
        until_answered(first)
        until(lambda: not reply_threads())
        assert slow.most == 4

    def test_an_idle_pool_has_no_threads_and_begins_again(
        self, owner: Owner, settings: Any
    ) -> None:
        pool = Small()
        sent = self.asked(owner, settings, 3)
        configure(settings, RESPONDER="tests.responders.echo")
        for one in sent:
            pool.submit(reply_of(one), one.session)
            until_answered(one)
            until(lambda: not reply_threads())
        assert pool._working.total() == 0

    @pytest.mark.parametrize("error", [DatabaseError, KeyboardInterrupt, GeneratorExit])
    def test_a_thread_outlives_a_reply_that_cannot_even_be_read(
        self,
        owner: Owner,
        settings: Any,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        gate: threading.Event,
        *,
        error: type[BaseException],
    ) -> None:
        broken = threading.Event()

        def sometimes(reply_id: Any) -> None:
            if not broken.is_set():
                broken.set()
                assert gate.wait(10)
                raise error("SECRET-4711")
            run(reply_id)

        monkeypatch.setattr(runners, "run", sometimes)
        pool = OneByOne()
        first, second = self.asked(owner, settings, 2)
        configure(settings, RESPONDER="tests.responders.echo")
        with caplog.at_level(logging.DEBUG):
            pool.submit(reply_of(first), first.session)
            pool.submit(reply_of(second), second.session)
            assert len(reply_threads()) == 1
            gate.set()
            until_answered(second)
            until(lambda: not reply_threads())
        assert "SECRET-4711" not in caplog.text
        assert f"Reply {reply_of(first).pk} was left behind: {error.__name__}" in caplog.text
        assert pool._working.total() == 0

    def test_text_that_waits_reaches_its_reader_while_the_responder_is_silent(
        self,
        owner: Owner,
        settings: Any,
        gate: threading.Event,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def answer(turn: Any) -> Iterator[str]:
            yield "One "
            yield "two "
            assert gate.wait(10)
            yield "three"

        monkeypatch.setattr("django_chat_sessions.services.replies.growing.SAVE_EVERY", 0.05)
        monkeypatch.setattr("django_chat_sessions.services.replies.leases.LOOKED_AFTER", 0.025)
        configure(settings, RESPONDER=answer, RUNNER=THREADS)
        reply = reply_of(waiting(owner))
        until(lambda: stored(reply).content == "One two ")
        assert stored(reply).state == "running"
        gate.set()
        until(lambda: stored(reply).state == "answered")
        assert stored(reply).content == "One two three"

    def test_a_program_that_ends_finishes_what_it_has_promised(self) -> None:
        environment = {**os.environ, databases.NAME: str(connection.settings_dict["NAME"])}
        subprocess.run(
            [sys.executable, "-m", "tests.services.replies.ending_program"],
            env=environment,
            check=True,
            timeout=60,
        )
        answers = get_message_model().objects.filter(role="assistant")
        assert {(row.state, row.content) for row in answers} == {
            ("answered", f"Answer to Question {number}") for number in range(QUESTIONS)
        }

    def test_a_process_that_was_forked_while_the_pool_was_full_answers_for_itself(self) -> None:
        environment = {**os.environ, databases.NAME: str(connection.settings_dict["NAME"])}
        subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "tests.services.replies.forking_program"],
            env=environment,
            check=True,
            timeout=60,
        )
        answers = get_message_model().objects.filter(role="assistant").order_by("created_at")
        assert [(row.state, row.content) for row in answers] == [
            ("answered", "By the parent."),
            ("answered", "By the child, which keeps 1."),
        ]

    def test_a_pool_that_can_start_no_thread_says_so_and_holds_nothing(
        self, owner: Owner, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def ending(thread: threading.Thread) -> None:
            raise RuntimeError("can't create new thread at interpreter shutdown")

        (sent,) = self.asked(owner, settings, 1)
        pool = Small()
        monkeypatch.setattr(lease_keeper, "hold", lambda *row: None)
        released: list[Any] = []
        monkeypatch.setattr(lease_keeper, "release", released.append)
        monkeypatch.setattr(threading.Thread, "start", ending)
        with pytest.raises(RuntimeError, match="shutdown"):
            pool.submit(reply_of(sent), sent.session)
        assert (pool._working.total(), len(pool._waiting)) == (0, 0)
        assert released == [reply_of(sent)]


@pytest.fixture
def lost(settings: Any, db: None) -> chat_sessions.Sent:
    """A message whose reply a process before this one left behind."""
    leave_replies(settings)
    configure(settings, REPLY_LEASE=0.01)
    sent = waiting(Owner.for_visitor("of the process before"), "Lost?")
    until(lambda: not stored(sent.session).is_running(later(0)))
    configure(settings, REPLY_LEASE=30)
    return sent


@pytest.mark.django_db(transaction=True)
class TestPickingUp:
    @pytest.fixture(autouse=True)
    def new_process(self, settings: Any) -> Iterator[None]:
        runners._runner.cache_clear()
        yield
        until(lambda: not reply_threads())
        runners._runner.cache_clear()

    def test_the_first_answer_of_a_new_process_marks_what_was_left_behind(
        self, lost: chat_sessions.Sent, settings: Any
    ) -> None:
        configure(settings, RUNNER=THREADS)
        waiting(Owner.for_visitor("v"))
        until(lambda: stored(reply_of(lost)).state == "interrupted")

    def test_or_has_it_answered_if_the_host_wants_that(
        self, lost: chat_sessions.Sent, settings: Any
    ) -> None:
        configure(settings, RUNNER=THREADS, REPLY_ATTEMPTS=2)
        waiting(Owner.for_visitor("v"))
        until_answered(lost)
        assert [row.content for row in rows(lost.session)] == ["Lost?", "You asked: Lost?"]
        assert stored(reply_of(lost)).attempt == 2

    def test_only_once(
        self, lost: chat_sessions.Sent, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looked: list[int] = []
        monkeypatch.setattr(asking, "recover", lambda: looked.append(1))
        configure(settings, RUNNER=THREADS)
        for number in range(3):
            until_answered(waiting(Owner.for_visitor(str(number))))
            until(lambda: not reply_threads())
        assert looked == [1]

    def test_a_database_that_refuses_disturbs_nobody(
        self,
        lost: chat_sessions.Sent,
        settings: Any,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def broken() -> None:
            raise DatabaseError("SECRET-4711")

        monkeypatch.setattr(asking, "recover", broken)
        configure(settings, RUNNER=THREADS)
        with caplog.at_level(logging.DEBUG):
            until_answered(waiting(Owner.for_visitor("v")))
            until(lambda: not reply_threads())
        assert "Replies left behind were not looked for: DatabaseError" in caplog.text
        assert "SECRET-4711" not in caplog.text


@pytest.mark.django_db
class TestARunnerThatRefuses:
    @pytest.fixture(autouse=True)
    def refusing(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        configure(settings, RUNNER=f"{HERE}.Refuses")
        monkeypatch.setattr(Refuses, "before", None)

    def test_the_question_stays_the_reply_has_failed_and_staff_can_read_why(
        self,
        owner: Owner,
        noon: Any,
        caplog: pytest.LogCaptureFixture,
        django_capture_on_commit_callbacks: Any,
        signals: Any,
    ) -> None:
        with (
            caplog.at_level(logging.DEBUG),
            django_capture_on_commit_callbacks(execute=True),
        ):
            sent = waiting(owner)
        question, reply = rows(sent.session)
        assert (question.content, reply.state, reply.content) == ("Hello", "failed", "")
        cause = "The runner did not take it: ConnectionError: SECRET-4711"
        assert reply.error == cause
        assert f"Reply {reply.pk} could not be handed over: ConnectionError" in caplog.text
        assert "SECRET-4711" not in caplog.text
        assert stored(sent.session).running_until is None
        assert stored(sent.session).expires_at == later(300)
        assert [name for name, _facts in signals][-1] == "turn_failed"

    def test_a_reply_that_a_worker_took_all_the_same_is_left_to_it(
        self, owner: Owner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def delivered(reply: Any) -> None:
            assert take(stored(reply), stored(reply).session)

        monkeypatch.setattr(Refuses, "before", delivered)
        sent = waiting(owner)
        hand_over(reply_of(sent), sent.session)
        assert stored(reply_of(sent)).state == "running"

    def test_a_reply_that_is_gone_is_no_error(self, owner: Owner) -> None:
        sent = waiting(owner)
        type(sent.session).objects.filter(pk=sent.session.pk).delete()
        hand_over(reply_of(sent), sent.session)
        assert not get_message_model().objects.exists()
