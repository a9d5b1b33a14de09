"""Sixteen processes at once on a real database: one open session, one row per key, gap-free order.

A short form runs with all other tests. The long one prints its figures::

    python -m pytest -m races -s tests/races
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from django_chat_sessions import clock, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.owners import Owner
from tests.conversations import (
    leave_replies,
    open_sessions,
    opened,
    reply_of,
    rows,
    stored,
    talked,
    waiting,
)
from tests.races.pack import KIND, RACERS, VARIANTS, Pack

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]

FEW, MANY = 5, 200


@pytest.fixture(scope="module", params=VARIANTS)
def pack(request: pytest.FixtureRequest, django_db_setup: Any) -> Iterator[Pack]:
    racing = Pack(str(connection.settings_dict["NAME"]), request.param)
    yield racing
    racing.close()


@pytest.fixture(
    params=[
        pytest.param(FEW, id="short"),
        pytest.param(MANY, id="long", marks=pytest.mark.races),
    ]
)
def rounds(request: pytest.FixtureRequest) -> Iterator[range]:
    before = time.monotonic()
    yield range(request.param)
    if request.param == MANY:
        seconds = time.monotonic() - before
        sys.stdout.write(
            f"\n{request.node.name} on {KIND}: {MANY} rounds of {RACERS} processes, {seconds:.1f} s"
        )


@contextmanager
def visiting() -> Iterator[tuple[str, Owner]]:
    """A visitor of one round, who leaves nothing behind for the next."""
    visitor = str(uuid4())
    owner = Owner.for_visitor(visitor)
    yield visitor, owner
    get_session_model().objects.filter(visitor_key=owner.visitor_key).delete()


def expire(session: Any) -> None:
    """Move the last activity so far back that the session has just expired."""
    past = clock.now() - timedelta(seconds=301)
    type(session).objects.filter(pk=session.pk).update(
        last_activity_at=past, expires_at=past + timedelta(seconds=300), running_until=None
    )


def none_raised(results: list[Any]) -> None:
    assert [result for result in results if "raised" in result] == []


def told(results: list[Any], signal: str) -> int:
    return sum(result["signals"].count(signal) for result in results)


def gap_free(session: Any) -> bool:
    messages = rows(session)
    return [row.position for row in messages] == list(range(stored(session).message_count))


def test_sixteen_first_visits_open_one_session(pack: Pack, rounds: range) -> None:
    for _ in rounds:
        with visiting() as (visitor, owner):
            results = pack.all(do="resume", visitor=visitor)
            none_raised(results)
            session = open_sessions(owner)
            assert [str(row.pk) for row in session] == list({result["id"] for result in results})
            assert sorted(result["status"] for result in results) == ["new"] + ["resumed"] * 15
            assert told(results, "session_started") == 1
            assert get_session_model().objects.owned_by(owner).count() == 1


def test_sixteen_returns_after_the_expiry_open_one_session(pack: Pack, rounds: range) -> None:
    for _ in rounds:
        with visiting() as (visitor, owner):
            old = talked(owner)
            expire(old)
            results = pack.all(do="resume", visitor=visitor)
            none_raised(results)
            (session,) = open_sessions(owner)
            assert {result["id"] for result in results} == {str(session.pk)}
            assert session.previous_id == old.pk
            assert (told(results, "session_ended"), told(results, "session_started")) == (1, 1)
            assert stored(old).end_reason == "idle"
            assert stored(old).ended_at == stored(old).expires_at


def test_one_message_sent_sixteen_times_is_stored_and_answered_once(
    pack: Pack, rounds: range
) -> None:
    for number in rounds:
        with visiting() as (visitor, owner):
            if number % 2:
                expire(talked(owner))
            results = pack.all(do="send", visitor=visitor, content="Hello", key="one-key")
            none_raised(results)
            assert not any(result["busy"] for result in results)
            for name in ("id", "message", "reply"):
                assert len({result[name] for result in results}) == 1, name
            assert len({tuple(result["arrival"]) for result in results}) == 1
            assert sum(result["created"] for result in results) == 1
            (session,) = open_sessions(owner)
            assert [row.content for row in rows(session)] == ["Hello", "You asked: Hello"]
            assert gap_free(session)
            assert told(results, "message_added") == 1


def test_of_different_messages_each_is_stored_with_its_reply_or_refused(
    pack: Pack, rounds: range
) -> None:
    for number in rounds:
        with visiting() as (visitor, owner):
            if number % 2:
                opened(owner)
            else:
                expire(talked(owner))
            results = pack.race(
                *[
                    {"do": "send", "visitor": visitor, "content": f"Q{racer}", "key": f"k{racer}"}
                    for racer in range(RACERS)
                ]
            )
            none_raised(results)
            accepted = [f"Q{racer}" for racer in range(RACERS) if not results[racer]["busy"]]
            (session,) = open_sessions(owner)
            messages = rows(session)
            questions, replies = messages[::2], messages[1::2]
            assert sorted(row.content for row in questions) == sorted(accepted) != []
            for question, reply in zip(questions, replies, strict=True):
                assert reply.content == f"You asked: {question.content}"
                assert (question.role, reply.role) == ("user", "assistant")
            assert gap_free(session)
            assert {result.get("id") for result in results} - {None} == {str(session.pk)}


def test_sixteen_notes_stand_in_one_order_without_a_gap(pack: Pack, rounds: range) -> None:
    for _ in rounds:
        with visiting() as (visitor, owner):
            session = opened(owner)
            results = pack.all(do="add", visitor=visitor, session=str(session.pk), content="Note")
            none_raised(results)
            assert sorted(result["position"] for result in results) == list(range(RACERS))
            assert gap_free(session)


def test_sixteen_ends_are_one_end(pack: Pack, rounds: range) -> None:
    for _ in rounds:
        with visiting() as (visitor, owner):
            session = talked(owner)
            results = pack.all(do="end", visitor=visitor, session=str(session.pk))
            none_raised(results)
            ended_at = stored(session).ended_at
            assert {result["ended_at"] for result in results} == {ended_at.isoformat()}
            assert told(results, "session_ended") == 1


def test_a_sweep_never_ends_what_is_being_resumed(pack: Pack, rounds: range) -> None:
    for number in rounds:
        with visiting() as (visitor, owner):
            session = talked(owner)
            if number % 2:
                expire(session)
            move = {"do": "touch", "visitor": visitor, "session": str(session.pk)}
            results = pack.race(
                *[move, {"do": "sweep"}] * 4,
                *[{"do": "resume", "visitor": visitor}, {"do": "sweep"}] * 4,
            )
            none_raised(results)
            (now_open,) = open_sessions(owner)
            returned = {result["id"] for result in results if "id" in result}
            assert returned == {str(now_open.pk)}
            if number % 2:
                assert now_open != session
                assert stored(session).end_reason == "idle"
                assert told(results, "session_ended") == 1
                assert not any(result.get("touched") for result in results)
            else:
                assert now_open == session
                assert told(results, "session_ended") == 0
                assert all(result.get("touched", True) for result in results)


def test_reopening_and_starting_at_once_leave_one_session_open(pack: Pack, rounds: range) -> None:
    for _ in rounds:
        with visiting() as (visitor, owner):
            old = chat_sessions.end(talked(owner))
            talked(owner)
            results = pack.race(
                *[
                    {"do": "reopen", "visitor": visitor, "session": str(old.pk)},
                    {"do": "start", "visitor": visitor},
                ]
                * 8
            )
            none_raised(results)
            (session,) = open_sessions(owner)
            assert str(session.pk) in {result["id"] for result in results}
            held = get_session_model().objects.owned_by(owner).exclude(open_key=None)
            assert list(held) == [session]
            began = told(results, "session_started") + told(results, "session_reopened")
            assert told(results, "session_ended") == began
            assert [row.content for row in rows(old)] == ["Hello"]


def test_two_purges_and_a_reopening_never_lose_what_was_reopened(pack: Pack, rounds: range) -> None:
    for _ in rounds:
        with visiting() as (visitor, owner):
            old = chat_sessions.end(talked(owner))
            past = clock.now() - timedelta(days=2)
            get_session_model().objects.filter(pk=old.pk).update(
                last_message_at=past, last_activity_at=past
            )
            reopening = {"do": "reopen", "visitor": visitor, "session": str(old.pk)}
            results = pack.race(*[{"do": "purge"}, reopening] * 8)
            raised = {result["raised"].split(":")[0] for result in results if "raised" in result}
            assert raised <= {"SessionNotFound"}
            survivors = get_session_model().objects.filter(pk=old.pk)
            purged = sum(result.get("purged", 0) for result in results)
            if any(result.get("status") for result in results):
                assert survivors.count() == 1
                assert purged == 0
                assert [row.content for row in rows(old)] == ["Hello"]
            else:
                assert (survivors.count(), purged) == (0, 1)
                assert rows(old) == []


def test_each_attempt_at_a_reply_ends_once_whoever_stops_or_retries_it(
    pack: Pack, rounds: range, settings: Any
) -> None:
    leave_replies(settings)  # here; the racers answer at once
    for _ in rounds:
        with visiting() as (visitor, owner):
            sent = waiting(owner)
            session = {"visitor": visitor, "session": str(sent.session.pk)}
            moves = [
                {"do": "work", "reply": str(reply_of(sent).pk)},
                {"do": "stop", **session},
                {"do": "retry", **session},
                {"do": "retry", **session},
            ]
            results = pack.race(*moves * (RACERS // len(moves)))
            none_raised(results)
            question, reply = rows(sent.session)
            assert (question.content, question.state) == ("Hello", "")
            assert reply.state in ("answered", "stopped")
            assert reply.attempt == 1 + sum(result.get("retried", False) for result in results)
            ends = told(results, "turn_answered") + told(results, "turn_failed")
            assert ends == reply.attempt
            assert told(results, "turn_answered") == (reply.state == "answered")
            if reply.state == "answered":
                assert reply.content == "You asked: Hello"
            assert (reply.lease_until, stored(sent.session).running_until) == (None, None)
            assert gap_free(sent.session)
