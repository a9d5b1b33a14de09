"""stop, retry, recover: what people and starting workers do about a reply."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from django_chat_sessions import clock, get_message_model, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.exceptions import (
    NothingToRetry,
    SessionEnded,
    SessionNotFound,
    TurnInProgress,
    TurnLost,
)
from django_chat_sessions.models import ReplyState
from django_chat_sessions.owners import Owner
from django_chat_sessions.policies import IdleTimeoutPolicy
from django_chat_sessions.services import races
from django_chat_sessions.services.replies import asking
from django_chat_sessions.services.replies.asking import Recovered, last_reply, recover_session
from django_chat_sessions.services.replies.running import run
from django_chat_sessions.services.replies.writing import finish, renew, save_text, take
from tests.conversations import (
    configure,
    leave_replies,
    listen_only,
    meanwhile,
    opened,
    reply_of,
    rows,
    somebody_else,
    stored,
    talked,
    waiting,
)

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
LEASE = timedelta(seconds=30)
TIMEOUT = timedelta(seconds=300)


@pytest.fixture
def sent(owner: Owner, noon: Any) -> chat_sessions.Sent:
    return waiting(owner, "Why?")


@pytest.fixture
def reply(sent: chat_sessions.Sent) -> Any:
    return reply_of(sent)


@pytest.fixture
def session(sent: chat_sessions.Sent) -> Any:
    return sent.session


@pytest.fixture
def growing(reply: Any, session: Any, noon: Any) -> Any:
    """A reply of which some is stored, after 20 seconds."""
    assert take(reply, session)
    noon.shift(20 * SECOND)
    save_text(reply, "Half an ans")
    return reply


class TestStop:
    def test_of_several_replies_it_returns_the_last_of_this_session(
        self, growing: Any, session: Any, owner: Owner
    ) -> None:
        finish(growing, session, ReplyState.ANSWERED, content="Because.")
        neighbour = somebody_else()
        for text in ("One", "Two", "Three"):
            talked(neighbour, text)
        other = waiting(neighbour)  # further on in its session
        assert chat_sessions.stop(session) == growing
        second = waiting(owner, "And?", key="key-of-the-second")
        assert chat_sessions.stop(session) == second.reply
        assert stored(reply_of(other)).state == "pending"

    def test_what_is_stored_stays_and_the_idle_clock_starts_again(
        self, growing: Any, session: Any, noon: Any
    ) -> None:
        noon.shift(5 * SECOND)
        stopped = chat_sessions.stop(session)
        assert stopped is not None
        for copy in (stopped, stored(growing)):
            assert (copy.pk, copy.state, copy.content) == (growing.pk, "stopped", "Half an ans")
            assert copy.lease_until is None
        for row in (session, stored(session)):
            assert row.running_until is None
            assert row.last_activity_at == row.last_message_at == clock.now()
            assert row.expires_at == clock.now() + TIMEOUT
            assert row.preview == "Half an ans"

    def test_what_its_worker_writes_later_is_refused(self, growing: Any, session: Any) -> None:
        chat_sessions.stop(stored(session))
        writes: list[Callable[[], Any]] = [
            lambda: save_text(growing, "More"),
            lambda: renew(growing, stored(session)),
            lambda: finish(growing, stored(session), ReplyState.ANSWERED, content="All of it"),
        ]
        for write in writes:
            with pytest.raises(TurnLost):
                write()
        assert (stored(growing).state, stored(growing).content) == ("stopped", "Half an ans")
        assert stored(session).running_until is None

    def test_one_that_waits_for_a_worker_is_never_begun(
        self, reply: Any, session: Any, settings: Any
    ) -> None:
        asked: list[Any] = []
        configure(settings, RESPONDER=asked.append)
        chat_sessions.stop(session)
        run(reply.pk)
        assert asked == []
        assert (stored(reply).state, stored(reply).content) == ("stopped", "")
        assert stored(session).preview == "Why?"

    def test_the_next_message_may_be_sent_at_once(self, owner: Owner, growing: Any) -> None:
        chat_sessions.stop(opened(owner))
        sent = waiting(owner, "And?", key="next")
        assert [row.content for row in rows(sent.session)] == ["Why?", "Half an ans", "And?", ""]

    @pytest.mark.parametrize("state", ["answered", "failed", "stopped"])
    def test_when_nothing_is_running_nothing_changes(
        self, growing: Any, session: Any, noon: Any, signals: Any, state: str
    ) -> None:
        finish(growing, session, ReplyState(state))
        before = vars(stored(session)) | {"_state": None}
        noon.shift(SECOND)
        last = chat_sessions.stop(session)
        assert last is not None
        assert (last.pk, last.state) == (growing.pk, state)
        assert vars(stored(session)) | {"_state": None} == before

    def test_a_session_without_any_reply_has_none(self, owner: Owner) -> None:
        session = talked(owner)
        assert chat_sessions.stop(session) is None
        assert last_reply(session) is None

    def test_a_reply_that_a_dead_worker_left_behind_is_not_running(
        self, growing: Any, session: Any, noon: Any
    ) -> None:
        noon.shift(LEASE)
        last = chat_sessions.stop(session)
        assert last is not None
        assert last.reply_state(clock.now()) == "interrupted"
        assert stored(session).last_activity_at == session.last_activity_at

    def test_in_an_ended_session_too_which_stays_ended(self, growing: Any, session: Any) -> None:
        chat_sessions.end(stored(session))
        chat_sessions.stop(session)
        assert stored(growing).state == "stopped"
        assert stored(session).open_key is None
        assert stored(session).running_until is None

    def test_in_one_that_has_grown_too_old_meanwhile_which_stays_expired(
        self, growing: Any, session: Any, settings: Any
    ) -> None:
        configure(settings, TIMEOUT_POLICY=IdleTimeoutPolicy(max_age=10))
        get_session_model().objects.filter(pk=session.pk).update(expires_at=clock.now())
        before = stored(session)
        chat_sessions.stop(session)
        after = stored(session)
        assert (stored(growing).state, after.running_until) == ("stopped", None)
        assert after.expires_at == before.expires_at
        assert after.last_activity_at == before.last_activity_at

    def test_a_session_that_is_gone_is_not_found(self, session: Any) -> None:
        get_session_model().objects.all().delete()
        with pytest.raises(SessionNotFound):
            chat_sessions.stop(session)

    def test_an_old_copy_is_enough(self, owner: Owner, noon: Any) -> None:
        old = stored(talked(owner))
        noon.shift(SECOND)
        reply = reply_of(waiting(owner, "Why?"))
        chat_sessions.stop(old)
        assert stored(reply).state == "stopped"
        assert old.running_until is None

    def test_an_answer_that_ends_in_that_instant_stays_an_answer(
        self, growing: Any, session: Any, noon: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def ends_first() -> None:
            finish(growing, stored(session), ReplyState.ANSWERED, content="All of it")

        noon.shift(SECOND)
        meanwhile(monkeypatch, asking, ends_first)
        last = chat_sessions.stop(session)
        assert last is not None
        assert (last.state, last.content) == ("answered", "All of it")

    @pytest.mark.parametrize("what", ["renewed", "claimed", "touched"])
    def test_whatever_else_happens_in_that_instant_it_is_stopped(
        self,
        sent: chat_sessions.Sent,
        noon: Any,
        monkeypatch: pytest.MonkeyPatch,
        what: str,
    ) -> None:
        reply = reply_of(sent)
        noon.shift(SECOND)
        if what != "claimed":
            take(reply, stored(sent.session))

        def first() -> None:
            noon.shift(SECOND)
            other = stored(sent.session)
            if what == "renewed":
                renew(reply, other)
            elif what == "claimed":
                assert take(reply, other)
            else:
                chat_sessions.touch(other)

        meanwhile(monkeypatch, asking, first)
        chat_sessions.stop(sent.session)
        assert stored(reply).state == "stopped"
        assert stored(sent.session).running_until is None
        with pytest.raises(TurnLost):
            save_text(reply, "More")

    def test_it_is_told_once(
        self,
        growing: Any,
        session: Any,
        signals: Any,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            chat_sessions.stop(session)
            chat_sessions.stop(session)
        assert [name for name, _facts in signals] == ["turn_failed"]
        facts = signals[0][1]
        assert (facts["session"], facts["reply"], facts["state"]) == (session, growing, "stopped")
        assert facts["reply"].content == "Half an ans"

    def test_5_statements_and_2_when_nothing_is_running(
        self, growing: Any, session: Any, statements: Any
    ) -> None:
        for count in (5, 2):
            with statements() as seen:
                chat_sessions.stop(session)
            assert len(seen) == count


class TestRetry:
    @pytest.fixture(params=["failed", "stopped", "interrupted", "left behind"])
    def over(self, request: Any, growing: Any, session: Any, noon: Any) -> str:
        """The last reply is over without being an answer."""
        if request.param == "failed":
            finish(growing, session, ReplyState.FAILED, error="broken")
        elif request.param == "stopped":
            chat_sessions.stop(session)
        else:
            noon.shift(LEASE)
            if request.param == "interrupted":
                recover_session(session)
        noon.shift(SECOND)
        return str(request.param)

    def test_the_reply_begins_anew_and_pins_its_session(
        self, over: str, growing: Any, session: Any
    ) -> None:
        again = chat_sessions.retry(session)
        for copy in (again, stored(growing)):
            assert (copy.pk, copy.state, copy.attempt) == (growing.pk, "pending", 2)
            assert (copy.content, copy.error, copy.token) == ("", "", None)
            assert copy.lease_until == clock.now() + LEASE
        for row in (session, stored(session)):
            assert row.running_until == clock.now() + LEASE
            assert row.last_activity_at == clock.now()
            assert row.expires_at == clock.now() + LEASE + TIMEOUT
        assert [row.content for row in rows(session)] == ["Why?", ""]
        assert stored(session).preview == session.preview == "Why?"  # not what was written before

    def test_the_runner_gets_it_after_commit(
        self, over: str, growing: Any, session: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            chat_sessions.retry(session)
            assert stored(growing).state == "pending"
        row = stored(growing)
        assert (row.state, row.content, row.attempt) == ("answered", "You asked: Why?", 2)
        assert stored(session).running_until is None

    def test_a_second_click_is_refused_while_it_is_asked_for(
        self, over: str, growing: Any, session: Any
    ) -> None:
        old = stored(session)
        chat_sessions.retry(session)
        for copy in (session, old):
            with pytest.raises(TurnInProgress) as refused:
                chat_sessions.retry(copy)
            assert refused.value.reply == growing
        assert stored(growing).attempt == 2

    def test_another_that_is_faster_wins(
        self, over: str, growing: Any, session: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from django_chat_sessions.services.replies import control

        meanwhile(monkeypatch, control, lambda: chat_sessions.retry(stored(session)))
        with pytest.raises(TurnInProgress):
            chat_sessions.retry(session)
        assert stored(growing).attempt == 2

    @pytest.mark.parametrize("way", ["end", "expire", "delete"])
    def test_a_session_that_is_over_is_to_be_reopened_first(
        self, over: str, growing: Any, session: Any, noon: Any, way: str
    ) -> None:
        if way == "expire":
            noon.shift(LEASE + TIMEOUT)
        else:
            getattr(chat_sessions, way)(stored(session))
        with pytest.raises(SessionEnded):
            chat_sessions.retry(session)
        assert stored(growing).attempt == 1
        if way == "delete":
            return
        chat_sessions.reopen(stored(session))
        assert chat_sessions.retry(stored(session)).attempt == 2

    def test_without_a_responder_nobody_can_be_asked(
        self, over: str, session: Any, settings: Any
    ) -> None:
        listen_only(settings)
        with pytest.raises(NothingToRetry):
            chat_sessions.retry(session)

    def test_3_statements(self, over: str, session: Any, statements: Any) -> None:
        current = stored(session)
        with statements() as seen:
            chat_sessions.retry(current)
        assert [sql.split()[0] for sql in seen] == ["SELECT", "UPDATE", "UPDATE"]

    @pytest.mark.parametrize("state", ["pending", "running"])
    def test_what_is_being_answered_is_not_asked_again(
        self, reply: Any, session: Any, state: str
    ) -> None:
        if state == "running":
            take(reply, session)
        with pytest.raises(TurnInProgress) as refused:
            chat_sessions.retry(session)
        assert refused.value.reply == reply

    def test_an_answer_is_not_asked_for_again(self, growing: Any, session: Any) -> None:
        finish(growing, session, ReplyState.ANSWERED, content="Yes")
        with pytest.raises(NothingToRetry) as refused:
            chat_sessions.retry(session)
        assert refused.value.session == session
        assert "Why?" not in str(refused.value)

    def test_the_refusal_shows_the_session_as_it_is_and_not_as_the_caller_holds_it(
        self, growing: Any, session: Any
    ) -> None:
        finish(growing, session, ReplyState.ANSWERED, content="Yes")
        held = stored(session)
        chat_sessions.end(stored(session))
        with pytest.raises(NothingToRetry) as refused:
            chat_sessions.retry(held)
        assert refused.value.session.ended_at is not None

    def test_nor_is_a_reply_that_is_not_the_last_message(self, growing: Any, session: Any) -> None:
        finish(growing, session, ReplyState.FAILED)
        chat_sessions.add_message(session, "user", "Never mind")
        with pytest.raises(NothingToRetry):
            chat_sessions.retry(session)

    def test_it_is_the_reply_of_this_session(
        self, over: str, growing: Any, session: Any, settings: Any
    ) -> None:
        listen_only(settings)
        neighbour = somebody_else()
        for text in ("One", "Two", "Three"):
            talked(neighbour, text)  # further on in its session
        configure(settings, RESPONDER="tests.responders.echo")
        assert chat_sessions.retry(session) == growing
        assert stored(session).preview == "Why?"

    def test_an_empty_session_has_nothing_to_ask_again(self, owner: Owner) -> None:
        with pytest.raises(NothingToRetry):
            chat_sessions.retry(opened(owner))

    def test_as_often_as_it_takes(
        self, owner: Owner, settings: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        answers: list[Any] = [OSError("1"), OSError("2"), "At last"]

        def answer(turn: Any) -> Iterator[str]:
            given = answers.pop(0)
            if isinstance(given, OSError):
                yield "Half"
                raise given
            yield given

        configure(settings, RESPONDER=answer)
        with django_capture_on_commit_callbacks(execute=True):
            sent = waiting(owner)
        for attempt in (2, 3):
            assert stored(reply_of(sent)).state == "failed"
            with django_capture_on_commit_callbacks(execute=True):
                chat_sessions.retry(stored(sent.session))
            assert stored(reply_of(sent)).attempt == attempt
        assert [row.content for row in rows(sent.session)] == ["Hello", "At last"]


def worker_died(sent: chat_sessions.Sent) -> None:
    """Begin the reply as far as it is asked for, and never come back."""
    reply = stored(reply_of(sent))
    assert take(reply, stored(sent.session))
    save_text(reply, "Half")


class TestRecover:
    def test_a_reply_that_was_left_behind_is_interrupted_and_its_reader_may_ask(
        self, growing: Any, session: Any, noon: Any
    ) -> None:
        noon.shift(LEASE)
        assert chat_sessions.recover() == Recovered(retried=0, interrupted=1)
        row = stored(growing)
        assert (row.state, row.content, row.attempt) == ("interrupted", "Half an ans", 1)
        assert (row.token, row.lease_until) == (None, None)
        assert stored(session).running_until is None
        assert chat_sessions.retry(stored(session)).attempt == 2

    def test_also_one_that_no_worker_ever_took(self, reply: Any, session: Any, noon: Any) -> None:
        noon.shift(LEASE)
        assert chat_sessions.recover() == Recovered(interrupted=1)
        assert stored(reply).state == "interrupted"

    @pytest.mark.parametrize("recovered_after", [0, 100, 299])
    @pytest.mark.parametrize("attempts", [1, 3])
    def test_the_session_expires_at_exactly_lease_and_timeout_all_the_same(
        self,
        *,
        owner: Owner,
        sent: chat_sessions.Sent,
        noon: Any,
        settings: Any,
        recovered_after: int,
        attempts: int,
    ) -> None:
        worker_died(sent)
        get_message_model().objects.filter(pk=reply_of(sent).pk).update(attempt=attempts)
        configure(settings, REPLY_ATTEMPTS=attempts)
        end = clock.now() + LEASE + TIMEOUT
        noon.shift(LEASE + recovered_after * SECOND)
        assert chat_sessions.recover() == Recovered(interrupted=1)
        assert stored(sent.session).expires_at == end
        assert stored(sent.session).deadline().at == end
        noon.move_to(end - MICROSECOND)
        assert chat_sessions.current(owner) == sent.session
        noon.move_to(end)
        assert chat_sessions.current(owner) is None
        chat_sessions.sweep()
        assert (stored(sent.session).ended_at, stored(sent.session).end_reason) == (end, "idle")

    def test_a_session_that_has_expired_by_then_stays_expired(
        self, owner: Owner, sent: chat_sessions.Sent, noon: Any, settings: Any
    ) -> None:
        configure(settings, REPLY_ATTEMPTS=3)
        worker_died(sent)
        end = clock.now() + LEASE + TIMEOUT
        noon.shift(LEASE + TIMEOUT)
        assert chat_sessions.recover() == Recovered(interrupted=1)
        assert chat_sessions.current(owner) is None
        assert stored(sent.session).expires_at == end
        assert stored(reply_of(sent)).state == "interrupted"

    def test_in_a_session_that_was_ended_meanwhile_it_is_interrupted_by_cron(
        self, sent: chat_sessions.Sent, noon: Any, settings: Any, signals: Any, statements: Any
    ) -> None:
        configure(settings, REPLY_ATTEMPTS=3)
        worker_died(sent)
        ended = chat_sessions.end(sent.session)
        noon.shift(LEASE)
        assert chat_sessions.recover() == Recovered()  # a starting worker reads open ones only
        assert stored(reply_of(sent)).state == "running"
        assert chat_sessions.recover(dry_run=True, ended=True) == Recovered(interrupted=1)
        with statements() as spent:
            assert chat_sessions.recover(ended=True) == Recovered(interrupted=1)
        assert len(spent) <= 1 + 1 + 4  # that there are no more, and 4 for the reply
        assert stored(reply_of(sent)).state == "interrupted"
        row = stored(sent.session)
        assert (row.running_until, row.last_activity_at) == (None, ended.last_activity_at)
        assert (row.ended_at, row.end_reason) == (ended.ended_at, "user")
        assert chat_sessions.recover(ended=True) == Recovered()

    def test_the_host_may_want_it_asked_for_again_so_often(
        self, sent: chat_sessions.Sent, noon: Any, settings: Any
    ) -> None:
        configure(settings, REPLY_ATTEMPTS=3)
        for attempt in (1, 2):
            worker_died(sent)
            noon.shift(LEASE)
            assert chat_sessions.recover() == Recovered(retried=1)
            row = stored(reply_of(sent))
            assert (row.state, row.attempt, row.content) == ("pending", attempt + 1, "")
            assert row.lease_until == clock.now() + LEASE
            assert stored(sent.session).running_until == clock.now() + LEASE
            assert stored(sent.session).expires_at == clock.now() + LEASE + TIMEOUT
        worker_died(sent)
        noon.shift(LEASE)
        assert chat_sessions.recover() == Recovered(interrupted=1)
        row = stored(reply_of(sent))
        assert (row.state, row.attempt, row.content) == ("interrupted", 3, "Half")

    def test_it_is_the_reply_of_this_session_and_its_question_is_shown(
        self, owner: Owner, noon: Any, settings: Any
    ) -> None:
        configure(settings, REPLY_ATTEMPTS=3)
        neighbours = somebody_else()
        talked(neighbours, "Theirs")
        others = waiting(neighbours, "Theirs, too")  # further on in its session
        talked(owner, "Before")
        sent = waiting(owner, "Why?", key="why")
        for each in (others, sent):
            worker_died(each)
            get_session_model().objects.filter(pk=each.session.pk).update(preview="Half")
        noon.shift(LEASE)
        before = stored(reply_of(others))
        assert recover_session(stored(sent.session)) is ReplyState.PENDING
        assert stored(sent.session).preview == "Why?"
        assert (stored(reply_of(sent)).state, stored(reply_of(sent)).attempt) == ("pending", 2)
        assert (stored(reply_of(others)).state, before.state) == ("running", "running")
        assert stored(others.session).preview == "Half"

    def test_the_runner_gets_it_after_commit_and_its_answer_is_whole(
        self,
        sent: chat_sessions.Sent,
        noon: Any,
        settings: Any,
        django_capture_on_commit_callbacks: Any,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        configure(settings, REPLY_ATTEMPTS=2)
        worker_died(sent)
        noon.shift(LEASE)
        with caplog.at_level("INFO"), django_capture_on_commit_callbacks(execute=True):
            chat_sessions.recover()
        assert [row.content for row in rows(sent.session)] == ["Why?", "You asked: Why?"]
        assert f"Reply {reply_of(sent).pk} was left behind and is asked for again." in caplog.text
        assert "Why" not in caplog.text

    def test_without_a_responder_it_is_interrupted(
        self, growing: Any, noon: Any, settings: Any
    ) -> None:
        configure(settings, REPLY_ATTEMPTS=3, RESPONDER=None)
        noon.shift(LEASE)
        assert chat_sessions.recover(dry_run=True) == Recovered(interrupted=1)
        assert chat_sessions.recover() == Recovered(interrupted=1)

    def test_beside_a_living_worker_nothing_happens(
        self, growing: Any, session: Any, noon: Any, settings: Any
    ) -> None:
        configure(settings, REPLY_ATTEMPTS=3)
        noon.shift(10 * SECOND - MICROSECOND)  # its lease began 20 seconds ago
        assert chat_sessions.recover() == Recovered()
        assert recover_session(stored(session)) is None
        assert stored(growing).token == growing.token

    def test_a_worker_that_renews_in_that_instant_keeps_its_reply(
        self, growing: Any, session: Any, noon: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        noon.shift(LEASE)
        left = stored(session)
        meanwhile(monkeypatch, asking, lambda: renew(growing, session))
        assert recover_session(left) is None
        assert (stored(growing).state, stored(growing).token) == ("running", growing.token)
        assert stored(session).running_until == clock.now() + LEASE

    def test_also_from_being_asked_again(
        self,
        growing: Any,
        session: Any,
        noon: Any,
        settings: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        from django_chat_sessions.services.replies import control

        configure(settings, REPLY_ATTEMPTS=3)
        noon.shift(LEASE)
        left = stored(session)
        meanwhile(monkeypatch, control, lambda: renew(growing, session))
        assert recover_session(left) is None
        assert (stored(growing).state, stored(growing).attempt) == ("running", 1)

    @pytest.mark.parametrize("attempts", [1, 3])
    def test_of_two_at_once_one_does_it(
        self,
        *,
        growing: Any,
        session: Any,
        noon: Any,
        settings: Any,
        monkeypatch: pytest.MonkeyPatch,
        signals: Any,
        django_capture_on_commit_callbacks: Any,
        attempts: int,
    ) -> None:
        from django_chat_sessions.services.replies import control

        leave_replies(settings)
        configure(settings, REPLY_ATTEMPTS=attempts)
        noon.shift(LEASE)
        first: list[Any] = []
        copy = stored(session)
        for module in (control, asking):
            meanwhile(monkeypatch, module, lambda: first.append(recover_session(copy)))
        with django_capture_on_commit_callbacks(execute=True):
            second = recover_session(stored(session))
        done = ReplyState.INTERRUPTED if attempts == 1 else ReplyState.PENDING
        assert [one for one in [*first, second] if one is not None] == [done]
        assert stored(growing).attempt == (1 if attempts == 1 else 2)
        assert len([name for name, _facts in signals if name == "turn_failed"]) == (attempts == 1)

    def test_a_session_that_is_gone_or_ended_meanwhile_is_no_error(
        self, growing: Any, session: Any, noon: Any, settings: Any
    ) -> None:
        configure(settings, REPLY_ATTEMPTS=3)
        noon.shift(LEASE)
        ended, gone = stored(session), stored(session)
        chat_sessions.end(session)
        assert recover_session(ended) is ReplyState.INTERRUPTED
        get_session_model().objects.all().delete()
        assert recover_session(gone) is None

    def test_a_session_that_only_looks_busy_is_let_go_and_counted_as_nothing(
        self, growing: Any, session: Any, noon: Any
    ) -> None:
        get_message_model().objects.filter(pk=growing.pk).update(state="answered")
        noon.shift(LEASE)
        assert chat_sessions.recover(dry_run=True) == Recovered()
        assert chat_sessions.recover() == Recovered()
        assert stored(session).running_until is None

    def test_an_answered_session_is_left_alone(self, growing: Any, session: Any) -> None:
        finish(growing, session, ReplyState.ANSWERED, content="Yes")
        assert recover_session(session) is None

    @pytest.mark.parametrize("size", [1, 2, 100])
    def test_every_batch_size_reaches_all(
        self, noon: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, size: int
    ) -> None:
        monkeypatch.setattr(asking, "BATCH", size)
        configure(settings, REPLY_ATTEMPTS=2)
        lost = [waiting(Owner.for_visitor(str(number))) for number in range(5)]
        for one in lost[:2]:
            get_message_model().objects.filter(pk=reply_of(one).pk).update(attempt=2)
        noon.shift(LEASE)
        assert chat_sessions.recover(dry_run=True) == Recovered(retried=3, interrupted=2)
        assert chat_sessions.recover() == Recovered(retried=3, interrupted=2)
        states = [stored(reply_of(one)).state for one in lost]
        assert states == ["interrupted"] * 2 + ["pending"] * 3

    def test_a_dry_run_counts_the_same_and_changes_nothing(
        self, sent: chat_sessions.Sent, noon: Any, settings: Any
    ) -> None:
        worker_died(sent)
        for attempts, expected in ((1, Recovered(0, 1)), (2, Recovered(1, 0))):
            configure(settings, REPLY_ATTEMPTS=attempts)
            noon.shift(LEASE)
            assert chat_sessions.recover(dry_run=True) == expected
            assert stored(reply_of(sent)).state == "running"
            assert stored(sent.session).running_until is not None
        noon.shift(TIMEOUT - LEASE)  # the very moment of its expiry: nobody waits any more
        assert chat_sessions.recover(dry_run=True) == Recovered(0, 1)

    def test_each_is_told_once(
        self, growing: Any, noon: Any, signals: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        noon.shift(LEASE)
        with django_capture_on_commit_callbacks(execute=True):
            chat_sessions.recover()
            chat_sessions.recover()
        assert [(name, facts["state"]) for name, facts in signals] == [
            ("turn_failed", "interrupted")
        ]

    @pytest.mark.parametrize(("attempts", "each"), [(1, 4), (2, 3)])
    def test_1_statement_and_up_to_4_for_each_reply(
        self, noon: Any, settings: Any, statements: Any, attempts: int, each: int
    ) -> None:
        configure(settings, REPLY_ATTEMPTS=attempts)
        for number in range(3):
            waiting(Owner.for_visitor(str(number)))
        noon.shift(LEASE)
        with statements() as seen:
            chat_sessions.recover()
        assert len(seen) == 2 + 3 * each  # the second says that there are no more
        with statements() as seen:
            chat_sessions.recover()
        assert len(seen) == 1

    def test_a_lost_race_is_run_again(
        self, growing: Any, session: Any, noon: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(races, "pause", lambda attempt: None)
        noon.shift(LEASE)
        old = stored(session)
        chat_sessions.touch(session)
        assert recover_session(old) is ReplyState.INTERRUPTED
        assert stored(session).last_activity_at == clock.now()
