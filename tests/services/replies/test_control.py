"""What others than its worker do to a reply, and that only one of them does it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from django_chat_sessions import clock, get_message_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.exceptions import SessionEnded, TurnInProgress, TurnLost
from django_chat_sessions.models import ReplyState
from django_chat_sessions.owners import Owner
from django_chat_sessions.services import tables
from django_chat_sessions.services.races import RaceLost
from django_chat_sessions.services.replies import control, writing
from django_chat_sessions.services.replies.control import ask_again, mark_interrupted, stop_replies
from django_chat_sessions.services.replies.writing import finish, renew, save_text, take
from tests.conversations import reply_of, stored, waiting

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
LEASE = timedelta(seconds=30)
TIMEOUT = timedelta(seconds=300)


@pytest.fixture
def sent(owner: Owner, noon: Any) -> chat_sessions.Sent:
    return waiting(owner)


@pytest.fixture
def reply(sent: chat_sessions.Sent) -> Any:
    return reply_of(sent)


@pytest.fixture
def session(sent: chat_sessions.Sent) -> Any:
    return sent.session


class TestAskAgain:
    @pytest.fixture
    def failed(self, reply: Any, session: Any) -> Any:
        take(reply, session)
        save_text(reply, "Half")
        finish(reply, session, ReplyState.FAILED, error="broken")
        return stored(reply)

    def test_it_begins_the_reply_anew_for_who_answers_at_once(
        self, failed: Any, session: Any, noon: Any
    ) -> None:
        old_token = failed.token
        noon.shift(SECOND)
        ask_again(failed, session, ReplyState.RUNNING, 30)
        for copy in (failed, stored(failed)):
            assert (copy.state, copy.content, copy.error) == ("running", "", "")
            assert copy.attempt == 2
            assert copy.token not in (None, old_token)
            assert copy.lease_until == clock.now() + LEASE
        assert stored(session).running_until == clock.now() + LEASE
        assert stored(session).last_activity_at == clock.now()
        assert stored(session).expires_at == clock.now() + LEASE + TIMEOUT

    def test_or_for_a_runner_which_has_as_long_as_it_needs(
        self, failed: Any, session: Any, noon: Any
    ) -> None:
        ask_again(failed, session, ReplyState.PENDING, 90)
        for copy in (failed, stored(failed)):
            assert (copy.state, copy.token, copy.attempt) == ("pending", None, 2)
            assert copy.lease_until == clock.now() + 3 * LEASE
        assert stored(session).running_until == clock.now() + 3 * LEASE

    def test_only_one_of_two_gets_it(self, failed: Any, session: Any) -> None:
        other, old = stored(failed), stored(session)
        ask_again(failed, session, ReplyState.RUNNING, 30)
        with pytest.raises(RaceLost):
            ask_again(other, old, ReplyState.RUNNING, 30)
        assert other.attempt == 1
        with pytest.raises(TurnInProgress):
            ask_again(stored(failed), stored(session), ReplyState.RUNNING, 30)

    def test_not_when_the_session_has_moved_on(self, failed: Any, session: Any, noon: Any) -> None:
        old = stored(session)
        noon.shift(SECOND)
        chat_sessions.add_message(session, "user", "And?")
        with pytest.raises(RaceLost):
            ask_again(failed, old, ReplyState.RUNNING, 30)
        assert (stored(failed).state, stored(failed).content) == ("failed", "Half")

    @pytest.mark.parametrize("moved", ["attempt", "state", "token", "lease_until"])
    def test_not_when_the_reply_has_moved_on(
        self, failed: Any, session: Any, noon: Any, moved: str
    ) -> None:
        values = {"attempt": 5, "state": "stopped", "token": uuid4(), "lease_until": clock.now()}
        get_message_model()._base_manager.filter(pk=failed.pk).update(**{moved: values[moved]})
        before = stored(failed)
        with pytest.raises(RaceLost):
            ask_again(failed, session, ReplyState.RUNNING, 30)
        assert (failed.attempt, failed.state) == (1, "failed")
        assert (stored(failed).attempt, stored(failed).state) == (before.attempt, before.state)
        assert stored(session).running_until is session.running_until is None

    @pytest.mark.parametrize("state", ["pending", "running"])
    def test_a_running_one_is_left_alone(self, reply: Any, session: Any, state: str) -> None:
        if state == "running":
            take(reply, session)
        with pytest.raises(TurnInProgress) as refused:
            ask_again(reply, session, ReplyState.PENDING, 30)
        assert refused.value.reply == reply

    def test_one_whose_lease_was_renewed_is_not_dead_whatever_the_session_says(
        self, reply: Any, session: Any, noon: Any
    ) -> None:
        old = stored(session)
        noon.shift(LEASE - SECOND)
        take(reply, session)
        noon.shift(SECOND)
        with pytest.raises(TurnInProgress):
            ask_again(reply, old, ReplyState.PENDING, 30)

    def test_not_while_another_is_written_in_its_session(self, failed: Any, session: Any) -> None:
        session.running_until = clock.now() + SECOND
        session.save()
        with pytest.raises(TurnInProgress):
            ask_again(failed, session, ReplyState.RUNNING, 30)

    def test_activity_that_another_server_has_seen_later_never_moves_back(
        self, failed: Any, session: Any, noon: Any
    ) -> None:
        later = clock.now() + 40 * SECOND
        session.last_activity_at = later
        session.save()
        ask_again(failed, session, ReplyState.RUNNING, 30)
        assert stored(session).last_activity_at == later
        assert stored(session).expires_at == later + TIMEOUT

    def test_not_in_a_session_that_is_over(self, failed: Any, session: Any) -> None:
        chat_sessions.end(session)
        with pytest.raises(SessionEnded):
            ask_again(failed, session, ReplyState.RUNNING, 30)

    def test_the_worker_of_the_attempt_before_writes_nothing_into_it(
        self, reply: Any, session: Any, noon: Any
    ) -> None:
        take(reply, session)
        stalled = stored(reply)
        noon.shift(LEASE)
        ask_again(reply, session, ReplyState.PENDING, 30)
        assert take(reply, session)
        writes: list[Callable[[], Any]] = [
            lambda: save_text(stalled, "Late"),
            lambda: renew(stalled, stored(session)),
            lambda: finish(stalled, stored(session), ReplyState.ANSWERED, content="Late"),
        ]
        for write in writes:
            with pytest.raises(TurnLost):
                write()
        assert (stored(reply).state, stored(reply).content) == ("running", "")


class TestTakingAway:
    def test_mark_interrupted_takes_only_those_whose_lease_has_passed(
        self, reply: Any, session: Any, noon: Any
    ) -> None:
        noon.shift(LEASE - MICROSECOND)
        mark_interrupted(session, clock.now())
        assert stored(reply).state == "pending"
        noon.shift(MICROSECOND)
        mark_interrupted(session, clock.now())
        assert stored(reply).state == "interrupted"

    def test_stop_takes_those_that_are_being_written_and_returns_them(
        self, reply: Any, session: Any
    ) -> None:
        take(reply, session)
        (stopped,) = stop_replies(session)
        for copy in (stopped, stored(reply)):
            assert (copy.pk, copy.state, copy.token) == (reply.pk, "stopped", None)
            assert copy.lease_until is None

    def test_what_has_ended_stays_as_it_ended(self, reply: Any, session: Any) -> None:
        take(reply, session)
        finish(reply, session, ReplyState.ANSWERED, content="Yes")
        assert stop_replies(session) == []
        mark_interrupted(session, clock.now() + timedelta(days=1))
        assert stored(reply).state == "answered"

    @pytest.mark.parametrize("change", ["renewed", "claimed"])
    def test_one_that_comes_alive_in_that_instant_is_not_interrupted(
        self,
        *,
        reply: Any,
        session: Any,
        noon: Any,
        monkeypatch: pytest.MonkeyPatch,
        signals: Any,
        django_capture_on_commit_callbacks: Any,
        change: str,
    ) -> None:
        noon.shift(LEASE)
        real = writing.ours

        def first(row: Any) -> Any:
            facts: dict[str, Any] = {"lease_until": clock.now() + LEASE}
            if change == "claimed":
                facts = {"token": uuid4()}
            get_message_model().objects.filter(pk=row.pk).update(**facts)
            return real(row)

        monkeypatch.setattr(control, "ours", first)
        with django_capture_on_commit_callbacks(execute=True):
            mark_interrupted(session, clock.now())
        assert stored(reply).state == "pending"
        assert signals == []

    def test_one_that_is_claimed_in_that_instant_is_stopped_all_the_same(
        self, reply: Any, session: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = tables.messages
        calls: list[int] = []

        def claimed_first() -> Any:
            calls.append(1)
            if len(calls) == 2:  # after the SELECT, before the UPDATE
                assert take(reply, stored(session))
            return real()

        monkeypatch.setattr(control, "messages", claimed_first)
        stop_replies(session)
        assert stored(reply).state == "stopped"
        with pytest.raises(TurnLost):
            save_text(reply, "More")

    def test_one_that_is_answered_in_that_instant_stays_an_answer(
        self, reply: Any, session: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        take(reply, session)
        real = tables.messages
        calls: list[int] = []

        def answered_first() -> Any:
            calls.append(1)
            if len(calls) == 2:  # after the SELECT, before the UPDATE
                finish(reply, stored(session), ReplyState.ANSWERED, content="Yes")
            return real()

        monkeypatch.setattr(control, "messages", answered_first)
        assert stop_replies(session) == []
        assert (stored(reply).state, stored(reply).content) == ("answered", "Yes")

    def test_it_is_told_once(
        self, sent: Any, noon: Any, signals: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        noon.shift(LEASE)
        with django_capture_on_commit_callbacks(execute=True):
            for _ in range(2):
                mark_interrupted(sent.session, clock.now())
                stop_replies(sent.session)
        facts = {"session": sent.session, "reply": sent.reply, "state": "interrupted"}
        assert signals == [("turn_failed", facts)]

    def test_a_stop_is_told_too(
        self, sent: Any, signals: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            stop_replies(sent.session)
        facts = {"session": sent.session, "reply": sent.reply, "state": "stopped"}
        assert signals == [("turn_failed", facts)]

    def test_1_select_and_1_update(self, session: Any, statements: Any) -> None:
        with statements() as seen:
            stop_replies(session)
        assert [sql.split()[0] for sql in seen] == ["SELECT", "UPDATE"]
