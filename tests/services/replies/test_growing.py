"""Growing text is stored in few writes, and never long after it came."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import (
    InterfaceError,
    OperationalError,
    ProgrammingError,
    connection,
    transaction,
)

from django_chat_sessions.exceptions import TurnLost
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.replies import growing
from django_chat_sessions.services.replies.growing import SAVE_EVERY, Growth
from django_chat_sessions.services.replies.writing import take
from tests.conversations import leave_replies, reply_of, stored, waiting
from tests.services.replies.test_leases import Stopwatch
from tests.threads import until

VISITOR = Owner.for_visitor("v")


@pytest.fixture
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> Stopwatch:
    stopwatch = Stopwatch()
    monkeypatch.setattr(growing, "time", stopwatch)
    return stopwatch


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was stored, write by write."""
    texts: list[str] = []
    monkeypatch.setattr(growing, "save_text", lambda reply, text: texts.append(text))
    return texts


@pytest.fixture
def growth(db: None) -> Growth:
    reply = reply_of(waiting(VISITOR))
    assert take(reply, reply.session)
    growth = Growth(reply)
    growth.is_private = False  # as outside the transaction of a test
    outside_of_it: Any = SimpleNamespace(in_atomic_block=False)
    growth._connection = outside_of_it
    return growth


def test_the_first_piece_is_stored_at_once_the_next_ones_together(
    growth: Growth, stopwatch: Stopwatch, saved: list[str]
) -> None:
    for piece in ("One ", "two ", "three "):
        growth.add(piece)
    assert saved == ["One "]
    assert growth.text == "One two three "
    stopwatch.now += SAVE_EVERY
    growth.add("four")
    assert saved == ["One ", "One two three four"]


def test_the_first_piece_is_stored_at_once_also_on_a_machine_that_has_just_started(
    growth: Growth, stopwatch: Stopwatch, saved: list[str]
) -> None:
    stopwatch.now = 0.001
    growth.add("One")
    assert saved == ["One"]


def test_what_waits_is_stored_when_its_worker_has_not_and_only_once(
    growth: Growth, stopwatch: Stopwatch, saved: list[str]
) -> None:
    growth.store_what_waits()
    growth.add("One ")
    growth.add("two")
    stopwatch.now += SAVE_EVERY  # its worker would by now
    growth.store_what_waits()
    assert saved == ["One "]
    stopwatch.now += 2 * SAVE_EVERY
    growth.store_what_waits()
    assert saved == ["One ", "One two"]
    stopwatch.now += 2 * SAVE_EVERY
    growth.store_what_waits()
    assert saved == ["One ", "One two"]


def test_the_first_piece_waits_for_the_keeper_where_the_responder_has_a_transaction_open(
    growth: Growth, stopwatch: Stopwatch, saved: list[str]
) -> None:
    within_one: Any = SimpleNamespace(in_atomic_block=True)
    growth._connection = within_one
    growth.add("One")
    assert saved == []
    growth.store_what_waits()
    assert saved == ["One"]


def test_a_piece_after_the_reply_was_taken_away_is_refused(
    growth: Growth, stopwatch: Stopwatch, saved: list[str]
) -> None:
    growth.add("One ")
    growth.is_lost = True
    with pytest.raises(TurnLost) as lost:
        growth.add("SECRET-4711")
    assert saved == ["One "]
    assert "SECRET-4711" not in str(lost.value)
    stopwatch.now += 2 * SAVE_EVERY
    growth.store_what_waits()
    assert saved == ["One "]


def test_whoever_stores_what_waits_finds_out_that_it_is_lost(
    growth: Growth, stopwatch: Stopwatch
) -> None:
    growth.add("One ")
    growth.add("two")
    type(growth.reply).objects.filter(pk=growth.reply.pk).update(state="stopped")
    stopwatch.now += 2 * SAVE_EVERY
    growth.store_what_waits()
    assert growth.is_lost
    assert stored(growth.reply).content == growth.reply.content == "One "


@pytest.mark.django_db(transaction=True)
def test_inside_a_callers_transaction_no_other_thread_stores_anything(
    stopwatch: Stopwatch, settings: Any, saved: list[str]
) -> None:
    leave_replies(settings)
    reply = reply_of(waiting(VISITOR))
    with transaction.atomic():
        private = Growth(reply)
    open_to_all = Growth(reply)
    for growth in (private, open_to_all):
        growth.add("One ")
        growth.add("two")
    stopwatch.now += 2 * SAVE_EVERY
    private.store_what_waits()
    assert saved == ["One ", "One "]
    open_to_all.store_what_waits()
    assert saved == ["One ", "One ", "One two"]


def test_an_older_text_never_arrives_after_a_newer_one(
    growth: Growth, stopwatch: Stopwatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived: list[str] = []
    begun, gate = threading.Event(), threading.Event()

    def slowly(reply: Any, text: str) -> None:
        if text == "One two":
            begun.set()
            assert gate.wait(10)
        arrived.append(text)

    monkeypatch.setattr(growing, "save_text", slowly)
    growth.add("One ")
    growth.add("two")
    stopwatch.now += 2 * SAVE_EVERY
    keeper = threading.Thread(target=growth.store_what_waits)
    keeper.start()
    assert begun.wait(10)
    worker = threading.Thread(target=growth.add, args=(" three",))
    worker.start()
    until(lambda: growth.text == "One two three")
    assert arrived == ["One "]
    gate.set()
    for thread in (keeper, worker):
        thread.join(10)
    assert arrived == ["One ", "One two", "One two three"]


def test_a_database_that_is_away_does_not_end_the_answer(
    growth: Growth,
    stopwatch: Stopwatch,
    saved: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(reply: Any, text: str) -> None:
        raise InterfaceError("SECRET-4711")

    with monkeypatch.context() as away:
        away.setattr(growing, "save_text", fail)
        growth.add("One ")
        growth.add("two ")  # not tried again at once
    assert caplog.text.count("InterfaceError") == 1
    assert "SECRET" not in caplog.text
    growth.add("three ")
    stopwatch.now += SAVE_EVERY
    growth.add("four")
    assert saved == ["One two three four"]


@pytest.mark.django_db(transaction=True)
def test_and_the_next_text_has_a_new_connection_for_the_old_one_died_with_it(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_replies(settings)
    growth = Growth(reply_of(waiting(VISITOR)))

    def fail(reply: Any, text: str) -> None:
        connection.ensure_connection()
        raise InterfaceError("away")

    monkeypatch.setattr(growing, "save_text", fail)
    growth.add("One")
    assert connection.connection is None


def test_what_will_not_pass_ends_it(growth: Growth, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(reply: Any, text: str) -> None:
        raise ProgrammingError("no such function")

    monkeypatch.setattr(growing, "save_text", fail)
    with pytest.raises(ProgrammingError):
        growth.add("One")


def test_but_it_breaks_a_transaction_of_the_callers(
    growth: Growth, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(reply: Any, text: str) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(growing, "save_text", fail)
    growth.is_private = True
    with pytest.raises(OperationalError, match="away"):
        growth.add("One")
