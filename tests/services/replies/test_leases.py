"""One thread keeps every lease that is held, and outlives whatever happens to one of them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import InterfaceError

from django_chat_sessions import clock, get_message_model, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.exceptions import TurnLost
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.replies import leases
from django_chat_sessions.services.replies.growing import LOOKED_AFTER
from django_chat_sessions.services.replies.leases import Lease, LeaseKeeper
from tests.conversations import configure, leave_replies, opened, reply_of, stored, waiting
from tests.threads import threads, until

THREAD = "chat-sessions-leases"


def keeper_threads() -> list[threading.Thread]:
    return threads(THREAD)


@pytest.fixture
def keeper() -> Iterator[LeaseKeeper]:
    until(lambda: not keeper_threads())
    keeper = LeaseKeeper()
    keeper.idle = 0.01
    yield keeper
    keeper._held.clear()
    keeper._changed.set()
    until(lambda: not keeper_threads())


@pytest.fixture
def quick(settings: Any) -> None:
    """Leases so short that they are renewed fifty times a second."""
    configure(settings, REPLY_LEASE=0.06)


class Renewals:
    """Stands in for ``renew``: notes each call, and raises what it is told to."""

    def __init__(self) -> None:
        self.made: list[Any] = []
        self.raises: dict[Any, Exception] = {}

    def __call__(self, reply: Any, session: Any) -> None:
        self.made.append(reply)
        if reply in self.raises:
            raise self.raises[reply]

    def count(self, reply: Any) -> int:
        return sum(made is reply for made in self.made)


@pytest.fixture
def renewals(monkeypatch: pytest.MonkeyPatch) -> Renewals:
    renewals = Renewals()
    monkeypatch.setattr(leases, "renew", renewals)
    return renewals


def made_up(count: int = 1) -> list[tuple[Any, Any]]:
    reply: Any = get_message_model()
    made = [(reply(), get_session_model()()) for _ in range(count)]
    for number, (row, _session) in enumerate(made):
        row.pk = row.pk or number + 1  # where the database gives it
    return made


def test_nothing_held_no_thread(keeper: LeaseKeeper) -> None:
    assert keeper_threads() == []


def test_one_thread_for_all_and_none_after_the_last(
    keeper: LeaseKeeper, quick: None, renewals: Renewals
) -> None:
    (one, other) = made_up(2)
    keeper.hold(*one)
    with keeper.keeping(*other):
        until(lambda: renewals.count(one[0]) >= 2 and renewals.count(other[0]) >= 2)
        assert len(keeper_threads()) == 1
    keeper.release(one[0])
    until(lambda: not keeper_threads())
    with keeper.keeping(*one):
        assert len(keeper_threads()) == 1


def test_turns_one_after_the_other_share_a_thread(keeper: LeaseKeeper, renewals: Renewals) -> None:
    keeper.idle = 5
    threads = set()
    for one in made_up(3):
        with keeper.keeping(*one):
            threads.update(keeper_threads())
    assert len(threads) == 1
    assert not renewals.made
    keeper.idle = 0.01


def test_a_thread_that_is_gone_is_replaced(
    keeper: LeaseKeeper, quick: None, renewals: Renewals
) -> None:
    keeper._thread = gone = threading.Thread(target=int)  # as a fork leaves it in the child
    gone.start()
    gone.join()
    with keeper.keeping(*made_up()[0]) as lease:
        until(lambda: renewals.count(lease.reply))


def test_the_thread_outlives_a_connection_that_cannot_be_closed(
    keeper: LeaseKeeper,
    quick: None,
    renewals: Renewals,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Connections:
        def close_all(self) -> None:
            raise InterfaceError("SECRET-4711")

    monkeypatch.setattr(leases, "connections", Connections())
    with caplog.at_level(logging.ERROR), keeper.keeping(*made_up()[0]) as lease:
        until(lambda: renewals.count(lease.reply) >= 2)
        assert len(keeper_threads()) == 1
    until(lambda: not keeper_threads())
    assert "not closed: InterfaceError" in caplog.text
    assert "SECRET" not in caplog.text


class Alarm(threading.Event):
    """Notes how long the keeper's thread was going to rest each time."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0)
        return super().wait(timeout)


def test_a_lease_that_a_resting_thread_meets_is_renewed_in_time(
    keeper: LeaseKeeper, renewals: Renewals, settings: Any
) -> None:
    configure(settings, REPLY_LEASE=0.3)
    keeper.idle = 5
    keeper._changed = alarm = Alarm()
    (one, other) = made_up(2)
    with keeper.keeping(*one):
        pass
    until(lambda: len(alarm.pauses) > 2)  # two it may have taken with that one in its hands
    with keeper.keeping(*other):
        until(lambda: renewals.count(other[0]))
    keeper.idle = 0.01
    assert max(alarm.pauses) < 0.15  # so that no lease, due after a third, can run out meanwhile


def test_a_released_lease_is_renewed_no_more(
    keeper: LeaseKeeper, quick: None, renewals: Renewals
) -> None:
    (one, other) = made_up(2)
    keeper.hold(*other)
    with keeper.keeping(*one):
        until(lambda: renewals.count(one[0]))
    made, others = renewals.count(one[0]), renewals.count(other[0])
    until(lambda: renewals.count(other[0]) >= others + 3)
    assert renewals.count(one[0]) <= made + 1  # one may have been on its way


def test_a_lost_turn_is_let_go(keeper: LeaseKeeper, quick: None, renewals: Renewals) -> None:
    (one, other) = made_up(2)
    renewals.raises[one[0]] = TurnLost()
    keeper.hold(*one)
    keeper.hold(*other)
    until(lambda: renewals.count(other[0]) >= 3)
    assert renewals.count(one[0]) == 1
    assert one[0].pk not in keeper._held


class Stopwatch:
    """Stands in for the time module."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> Stopwatch:
    stopwatch = Stopwatch()
    monkeypatch.setattr(leases, "time", stopwatch)
    return stopwatch


class TestLease:
    def test_whoever_comes_first_after_a_third_of_it_renews_it(
        self, stopwatch: Stopwatch, renewals: Renewals
    ) -> None:
        ((reply, session),) = made_up()
        lease = Lease(reply, session, None)
        stopwatch.now = 9.9
        lease.renew_if_due()
        assert renewals.made == []
        stopwatch.now = 10
        lease.renew_if_due()
        lease.renew_if_due()
        assert renewals.made == [reply]
        stopwatch.now = 20
        lease.renew_if_due()
        assert renewals.made == [reply, reply]

    def test_whose_it_is_after_a_login_is_known_to_who_writes(
        self, stopwatch: Stopwatch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def moved(reply: Any, session: Any) -> None:
            session.user_id, session.visitor_key, session.title = 7, None, "Renamed meanwhile"

        monkeypatch.setattr(leases, "renew", moved)
        ((reply, session),) = made_up()
        stopwatch.now = 10
        lease = Lease(reply, session, None)
        lease.due = 10
        lease.renew_if_due()
        assert (session.user_id, session.visitor_key, session.title) == (7, None, "")

    def test_nobody_waits_for_another_who_renews_it(
        self, stopwatch: Stopwatch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ((reply, session),) = made_up()
        lease, times = Lease(reply, session, None), []

        def renew(*row: Any) -> None:
            times.append(stopwatch.now)
            stopwatch.now += 15  # and is due again before it is done
            lease.renew_if_due()

        monkeypatch.setattr(leases, "renew", renew)
        stopwatch.now = 10
        lease.renew_if_due()
        assert times == [10]

    def test_what_could_not_be_renewed_is_tried_again_a_second_later(
        self, stopwatch: Stopwatch, renewals: Renewals
    ) -> None:
        ((reply, session),) = made_up()
        lease = Lease(reply, session, None)
        renewals.raises[reply] = InterfaceError()
        stopwatch.now = 10
        lease.renew_if_due()
        lease.renew_if_due()
        assert renewals.made == [reply]
        stopwatch.now = 11
        lease.renew_if_due()
        assert renewals.made == [reply, reply]
        assert not lease.is_lost


@pytest.mark.parametrize("error", [InterfaceError("SECRET-4711"), RuntimeError("SECRET-4711")])
def test_whatever_goes_wrong_is_tried_again_and_the_others_are_kept(
    keeper: LeaseKeeper,
    quick: None,
    renewals: Renewals,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    (one, other) = made_up(2)
    renewals.raises[one[0]] = error
    with caplog.at_level(logging.DEBUG):
        keeper.hold(*one)
        keeper.hold(*other)
        until(lambda: renewals.count(one[0]) >= 2 and renewals.count(other[0]) >= 2)
    assert f"Lease of reply {one[0].pk} not renewed: {type(error).__name__}" in caplog.text
    assert "SECRET-4711" not in caplog.text


def test_a_worker_that_takes_over_a_held_reply_keeps_its_own_hold(
    keeper: LeaseKeeper, renewals: Renewals
) -> None:
    ((queued, session),) = made_up()
    from copy import copy

    claimed = copy(queued)
    keeper.hold(queued, session)
    keeper.hold(claimed, session)
    keeper.release(queued)
    assert keeper._held[claimed.pk].reply is claimed
    keeper.release(claimed)
    assert not keeper._held


def test_where_no_thread_can_be_started_nothing_is_held_and_the_next_tries_again(
    keeper: LeaseKeeper, quick: None, renewals: Renewals
) -> None:
    ((reply, session),) = made_up()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "start", too_many)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            keeper.hold(reply, session)
    assert not keeper._held
    with keeper.keeping(reply, session):
        until(lambda: renewals.count(reply))


def too_many(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


class Pauses:
    """Stands in for the event a keeper waits on: it is woken early, as often as it is told."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.taken: list[float] = []

    def wait(self, seconds: float) -> None:
        self.taken.append(seconds)
        if len(self.taken) > self.left:
            raise StopIteration

    def clear(self) -> None:
        """Do nothing."""


def test_a_thread_that_is_woken_early_renews_nothing_before_its_time(
    keeper: LeaseKeeper, renewals: Renewals, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(settings, REPLY_LEASE=3000)
    ((reply, session),) = made_up()
    keeper._held[reply.pk] = Lease(reply, session, None)
    pauses = Pauses(2)
    monkeypatch.setattr(keeper, "_changed", pauses)
    with pytest.raises(StopIteration):
        keeper._keep_until_idle()
    assert renewals.made == []
    assert pauses.taken == [0, keeper.idle, keeper.idle]
    monkeypatch.undo()


def test_a_thread_that_keeps_nothing_rests(
    keeper: LeaseKeeper, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(settings, REPLY_LEASE=3000)
    keeper.idle = 60
    pauses = Pauses(2)
    monkeypatch.setattr(keeper, "_changed", pauses)
    with pytest.raises(StopIteration):
        keeper._keep_until_idle()
    assert pauses.taken == [0, 60, 60]
    monkeypatch.undo()


class Waiting:
    """Stands in for a growing text: notes when it is asked to store what waits."""

    def __init__(self, reply: Any, error: Exception | None = None) -> None:
        self.reply, self.error = reply, error
        self.is_lost = False
        self.asked = 0

    def store_what_waits(self) -> None:
        self.asked += 1
        if self.error is not None:
            raise self.error


def test_text_that_grows_is_looked_after_four_times_a_second_whatever_the_lease(
    keeper: LeaseKeeper, renewals: Renewals, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(settings, REPLY_LEASE=3000)
    ((reply, session),) = made_up()
    growth: Any = Waiting(reply)
    keeper._held[reply.pk] = Lease(reply, session, growth)
    pauses = Pauses(3)
    monkeypatch.setattr(keeper, "_changed", pauses)
    with pytest.raises(StopIteration):
        keeper._keep_until_idle()
    assert pauses.taken == [0, LOOKED_AFTER, LOOKED_AFTER, LOOKED_AFTER]
    assert growth.asked == 3
    assert renewals.made == []
    monkeypatch.undo()


def test_a_keeper_that_sleeps_long_is_woken_for_text_that_grows(
    keeper: LeaseKeeper, renewals: Renewals, settings: Any
) -> None:
    configure(settings, REPLY_LEASE=3000)
    keeper.idle = 1000
    keeper._changed = alarm = Alarm()
    (one, other) = made_up(2)
    keeper.hold(*one)
    until(lambda: alarm.pauses[-1:] > [LOOKED_AFTER])
    growth: Any = Waiting(other[0])
    with keeper.keeping(*other, growth):
        until(lambda: growth.asked)
        assert not alarm.is_set()  # or it would never rest again
    assert not growth.is_lost
    keeper.idle = 0.01


def test_a_worker_is_told_that_its_turn_is_lost(
    keeper: LeaseKeeper, quick: None, renewals: Renewals
) -> None:
    ((reply, session),) = made_up()
    renewals.raises[reply] = TurnLost()
    growth: Any = Waiting(reply)
    keeper.hold(reply, session, growth)
    until(lambda: growth.is_lost)
    until(lambda: not keeper_threads())


def test_text_that_cannot_be_stored_is_tried_again_and_named_without_its_words(
    keeper: LeaseKeeper,
    quick: None,
    renewals: Renewals,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (one, other) = made_up(2)
    broken: Any = Waiting(one[0], InterfaceError("SECRET-4711"))
    fine: Any = Waiting(other[0])
    with caplog.at_level(logging.DEBUG), keeper.keeping(*one, broken), keeper.keeping(*other, fine):
        until(lambda: broken.asked >= 2 and fine.asked >= 2 and renewals.count(one[0]))
    assert f"Text of reply {one[0].pk} not stored: InterfaceError" in caplog.text
    assert "SECRET-4711" not in caplog.text
    assert not broken.is_lost


@pytest.mark.django_db(transaction=True)
def test_a_held_lease_outlives_its_time(owner: Owner, settings: Any, keeper: LeaseKeeper) -> None:
    leave_replies(settings)
    configure(settings, REPLY_LEASE=0.3)
    sent = waiting(owner)
    reply = reply_of(sent)
    first = stored(reply).lease_until
    with keeper.keeping(reply, sent.session):
        until(lambda: stored(reply).reply_state(first) == "pending")
        until(lambda: stored(sent.session).is_running(first))
        assert sent.session.running_until == first  # the owner's copy is left alone
    assert stored(sent.session).expires_at > sent.session.expires_at


@pytest.mark.django_db(transaction=True)
def test_a_lease_that_nobody_keeps_ends(owner: Owner, settings: Any) -> None:
    leave_replies(settings)
    configure(settings, REPLY_LEASE=0.05)
    reply = reply_of(waiting(owner))
    until(lambda: stored(reply).reply_state(clock.now()) == "interrupted")
    assert chat_sessions.current(owner) == opened(owner)
