"""The command for operators: what it prints, and what it refuses in one sentence."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from django_chat_sessions import services
from django_chat_sessions.owners import Owner
from tests.callers import rows
from tests.conversations import listen_only

SECRET = "SECRET-4711"
VISITOR = Owner.for_visitor("a visitor's secret key")

pytestmark = pytest.mark.django_db


def figures(*arguments: str) -> str:
    """Run the command; return what it prints."""
    printed = StringIO()
    call_command("chat_session_statistics", *arguments, stdout=printed)
    return printed.getvalue()


@pytest.fixture
def two_days(noon: Any, settings: Any) -> Any:
    """A session of yesterday, which expired, and the one that followed it today."""
    listen_only(settings)
    services.send(VISITOR, SECRET, key="key-0000001")
    noon.shift(24 * 3600)
    services.send(VISITOR, SECRET, key="key-0000002")
    services.send(VISITOR, SECRET, key="key-0000003")
    return noon


def test_a_person_gets_a_table_with_a_line_for_each_day_that_had_sessions(two_days: Any) -> None:
    head, columns, first, second, total, why = figures().splitlines()
    assert head == "Chat sessions that started from 2026-10-25 to 2026-11-23 (UTC)."
    assert columns.split()[:5] == ["day", "started", "resumed", "reopened", "resumption"]
    assert first.split()[:5] == ["2026-11-22", "1", "0", "0", "0.0"]
    assert second.split()[:5] == ["2026-11-23", "1", "1", "0", "1.0"]
    assert total.split()[:5] == ["total", "2", "1", "0", "0.5"]
    assert total.split()[-2:] == ["-", "-"]
    assert why == "Why they began: first 1, idle 1."
    assert len({len(line) for line in (columns, first, second, total)}) == 1


def test_a_program_gets_every_day_as_json(two_days: Any) -> None:
    found = json.loads(figures("--json", "--since", "2026-11-20", "--until", "2026-11-22"))
    assert (found["since"], found["until"]) == ("2026-11-20", "2026-11-22")
    assert [day["day"] for day in found["days"]] == ["2026-11-20", "2026-11-21", "2026-11-22"]
    assert [day["started"] for day in found["days"]] == [0, 0, 1]
    assert found["total"]["new"] == {"first": 1}
    assert found["total"]["median_seconds"] is None


def test_days_are_counted_up_to_the_last_one(two_days: Any) -> None:
    assert json.loads(figures("--json", "--days", "1"))["total"]["started"] == 1
    earlier = json.loads(figures("--json", "--days", "2", "--until", "2026-11-22"))
    assert (earlier["since"], earlier["total"]["started"]) == ("2026-11-21", 1)


def test_where_nothing_happened_it_says_so(db: None) -> None:
    assert figures().endswith("Why they began: none did.\n")


def test_it_reads_only_and_shows_neither_content_nor_owners(two_days: Any) -> None:
    before = rows()
    printed = figures() + figures("--json")
    assert rows() == before
    assert SECRET not in printed
    assert str(VISITOR.visitor_key) not in printed


@pytest.mark.parametrize(
    ("arguments", "way_out"),
    [
        (["--since", "x"], "--since is 'x'; give a day as 2026-11-30."),
        (["--since", ""], "--since is ''; give a day"),
        (["--until", ""], "--until is ''; give a day"),
        (["--since", "", "--days", "3"], "give one of them"),
        (["--until", "2026-02-30"], "--until is '2026-02-30'; give a day"),
        (["--days", "0"], "--days is 0; give 1 or more."),
        (["--days", "9999999"], "the calendar does not go back so far"),
        (
            ["--until", "0001-01-01"],
            "30 days up to 0001-01-01; the calendar does not go back so far",
        ),
        (["--days", "99999999999"], "the calendar does not go back so far"),
        (["--days", "367"], "is 367 days; ask for 366 at most"),
        (["--days", "x"], "invalid int value"),
        (["--since", "2026-11-01", "--days", "3"], "give one of them"),
        (["--since", "2026-11-02", "--until", "2026-11-01"], "is before the first"),
        (["--since", "0001-01-01", "--until", "0001-01-02"], "from 1970 on"),
        (["--until", "1969-12-31"], "1969-12-31 is too long ago; ask for days from 1970 on."),
        (["--until", "1970-01-02"], "1969-12-04 is too long ago; ask for days from 1970 on."),
        (["--until", "9999-12-31"], "9999-12-31 is too far away; ask for days up to 9000-01-01."),
    ],
)
def test_wrong_options_are_refused_with_the_way_out(arguments: list[str], way_out: str) -> None:
    with pytest.raises(CommandError) as refused:
        figures(*arguments)
    assert way_out in str(refused.value)
    assert "\n" not in str(refused.value)
