"""When a session expires: pure rules, checked against arithmetic and a reference model."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils.translation import gettext_lazy
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from django_chat_sessions import clock, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.policies import (
    Activity,
    Deadline,
    IdleTimeoutPolicy,
    TimeoutPolicy,
    deadline_for,
)
from django_chat_sessions.templatetags.moments import deadline_text
from tests.conversations import configure, listen_only, somebody_else

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
moments = st.datetimes(
    datetime(1990, 1, 1),  # noqa: DTZ001  hypothesis adds the zone
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
# Zones whose clocks change at midnight, by half an hour, by a whole day, or never.
ZONES = [
    "America/Santiago",
    "America/Havana",
    "Africa/Cairo",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "Europe/Berlin",
    "UTC",
]


def active(last: datetime = NOON, opened: datetime | None = None, **facts: Any) -> Activity:
    return Activity(opened_at=opened or last, last_activity_at=last, **facts)


class TestIdleTimeout:
    def test_five_minutes_after_the_last_activity_unless_told_otherwise(self) -> None:
        late = active(NOON, opened=NOON - timedelta(days=9))
        assert IdleTimeoutPolicy().deadline(late) == Deadline(NOON + timedelta(minutes=5), "idle")

    @given(last=moments, timeout=st.floats(0.001, 10**9))
    def test_it_is_the_last_activity_plus_the_timeout(self, last: datetime, timeout: float) -> None:
        deadline = IdleTimeoutPolicy(timeout).deadline(active(last))
        assert deadline == Deadline(last + timedelta(seconds=timeout), "idle")

    def test_none_is_never(self) -> None:
        assert IdleTimeoutPolicy(None).deadline(active()) is None

    @pytest.mark.parametrize("value", [0, -1, float("nan"), 0.0])
    @pytest.mark.parametrize("name", ["timeout", "max_age"])
    def test_a_time_that_is_not_above_0_is_refused_at_once(self, name: str, value: float) -> None:
        arguments: dict[str, Any] = {name: value}
        with pytest.raises(ValueError, match=f"{name} is .*; give seconds above 0, or None"):
            IdleTimeoutPolicy(**arguments)

    @pytest.mark.parametrize("value", [timedelta(minutes=5), "300", True, Decimal(300)], ids=repr)
    @pytest.mark.parametrize("name", ["timeout", "max_age"])
    def test_what_is_no_number_is_refused_in_a_sentence(self, name: str, value: Any) -> None:
        arguments: dict[str, Any] = {name: value}
        sentence = f"{name} is .*; give seconds as a number, such as 300"
        with pytest.raises(ValueError, match=sentence):
            IdleTimeoutPolicy(**arguments)

    def test_a_subclass_may_decide_for_each_owner_and_scope(self) -> None:
        class Staff(IdleTimeoutPolicy):
            def timeout_for(self, activity: Activity) -> float | None:
                if activity.visitor_key is not None:
                    return 30
                return {1: None, 2: 7200}.get(activity.user_id, 60 if activity.scope else 300)

        def seconds(**facts: Any) -> float | None:
            deadline = Staff().deadline(active(**facts))
            return None if deadline is None else (deadline.at - NOON).total_seconds()

        assert seconds(user_id=1) is None
        assert seconds(user_id=2) == 7200
        assert seconds(user_id=3) == 300
        assert seconds(user_id=3, scope="subject:1") == 60
        assert seconds(visitor_key="v") == 30

    @pytest.mark.parametrize("value", [0, -5, timedelta(minutes=5)])
    def test_a_subclass_that_decides_0_is_refused(self, value: Any) -> None:
        class Wrong(IdleTimeoutPolicy):
            def timeout_for(self, activity: Activity) -> Any:
                return value

        with pytest.raises(ValueError, match=r"timeout_for.*; give seconds"):
            Wrong().deadline(active())


class TestMaximumAge:
    @given(
        opened=moments,
        since=st.integers(0, 10**6),
        idle=st.integers(1, 10**6),
        age=st.integers(1, 10**6),
    )
    def test_the_earlier_limit_holds_and_names_itself(
        self, opened: datetime, since: int, idle: int, age: int
    ) -> None:
        last = opened + timedelta(seconds=since)
        deadline = IdleTimeoutPolicy(idle, max_age=age).deadline(active(last, opened))
        assert deadline is not None
        by_idle, by_age = since + idle, age
        assert deadline.at == opened + timedelta(seconds=min(by_idle, by_age))
        assert deadline.reason == ("idle" if by_idle <= by_age else "max_age")

    def test_it_may_be_the_only_limit(self) -> None:
        deadline = IdleTimeoutPolicy(None, max_age=3600).deadline(active())
        assert deadline == Deadline(NOON + timedelta(hours=1), "max_age")


class TestEndOfDay:
    def after(self, moment: datetime, zone: str) -> datetime:
        deadline = IdleTimeoutPolicy(None, day_ends_in=ZoneInfo(zone)).deadline(active(moment))
        assert deadline is not None
        assert deadline.reason == "day"
        return deadline.at

    @pytest.mark.parametrize(
        ("moment", "zone", "ends"),
        [
            ("2026-11-22T12:00Z", "UTC", "2026-11-23T00:00Z"),
            ("2026-11-22T23:59:59Z", "UTC", "2026-11-23T00:00Z"),
            ("2026-11-23T00:00Z", "UTC", "2026-11-24T00:00Z"),
            ("2026-03-28T23:30Z", "Europe/Berlin", "2026-03-29T22:00Z"),  # a day of 23 hours
            ("2026-10-24T22:30Z", "Europe/Berlin", "2026-10-25T23:00Z"),  # a day of 25 hours
            ("2028-02-28T12:00Z", "UTC", "2028-02-29T00:00Z"),
            ("2028-02-29T12:00Z", "UTC", "2028-03-01T00:00Z"),
            # 6 September 2026 begins at 01:00 in Santiago: its midnight is missing.
            ("2026-09-06T03:30Z", "America/Santiago", "2026-09-06T04:00Z"),
            # Samoa had no 30 December 2011.
            ("2011-12-30T05:00Z", "Pacific/Apia", "2011-12-30T10:00Z"),
        ],
    )
    def test_the_session_ends_at_the_next_local_midnight(
        self, moment: str, zone: str, ends: str
    ) -> None:
        assert self.after(datetime.fromisoformat(moment), zone) == datetime.fromisoformat(ends)

    @given(moment=moments, zone=st.sampled_from(ZONES))
    def test_until_then_it_is_the_same_local_day_and_then_no_more(
        self, moment: datetime, zone: str
    ) -> None:
        self.check(moment, ZoneInfo(zone))

    @given(
        day=st.dates(date(1990, 1, 1), date(2037, 12, 31)),
        minutes=st.integers(-180, 180),
        zone=st.sampled_from(ZONES),
    )
    def test_also_near_midnight(self, day: date, minutes: int, zone: str) -> None:
        midnight = datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)
        self.check(midnight + timedelta(minutes=minutes), ZoneInfo(zone))

    def check(self, moment: datetime, zone: ZoneInfo) -> None:
        ends = self.after(moment, zone.key)
        assert ends > moment
        assert ends.astimezone(zone).date() > moment.astimezone(zone).date()
        assert (ends - MICROSECOND).astimezone(zone).date() == moment.astimezone(zone).date()

    def test_idle_still_ends_it_earlier(self) -> None:
        policy = IdleTimeoutPolicy(300, day_ends_in=UTC)
        at_night = datetime(2026, 11, 22, 23, 58, tzinfo=UTC)
        assert policy.deadline(active(NOON)) == Deadline(NOON + timedelta(minutes=5), "idle")
        assert policy.deadline(active(at_night)) == Deadline(
            datetime(2026, 11, 23, tzinfo=UTC), "day"
        )


class Returns(TimeoutPolicy):
    """A policy of a host, right or wrong."""

    def __init__(self, given: Any) -> None:
        self.given = given

    def deadline(self, activity: Activity) -> Deadline | None:
        if isinstance(self.given, Exception):
            raise self.given
        result: Deadline | None = self.given
        return result


class TestHostsPolicy:
    def test_the_base_class_says_what_is_missing(self) -> None:
        with pytest.raises(NotImplementedError, match="must define deadline"):
            TimeoutPolicy().deadline(active())

    def test_its_deadline_is_taken_as_it_is(self, settings: Any) -> None:
        wanted = Deadline(NOON + timedelta(days=3650), "project_over")
        configure(settings, TIMEOUT_POLICY=Returns(wanted))
        assert deadline_for(active()) == wanted

    def test_none_is_never(self, settings: Any) -> None:
        configure(settings, TIMEOUT_POLICY=Returns(None))
        assert deadline_for(active()) is None

    def test_a_deadline_before_the_activity_is_moved_to_it(self, settings: Any) -> None:
        configure(settings, TIMEOUT_POLICY=Returns(Deadline(NOON - timedelta(days=1), "odd")))
        assert deadline_for(active()) == Deadline(NOON, "odd")

    @pytest.mark.parametrize("zone", ["UTC", "America/Lima", "Pacific/Auckland"])
    def test_the_end_of_all_time_is_a_moment_that_can_be_stored_and_shown(
        self, settings: Any, zone: str
    ) -> None:
        never = Deadline(datetime.max.replace(tzinfo=ZoneInfo(zone)), "idle")
        configure(settings, TIMEOUT_POLICY=Returns(never))
        assert deadline_for(active()) == Deadline(datetime(9000, 1, 1, tzinfo=UTC), "idle")

    @pytest.mark.parametrize("zone", ["UTC", "America/Lima", "Pacific/Auckland"])
    def test_the_beginning_of_all_time_is_the_activity(self, settings: Any, zone: str) -> None:
        long_ago = Deadline(datetime.min.replace(tzinfo=ZoneInfo(zone)), "odd")
        configure(settings, TIMEOUT_POLICY=Returns(long_ago))
        assert deadline_for(active()) == Deadline(NOON, "odd")

    @pytest.mark.parametrize(
        "nonsense",
        [
            RuntimeError("broken"),
            300,
            NOON,
            "soon",
            Deadline(datetime(2026, 11, 22, 13), "naive"),  # noqa: DTZ001
            Deadline(None, "nothing"),  # type: ignore[arg-type]
            Deadline(NOON, None),  # type: ignore[arg-type]
        ],
        ids=repr,
    )
    def test_nonsense_is_logged_and_the_default_holds(
        self, settings: Any, nonsense: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        configure(settings, TIMEOUT_POLICY=Returns(nonsense))
        with caplog.at_level(logging.ERROR):
            deadline = deadline_for(active())
        assert deadline == Deadline(NOON + timedelta(seconds=300), "idle")
        assert "timeout policy failed" in caplog.text

    def test_a_reason_fits_its_column(self, settings: Any) -> None:
        configure(settings, TIMEOUT_POLICY=Returns(Deadline(NOON, "r" * 50)))
        deadline = deadline_for(active())
        assert deadline == Deadline(NOON, "r" * 20)

    @pytest.mark.parametrize("reason", ["", "\0", "\ud800"], ids=ascii)
    def test_a_missing_reason_reads_as_idle(self, settings: Any, reason: str) -> None:
        configure(settings, TIMEOUT_POLICY=Returns(Deadline(NOON, reason)))
        assert deadline_for(active()) == Deadline(NOON, "idle")

    def test_a_reason_is_a_text_that_every_database_takes(self, settings: Any) -> None:
        configure(settings, TIMEOUT_POLICY=Returns(Deadline(NOON, "the\0 \udfffend")))
        assert deadline_for(active()) == Deadline(NOON, "the end")

    def test_a_reason_may_be_a_lazy_translation(self, settings: Any) -> None:
        lazy: Any = gettext_lazy("user")
        configure(settings, TIMEOUT_POLICY=Returns(Deadline(NOON, lazy)))
        assert deadline_for(active()) == Deadline(NOON, "user")


@pytest.mark.django_db
class TestHostsPolicyInTheDatabase:
    @pytest.mark.parametrize("use_tz", [True, False])
    def test_a_chat_until_the_end_of_all_time_is_written_read_and_shown(
        self, settings: Any, use_tz: bool
    ) -> None:
        listen_only(settings)
        settings.TIME_ZONE, settings.USE_TZ = "Europe/Vienna", use_tz
        never = Deadline(datetime.max.replace(tzinfo=UTC), "idle")
        configure(settings, TIMEOUT_POLICY=Returns(never))
        owner = somebody_else()
        chat_sessions.send(owner, "Hello", key="one")
        session = chat_sessions.current(owner)
        assert session is not None
        assert session.expires_at is not None
        assert clock.iso(session.expires_at).startswith("9000-01-01")
        assert "9000" in deadline_text(session.expires_at, clock.now())

    def test_what_ended_for_an_unstorable_reason_is_followed_by_the_next(
        self, settings: Any
    ) -> None:
        listen_only(settings)
        configure(settings, TIMEOUT_POLICY=Returns(Deadline(NOON, "the\0 end")))
        owner = somebody_else()
        with time_machine.travel(NOON - timedelta(seconds=1), tick=False) as journey:
            first = chat_sessions.send(owner, "Hello", key="one").session
            journey.move_to(NOON)
            assert chat_sessions.send(owner, "Again", key="two").session != first
        first.refresh_from_db()
        assert first.end_reason == "the end"


class SessionLife(RuleBasedStateMachine):
    """A session's life beside a model of a dozen lines that knows nothing of databases."""

    def __init__(self) -> None:
        super().__init__()
        self.owner = somebody_else()
        self.traveller = time_machine.travel(NOON, tick=False)
        self.clock = self.traveller.start()
        self.now = NOON
        self.open: Any = None  # the id of the open session, expired or not
        self.left: Any = None  # the one before it
        self.last = self.opened = NOON

    def teardown(self) -> None:
        get_session_model().objects.owned_by(self.owner).delete()
        self.traveller.stop()

    @initialize(
        timeout=st.sampled_from([None, 1, 300]),
        max_age=st.sampled_from([None, 200, 900]),
        zone=st.sampled_from([None, UTC, ZoneInfo("America/Santiago")]),
        start=st.sampled_from(
            [
                NOON,
                datetime(2026, 9, 6, 3, 57, tzinfo=UTC),  # before Santiago's missing midnight
                datetime(2028, 2, 28, 23, 58, tzinfo=UTC),
                datetime(2026, 12, 31, 23, 56, tzinfo=UTC),
            ]
        ),
    )
    def begin(self, timeout: Any, max_age: Any, zone: Any, start: datetime) -> None:
        self.timeout, self.max_age, self.zone = timeout, max_age, zone
        policy = IdleTimeoutPolicy(timeout, max_age=max_age, day_ends_in=zone)
        configure(self.django_settings, TIMEOUT_POLICY=policy, ACTIVITY_RESOLUTION=0)
        self.go_to(start)

    django_settings: Any = None

    def go_to(self, moment: datetime) -> None:
        self.now = moment
        self.clock.move_to(moment)

    @property
    def expires(self) -> datetime | None:
        limits = []
        if self.timeout is not None:
            limits.append(self.last + timedelta(seconds=self.timeout))
        if self.max_age is not None:
            limits.append(self.opened + timedelta(seconds=self.max_age))
        if self.zone is not None:
            limits.append(self.midnight())
        return min(limits, default=None)

    def midnight(self) -> datetime:
        # The slow and sure way: step by step until the local date changes.
        moment, day = self.last, self.last.astimezone(self.zone).date()
        for step in (timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1), MICROSECOND):
            while (moment + step).astimezone(self.zone).date() == day:
                if step == MICROSECOND:  # times here are whole seconds or just before one
                    return (moment + timedelta(seconds=1)).replace(microsecond=0)
                moment += step
        return moment + MICROSECOND

    @property
    def alive(self) -> bool:
        return self.open is not None and (self.expires is None or self.now < self.expires)

    def open_now(self, session_id: Any) -> None:
        if self.open is not None:
            self.left = self.open
        self.open, self.last, self.opened = session_id, self.now, self.now

    @rule(seconds=st.integers(0, 1000))
    def time_passes(self, seconds: int) -> None:
        self.go_to(self.now + timedelta(seconds=seconds))

    @rule(offset=st.sampled_from([-MICROSECOND, timedelta(0), MICROSECOND]))
    def time_passes_to_the_edge(self, offset: timedelta) -> None:
        assume(self.open is not None and self.expires is not None)
        assert self.expires is not None
        if self.expires + offset > self.now:
            self.go_to(self.expires + offset)

    @rule()
    def come_back(self) -> None:
        was_alive, was_open = self.alive, self.open
        arrival = chat_sessions.resume_or_start(self.owner)
        assert arrival.status == ("resumed" if was_alive else "new")
        if was_alive:
            assert arrival.opened.pk == was_open
            self.last = self.now
        else:
            assert arrival.opened.pk != was_open
            self.open_now(arrival.opened.pk)

    @rule()
    def say(self) -> None:
        was_alive, was_open = self.alive, self.open
        sent = chat_sessions.send(self.owner, "Hello", key=str(self.now))
        if not sent.created:
            return  # the same instant, so the same key: nothing happens
        assert (sent.session.pk == was_open) == was_alive
        if was_alive:
            self.last = self.now
        else:
            self.open_now(sent.session.pk)

    @rule()
    def touch(self) -> None:
        assume(self.open is not None)
        session = get_session_model().objects.get(pk=self.open)
        assert chat_sessions.touch(session) == self.alive
        if self.alive:
            self.last = self.now

    @rule()
    def look(self) -> None:
        arrival = chat_sessions.look(self.owner)
        assert (arrival.session is not None) == self.alive

    @rule()
    def sweep(self) -> None:
        lapsed = self.open is not None and not self.alive
        assert chat_sessions.sweep() == lapsed
        if lapsed:
            session = get_session_model().objects.get(pk=self.open)
            assert session.ended_at == self.expires
            self.open, self.left = None, self.open

    @rule()
    def end(self) -> None:
        assume(self.open is not None)
        chat_sessions.end(get_session_model().objects.get(pk=self.open))
        self.open, self.left = None, self.open

    @rule()
    def take_up_the_one_before(self) -> None:
        assume(self.left is not None)
        arrival = chat_sessions.reopen(get_session_model().objects.get(pk=self.left))
        assert arrival.status == "reopened"
        taken, self.left = self.left, None
        self.open_now(taken)
        assert arrival.opened.pk == self.open

    @invariant()
    def what_is_open_is_what_the_model_says(self) -> None:
        session = chat_sessions.current(self.owner)
        assert (session.pk if session else None) == (self.open if self.alive else None)
        if session is not None:
            assert session.expires_at == self.expires
            assert session.last_activity_at == self.last

    @invariant()
    def one_session_at_most_is_open(self) -> None:
        held = get_session_model().objects.owned_by(self.owner).exclude(open_key=None)
        assert [row.pk for row in held] == ([self.open] if self.open is not None else [])


@pytest.mark.django_db
def test_a_session_lives_as_a_model_in_plain_python_does(settings: Any) -> None:
    listen_only(settings)
    SessionLife.django_settings = settings
    run_state_machine_as_test(SessionLife, settings=LIFE)


LIFE = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
