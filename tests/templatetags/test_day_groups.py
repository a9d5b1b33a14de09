"""Days are counted by the reader's calendar; the words are those of the React client."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone, translation

from django_chat_sessions import clock
from django_chat_sessions.templatetags.day_groups import (
    LABELS,
    day_of,
    grouped_by_day,
    when_text,
)

WORDS = Path(__file__).parents[2] / "frontend" / "src" / "ui" / "words.ts"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NOW = at("2026-11-22T12:00:00")


@pytest.mark.parametrize(
    ("moment", "group", "text"),
    [
        ("2026-11-22T12:00:01", "today", "12:00 p.m."),  # another server's clock
        ("2026-11-22T00:00:00", "today", "midnight"),
        ("2026-11-21T23:59:59", "yesterday", "11:59 p.m."),
        ("2026-11-20T23:59:59", "week", "Fri"),
        ("2026-11-15T00:00:00", "week", "Sun"),
        ("2026-11-14T23:59:59", "older", "November 14"),
        ("2025-12-31T12:00:00", "older", "12/31/2025"),
    ],
)
def test_a_moment_belongs_to_a_day(moment: str, group: str, text: str) -> None:
    assert day_of(at(moment), NOW) == group
    assert when_text(at(moment), NOW) in (text, text.replace("12:00 p.m.", "noon"))


def test_the_day_is_that_of_the_readers_time_zone() -> None:
    late = at("2026-11-21T23:30:00")
    with timezone.override("Asia/Tokyo"):
        assert day_of(late, NOW) == "today"
        assert when_text(late, NOW) == "8:30 a.m."
    with timezone.override("America/New_York"):
        assert day_of(late, NOW) == "yesterday"


def test_a_day_that_has_no_24_hours_is_a_day_all_the_same() -> None:
    """On 29 March 2026 the clocks of Berlin go forward, on 25 October back."""
    with timezone.override("Europe/Berlin"):
        assert day_of(at("2026-03-28T23:30:00"), at("2026-03-29T22:30:00")) == "yesterday"
        assert day_of(at("2026-10-24T22:00:00"), at("2026-10-25T22:59:59")) == "today"


def test_a_naive_time_of_a_site_without_time_zones_is_local(settings: Any) -> None:
    settings.USE_TZ = False
    assert day_of(clock.stored(at("2026-11-21T23:59:00")), clock.stored(NOW)) == "yesterday"


def test_groups_keep_the_order_and_the_unknown_is_old() -> None:
    moments = [at("2026-11-22T11:00:00"), at("2026-11-22T10:00:00"), at("2026-11-21T10:00:00")]
    rows: list[Any] = [SimpleNamespace(last_message_at=moment) for moment in [*moments, None]]
    groups = grouped_by_day(rows, NOW)
    assert [(group.key, group.label) for group in groups] == [
        ("today", "Today"),
        ("yesterday", "Yesterday"),
        ("older", "Older"),
    ]
    assert [row for group in groups for row in group.sessions] == rows
    assert when_text(None, NOW) == ""


def test_the_words_are_those_of_the_react_client() -> None:
    source = WORDS.read_text(encoding="utf-8")
    with translation.override("en"):
        for key, label in LABELS.items():
            assert re.search(rf'^  {key}: "{label}",$', source, re.MULTILINE)
