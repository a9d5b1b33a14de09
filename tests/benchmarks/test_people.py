"""The people of benchmarks.people notice what is broken: each of their checks can fail."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from benchmarks.people.answers import question, whole
from benchmarks.people.asking import Asker
from benchmarks.people.beliefs import PROMISES, Ledger, Place, Promises, Turn
from benchmarks.people.tab import Tab
from benchmarks.people.visitor import Town
from benchmarks.people.wire import Response, Wire

pytestmark = pytest.mark.once

IDLE = 90.0
ASKED = question("p1", 1, 2.0)


@pytest.fixture
def promises() -> Promises:
    return Promises()


def written(seconds: float) -> str:
    """A moment as the API writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def row(pk: str = "s1", **changed: Any) -> dict[str, Any]:
    """A session that is open until 1090."""
    return {
        "id": pk,
        "state": "active",
        "running": False,
        "message_count": 2,
        "previous": None,
        "expires_at": written(1000 + IDLE),
        "last_activity_at": written(1000),
        "last_message_at": written(1000),
        **changed,
    }


def said(**changed: Any) -> list[dict[str, Any]]:
    """What is stored of one turn; ``changed`` belongs to the answer."""
    answer = {"id": "r1", "position": 1, "role": "assistant", "state": "answered"}
    asked = {"id": "m1", "position": 0, "role": "user", "content": ASKED, "state": ""}
    return [asked, {**answer, "content": whole(ASKED), **changed}]


def ledger(promises: Promises) -> Ledger:
    believing = Ledger(promises)
    believing.note(Turn(ASKED, "k1", message="m1", reply="r1", session="s1"))
    return believing


def again(pk: str, position: int) -> dict[str, Any]:
    return {"id": pk, "position": position, "role": "user", "content": ASKED, "state": ""}


def test_what_is_as_it_should_be_breaks_no_promise(promises: Promises) -> None:
    believing = ledger(promises)
    believing.compare_history([row()], is_all=True)
    believing.compare_transcript("s1", said())
    assert promises.checked["kept"] == promises.checked["order"] // 3 + 1 == 2
    assert not promises.broken


@pytest.mark.parametrize(
    ("stored", "broken"),
    [
        (said()[1:], "kept"),
        ([*said(), again("m2", 2)], "once"),
        (said(content=whole(ASKED)[:-1]), "whole"),
        (said(content=whole(ASKED) + "z"), "whole"),
        (said(content="", state="failed"), "whole"),
        (said(content="", state="stopped"), "whole"),
        (said(position=2), "order"),
        ([*said(), {**said()[1], "id": "r2", "position": 2}], "once"),
    ],
    ids=["lost", "twice", "cut", "longer", "failed", "nobody stopped it", "gap", "two answers"],
)
def test_a_transcript_that_is_wrong_is_noticed(
    promises: Promises, stored: list[dict[str, Any]], broken: str
) -> None:
    ledger(promises).compare_transcript("s1", stored)
    assert broken in promises.broken
    assert promises.examples[0].startswith(tuple(PROMISES.values()))


def test_an_answer_that_was_stopped_may_end_early_but_not_say_something_else(
    promises: Promises,
) -> None:
    believing = ledger(promises)
    believing.sessions["s1"][0].is_stopped = True
    believing.compare_transcript("s1", said(state="stopped", content=whole(ASKED)[:9]))
    assert not promises.broken
    believing.compare_transcript("s1", said(state="stopped", content="?"))
    assert promises.broken["whole"] == 1


@pytest.mark.parametrize(
    ("listed", "broken"),
    [
        ([], "kept"),
        ([row(), row("s2", state="expired")], "looking"),
        ([row(message_count=0)], "looking"),
        ([row(), row("s0")], "one open"),
        ([row("s0", state="ended"), row()], "order"),
    ],
    ids=["lost", "nobody began it", "empty", "two are open", "the older one first"],
)
def test_a_history_that_is_wrong_is_noticed(
    promises: Promises, listed: list[dict[str, Any]], broken: str
) -> None:
    ledger(promises).compare_history(listed, is_all=True)
    assert broken in promises.broken


def stay(place: Place) -> None:
    place.see(row(), 1001, 1002)


SEEN: list[tuple[Callable[[Place], None], str]] = [
    (lambda place: place.see(row(state="expired"), 1050, 1051), "resumed"),
    (lambda place: place.see(row(), 1091, 1092), "new"),
    (lambda place: place.see(row(expires_at=written(1140)), 1050, 1051), "looking"),
    (lambda place: place.see(row(running=True, state="expired"), 1050, 1051), "pinned"),
]


@pytest.mark.parametrize(
    ("look", "broken"), SEEN, ids=["too early", "too late", "by looking", "while it is answered"]
)
def test_a_session_that_ends_at_another_time_is_noticed(
    promises: Promises, look: Callable[[Place], None], broken: str
) -> None:
    place = Place(promises, IDLE, "s1")
    stay(place)
    stay(place)
    assert not promises.broken
    look(place)
    assert broken in promises.broken


def test_a_clock_that_began_before_the_answer_had_ended_is_noticed(promises: Promises) -> None:
    place = Place(promises, IDLE, "s1")
    place.see(row(running=True), 1010, 1011)
    stay(place)
    assert promises.broken == {"pinned": 1}


def test_another_timeout_is_noticed(promises: Promises) -> None:
    stay(Place(promises, IDLE * 2, "s1"))
    assert promises.broken == {"resumed": 1}


def sent(pk: str, status: str, reason: str, before: str | None) -> dict[str, Any]:
    previous = None if before is None else {"id": before}
    arrival = {"status": status, "reason": reason, "previous": previous}
    return {"arrival": arrival, "session": row(pk, previous=before)}


@pytest.mark.parametrize(
    ("answer", "asked_at", "broken"),
    [
        (sent("s1", "resumed", "open", None), 1050, None),
        (sent("s2", "new", "idle", "s1"), 1050, "resumed"),
        (sent("s2", "new", "idle", "s1"), 1090, None),
        (sent("s1", "resumed", "open", None), 1090, "new"),
        (sent("s2", "new", "idle", None), 1090, "new"),
        (sent("s2", "new", "user", "s1"), 1090, "new"),
        (sent("s2", "resumed", "open", "s1"), 1090, "new"),
    ],
)
def test_a_message_that_goes_elsewhere_is_noticed(
    promises: Promises, answer: dict[str, Any], asked_at: float, broken: str | None
) -> None:
    place = Place(promises, IDLE, "s1")
    stay(place)
    place.arrive(answer, asked_at, asked_at + 1)
    assert set(promises.broken) == ({broken} if broken else set())
    assert place.id == answer["session"]["id"]


def test_a_first_message_that_continues_something_is_noticed(promises: Promises) -> None:
    Place(promises, IDLE).arrive(sent("s1", "new", "first", None), 1000, 1001)
    assert not promises.broken
    Place(promises, IDLE).arrive(sent("s1", "resumed", "open", None), 1000, 1001)
    assert promises.broken == {"new": 1}


@pytest.mark.parametrize(
    ("attempt", "offset", "is_kept"), [(1, 3, True), (1, 2, False), (1, 4, False), (2, 3, False)]
)
def test_a_piece_that_does_not_fit_is_noticed(
    promises: Promises, attempt: int, offset: int, is_kept: bool
) -> None:
    tab = Tab(promises, random.Random(1))  # noqa: S311  nothing is drawn here
    running = {"id": "r1", "state": "running", "attempt": 1, "content": "abc"}
    tab.apply({"messages": [running], "deltas": [], "cursor": "c1"})
    delta = {"message": "r1", "attempt": attempt, "offset": offset, "text": "d"}
    tab.apply({"messages": [], "deltas": [delta], "cursor": "c2"})
    assert promises.checked["followed"] == 1
    assert promises.broken["followed"] == int(not is_kept)


def test_of_two_messages_that_were_both_accepted_the_one_stored_last_is_waited_for(
    promises: Promises, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its request may have begun first, and have waited while the other was answered."""
    town = Town(Wire([]), promises, IDLE, 60.0, 0.0)
    asker = Asker("p1", town, seed=1)
    second, first = (
        Response(
            201,
            {},
            {},
            {
                "arrival": {"status": "new", "reason": "first", "previous": None},
                "session": row(),
                "message": {"id": number, "position": position, "created_at": written(began)},
                "reply": {"id": f"r{number}"},
            },
            asked_at=1000.0,
            heard_at=1090.0,
        )
        for number, position, began in (("m2", 2, 1000.2), ("m1", 0, 1000.4))
    )
    responses = iter([second, first])

    async def send(turn: Turn, cut_after: float | None = None) -> Response:
        return next(responses)

    monkeypatch.setattr(asker, "send", send)
    waited_for = asyncio.run(asker.from_two_tabs())
    assert waited_for is not None
    assert waited_for.reply == "rm2"
