"""The history by the reader's calendar days, as the client groups it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from django_chat_sessions import get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.services.days import LABELS

FRONTEND = Path(__file__).parents[2] / "frontend" / "src" / "ui"
BERLIN = ZoneInfo("Europe/Berlin")
ENDS = (datetime.min, datetime.max)  # noqa: DTZ901  of the calendar, wherever it is read
# 00:30 on the Monday after the night in which Berlin's clocks went back
NOW = datetime(2026, 10, 25, 23, 30, tzinfo=UTC)


def session(last_message_at: datetime | None, **facts: Any) -> Any:
    return get_session_model()(last_message_at=last_message_at, **facts)


def keys(*moments: datetime, tz: Any = BERLIN) -> list[str]:
    return [
        day.key
        for moment in moments
        for day in chat_sessions.grouped_by_day([session(moment)], NOW, tz)
    ]


def test_days_are_those_of_the_readers_calendar() -> None:
    midnight = datetime(2026, 10, 26, tzinfo=BERLIN)
    moments = (NOW, NOW + timedelta(hours=3), midnight, midnight - timedelta(microseconds=1))
    assert keys(*moments) == ["today", "today", "today", "yesterday"]
    sunday = datetime(2026, 10, 25, tzinfo=BERLIN)  # which had 25 hours
    assert keys(sunday, sunday - timedelta(microseconds=1)) == ["yesterday", "week"]
    week = datetime(2026, 10, 19, tzinfo=BERLIN)
    assert keys(week, week - timedelta(microseconds=1)) == ["week", "older"]


def test_what_a_clock_that_is_ahead_dates_tomorrow_is_of_today() -> None:
    assert keys(NOW + timedelta(days=1), NOW + timedelta(days=9)) == ["today", "today"]


def test_an_adopted_row_of_which_no_moment_is_known_is_of_today() -> None:
    [day] = chat_sessions.grouped_by_day([session(None, started_at=None)], NOW, BERLIN)
    assert day.key == "today"


def test_another_reader_has_another_day() -> None:
    moment = datetime(2026, 10, 25, 12, tzinfo=UTC)
    assert keys(moment) == ["yesterday"]
    assert keys(moment, tz=UTC) == ["today"]
    assert keys(moment, tz=ZoneInfo("Pacific/Kiritimati")) == ["today"]


def test_a_moment_that_no_clock_there_can_show_has_its_day() -> None:
    ends = [end.replace(tzinfo=UTC) for end in ENDS]
    assert keys(*ends, tz=ZoneInfo("America/New_York")) == ["older", "today"]
    assert keys(*ends, tz=ZoneInfo("Pacific/Auckland")) == ["older", "today"]


def test_groups_come_in_order_and_empty_ones_not_at_all() -> None:
    old = session(NOW - timedelta(days=400), pinned_at=NOW)
    rows = [old, session(NOW), session(NOW - timedelta(minutes=1)), session(None, started_at=NOW)]
    rows.append(session(NOW - timedelta(days=30)))
    days = chat_sessions.grouped_by_day(rows, NOW, BERLIN)
    assert [(day.key, len(day.sessions)) for day in days] == [
        ("pinned", 1),
        ("today", 3),
        ("older", 1),
    ]
    assert days[1].sessions == rows[1:4]
    assert chat_sessions.grouped_by_day([], NOW, BERLIN) == []


def test_a_site_without_time_zones_has_its_own(settings: Any) -> None:
    settings.USE_TZ = False
    settings.TIME_ZONE = "Europe/Berlin"
    naive = datetime(2026, 10, 25, 23, 59)  # noqa: DTZ001  as such a host stores it
    [day] = chat_sessions.grouped_by_day([session(naive)], naive + timedelta(minutes=2), BERLIN)
    assert day.key == "yesterday"


@pytest.mark.skipif(not FRONTEND.exists(), reason="an sdist has no client")
def test_the_client_has_the_same_groups_and_words() -> None:
    groups = (FRONTEND / "historyGroups.ts").read_text()
    words = (FRONTEND / "historyWords.ts").read_text()
    days = re.findall(r'"(\w+)"', groups.partition("DayKey =")[2].partition(";")[0])
    theirs = ["pinned", *days]
    assert list(LABELS) == theirs
    with translation.override("en"):
        for key in theirs:
            assert f'{key}: "{LABELS[key]}"' in words
