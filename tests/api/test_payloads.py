"""Wire shapes of rows as they may be, adopted ones with NULLs among them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from django_chat_sessions import clock, get_message_model, get_session_model
from django_chat_sessions.api import payloads
from django_chat_sessions.services import Arrival, ArrivalStatus, Grown, Updates
from tests.test_contract import problems

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=60)


def row(**values: Any) -> Any:
    """Return a session as a host's old table may hold it: next to nothing is set."""
    model: Any = get_session_model()
    return model(**{"pk": 4711, **values})


def reply(**values: Any) -> Any:
    model: Any = get_message_model()
    return model(pk=4712, session_id=4711, role="assistant", position=1, **values)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05.000000Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000Z"),
        (datetime(999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), "0999-12-31T23:59:59.999999Z"),
        (datetime(9999, 12, 31, tzinfo=UTC), "9999-12-31T00:00:00.000000Z"),
    ],
)
def test_times_are_utc_with_microseconds_in_every_century(moment: datetime, text: str) -> None:
    assert clock.iso(moment) == text


def test_a_row_that_was_there_before_us_is_as_the_contract_says() -> None:
    body = payloads.timed_session(row(metadata=None), NOW)
    assert problems("getSession", 200, body) == []
    assert body["session"]["state"] in ("expired", "ended")
    assert body["session"]["expires_at"] is None


def test_a_row_is_the_same_before_and_after_a_sweep() -> None:
    times = {"started_at": NOW, "opened_at": NOW, "last_activity_at": NOW, "created": NOW}
    lapsed = row(**times, expires_at=LATER, open_key="0" * 32)
    swept = row(**times, expires_at=LATER, open_key=None, ended_at=LATER, end_reason="idle")
    assert payloads.session(lapsed, LATER) == payloads.session(swept, LATER)
    assert payloads.session(swept, LATER)["expires_at"] is None  # it has
    assert payloads.session(lapsed, NOW)["expires_at"] == clock.iso(LATER)


def test_it_names_the_session_that_it_follows() -> None:
    assert payloads.session(row(previous_id=4700), NOW)["previous"] == "4700"
    assert payloads.session(row(), NOW)["previous"] is None


def test_a_look_that_found_nothing_is_as_the_contract_says() -> None:
    nothing = Arrival(None, ArrivalStatus.NEW, "first")
    current = payloads.current_session(nothing, "ab" * 16, NOW)
    assert problems("getCurrentSession", 200, current) == []


@pytest.mark.parametrize(
    ("state", "lease", "shown", "told"),
    [
        ("pending", LATER, "pending", False),
        ("running", LATER, "running", False),
        ("running", NOW, "interrupted", True),
        ("pending", None, "interrupted", True),
        ("answered", None, "answered", False),
        ("failed", None, "failed", True),
        ("stopped", None, "stopped", False),
        ("interrupted", None, "interrupted", True),
        ("", None, "", False),
    ],
)
def test_of_a_reply_the_reader_gets_a_sentence_and_never_the_error(
    state: str, lease: datetime | None, shown: str, told: bool
) -> None:
    body = payloads.message(reply(state=state, lease_until=lease, error="SECRET-4711"), NOW)
    assert body["state"] == shown
    assert bool(body["error"]) is told
    assert "SECRET" not in str(body)


def test_a_message_without_time_place_or_metadata_is_as_the_contract_says() -> None:
    body = payloads.message(reply(metadata=None), NOW)
    assert body["metadata"] == {}
    page = {
        "session": payloads.session(row(), NOW),
        "messages": [body],
        "next_before": None,
        "server_time": clock.iso(NOW),
    }
    assert problems("getTranscript", 200, page) == []


def test_updates_are_as_the_contract_says() -> None:
    grown = reply(state="running", lease_until=LATER, attempt=2, content="Ice ❄️")
    found = Updates(
        "AAAA", True, [row()], [reply()], [Grown(grown, 4, "❄️")], False, None, frozenset(), NOW
    )
    body = payloads.updates(found, NOW)
    assert problems("getUpdates", 200, body) == []
    assert body["deltas"] == [
        {"session": "4711", "message": "4712", "attempt": 2, "offset": 4, "text": "❄️"}
    ]


@pytest.mark.parametrize("last", [None, reply(state="stopped", attempt=1)])
def test_a_session_with_its_last_reply_is_as_the_contract_says(last: Any) -> None:
    body = payloads.session_reply(row(), last, NOW)
    assert problems("stopReply", 200, body) == []
    assert (body["reply"] is None) is (last is None)


def test_a_conflict_names_everything_that_is_there() -> None:
    body = payloads.conflict(row(), row(pk=4713), reply(state="running", lease_until=LATER), NOW)
    refused = {"code": "session_ended", "message": "x", "field": None, **body}
    assert problems("sendMessage", 409, refused) == []
    assert (body["session"]["id"], body["current"]["id"]) == ("4711", "4713")
    assert body["running"]["id"] == "4712"
    assert payloads.conflict(row(), None, None, NOW)["current"] is None
