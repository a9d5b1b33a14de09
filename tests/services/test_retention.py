"""Sweep and purge: bookkeeping that loses nothing, however often and whenever it runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError
from django.db.models import DO_NOTHING

from django_chat_sessions import clock, get_message_model, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.owners import Owner
from django_chat_sessions.policies import IdleTimeoutPolicy
from django_chat_sessions.services import retention
from django_chat_sessions.services.opening import close_expired
from django_chat_sessions.services.replies.writing import take
from django_chat_sessions.services.retention import LONGEST_DAYS, days_kept
from django_chat_sessions.services.staff import purge_chosen
from tests.conversations import (
    configure,
    fill_history,
    in_sizes,
    messages_of,
    opened,
    reply_of,
    somebody_else,
    stored,
    talked,
    waiting,
)

pytestmark = pytest.mark.django_db

MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)
TIMEOUT = timedelta(seconds=300)


@pytest.mark.parametrize("order", [["user__username"], []])
def test_whatever_order_the_hosts_model_has(
    owner: Owner, noon: Any, monkeypatch: pytest.MonkeyPatch, order: list[str]
) -> None:
    """PostgreSQL does not lock rows beside those that another table may not have."""
    expired, ended = talked(owner, scope="a"), chat_sessions.end(talked(owner, scope="b"))
    noon.shift(timedelta(days=2))
    monkeypatch.setattr(get_session_model()._meta, "ordering", order)
    assert chat_sessions.sweep() == 1
    assert chat_sessions.purge(older_than_days=1) == 2
    chosen = talked(owner)
    assert purge_chosen([chosen]) == 1
    gone = get_session_model()._base_manager.filter(pk__in=[expired.pk, ended.pk, chosen.pk])
    assert not gone.exists()


def test_what_staff_deletes_takes_its_messages_along_whatever_the_hosts_foreign_key_does(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    relation = get_message_model()._meta.get_field("session").remote_field
    monkeypatch.setattr(relation, "on_delete", DO_NOTHING)
    chosen = talked(owner)
    assert purge_chosen([chosen]) == 1
    assert not get_message_model()._base_manager.exists()


class TestSweep:
    def test_what_has_expired_is_written_down_with_its_own_moment(
        self, owner: Owner, noon: Any
    ) -> None:
        session = talked(owner)
        expires = session.expires_at
        noon.shift(TIMEOUT + DAY)
        assert chat_sessions.sweep() == 1
        row = stored(session)
        assert (row.open_key, row.ended_at, row.end_reason) == (None, expires, "idle")

    @pytest.mark.parametrize(("moment", "swept"), [(TIMEOUT - MICROSECOND, 0), (TIMEOUT, 1)])
    def test_the_boundary_is_that_of_reading(
        self, owner: Owner, noon: Any, moment: timedelta, swept: int
    ) -> None:
        session = talked(owner)
        noon.shift(moment)
        assert chat_sessions.sweep() == swept
        assert (chat_sessions.current(owner) is None) == bool(swept)
        assert (stored(session).open_key is None) == bool(swept)

    def test_reading_says_the_same_before_and_after(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        noon.shift(TIMEOUT)
        now = clock.now()
        row = stored(session)
        before = (row.state(now), row.final_reason(now), row.final_moment(now))
        chat_sessions.sweep()
        row = stored(session)
        assert (row.state(now), row.final_reason(now), row.final_moment(now)) == before

    def test_the_reason_is_that_of_the_policy(self, owner: Owner, noon: Any, settings: Any) -> None:
        configure(settings, TIMEOUT_POLICY=IdleTimeoutPolicy(None, max_age=60))
        session = talked(owner)
        noon.shift(DAY)
        chat_sessions.sweep()
        assert stored(session).end_reason == "max_age"

    def test_again_sweeps_nothing(self, owner: Owner, noon: Any) -> None:
        talked(owner)
        noon.shift(TIMEOUT)
        assert [chat_sessions.sweep(), chat_sessions.sweep()] == [1, 0]

    def test_a_dry_run_counts_and_changes_nothing(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        noon.shift(TIMEOUT)
        assert chat_sessions.sweep(dry_run=True) == 1
        assert stored(session).open_key is not None
        assert chat_sessions.sweep() == 1

    @pytest.mark.parametrize("size", [1, 3, 7, 1000])
    def test_every_batch_size_reaches_all(self, noon: Any, size: int) -> None:
        for _ in range(7):
            talked(somebody_else())
        noon.shift(TIMEOUT)
        counts: list[int] = []
        assert chat_sessions.sweep(batch_size=size, progress=counts.append) == 7
        assert counts == [min(done, 7) for done in range(size, 7 + size, size)]
        assert not get_session_model().objects.exclude(open_key=None).exists()

    def test_a_reply_that_a_dead_worker_left_is_marked_and_told(
        self,
        owner: Owner,
        noon: Any,
        signals: Any,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        sent = waiting(owner)
        take(reply_of(sent), sent.session)
        noon.shift(timedelta(seconds=30) + TIMEOUT)
        with django_capture_on_commit_callbacks(execute=True):
            chat_sessions.sweep()
        assert stored(reply_of(sent)).state == "interrupted"
        assert [name for name, _ in signals] == ["turn_failed", "session_ended"]

    def test_an_answer_in_flight_is_left_alone(self, owner: Owner, noon: Any) -> None:
        sent = waiting(owner)
        noon.shift(timedelta(seconds=29))
        assert chat_sessions.sweep() == 0
        assert stored(reply_of(sent)).state == "pending"

    def test_a_touch_between_reading_and_writing_wins(
        self, owner: Owner, noon: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        session = talked(owner)
        noon.shift(TIMEOUT)
        real = retention._sweep_batch

        def touched_first(batch: Any, now: Any) -> int:
            later = clock.now() + TIMEOUT
            get_session_model().objects.filter(pk=session.pk).update(
                last_activity_at=clock.now(), expires_at=later
            )
            return real(batch, now)

        monkeypatch.setattr(retention, "_sweep_batch", touched_first)
        assert chat_sessions.sweep() == 0
        assert chat_sessions.current(owner) == session

    def test_a_session_that_is_purged_meanwhile_is_no_error(
        self, noon: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        purged, swept = talked(somebody_else()), talked(somebody_else())
        noon.shift(TIMEOUT)
        real = retention._sweep_batch

        def purged_first(batch: Any, now: Any) -> int:
            purged.delete()
            return real(batch, now)

        monkeypatch.setattr(retention, "_sweep_batch", purged_first)
        assert chat_sessions.sweep() == 1
        assert stored(swept).end_reason == "idle"

    def test_one_that_was_swept_meanwhile_is_told_once(
        self, noon: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        talked(somebody_else())
        noon.shift(TIMEOUT)
        real = retention._sweep_batch

        def swept_first(batch: Any, now: Any) -> int:
            assert real(batch, now) == 1
            return real(batch, now)

        monkeypatch.setattr(retention, "_sweep_batch", swept_first)
        assert chat_sessions.sweep() == 0

    def test_a_batch_of_which_a_row_goes_although_it_is_locked_is_swept_again(
        self, noon: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gone, kept = talked(somebody_else()), talked(somebody_else())
        noon.shift(TIMEOUT)
        real, due = close_expired, [True]

        def deleted_first(expired: Any, reason: str) -> None:
            if due:
                due.pop()
                gone.delete()
            real(expired, reason)

        monkeypatch.setattr(retention, "close_expired", deleted_first)
        assert chat_sessions.sweep() == 2  # what was undone with the batch was the deletion, too
        assert stored(kept).end_reason == "idle"

    def test_a_batch_that_deadlocks_is_swept_whole_the_next_time(
        self, noon: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(3):
            talked(somebody_else())
        noon.shift(TIMEOUT)
        failures = [True]

        def sometimes(expired: Any, reason: str) -> None:
            close_expired(expired, reason)
            if failures and failures.pop():
                raise IntegrityError

        monkeypatch.setattr(retention, "close_expired", sometimes)
        assert chat_sessions.sweep() == 3
        assert not get_session_model().objects.exclude(open_key=None).exists()

    def test_each_end_is_told_once(
        self, noon: Any, signals: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        sessions = [talked(somebody_else()) for _ in range(3)]
        noon.shift(TIMEOUT)
        with django_capture_on_commit_callbacks(execute=True):
            chat_sessions.sweep(batch_size=2)
            chat_sessions.sweep()
        told = [facts["session"] for name, facts in signals if name == "session_ended"]
        assert len(told) == 3
        assert set(told) == set(sessions)
        assert {(row.open_key, row.end_reason, row.ended_at) for row in told} == {
            (None, "idle", clock.now())
        }
        assert {facts["reason"] for _, facts in signals} == {"idle"}

    @in_sizes(others=(30, 3_000))
    def test_2_statements_per_batch_and_1_for_each_reason(
        self, owner: Owner, noon: Any, statements: Any, others: int
    ) -> None:
        fill_history(owner, others)
        for _ in range(4):
            talked(somebody_else())
        noon.shift(TIMEOUT)
        with statements() as sent:
            chat_sessions.sweep(batch_size=1000)
        assert len(sent) == 2 + 1 + 1  # the last SELECT finds nothing more

    def test_each_reason_of_a_batch_is_written(self, noon: Any, settings: Any) -> None:
        configure(settings, TIMEOUT_POLICY=IdleTimeoutPolicy(200, max_age=300))
        aged = talked(somebody_else())
        noon.shift(timedelta(seconds=150))
        chat_sessions.touch(aged)
        idle = talked(somebody_else())
        noon.shift(DAY)
        assert chat_sessions.sweep() == 2
        assert (stored(aged).end_reason, stored(idle).end_reason) == ("max_age", "idle")


class TestPurge:
    def ended(self, noon: Any, owner: Owner, age: timedelta) -> Any:
        session = chat_sessions.end(talked(owner, f"{age} old"))
        since = clock.now() - age
        moments = {"last_message_at": since, "last_activity_at": since}
        get_session_model().objects.filter(pk=session.pk).update(**moments)
        return stored(session)

    def test_without_a_retention_everything_is_kept(self, owner: Owner, noon: Any) -> None:
        self.ended(noon, owner, timedelta(days=10_000))
        assert chat_sessions.purge() == 0
        assert chat_sessions.purge(dry_run=True) == 0

    def test_exactly_what_is_older_than_the_retention_goes(
        self, owner: Owner, noon: Any, settings: Any
    ) -> None:
        configure(settings, RETENTION_DAYS=30)
        old = self.ended(noon, owner, 30 * DAY + MICROSECOND)
        kept = self.ended(noon, owner, 30 * DAY)
        assert chat_sessions.purge(dry_run=True) == 1
        assert get_session_model().objects.count() == 2
        assert chat_sessions.purge() == 1
        assert list(get_session_model().objects.all()) == [kept]
        assert not messages_of(old).exists()
        assert messages_of(kept).exists()

    @pytest.mark.parametrize("name", ["last_message_at", "last_activity_at"])
    def test_p06_what_was_last_used_counts(self, owner: Owner, noon: Any, name: str) -> None:
        kept = self.ended(noon, owner, 3 * DAY)
        get_session_model().objects.filter(pk=kept.pk).update(**{name: clock.now() - DAY})
        self.ended(noon, owner, 3 * DAY)
        assert chat_sessions.purge(older_than_days=2) == 1
        assert list(get_session_model().objects.all()) == [kept]

    def test_p06_a_row_that_is_not_adopted_is_kept(self, owner: Owner, noon: Any) -> None:
        kept = self.ended(noon, owner, 3 * DAY)
        get_session_model().objects.filter(pk=kept.pk).update(opened_at=None)
        assert chat_sessions.purge(older_than_days=2, dry_run=True) == 0
        assert chat_sessions.purge(older_than_days=2) == 0

    def test_a_dry_run_counts_what_a_sweep_would_end_only_after_that_sweep(
        self, owner: Owner, noon: Any
    ) -> None:
        talked(owner)
        noon.shift(3 * DAY)
        assert chat_sessions.purge(older_than_days=2, dry_run=True) == 0
        assert chat_sessions.purge(older_than_days=2, dry_run=True, after_sweep=True) == 1
        assert chat_sessions.purge(older_than_days=2) == 0

    def test_what_a_dry_run_counts_before_a_sweep_goes_after_it(
        self, owner: Owner, noon: Any
    ) -> None:
        chat_sessions.end(talked(owner))
        talked(owner)
        noon.shift(3 * DAY)
        talked(owner, scope="younger")
        noon.shift(DAY)
        assert chat_sessions.purge(older_than_days=2, dry_run=True, after_sweep=True) == 2
        assert chat_sessions.sweep() == 2
        assert chat_sessions.purge(older_than_days=2) == 2

    def test_days_that_are_given_win(self, owner: Owner, noon: Any, settings: Any) -> None:
        configure(settings, RETENTION_DAYS=30)
        self.ended(noon, owner, 2 * DAY)
        assert chat_sessions.purge(older_than_days=3) == 0
        assert chat_sessions.purge(older_than_days=1) == 1

    def test_0_days_are_not_no_days(self, owner: Owner, noon: Any) -> None:
        self.ended(noon, owner, MICROSECOND)
        assert chat_sessions.purge(older_than_days=0) == 1

    @pytest.mark.parametrize("days", [-1, 0, False, True, "365", float("nan"), 10**30])
    def test_what_is_no_retention_deletes_nothing(
        self, owner: Owner, noon: Any, settings: Any, days: Any
    ) -> None:
        """Many take -1 for never; nothing runs the system checks before a scheduled purge."""
        self.ended(noon, owner, 2 * DAY)
        configure(settings, RETENTION_DAYS=days)
        with pytest.raises(ValueError, match=r"RETENTION_DAYS.* is .*; give days above 0"):
            chat_sessions.purge()
        if days is not False and days != 0:
            with pytest.raises(ValueError, match=r"older_than_days is .*; give 0 to 36500 days"):
                chat_sessions.purge(older_than_days=days)
        assert get_session_model().objects.count() == 1

    @pytest.mark.parametrize("days", [0.5, 1, LONGEST_DAYS])
    def test_half_a_day_is_a_retention_and_so_is_a_century(self, settings: Any, days: Any) -> None:
        configure(settings, RETENTION_DAYS=days)
        assert days_kept() == days_kept(days) == days

    @pytest.mark.parametrize("verb", [chat_sessions.sweep, chat_sessions.purge])
    @pytest.mark.parametrize("size", [0, -1, "10"])
    def test_a_batch_of_none_is_refused(self, db: None, verb: Any, size: Any) -> None:
        with pytest.raises(ValueError, match=r"batch_size is .*; give a whole number from 1"):
            verb(batch_size=size)

    def test_an_open_session_stays_however_old(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        noon.shift(400 * DAY)
        assert chat_sessions.purge(older_than_days=1) == 0
        chat_sessions.sweep()
        assert chat_sessions.purge(older_than_days=1) == 1
        assert not get_session_model().objects.filter(pk=session.pk).exists()

    @pytest.mark.parametrize(("since", "purged"), [(DAY - MICROSECOND, 0), (DAY, 1)])
    def test_what_its_owner_deleted_goes_after_a_day(
        self, owner: Owner, noon: Any, since: timedelta, purged: int
    ) -> None:
        chat_sessions.delete(talked(owner))
        noon.shift(since)
        assert chat_sessions.purge() == purged

    def test_what_its_owner_deleted_goes_after_a_day_however_long_others_are_kept(
        self, owner: Owner, noon: Any, settings: Any
    ) -> None:
        configure(settings, RETENTION_DAYS=90)
        chat_sessions.delete(talked(owner))
        noon.shift(DAY)
        assert chat_sessions.purge() == 1

    def test_the_one_that_followed_forgets_what_was_before(self, owner: Owner, noon: Any) -> None:
        old = self.ended(noon, owner, 2 * DAY)
        session = talked(owner)
        assert session.previous_id == old.pk
        chat_sessions.purge(older_than_days=1)
        assert stored(session).previous_id is None
        assert chat_sessions.current(owner) == session

    def test_one_that_is_reopened_between_reading_and_deleting_stays(
        self, owner: Owner, noon: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old = self.ended(noon, owner, 2 * DAY)
        another = self.ended(noon, somebody_else(), 2 * DAY)
        real = retention._purge_batch

        def reopened_first(candidates: Any, batch: Any) -> int:
            chat_sessions.reopen(stored(old))
            return real(candidates, batch)

        monkeypatch.setattr(retention, "_purge_batch", reopened_first)
        assert chat_sessions.purge(older_than_days=1) == 1
        assert chat_sessions.current(owner) == old
        assert not messages_of(another).exists()

    @pytest.mark.parametrize("size", [1, 2, 1000])
    def test_every_batch_size_reaches_all(self, noon: Any, size: int) -> None:
        for _ in range(5):
            self.ended(noon, somebody_else(), 2 * DAY)
        counts: list[int] = []
        assert chat_sessions.purge(older_than_days=1, batch_size=size, progress=counts.append) == 5
        assert counts == [min(done, 5) for done in range(size, 5 + size, size)]

    def test_nothing_to_purge_asks_once(self, owner: Owner, statements: Any) -> None:
        opened(owner)
        with statements() as sent:
            chat_sessions.purge(older_than_days=1)
        assert len(sent) == 1


def test_an_error_that_no_repetition_repairs_is_raised(
    noon: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    talked(somebody_else())
    noon.shift(TIMEOUT)

    def full(*arguments: Any) -> None:
        raise OperationalError("the disk is full")

    monkeypatch.setattr(retention, "close_expired", full)
    with pytest.raises(OperationalError):
        chat_sessions.sweep()
