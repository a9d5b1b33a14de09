"""One reply, from claimed to finished, whatever the responder does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from contextvars import Context
from typing import Any

import pytest
from django.db import (
    DataError,
    OperationalError,
    ProgrammingError,
    connection,
    connections,
    transaction,
)
from django.urls import get_script_prefix, reverse
from django.utils import translation

from django_chat_sessions import clock, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.models import ReplyState
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.replies import growing, running
from django_chat_sessions.services.replies.leases import LeaseKeeper, lease_keeper
from django_chat_sessions.services.replies.running import run
from django_chat_sessions.services.replies.writing import finish, save_text, take
from django_chat_sessions.services.tables import messages
from django_chat_sessions.signals import turn_failed
from tests.conversations import (
    configure,
    leave_replies,
    missing_id,
    reply_of,
    rows,
    somebody_else,
    stored,
    talked,
    waiting,
)
from tests.threads import until

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(settings: Any) -> Any:
    """Send a message, let this responder answer it, and return the reply as it is stored."""

    def asking(responder: Any, owner: Owner | None = None) -> Any:
        configure(settings, RESPONDER=responder)
        reply = reply_of(waiting(owner or Owner.for_visitor("v"), "Why?"))
        run(reply.pk)
        return stored(reply)

    return asking


def test_the_answer_and_its_metadata_are_stored(ask: Any, owner: Owner) -> None:
    def answer(turn: Any) -> Iterator[Any]:
        assert turn.question == "Why?"
        assert turn.session == turn.reply.session
        yield "Be"
        yield {"sources": ["book"]}
        yield "cause\x00"
        yield {"model": "m"}

    reply = ask(answer, owner)
    assert (reply.state, reply.content, reply.attempt) == ("answered", "Because\ufffd", 1)
    assert reply.metadata == {"sources": ["book"], "model": "m"}
    session = get_session_model().objects.get()
    assert (session.running_until, session.preview) == (None, "Because\ufffd")


def test_of_an_answer_that_went_well_nothing_is_logged(
    ask: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert ask(lambda turn: "Because.").state == "answered"
    assert caplog.records == []


def test_the_question_is_the_last_of_its_own_session(owner: Owner) -> None:
    for text in ("Theirs", "Theirs too"):
        run(reply_of(waiting(somebody_else(), text, key=text)).pk)
    neighbour = somebody_else()
    for number in range(3):
        talked(neighbour, f"Another's {number}")
    run(reply_of(waiting(owner, "One", key="one")).pk)
    second = waiting(owner, "Two", key="two")
    run(reply_of(second).pk)
    assert stored(reply_of(second)).content == "You asked: Two"


def test_a_claimed_reply_needs_no_database_until_it_is_answered(ask: Any, statements: Any) -> None:
    """One that goes away in between must not make a failure of it."""
    with statements() as sent:

        def answer(turn: Any) -> str:
            assert not sent[-1].startswith("SELECT")
            assert turn.question == "Why?"
            return "Because."

        assert ask(answer).state == "answered"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_pooled", [True, False])
def test_no_connection_is_held_while_the_responder_thinks(
    ask: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, *, is_pooled: bool
) -> None:
    """Without a pool one is, from the first text on: it would be opened twice a second."""
    leave_replies(settings)
    monkeypatch.setattr(running, "is_pooled", lambda: is_pooled)
    held: list[bool] = []

    def thinking() -> None:
        held.append(connection.connection is not None)

    def answer(turn: Any) -> Iterator[str]:
        assert (turn.context, turn.previous_context, turn.arrival.status) == ([], [], "new")
        assert turn.context_within(10, len) == []
        thinking()
        turn.carry_over("Before.")
        thinking()
        yield "Be"
        thinking()
        yield "cause"
        thinking()

    assert ask(answer).content == "Because"
    assert held == [False, False, not is_pooled, not is_pooled]


@pytest.mark.django_db(transaction=True)
def test_one_that_the_responder_has_opened_is_its_own(ask: Any, settings: Any) -> None:
    leave_replies(settings)

    def answer(turn: Any) -> str:
        connection.ensure_connection()
        own = connection.connection
        assert turn.context == []
        assert connection.connection is own
        return "Because"

    assert ask(answer).state == "answered"


@pytest.mark.django_db(transaction=True)
def test_one_that_has_died_while_the_responder_thought_is_replaced(
    ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced = []

    def respond(turn: Any) -> Iterator[str]:
        yield "Half "
        monkeypatch.setattr(connection, "is_usable", lambda: False)
        monkeypatch.setattr(connection, "close", lambda: replaced.append(turn.reply.pk))
        assert turn.context == []
        monkeypatch.undo()
        yield "of it."

    reply = ask(respond)
    assert (reply.state, reply.content) == ("answered", "Half of it.")
    assert replaced == [reply.pk]


def test_the_text_is_stored_as_it_grows(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing, "SAVE_EVERY", 0)
    grown: list[str] = []

    def answer(turn: Any) -> Iterator[str]:
        for piece in ("One ", "two ", "three"):
            yield piece
            grown.append(stored(turn.reply).content)

    ask(answer)
    assert grown == ["One ", "One two ", "One two three"]


@pytest.mark.django_db(transaction=True)
def test_a_transaction_of_the_responders_is_its_own(
    ask: Any, settings: Any, statements: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keeper waited for the row in it, and this thread for the keeper: both for ever."""
    leave_replies(settings)
    monkeypatch.setattr(growing, "SAVE_EVERY", 0)
    within: list[str] = []

    def answer(turn: Any) -> Iterator[str]:
        yield "One "
        assert stored(turn.reply).content == "One "
        with transaction.atomic(), statements() as sent:
            lease_keeper._held[turn.reply.pk].due = 0
            yield "two "
            yield "three"
            within.extend(sent)

    assert ask(answer).content == "One two three"
    assert within == []


@pytest.mark.django_db(transaction=True)
def test_meanwhile_the_keeper_stores_the_text(settings: Any) -> None:
    can_wait = connection.vendor != "sqlite"  # there nobody else writes beside a transaction
    leave_replies(settings)
    reply = reply_of(waiting(Owner.for_visitor("v")))

    def answer(turn: Any) -> Iterator[str]:
        with transaction.atomic():
            get_session_model().objects.count()
            yield "One "
            yield "two "
            until(lambda: not can_wait or elsewhere(stored, reply).content == "One two ")
            yield "three"

    configure(settings, RESPONDER=answer)
    run(reply.pk)
    assert stored(reply).content == "One two three"


def begin_atomic() -> None:
    transaction.atomic().__enter__()


def begin_by_hand() -> None:
    transaction.set_autocommit(False)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("begin", "state"), [(begin_atomic, "answered"), (begin_by_hand, "failed")]
)
def test_one_that_is_left_open_takes_no_answer_with_it(
    ask: Any, settings: Any, caplog: pytest.LogCaptureFixture, begin: Any, state: str
) -> None:
    """All that its thread wrote afterwards, other people's answers too, was rolled back."""
    leave_replies(settings)

    def answer(turn: Any) -> Iterator[str]:
        begin()
        get_session_model().objects.update(title="never committed")
        yield "Because"

    first = ask(answer)
    second = ask(lambda turn: "So", Owner.for_visitor("w"))
    answers = [elsewhere(stored, reply) for reply in (first, second)]
    assert [(one.state, one.content) for one in answers] == [(state, "Because"), ("answered", "So")]
    assert not elsewhere(get_session_model().objects.filter(title="never committed").exists)
    assert "left open is rolled back" in caplog.text


def elsewhere(look: Any, *at: Any) -> Any:
    """Look with the eyes of another thread."""

    def looking() -> Any:
        try:
            return look(*at)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(looking).result()


def test_but_not_for_every_piece(ask: Any, statements: Any) -> None:
    with statements() as seen:
        ask(lambda turn: iter("a" * 1000))
    assert sum(sql.startswith("UPDATE") for sql in seen) < 10


class Panic(BaseException):
    """As pyo3 raises for a library written in Rust, and gevent for a timeout."""


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("boom"),
        asyncio.CancelledError("boom"),
        SystemExit("boom"),
        GeneratorExit("boom"),
        Panic("boom"),
    ],
    ids=repr,
)
def test_an_error_fails_the_reply_and_keeps_what_was_written(ask: Any, error: Any) -> None:
    def answer(turn: Any) -> Iterator[str]:
        yield "Half"
        raise error

    reply = ask(answer)
    assert (reply.state, reply.content) == ("failed", "Half")
    assert reply.error == f"{type(error).__name__}: boom"
    assert get_session_model().objects.get().running_until is None


def test_a_turn_that_it_loses_elsewhere_is_an_error_like_others(ask: Any) -> None:
    """Such as that of a session in which it asks another one."""

    def answer(turn: Any) -> Iterator[str]:
        yield "Half"
        session = chat_sessions.start(Owner.for_visitor("asks another one")).opened
        with chat_sessions.record_turn(session, "What do you say?") as asked:
            chat_sessions.stop(stored(asked.session))
            asked.answer = "Nothing any more."

    reply = ask(answer)
    assert (reply.state, reply.content) == ("failed", "Half")
    assert "TurnLost" in reply.error


def test_what_a_responder_activates_is_gone_when_somebody_else_is_answered(ask: Any) -> None:
    languages = []

    def answer(turn: Any) -> str:
        languages.append(translation.get_language())
        translation.activate("de")
        return "Darum."

    def one_after_the_other() -> None:
        ask(answer)
        ask(answer, Owner.for_visitor("somebody else"))

    Context().run(one_after_the_other)  # an empty one, as a thread begins with
    assert languages == ["en", "en"]


@pytest.mark.parametrize("is_async", [False, True])
def test_an_address_in_an_answer_has_the_prefix_of_the_site(
    ask: Any, settings: Any, is_async: bool
) -> None:
    settings.FORCE_SCRIPT_NAME = "/app"

    def answer(turn: Any) -> str:
        return reverse("chat_sessions:sessions")

    async def slow_answer(turn: Any) -> str:
        return reverse("chat_sessions:sessions")

    reply = Context().run(ask, slow_answer if is_async else answer)
    assert reply.content.startswith("/app/")
    assert get_script_prefix() == "/"


def test_ctrl_c_stops_the_program_once_its_reply_has_failed(ask: Any, owner: Owner) -> None:
    def answer(turn: Any) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(answer, owner)
    [session] = chat_sessions.recent_sessions(owner)
    assert (rows(session)[-1].state, session.running_until) == ("failed", None)


def test_an_error_whose_text_cannot_be_had_fails_the_reply_too(ask: Any) -> None:
    def answer(turn: Any) -> str:
        raise ValueError(10**5000)

    reply = ask(answer)
    assert (reply.state, reply.error) == ("failed", "ValueError")


def test_an_answer_that_cannot_be_stored_has_failed_and_keeps_its_text(
    ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finish_failures_only(reply: Any, session: Any, state: Any, **facts: Any) -> None:
        if state == "answered":
            raise ValueError("boom")
        finish(reply, session, state, **facts)

    monkeypatch.setattr(running, "finish", finish_failures_only)
    reply = ask(lambda turn: "Because.")
    assert (reply.state, reply.content, reply.error) == ("failed", "Because.", "ValueError: boom")


@pytest.mark.parametrize(
    "refusal",
    [DataError("too long"), OperationalError(1366, "Incorrect string value")],
    ids=["text", "character"],
)
def test_an_answer_that_the_database_refuses_has_failed_and_keeps_what_was_taken(
    ask: Any, monkeypatch: pytest.MonkeyPatch, refusal: Exception
) -> None:
    def only_short(reply: Any, content: Any) -> Any:
        if content and len(content) > 5:
            raise refusal
        return reply

    def saving(reply: Any, content: str) -> None:
        save_text(only_short(reply, content), content)

    def finishing(reply: Any, session: Any, state: Any, **facts: Any) -> None:
        finish(only_short(reply, facts["content"]), session, state, **facts)

    monkeypatch.setattr(growing, "save_text", saving)
    monkeypatch.setattr(running, "finish", finishing)
    reply = ask(lambda turn: iter(["Yes. ", "But it depends."]))
    assert (reply.state, reply.content) == ("failed", "Yes. ")
    assert type(refusal).__name__ in reply.error


@pytest.mark.parametrize(
    ("responder", "error"),
    [
        (lambda turn: "", "gave no text"),
        (lambda turn: " \n", "gave no text"),
        (lambda turn: {"sources": []}, "gave no text"),
        (lambda turn: iter(["Because.", {"at": object()}]), "TypeError: A object has no place"),
        (lambda turn: iter(["Because.", {"n": float("inf")}]), "ValueError: inf has no place"),
        (lambda turn: iter(["Because.", {"n": 10**5000}]), "ValueError: An integer beyond"),
        (lambda turn: None, "gave a NoneType"),
        (lambda turn: 5, "gave a int"),
        (lambda: "no argument", "TypeError"),
    ],
)
def test_no_answer_is_a_failure(ask: Any, responder: Any, error: str) -> None:
    reply = ask(responder)
    assert reply.state == "failed"
    assert error in reply.error


def test_without_a_responder_the_reply_fails_and_says_which_setting(
    ask: Any, owner: Owner, settings: Any
) -> None:
    reply = reply_of(waiting(owner))
    configure(settings, RESPONDER=None)
    run(reply.pk)
    assert stored(reply).state == "failed"
    assert "RESPONDER" in stored(reply).error


def test_a_reply_that_is_gone_taken_or_over_is_left_alone(owner: Owner, settings: Any) -> None:
    asked: list[Any] = []
    configure(settings, RESPONDER=asked.append)
    run(missing_id())
    sent = waiting(owner)
    reply = reply_of(sent)
    assert take(stored(reply), sent.session)
    run(reply.pk)
    assert asked == []
    assert stored(reply).state == "running"


def test_a_reply_whose_question_was_deleted_fails_at_once_and_says_so(
    owner: Owner, settings: Any
) -> None:
    asked: list[Any] = []
    configure(settings, RESPONDER=asked.append)
    reply = reply_of(waiting(owner))
    messages().filter(role="user").delete()
    run(reply.pk)
    assert (asked, stored(reply).state) == ([], "failed")
    assert "question of this reply is not there" in stored(reply).error
    assert get_session_model().objects.get().running_until is None


class TestStopped:
    """A stop reaches its worker at the next piece, and at the latest when it has finished."""

    @pytest.fixture(autouse=True)
    def at_every_piece(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(growing, "SAVE_EVERY", 0)

    def test_the_responder_ends_at_its_next_piece_and_may_clean_up(
        self, ask: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        reached: list[str] = []

        def answer(turn: Any) -> Iterator[str]:
            try:
                yield "One "
                chat_sessions.stop(stored(turn.session))
                yield "SECRET-4711"
                reached.append("what nobody waits for")
            finally:
                reached.append("its end")

        with caplog.at_level(logging.DEBUG):
            reply = ask(answer)
        assert (reply.state, reply.content) == ("stopped", "One ")
        assert reached == ["its end"]
        assert f"Reply {reply.pk} was taken away" in caplog.text
        assert "SECRET-4711" not in caplog.text

    def test_so_does_an_async_one(self, ask: Any) -> None:
        reached: list[str] = []

        async def answer(turn: Any) -> AsyncIterator[str]:
            try:
                yield "One "
                turn.growth.is_lost = True  # as the lease keeper does
                yield "two"
                reached.append("what nobody waits for")
            finally:
                await asyncio.sleep(0)
                reached.append("its end")

        reply = ask(answer)
        assert reply.content == "One "
        assert reached == ["its end"]

    @pytest.mark.parametrize("way", ["stop", "delete"])
    def test_an_answer_that_is_complete_by_then_is_dropped(
        self, ask: Any, caplog: pytest.LogCaptureFixture, way: str
    ) -> None:
        def answer(turn: Any) -> Iterator[str]:
            yield "SECRET-4711"
            getattr(chat_sessions, way)(stored(turn.session))

        with caplog.at_level(logging.DEBUG):
            reply = ask(answer)
        assert reply.state == "stopped"
        assert f"Reply {reply.pk} ended elsewhere; this answer is dropped." in caplog.text
        assert "SECRET-4711" not in caplog.text

    def test_an_error_after_it_changes_nothing(self, ask: Any) -> None:
        def answer(turn: Any) -> Iterator[str]:
            yield "One"
            chat_sessions.stop(stored(turn.session))
            raise RuntimeError("boom")

        reply = ask(answer)
        assert (reply.state, reply.content, reply.error) == ("stopped", "One", "")

    def test_a_responder_that_asks_is_told(self, ask: Any) -> None:
        told: list[bool] = []

        def answer(turn: Any) -> Iterator[str]:
            told.append(turn.stopped)
            turn.growth.is_lost = True  # as the lease keeper does
            told.append(turn.stopped)
            yield "One"

        assert ask(answer).content == ""
        assert told == [False, True]


def test_an_answer_is_unread_until_somebody_has_read_it(ask: Any) -> None:
    ask(lambda turn: "Because")
    assert get_session_model().objects.get().unread


def test_a_failure_is_not(ask: Any) -> None:
    ask(lambda turn: "")
    assert not get_session_model().objects.get().unread


def test_a_task_that_is_delivered_twice_answers_once(owner: Owner, settings: Any) -> None:
    asked: list[Any] = []

    def answer(turn: Any) -> str:
        asked.append(turn)
        return "Because"

    configure(settings, RESPONDER=answer)
    reply = reply_of(waiting(owner))
    run(reply.pk)
    run(reply.pk)
    assert len(asked) == 1


def test_an_ended_session_gets_its_answer(ask: Any) -> None:
    def answer(turn: Any) -> str:
        chat_sessions.end(stored(turn.session))
        return "Because"

    assert ask(answer).content == "Because"
    assert get_session_model().objects.get().open_key is None


def test_its_lease_is_kept_meanwhile(ask: Any) -> None:
    held: list[Any] = []

    def answer(turn: Any) -> str:
        held.extend(lease_keeper._held)
        return "Because"

    reply = ask(answer)
    assert held == [reply.pk]
    assert reply.pk not in lease_keeper._held


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_writes_renews_its_lease_itself(
    ask: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_replies(settings)
    keeper = LeaseKeeper()
    monkeypatch.setattr(keeper, "_keep_until_idle", lambda: None)  # it has no time
    monkeypatch.setattr(running, "lease_keeper", keeper)
    until: list[Any] = []

    def answer(turn: Any) -> Iterator[str]:
        until.append(turn.reply.lease_until)
        keeper._held[turn.reply.pk].due = 0
        yield "One "
        until.append(stored(turn.reply).lease_until)
        yield "two"

    assert ask(answer).content == "One two"
    assert until[0] < until[1]


@pytest.mark.parametrize("error", [RuntimeError, ValueError])
def test_logs_name_the_reply_and_the_kind_of_error_never_the_text(
    ask: Any, caplog: pytest.LogCaptureFixture, error: type[Exception]
) -> None:
    def answer(turn: Any) -> str:
        raise error("SECRET-4711")

    with caplog.at_level(logging.DEBUG):
        reply = ask(answer)
    assert f"Reply {reply.pk} failed: {error.__name__}" in caplog.text
    assert "SECRET-4711" not in caplog.text
    assert all(not record.exc_info for record in caplog.records)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("answer", ["raises", "refused"])
def test_not_even_with_the_error_of_a_receiver(
    ask: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    def receiver(**_facts: Any) -> None:
        raise ValueError("The receiver is broken.")

    def respond(turn: Any) -> str:
        if answer == "raises":
            raise LookupError("no model for SECRET-4711")
        return "An answer."

    def refuse(reply: Any, session: Any, state: ReplyState, **facts: Any) -> None:
        if state == ReplyState.ANSWERED:
            raise ValueError("cannot store SECRET-4711")
        finish(reply, session, state, **facts)

    monkeypatch.setattr(running, "finish", refuse)
    turn_failed.connect(receiver)
    try:
        with caplog.at_level(logging.DEBUG):
            reply = ask(respond)
    finally:
        turn_failed.disconnect(receiver)
    assert reply.state == ReplyState.FAILED
    assert "The receiver is broken." in caplog.text
    assert "SECRET-4711" not in caplog.text


def test_a_reply_may_be_written_by_a_coroutine(ask: Any) -> None:
    async def answer(turn: Any) -> str:
        await asyncio.sleep(0)
        return "Because"

    assert ask(answer).content == "Because"


class Stopwatch:
    """Stands in for the time module; whoever sleeps moves it."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    """Let the database be away for so many tries to finish a reply; the rest succeeds."""
    leave_replies(settings)
    monkeypatch.setattr(running, "time", Stopwatch())

    def being_away(tries: int) -> list[str]:
        left = ["SECRET-4711"] * tries

        def finish_later(*args: Any, **facts: Any) -> None:
            if left:
                raise OperationalError(left.pop())
            finish(*args, **facts)

        monkeypatch.setattr(running, "finish", finish_later)
        return left

    return being_away


@pytest.mark.django_db(transaction=True)
def test_an_answer_waits_for_a_database_that_restarts(
    ask: Any, away: Any, caplog: pytest.LogCaptureFixture
) -> None:
    away(3)
    reply = ask(lambda turn: "Because.")
    assert (reply.state, reply.content, reply.attempt) == ("answered", "Because.", 1)
    assert caplog.text.count("OperationalError") == 3
    assert "SECRET" not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_reply_that_is_not_begun_waits_for_it_too(
    settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    configure(settings, RESPONDER=lambda turn: "Because.")
    reply = reply_of(waiting(Owner.for_visitor("v"), "Why?"))
    monkeypatch.setattr(running, "time", Stopwatch())
    left = ["SECRET-4711"] * 3

    def read_later() -> Any:
        if left:
            raise OperationalError(left.pop())
        return messages()

    monkeypatch.setattr(running, "messages", read_later)
    run(reply.pk)
    assert (stored(reply).state, stored(reply).attempt) == ("answered", 1)
    assert caplog.text.count("OperationalError") == 3
    assert "SECRET" not in caplog.text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("is_held", "state"), [(True, "answered"), (False, "pending")])
def test_one_that_waited_here_for_a_thread_is_begun_though_its_lease_has_passed_meanwhile(
    owner: Owner, settings: Any, is_held: bool, state: str
) -> None:
    leave_replies(settings)
    configure(settings, RESPONDER=lambda turn: "Because.")
    sent = waiting(owner)
    reply = reply_of(sent)
    with lease_keeper.keeping(reply, sent.session) if is_held else nullcontext():
        passed = clock.after(clock.now(), -1)  # no renewal reached the database
        type(reply).objects.filter(pk=reply.pk).update(lease_until=passed)
        type(sent.session).objects.filter(pk=sent.session.pk).update(running_until=passed)
        run(reply.pk)
    assert (stored(reply).state, stored(reply).attempt) == (state, 1)
    assert stored(sent.session).running_until == (None if is_held else passed)


@pytest.mark.django_db(transaction=True)
def test_each_time_with_a_new_connection_for_the_old_one_died_with_it(
    ask: Any, away: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    away(2)
    found: list[Any] = []
    finish_later = vars(running)["finish"]

    def finish_connected(*args: Any, **facts: Any) -> None:
        found.append(connection.connection)
        connection.ensure_connection()
        finish_later(*args, **facts)

    monkeypatch.setattr(running, "finish", finish_connected)
    assert ask(lambda turn: "Because.").state == "answered"
    assert found[1:] == [None, None]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "error",
    [ProgrammingError("no such column"), OperationalError(1366, "Incorrect string value")],
    ids=["migration", "character"],
)
def test_what_no_wait_mends_is_raised_at_once(
    owner: Owner,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    leave_replies(settings)
    reply = reply_of(waiting(owner))
    monkeypatch.setattr(running, "time", Stopwatch())

    def refuse() -> Any:
        raise error

    monkeypatch.setattr(running, "messages", refuse)
    with pytest.raises(type(error)):
        run(reply.pk)
    assert "waits" not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_but_no_longer_than_its_lease(ask: Any, away: Any, settings: Any) -> None:
    configure(settings, REPLY_LEASE=5)
    left = away(1000)
    with pytest.raises(OperationalError):
        ask(lambda turn: "Because.")
    assert len(left) == 1000 - 5 / running.AGAIN - 1


def test_and_not_within_a_transaction_of_the_callers(ask: Any, away: Any) -> None:
    left = away(9)
    with pytest.raises(OperationalError):
        ask(lambda turn: "Because.")
    assert len(left) == 8
