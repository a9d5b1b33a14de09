"""Moments are shown by the reader's calendar."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from django_chat_sessions import clock
from django_chat_sessions.templatetags.moments import deadline_text, when_text

ENDS = (datetime.min, datetime.max)  # noqa: DTZ901  of the calendar, wherever it is read


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NOW = at("2026-11-22T12:00:00")


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ("2026-11-22T12:00:01", "12:00 p.m."),  # another server's clock
        ("2026-11-22T00:00:00", "midnight"),
        ("2026-11-21T23:59:59", "11:59 p.m."),
        ("2026-11-20T23:59:59", "Fri"),
        ("2026-11-15T00:00:00", "Sun"),
        ("2026-11-14T23:59:59", "November 14"),
        ("2025-12-31T12:00:00", "12/31/2025"),
    ],
)
def test_a_moment_is_shown_by_how_long_ago_it_was(moment: str, text: str) -> None:
    assert when_text(at(moment), NOW) in (text, text.replace("12:00 p.m.", "noon"))


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ("2026-11-22T00:00:00", "midnight"),
        ("2026-11-21T23:59:59", "Sat"),
        ("2026-11-15T00:00:00", "Sun"),
        ("2026-11-14T23:59:59", "November 14"),
    ],
)
def test_yesterday_is_said_where_no_heading_says_it(moment: str, text: str) -> None:
    assert when_text(at(moment), NOW, is_under_day=False) == text


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ("2026-11-22T23:59:00", "11:59 p.m."),
        ("2026-11-23T00:00:00", "Nov. 23, 2026, midnight"),
        ("2026-11-21T12:30:00", "Nov. 21, 2026, 12:30 p.m."),
    ],
)
def test_a_deadline_says_its_day_unless_it_is_today(moment: str, text: str) -> None:
    assert deadline_text(at(moment), NOW) == text
    assert deadline_text(None, NOW) == ""


def test_the_day_is_that_of_the_readers_time_zone() -> None:
    late = at("2026-11-14T23:30:00")
    with timezone.override("Asia/Tokyo"):
        assert when_text(late, NOW) == "Sun"
    with timezone.override("America/New_York"):
        assert when_text(late, NOW) == "November 14"


def test_a_naive_time_of_a_site_without_time_zones_is_local(settings: Any) -> None:
    settings.USE_TZ = False
    settings.TIME_ZONE = "America/Chicago"
    assert when_text(clock.stored(at("2026-11-21T20:00:00")), clock.stored(NOW)) == "2 p.m."


def test_of_an_unknown_moment_nothing_is_shown() -> None:
    assert when_text(None, NOW) == ""


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Auckland"])
def test_a_moment_that_no_clock_of_the_readers_can_show_breaks_no_page(zone: str) -> None:
    """Other programs write year 1 for "no time", and year 9999 for "never"."""
    with timezone.override(zone):
        for end in ENDS:
            assert when_text(end.replace(tzinfo=UTC), clock.now()) != ""
