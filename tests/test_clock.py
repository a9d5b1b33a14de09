"""Real seconds, whatever local clocks do, with and without USE_TZ."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from django_chat_sessions import clock
from tests.conftest import NOON

BERLIN = ZoneInfo("Europe/Berlin")
ENDS = (datetime.min, datetime.max)  # noqa: DTZ901  of the calendar, wherever it is read


@pytest.fixture
def naive_berlin(settings: Any) -> None:
    settings.USE_TZ = False
    settings.TIME_ZONE = "Europe/Berlin"


def test_now_is_aware_with_use_tz(noon: Any) -> None:
    assert clock.now() == datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_now_is_local_and_naive_without_use_tz(naive_berlin: None) -> None:
    # A bare timestamp: a destination with a zone would move the process into that zone.
    with time_machine.travel(NOON.timestamp(), tick=False):
        assert clock.now() == datetime(2026, 11, 22, 13)  # noqa: DTZ001  naive on purpose


def test_an_aware_moment_stays_the_same_moment(settings: Any) -> None:
    moment = datetime(2026, 7, 1, 14, tzinfo=BERLIN)
    assert clock.aware(moment) == datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert clock.aware(moment).tzinfo is UTC
    assert clock.stored(moment) == moment


def test_a_naive_moment_is_read_in_the_sites_zone(naive_berlin: None) -> None:
    summer = datetime(2026, 7, 1, 14)  # noqa: DTZ001
    assert clock.aware(summer) == datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert clock.stored(clock.aware(summer)) == summer


@pytest.mark.parametrize("use_tz", [True, False])
def test_five_minutes_are_300_seconds_across_the_spring_gap(settings: Any, use_tz: bool) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    settings.USE_TZ = use_tz
    before = clock.stored(datetime(2026, 3, 29, 0, 58, tzinfo=UTC))  # 01:58 in Berlin
    later = clock.after(before, 300)
    assert clock.aware(later) == datetime(2026, 3, 29, 1, 3, tzinfo=UTC)  # 03:03 in Berlin
    assert (later.tzinfo is None) == (not use_tz)  # as rows have it
    assert clock.seconds_between(before, later) == 300


@pytest.mark.parametrize("use_tz", [True, False])
def test_others_are_told_utc_to_the_microsecond_with_a_z(settings: Any, use_tz: bool) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    settings.USE_TZ = use_tz
    moment = clock.stored(datetime(2026, 7, 1, 14, tzinfo=BERLIN))
    assert clock.iso(moment) == "2026-07-01T12:00:00.000000Z"


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("end", ENDS)
def test_the_ends_of_the_calendar_are_told_in_every_zone(
    settings: Any, zone: str, end: datetime
) -> None:
    """Other programs write year 1 for "no time", and year 9999 for "never"."""
    settings.USE_TZ = False
    settings.TIME_ZONE = zone
    assert abs(clock.aware(end).replace(tzinfo=None) - end) < timedelta(days=1)
    assert clock.iso(end)[:4] == f"{end.year:04}"
    moment = end.replace(tzinfo=UTC)
    shown = clock.in_zone(moment, ZoneInfo(zone))
    assert abs(shown.replace(tzinfo=None) - end) < timedelta(days=1)
    assert clock.in_zone(moment, None).year == end.year


def test_an_hour_after_the_autumn_switch_is_an_hour_later() -> None:
    before = datetime(2026, 10, 25, 0, 58, tzinfo=UTC)
    assert clock.after(before, 3600) == datetime(2026, 10, 25, 1, 58, tzinfo=UTC)


def test_a_leap_day_is_a_day_like_others() -> None:
    before = datetime(2028, 2, 28, 23, 58, tzinfo=UTC)
    assert clock.after(before, 300) == datetime(2028, 2, 29, 0, 3, tzinfo=UTC)
    assert clock.after(before, 24 * 3600 + 300) == datetime(2028, 3, 1, 0, 3, tzinfo=UTC)


def test_seconds_may_be_fractions_and_negative(noon: Any) -> None:
    now = clock.now()
    assert clock.after(now, 0.000001) - now == timedelta(microseconds=1)
    assert clock.seconds_between(clock.after(now, 1.5), now) == -1.5


@given(
    moment=st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001
    zone=st.sampled_from(["Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "UTC"]),
    seconds=st.integers(-(10**7), 10**7),
)
def test_after_adds_exactly_these_seconds_in_every_zone(
    moment: datetime, zone: str, seconds: int
) -> None:
    start = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    assert clock.seconds_between(start, clock.after(start, seconds)) == seconds
