"""Figures for operators: told from one story in which everything happens, on every database."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_chat_sessions import get_message_model, get_session_model, services
from django_chat_sessions.models import ReplyState
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.statistics import CALENDAR, TIME_CLASSES, Figures
from tests.conftest import NOON
from tests.conversations import (
    configure,
    fill,
    fill_history,
    leave_replies,
    listen_only,
    messages_of,
    opened,
    reply_of,
    stored,
    talked,
)
from tests.explained import explained

TODAY = NOON.date()
ADA = Owner.for_visitor("ada's secret key")
BOB = Owner.for_visitor("bob's secret key")

pytestmark = pytest.mark.django_db


def of_today() -> Figures:
    return services.statistics(TODAY, TODAY).total


def test_nothing_is_counted_where_nothing_happened(noon: Any) -> None:
    found = services.statistics(TODAY - timedelta(days=2), TODAY)
    assert [figures.day for figures in found.days] == [TODAY - timedelta(days=n) for n in (2, 1, 0)]
    assert found.total == Figures()
    assert (found.total.resumption_rate, found.total.median_seconds) == (None, None)


def test_midnight_belongs_to_the_day_that_begins(noon: Any) -> None:
    noon.move_to(datetime.combine(TODAY, time.min, tzinfo=timezone.get_current_timezone()))
    talked(ADA)
    before, after = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
    assert [figures.started for figures in services.statistics(before, after).days] == [0, 1, 0]
    assert services.statistics(before, before).total.started == 0
    assert of_today().started == 1


@pytest.mark.parametrize("day", CALENDAR)
def test_the_first_day_and_the_last_can_be_asked_for(day: date) -> None:
    assert services.statistics(day, day).total.started == 0


def test_sessions_are_told_apart_by_why_they_began(noon: Any, settings: Any) -> None:
    listen_only(settings)
    first = talked(ADA)
    noon.shift(400)
    talked(ADA)  # the first has expired
    services.start(ADA)
    talked(BOB)
    services.end(opened(BOB))
    talked(BOB)
    services.reopen(first)  # what expired is no longer over, and the newest of ada's is replaced
    figures = of_today()
    assert figures.new == {"first": 2, "reopened": 1, "user": 2}
    assert (figures.started, figures.reopened) == (5, 1)


def test_a_session_is_resumed_when_its_owner_writes_again(noon: Any, settings: Any) -> None:
    listen_only(settings)
    once, twice = talked(ADA), talked(BOB)
    noon.shift(60)
    services.add_message(twice, "user", "And?")
    services.add_message(twice, "user", "And then?")
    services.add_message(once, "system", "The owner says nothing here.")
    figures = of_today()
    assert (figures.started, figures.resumed, figures.resumption_rate) == (2, 1, 0.5)
    services.end(once)
    services.reopen(once)
    services.reopen(twice)
    assert of_today().resumption_rate == 1


def test_replies_are_counted_by_how_they_ended(noon: Any, settings: Any) -> None:
    leave_replies(settings)
    states = [*ReplyState.values, "running"]
    replies = [
        reply_of(services.send(ADA, "Why?", key=f"key-{n}", scope=f"s{n}"))
        for n in range(len(states))
    ]
    table: Any = get_message_model().objects
    for reply, state in zip(replies, states, strict=True):
        table.filter(pk=reply.pk).update(state=state)
    table.filter(pk=replies[-1].pk).update(lease_until=NOON, attempt=2)  # at this moment it is over
    figures = of_today()
    assert (figures.replies, figures.answered, figures.failed) == (7, 1, 1)
    assert (figures.stopped, figures.interrupted) == (1, 1)
    assert (figures.running, figures.lost, figures.retried) == (2, 1, 1)


def answered_after(settings: Any, noon: Any, seconds: float, scope: str) -> Any:
    """Let an answer take this long."""

    def respond(turn: Any) -> str:
        noon.shift(seconds)
        return "Because."

    configure(settings, RESPONDER=respond)
    sent = services.send(ADA, "Why?", key=f"key-of-{scope}", scope=scope)
    assert stored(reply_of(sent)).state == "answered"
    return sent.session


def test_answer_times_are_told_by_how_many_came_within_them() -> None:
    short, long = TIME_CLASSES[3], TIME_CLASSES[20]
    middle = round((TIME_CLASSES[2] + short) / 2, 2)
    assert Figures(times=Counter({3: 100})).median_seconds == middle
    assert Figures(times=Counter({3: 50, 20: 50})).median_seconds == round(short, 2)
    # The last day may have the shortest times.
    of_two_days = Figures(times=Counter({20: 10})) + Figures(times=Counter({3: 90}))
    assert TIME_CLASSES[19] < (of_two_days.p95_seconds or 0) < long


@pytest.mark.django_db(transaction=True)
def test_answer_times_are_told_to_about_a_tenth(noon: Any, settings: Any) -> None:
    for number, seconds in enumerate([0, *[2] * 8, 8, 60]):
        answered_after(settings, noon, seconds, f"s{number}")
    figures = of_today()
    assert figures.timed == 11
    assert figures.median_seconds == pytest.approx(2, rel=0.12)
    assert figures.p95_seconds == pytest.approx(60, rel=0.12)


@pytest.mark.django_db(transaction=True)
def test_only_times_that_are_known_are_told(noon: Any, settings: Any) -> None:
    session = answered_after(settings, noon, 2, "reopened")
    services.end(session)
    services.reopen(session)  # which moved the session's last message
    again = answered_after(settings, noon, 2, "retried")
    messages_of(again).filter(position=1).update(attempt=2)
    earlier = answered_after(settings, noon, 2, "earlier")
    services.add_message(earlier, "user", "Thanks.")
    assert (of_today().answered, of_today().timed) == (3, 0)


@pytest.mark.parametrize(("place", "shown"), [(0, TIME_CLASSES[0]), (43, TIME_CLASSES[-1])])
def test_the_outermost_classes_of_times_have_bounds(place: int, shown: float) -> None:
    figures = Figures()
    figures.times[place] += 1
    assert figures.p95_seconds == pytest.approx(shown, rel=0.06)


def test_days_are_those_of_the_time_zone(noon: Any, settings: Any) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"  # 13 hours ahead: noon is in the next day there
    listen_only(settings)
    talked(ADA)
    tomorrow = TODAY + timedelta(days=1)
    found = services.statistics(TODAY, tomorrow)
    assert [figures.started for figures in found.days] == [0, 1]
    settings.TIME_ZONE = "UTC"
    assert [f.started for f in services.statistics(TODAY, tomorrow).days] == [1, 0]


def test_sessions_of_other_days_are_not_counted(noon: Any, settings: Any) -> None:
    listen_only(settings)
    for _day in range(4):
        talked(ADA)
        noon.shift(24 * 3600)
    found = services.statistics(TODAY + timedelta(days=1), TODAY + timedelta(days=2))
    assert [figures.started for figures in found.days] == [1, 1]
    assert found.total.started == 2


@pytest.mark.parametrize(
    ("since", "until", "way_out"),
    [
        (TODAY, TODAY - timedelta(days=1), "is before the first"),
        (TODAY - timedelta(days=366), TODAY, "is 367 days; ask for 366 at most"),
        (date.min, date.min, "from 1970 on"),
        (date.max, date.max, "9999-12-31 is too far away; ask for days up to 9000-01-01."),
    ],
)
def test_a_range_that_cannot_be_counted_is_refused(since: date, until: date, way_out: str) -> None:
    with pytest.raises(ValueError, match=way_out):
        services.statistics(since, until)


def test_a_leap_year_is_counted_in_three_statements_however_many_rows(
    noon: Any, statements: Any
) -> None:
    for rows in (0, 40):
        fill_history(ADA, rows)
        with statements() as sent:
            found = services.statistics(TODAY - timedelta(days=365), TODAY)
        assert len(sent) == 3
        assert found.total.started == rows


def test_messages_are_reached_by_their_session(noon: Any) -> None:
    fill_history(ADA, 200)
    for session in get_session_model().objects.order_by("pk")[:20]:
        fill(session, 50)
    with explained() as statements:
        services.statistics(TODAY, TODAY)
    assert len(statements) == 3
    for statement in statements[1:]:
        assert not statement.reads_all_of(get_message_model()), statement.plan


def test_a_moment_is_no_day() -> None:
    with pytest.raises(TypeError, match=r"is a moment; give its day"):
        services.statistics(NOON, NOON)
