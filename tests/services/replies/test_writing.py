"""Only the holder of the token writes a reply; an expired session stays expired."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError

from django_chat_sessions import clock, get_message_model, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.exceptions import SessionNotFound, TurnLost
from django_chat_sessions.models import ReplyState
from django_chat_sessions.owners import Owner
from django_chat_sessions.services import races
from django_chat_sessions.services.races import RaceLost
from django_chat_sessions.services.replies import writing
from django_chat_sessions.services.replies.control import mark_interrupted
from django_chat_sessions.services.replies.writing import finish, renew, save_text, take
from tests.conversations import meanwhile, opened, reply_of, somebody_else, stored, waiting

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
LEASE = timedelta(seconds=30)
TIMEOUT = timedelta(seconds=300)


def fails(*args: Any, **values: Any) -> None:
    raise DatabaseError("the disk is full")


@pytest.fixture
def sent(owner: Owner, noon: Any) -> chat_sessions.Sent:
    return waiting(owner)


@pytest.fixture
def reply(sent: chat_sessions.Sent) -> Any:
    return reply_of(sent)


@pytest.fixture
def session(sent: chat_sessions.Sent) -> Any:
    return sent.session


class TestClaim:
    def test_it_makes_the_reply_ours_and_pins_its_session(
        self, reply: Any, session: Any, noon: Any
    ) -> None:
        noon.shift(20 * SECOND)
        assert take(reply, session)
        row = stored(reply)
        assert (row.state, row.attempt) == ("running", 1)
        assert row.token == reply.token is not None
        assert row.lease_until == reply.lease_until == clock.now() + LEASE
        assert stored(session).running_until == clock.now() + LEASE
        assert stored(session).expires_at == clock.now() + LEASE + TIMEOUT

    def test_a_second_worker_gets_nothing(self, reply: Any, session: Any) -> None:
        other = stored(reply)
        assert take(reply, session)
        assert not take(other, session)
        assert stored(reply).token == reply.token

    def test_no_other_reply_is_taken_with_it(self, reply: Any, session: Any) -> None:
        other = reply_of(waiting(somebody_else()))
        assert take(reply, session)
        assert (stored(other).state, stored(other).token) == ("pending", None)

    def test_a_session_that_has_expired_is_not_brought_back(
        self, reply: Any, session: Any, noon: Any
    ) -> None:
        """A host's policy may know a moment that no answer holds up."""
        session.expires_at = clock.now() + SECOND
        session.save()
        noon.shift(SECOND)
        assert take(reply, session)
        assert stored(session).expires_at == clock.now()

    def test_a_reply_whose_lease_has_passed_is_not_begun(
        self, reply: Any, session: Any, noon: Any
    ) -> None:
        noon.shift(LEASE)
        assert not take(reply, session)
        assert stored(reply).state == "pending"

    @pytest.mark.parametrize("state", ["running", "answered", "failed", "stopped", "interrupted"])
    def test_only_a_pending_reply_is_claimed(self, reply: Any, session: Any, state: str) -> None:
        get_message_model().objects.filter(pk=reply.pk).update(state=state)
        assert not take(reply, session)

    def test_a_session_that_no_longer_waits_for_it_is_not_held_open(
        self, reply: Any, session: Any
    ) -> None:
        get_session_model().objects.filter(pk=session.pk).update(running_until=None)
        before = stored(session).expires_at
        assert take(reply, stored(session))
        assert stored(session).running_until is None
        assert stored(session).expires_at == before

    def test_a_session_that_vanishes_meanwhile_raises_nothing(
        self, reply: Any, session: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        meanwhile(monkeypatch, writing, get_session_model().objects.all().delete)
        assert not take(reply, session)

    def test_a_session_that_is_purged_between_its_two_writes_is_no_error(
        self, reply: Any, session: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def purged(known: Any) -> None:
            raise SessionNotFound

        monkeypatch.setattr(races, "read_again", purged)
        monkeypatch.setattr(races, "pause", lambda attempt: None)
        session.message_count = 99  # as if read before something else
        assert not take(reply, session)
        assert reply.state == stored(reply).state == "pending"

    def test_reply_and_session_are_held_together_or_not_at_all(
        self, reply: Any, session: Any, noon: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        noon.shift(SECOND)
        monkeypatch.setattr(writing, "compare_and_set", fails)
        with pytest.raises(DatabaseError):
            take(reply, session)
        assert stored(reply).state == "pending"
        assert stored(reply).token is None

    def test_an_old_copy_of_the_session_is_no_hindrance(
        self, reply: Any, session: Any, noon: Any
    ) -> None:
        noon.shift(SECOND)
        old = stored(session)
        chat_sessions.touch(session)
        assert take(reply, old)
        assert stored(session).running_until == clock.now() + LEASE

    def test_an_attempt_that_is_over_does_not_run_the_next_one(
        self, reply: Any, session: Any
    ) -> None:
        late = stored(reply)
        chat_sessions.stop(session)
        again = chat_sessions.retry(session)
        assert not take(late, stored(session))
        assert stored(again).state == "pending"
        assert take(again, stored(session))

    def test_2_statements(self, reply: Any, session: Any, statements: Any) -> None:
        with statements() as seen:
            take(reply, session)
        assert len(seen) == 2


class TestSaveText:
    def test_it_grows(self, reply: Any, session: Any, statements: Any) -> None:
        take(reply, session)
        save_text(reply, "Os")
        with statements() as seen:
            save_text(reply, "Osmo\x00")
        assert len(seen) == 1
        assert stored(reply).content == reply.content == "Osmo\ufffd"

    def test_without_the_token_nothing_is_written(self, reply: Any, session: Any) -> None:
        stranger = stored(reply)
        take(reply, session)
        with pytest.raises(TurnLost) as lost:
            save_text(stranger, "SECRET-4711")
        assert stored(reply).content == stranger.content == ""
        assert "SECRET-4711" not in str(lost.value)
        assert str(reply.pk) in str(lost.value)

    def test_after_the_end_nothing_is_written(self, reply: Any, session: Any) -> None:
        take(reply, session)
        finish(reply, session, ReplyState.ANSWERED, content="Yes")
        with pytest.raises(TurnLost):
            save_text(reply, "No")
        assert stored(reply).content == "Yes"


class TestRenew:
    def test_it_moves_lease_and_expiry(self, reply: Any, session: Any, noon: Any) -> None:
        take(reply, session)
        noon.shift(10 * SECOND)
        renew(reply, session)
        until = clock.now() + LEASE
        assert stored(reply).lease_until == until
        for copy in (session, stored(session)):
            assert copy.running_until == until
            assert copy.expires_at == until + TIMEOUT

    def test_it_is_no_activity_of_the_person(self, reply: Any, session: Any, noon: Any) -> None:
        before = session.last_activity_at
        noon.shift(10 * SECOND)
        renew(reply, session)
        assert stored(session).last_activity_at == before

    def test_a_pending_reply_is_held_too(self, reply: Any, session: Any, noon: Any) -> None:
        noon.shift(29 * SECOND)
        renew(reply, session)
        noon.shift(29 * SECOND)
        assert take(reply, session)

    def test_a_lost_token_renews_nothing(self, reply: Any, session: Any, noon: Any) -> None:
        stranger = stored(reply)
        take(reply, session)
        noon.shift(SECOND)
        with pytest.raises(TurnLost):
            renew(stranger, stored(session))
        assert stored(reply).lease_until == reply.lease_until
        assert stored(session).running_until == session.running_until

    def test_whoever_slept_until_the_session_expired_does_not_bring_it_back(
        self, owner: Owner, reply: Any, session: Any, noon: Any
    ) -> None:
        take(reply, session)
        noon.shift(LEASE + TIMEOUT - MICROSECOND)
        renew(stored(reply), stored(session))
        noon.shift(LEASE + TIMEOUT)
        with pytest.raises(TurnLost):
            renew(reply, session)
        assert chat_sessions.current(owner) is None
        assert stored(reply).reply_state(clock.now()) == "interrupted"

    def test_a_turn_that_ends_in_between_does_not_stay_busy(
        self, reply: Any, session: Any, noon: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        take(reply, session)

        def ends_first() -> None:
            finish(stored(reply), stored(session), ReplyState.ANSWERED, content="Yes")

        meanwhile(monkeypatch, writing, ends_first, by="write")
        noon.shift(10 * SECOND)
        with pytest.raises(TurnLost):
            renew(reply, session)
        assert stored(session).running_until is None
        assert stored(session).expires_at == clock.now() + TIMEOUT

    def test_reply_and_session_are_renewed_together_or_not_at_all(
        self, reply: Any, session: Any, noon: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        take(reply, session)
        until = clock.now() + LEASE
        noon.shift(10 * SECOND)
        real = races.moving

        def moving(known: Any, **values: Any) -> Any:
            change = real(known, **values)
            return replace(change, where={**change.where, "message_count": 99}, lost=DatabaseError)

        monkeypatch.setattr(writing, "moving", moving)
        with pytest.raises(DatabaseError):
            renew(reply, session)
        assert stored(reply).lease_until == until
        assert stored(session).running_until == until

    def test_a_reply_whose_session_no_longer_waits_for_it_holds_nothing_open(
        self, reply: Any, session: Any, noon: Any
    ) -> None:
        take(reply, session)
        get_session_model().objects.filter(pk=session.pk).update(running_until=None)
        before = stored(session).expires_at
        noon.shift(10 * SECOND)
        renew(reply, session)
        assert stored(session).running_until is None
        assert stored(session).expires_at == before

    def test_a_clock_that_jumped_back_shortens_nothing(
        self, reply: Any, session: Any, noon: Any
    ) -> None:
        take(reply, session)
        noon.shift(-timedelta(hours=1))
        renew(reply, session)
        assert stored(session).expires_at == session.last_activity_at + TIMEOUT

    def test_3_statements(self, reply: Any, session: Any, statements: Any) -> None:
        with statements() as seen:
            renew(reply, session)
        assert len(seen) == 3


class TestFinish:
    def test_the_idle_clock_starts_again(self, reply: Any, session: Any, noon: Any) -> None:
        take(reply, session)
        noon.shift(25 * SECOND)
        finish(reply, session, ReplyState.ANSWERED, content="Yes", metadata={"a": 1})
        row = stored(reply)
        assert (row.state, row.content, row.metadata) == ("answered", "Yes", {"a": 1})
        assert row.lease_until is None
        for copy in (session, stored(session)):
            assert copy.running_until is None
            assert copy.last_activity_at == copy.last_message_at == clock.now()
            assert copy.expires_at == clock.now() + TIMEOUT
            assert copy.preview == "Yes"

    def test_metadata_is_joined_to_what_was_there(self, reply: Any, session: Any) -> None:
        reply.metadata = {"model": "m", "a": 0}
        take(reply, session)
        finish(reply, session, ReplyState.ANSWERED, content="Yes", metadata={"a": 1})
        assert stored(reply).metadata == {"model": "m", "a": 1}

    def test_a_failure_keeps_what_was_written_and_says_why_to_staff(
        self, reply: Any, session: Any
    ) -> None:
        take(reply, session)
        save_text(reply, "Half an ans")
        finish(reply, session, ReplyState.FAILED, error="Timeout: \x00")
        row = stored(reply)
        assert (row.state, row.content, row.error) == ("failed", "Half an ans", "Timeout: \ufffd")
        assert stored(session).preview == "Half an ans"

    def test_twice_is_refused(self, reply: Any, session: Any) -> None:
        take(reply, session)
        finish(reply, session, ReplyState.ANSWERED, content="Yes")
        with pytest.raises(TurnLost):
            finish(reply, session, ReplyState.FAILED)
        assert stored(reply).state == "answered"

    def test_a_touch_meanwhile_is_kept(self, reply: Any, session: Any, noon: Any) -> None:
        take(reply, session)
        noon.shift(20 * SECOND)
        chat_sessions.touch(stored(session))
        finish(reply, session, ReplyState.ANSWERED, content="Yes")
        assert stored(session).last_activity_at == clock.now()

    def test_a_late_answer_of_a_reply_nobody_took_is_kept(
        self, reply: Any, session: Any, noon: Any
    ) -> None:
        take(reply, session)
        noon.shift(LEASE + SECOND)
        finish(reply, session, ReplyState.ANSWERED, content="Yes")
        assert stored(reply).content == "Yes"
        assert stored(session).expires_at == clock.now() + TIMEOUT

    def test_an_answer_after_the_expiry_is_readable_and_revives_nothing(
        self, owner: Owner, reply: Any, session: Any, noon: Any
    ) -> None:
        take(reply, session)
        noon.shift(LEASE + TIMEOUT)
        expired_at = stored(session).expires_at
        finish(reply, session, ReplyState.ANSWERED, content="Yes")
        assert stored(reply).content == "Yes"
        assert stored(session).preview == "Yes"
        assert chat_sessions.current(owner) is None
        assert stored(session).expires_at == expired_at
        chat_sessions.sweep()
        assert stored(session).ended_at == expired_at

    def test_the_answer_of_a_stalled_worker_is_refused_once_it_was_marked(
        self, reply: Any, session: Any, noon: Any
    ) -> None:
        take(reply, session)
        noon.shift(LEASE)
        mark_interrupted(session, clock.now())
        with pytest.raises(TurnLost):
            finish(reply, session, ReplyState.ANSWERED, content="Too late")
        assert (stored(reply).state, stored(reply).content) == ("interrupted", "")

    def test_an_answer_that_nobody_may_have_seen_is_unread_and_so_said(
        self, reply: Any, session: Any
    ) -> None:
        take(reply, session)
        finish(reply, session, ReplyState.ANSWERED, content="Yes", unread=True)
        assert session.unread
        assert stored(session).unread

    def test_otherwise_it_is_as_read_as_it_was(self, reply: Any, session: Any) -> None:
        take(reply, session)
        finish(reply, session, ReplyState.ANSWERED, content="Yes")
        assert not stored(session).unread

    def test_a_lost_race_writes_nothing_and_is_run_again(
        self, reply: Any, session: Any, noon: Any
    ) -> None:
        take(reply, session)
        noon.shift(5 * SECOND)
        other_tab = stored(session)
        chat_sessions.touch(other_tab)
        session.message_count = 99  # as if read before something else
        finish(reply, session, ReplyState.ANSWERED, content="Yes")
        assert session.message_count == stored(session).message_count == 2

    def test_2_statements(self, reply: Any, session: Any, statements: Any) -> None:
        take(reply, session)
        with statements() as seen:
            finish(reply, session, ReplyState.ANSWERED, content="Yes")
        assert [sql.split()[0] for sql in seen] == ["UPDATE", "UPDATE"]


def test_a_write_is_repeated_after_a_lost_race(
    owner: Owner, noon: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = waiting(owner)
    reply = reply_of(sent)
    take(reply, sent.session)
    real, failures = writing.growing, [RaceLost(), RaceLost()]

    def sometimes(row: Any, **values: Any) -> Any:
        if failures:
            raise failures.pop()
        return real(row, **values)

    monkeypatch.setattr(races, "pause", lambda attempt: None)
    monkeypatch.setattr(writing, "growing", sometimes)
    save_text(reply, "Yes")
    assert failures == []
    assert stored(reply).content == "Yes"
    assert opened(owner) == sent.session
