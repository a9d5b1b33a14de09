"""Whatever kind of callable a responder is, and what it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from django_chat_sessions import services as chat_sessions
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.context import CONTEXT_MESSAGES
from django_chat_sessions.services.replies.growing import Growth
from django_chat_sessions.services.replies.responding import ReplyTurn, pieces
from tests.conversations import (
    fill,
    listen_only,
    messages_of,
    opened,
    reply_of,
    stored,
    talked,
    waiting,
)


def returns(turn: Any) -> Any:
    return "Yes"


def returns_metadata(turn: Any) -> Any:
    return {"sources": []}


def yields(turn: Any) -> Iterator[Any]:
    yield "Ye"
    yield "s"
    yield {"sources": []}


def gives_a_list(turn: Any) -> Any:
    return ["Ye", "s"]


async def returns_async(turn: Any) -> Any:
    return "Yes"


async def yields_async(turn: Any) -> AsyncIterator[Any]:
    yield "Ye"
    yield "s"


async def gives_an_async_iterator(turn: Any) -> Any:
    return yields_async(turn)


@pytest.mark.parametrize(
    ("responder", "given"),
    [
        (returns, ["Yes"]),
        (returns_metadata, [{"sources": []}]),
        (yields, ["Ye", "s", {"sources": []}]),
        (gives_a_list, ["Ye", "s"]),
        (returns_async, ["Yes"]),
        (yields_async, ["Ye", "s"]),
        (gives_an_async_iterator, ["Ye", "s"]),
        (lambda turn: "", [""]),
        (lambda turn: [], []),
    ],
)
def test_every_kind_of_callable_is_heard(responder: Any, given: list[Any]) -> None:
    assert list(pieces(responder, None)) == given  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "kind"),
    [(None, "NoneType"), (5, "int"), (b"Yes", "int"), ([None], "NoneType"), (object(), "object")],
)
def test_anything_else_is_refused_by_its_kind_not_its_content(value: Any, kind: str) -> None:
    with pytest.raises(TypeError, match=f"gave a {kind}; give text, or a dict of metadata"):
        list(pieces(lambda turn: value, None))  # type: ignore[arg-type]


def test_text_is_passed_on_as_it_comes() -> None:
    reached: list[str] = []

    async def slowly(turn: Any) -> AsyncIterator[str]:
        for word in ("one", "two"):
            reached.append(word)
            yield word

    for responder in (slowly,):
        stream = pieces(responder, None)  # type: ignore[arg-type]
        assert next(stream) == "one"
        assert reached == ["one"]
        stream.close()  # type: ignore[attr-defined]


def test_an_async_responder_keeps_its_loop_from_piece_to_piece() -> None:
    import asyncio

    async def counting(turn: Any) -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        for _ in range(2):
            await asyncio.sleep(0)
            yield str(asyncio.get_running_loop() is loop)

    assert list(pieces(counting, None)) == ["True", "True"]  # type: ignore[arg-type]


def test_what_a_responder_raises_is_raised() -> None:
    async def broken(turn: Any) -> AsyncIterator[str]:
        yield "Half"
        raise RuntimeError("no model")

    stream = pieces(broken, None)  # type: ignore[arg-type]
    assert next(stream) == "Half"
    with pytest.raises(RuntimeError, match="no model"):
        next(stream)


@pytest.mark.django_db
class TestTurn:
    def turn(self, sent: chat_sessions.Sent) -> ReplyTurn:
        reply = reply_of(sent)
        return ReplyTurn(sent.session, sent.message, reply, Growth(reply))

    def test_question_and_what_was_said_before(self, owner: Owner, statements: Any) -> None:
        session = talked(owner, "One")
        chat_sessions.add_message(session, "assistant", "Two")
        turn = self.turn(waiting(owner, "Three"))
        assert turn.question == "Three"
        with statements() as seen:
            assert [row.content for row in turn.context] == ["One", "Two"]
            assert turn.context
        assert len(seen) == 1

    def test_of_a_long_conversation_the_last_messages(self, owner: Owner) -> None:
        fill(opened(owner), 10_000)
        context = self.turn(waiting(owner)).context
        assert [row.position for row in context] == list(range(10_000 - CONTEXT_MESSAGES, 10_000))

    def test_as_many_messages_as_a_model_has_room_for(self, owner: Owner, statements: Any) -> None:
        session = talked(owner, "one")
        for text in ("two words", "and three words", "four words are here"):
            chat_sessions.add_message(session, "user", text)
        turn = self.turn(waiting(owner, "Five words do not count"))
        with statements() as seen:
            fitting = turn.context_within(7, lambda text: len(text.split()))
        assert [row.content for row in fitting] == ["and three words", "four words are here"]
        assert len(seen) == 1

    def test_what_was_said_in_the_session_before(
        self, owner: Owner, noon: Any, statements: Any
    ) -> None:
        talked(owner, "Before")
        noon.shift(timedelta(seconds=300))
        turn = self.turn(waiting(owner))
        with statements() as seen:
            assert [row.content for row in turn.previous_context] == ["Before"]
            assert turn.previous_context
        assert len(seen) == 1
        assert turn.context == []

    def test_of_a_first_session_there_is_nothing_before(
        self, owner: Owner, statements: Any
    ) -> None:
        turn = self.turn(waiting(owner))
        with statements() as seen:
            assert turn.previous_context == []
        assert seen == []

    def test_what_its_owner_deleted_is_told_to_no_model(self, owner: Owner, noon: Any) -> None:
        old = talked(owner, "SECRET-4711")
        noon.shift(timedelta(seconds=300))
        sent = waiting(owner)
        chat_sessions.delete(old)
        turn = self.turn(replace(sent, session=stored(sent.session)))
        assert turn.session.previous == old
        assert turn.previous_context == []
        assert (turn.arrival.reason, turn.arrival.previous) == ("first", None)

    def test_a_summary_is_carried_over_into_every_turn_of_the_session(
        self, owner: Owner, noon: Any, statements: Any
    ) -> None:
        talked(owner)
        noon.shift(timedelta(seconds=300))
        sent = waiting(owner)
        turn = self.turn(sent)
        assert turn.carried_over == ""
        with statements() as seen:
            turn.carry_over("They spoke of cells.\x00")
        assert len(seen) == 2
        assert turn.carried_over == "They spoke of cells.\ufffd"
        chat_sessions.stop(sent.session)
        next_turn = self.turn(waiting(owner, key="next"))
        assert next_turn.carried_over == "They spoke of cells.\ufffd"

    def test_an_async_responder_awaits_all_of_it(
        self, owner: Owner, noon: Any, statements: Any
    ) -> None:
        old = talked(owner, "Before")
        noon.shift(timedelta(seconds=300))
        turn = self.turn(waiting(owner))
        told: dict[str, Any] = {}

        async def responder(turn: ReplyTurn) -> AsyncIterator[str]:
            told["arrival"] = (await turn.aarrival()).previous
            told["previous"] = [row.content for row in await turn.aprevious_context()]
            yield "Half of it"
            told["context"] = await turn.acontext() + await turn.acontext_within(9, len)
            await turn.acarry_over("A summary")

        with statements() as seen:
            assert list(pieces(responder, turn)) == ["Half of it"]
        assert told == {"arrival": old, "previous": ["Before"], "context": []}
        assert stored(turn.session).metadata["carried_over"] == "A summary"
        assert len(seen) == 5

    def test_whether_it_was_stopped(self, owner: Owner) -> None:
        turn = self.turn(waiting(owner))
        assert not turn.stopped
        turn.growth.is_lost = True
        assert turn.stopped

    def test_its_repr_says_nothing_of_what_was_said(self, owner: Owner) -> None:
        turn = self.turn(waiting(owner, "SECRET-4711"))
        assert "SECRET-4711" not in repr(turn)

    def test_a_model_is_told_what_was_left_behind(
        self, owner: Owner, noon: Any, settings: Any
    ) -> None:
        old = talked(owner)
        noon.shift(timedelta(seconds=300))
        arrival = self.turn(waiting(owner)).arrival
        assert (arrival.status, arrival.reason, arrival.previous) == ("new", "idle", old)

    def test_a_greeting_of_the_hosts_does_not_keep_it_from_a_model(
        self, owner: Owner, noon: Any, settings: Any
    ) -> None:
        old = talked(owner)
        noon.shift(timedelta(seconds=300))
        session = chat_sessions.resume_or_start(owner).opened
        chat_sessions.add_message(session, "system", "Be kind.")
        arrival = self.turn(waiting(owner)).arrival
        assert (arrival.status, arrival.reason, arrival.previous) == ("new", "idle", old)

    @pytest.mark.parametrize(("spoken", "status"), [([], "new"), (["user"], "resumed")])
    def test_as_many_words_of_the_hosts_as_a_context_holds_do_not_hide_the_persons(
        self, owner: Owner, spoken: list[str], status: str
    ) -> None:
        session = opened(owner)
        for role in [*spoken, *["assistant"] * CONTEXT_MESSAGES]:
            chat_sessions.add_message(session, role, "Hello")
        assert self.turn(waiting(owner)).arrival.status == status

    def test_the_first_message_ever_follows_nothing(self, owner: Owner) -> None:
        arrival = self.turn(waiting(owner)).arrival
        assert (arrival.status, arrival.reason, arrival.previous) == ("new", "first", None)

    def test_a_message_in_a_running_conversation_is_resumed(self, owner: Owner, noon: Any) -> None:
        talked(owner)
        noon.shift(timedelta(seconds=60))
        arrival = self.turn(waiting(owner)).arrival
        assert (arrival.status, arrival.reason) == ("resumed", "open")

    def test_the_first_one_after_a_reopening_is_reopened_the_next_is_not(
        self, owner: Owner, noon: Any, settings: Any
    ) -> None:
        old = talked(owner)
        noon.shift(timedelta(days=1))
        chat_sessions.reopen(stored(old))
        noon.shift(timedelta(seconds=5))
        first = waiting(owner)
        assert self.turn(first).arrival.status == "reopened"
        noon.shift(timedelta(seconds=30))
        assert self.turn(waiting(owner, key="next")).arrival.status == "resumed"

    @pytest.mark.parametrize("lacking", ["session", "messages"])
    def test_also_without_the_hosts_times(self, owner: Owner, settings: Any, lacking: str) -> None:
        listen_only(settings)
        session, message = self.bare(owner)
        if lacking == "messages":
            messages_of(session).update(created_at=None)
            session.opened_at = session.started_at
        turn = ReplyTurn(session, message, message, Growth(message))
        assert turn.arrival.status == "resumed"

    def bare(self, owner: Owner) -> tuple[Any, Any]:
        session = talked(owner)
        type(session).objects.filter(pk=session.pk).update(opened_at=None)
        message = chat_sessions.add_message(stored(session), "user", "Two")
        return stored(session), message
