"""The package's clock stands still, and nothing else does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from django_chat_sessions import clock
from django_chat_sessions.owners import Owner
from django_chat_sessions.testing import ChatSessionFactory, assert_state, frozen_clock

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_it_moves_when_it_is_moved_and_goes_on_afterwards() -> None:
    before = clock.now()
    with frozen_clock(NOON) as frozen:
        assert clock.now() == NOON
        frozen.shift(90)
        frozen.shift(timedelta(minutes=1))
        assert clock.now() == NOON + timedelta(seconds=150)
        frozen.move_to(NOON.astimezone(ZoneInfo("Asia/Tokyo")))
        assert clock.now() == frozen.moment == NOON
    assert clock.now() >= before


def test_at_the_present_unless_it_is_told_otherwise(chat_clock: Any) -> None:
    assert abs((datetime.now(UTC) - chat_clock.moment).total_seconds()) < 60
    assert clock.now() == chat_clock.moment


def test_where_times_are_naive(settings: Any) -> None:
    settings.USE_TZ, settings.TIME_ZONE = False, "Europe/Berlin"
    with frozen_clock(NOON):
        assert clock.now() == datetime(2026, 11, 22, 13)  # noqa: DTZ001  as the database takes it
        assert clock.aware(clock.now()) == NOON


@pytest.mark.django_db
def test_a_session_expires_on_time(owner: Owner, chat_clock: Any) -> None:
    session = ChatSessionFactory.create(owner=owner)
    chat_clock.shift(299.999)
    assert_state(session, "active")
    chat_clock.shift(0.001)
    assert_state(session, "expired")
