"""Each verb that a view needs has an async twin, which does the same."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction, sync_to_async
from django.db import connection, connections

from django_chat_sessions import services as chat_sessions
from django_chat_sessions.exceptions import SessionEnded, TurnLost
from django_chat_sessions.owners import Owner
from django_chat_sessions.services import twins
from django_chat_sessions.services.replies.leases import lease_keeper
from django_chat_sessions.signals import message_added
from tests.conversations import leave_replies, listen_only, rows, stored

pytestmark = pytest.mark.django_db(transaction=True)
VISITOR = Owner.for_visitor("v")


@pytest.fixture(autouse=True)
async def close_connections() -> AsyncIterator[None]:
    """The thread in which the twins work would keep the test database from being dropped."""
    yield
    await sync_to_async(connections.close_all)()


def test_every_verb_of_a_view_has_one_with_the_same_arguments() -> None:
    names = [
        name for name in vars(twins) if name.startswith("a") and name[1:] in dir(chat_sessions)
    ]
    assert len(names) == 31
    for name in names:
        assert name in chat_sessions.__all__
        twin, verb = getattr(chat_sessions, name), getattr(chat_sessions, name[1:])
        if name != "arecord_turn":
            assert inspect.signature(twin.__wrapped__) == inspect.signature(verb)
            assert iscoroutinefunction(twin) or inspect.iscoroutinefunction(twin.__call__)
    assert (
        inspect.signature(chat_sessions.arecord_turn).parameters
        == inspect.signature(chat_sessions.record_turn).parameters
    )


async def test_a_conversation_from_beginning_to_end() -> None:
    assert await chat_sessions.acurrent(VISITOR) is None
    assert (await chat_sessions.alook(VISITOR)).session is None
    arrival = await chat_sessions.aresume_or_start(VISITOR)
    session = arrival.opened
    assert await chat_sessions.acurrent(VISITOR) == session
    assert await chat_sessions.atouch(session)
    await chat_sessions.aadd_message(session, "system", "Be kind")
    sent = await chat_sessions.asend(VISITOR, "Hello", key="k")
    assert sent.session == session
    page = await chat_sessions.atranscript(session)
    assert [row.content for row in page.messages] == ["Be kind", "Hello", "You asked: Hello"]
    told = await chat_sessions.acontext(session, limit=2)
    assert [row.content for row in told] == ["Hello", "You asked: Hello"]
    news = await chat_sessions.aupdates(VISITOR)
    assert news.sessions == [session]
    assert (await chat_sessions.afind_session(VISITOR, session.pk)).unread
    await chat_sessions.amark_read(session)
    assert not (await chat_sessions.afind_session(VISITOR, session.pk)).unread
    await chat_sessions.arename(session, "Mine")
    assert (await chat_sessions.afind_session(VISITOR, session.pk)).title == "Mine"
    assert await chat_sessions.arecent_sessions(VISITOR) == [session]
    assert await chat_sessions.ahistory_page(VISITOR, limit=1) == ([session], None)
    other = (await chat_sessions.astart(VISITOR)).opened
    assert (await chat_sessions.areopen(session)).previous == other
    await chat_sessions.aend(session)
    await chat_sessions.adelete(session)
    assert await chat_sessions.arecent_sessions(VISITOR) == []


async def test_a_history_put_in_order() -> None:
    session = (await chat_sessions.asend(VISITOR, "Why is ice light?", key="k")).session
    await chat_sessions.asuggest_title(session, "Ice")
    [match] = (await chat_sessions.asearch(VISITOR, "light")).matches
    assert (match.session, match.session.title) == (session, "Ice")
    assert (await chat_sessions.apin(session)).pinned_at
    assert (await chat_sessions.aunpin(session)).pinned_at is None
    await chat_sessions.aarchive(session)
    assert await chat_sessions.ahistory_page(VISITOR, limit=1, archived=True) == ([session], None)
    await chat_sessions.aunarchive(session)
    await chat_sessions.adelete(session)
    await chat_sessions.arestore(VISITOR, session.pk)
    assert await chat_sessions.arecent_sessions(VISITOR) == [session]


async def test_a_reply_is_stopped_and_asked_for_again(settings: Any) -> None:
    leave_replies(settings)
    sent = await chat_sessions.asend(VISITOR, "Why?", key="k")
    stopped = await chat_sessions.astop(sent.session)
    assert stopped is not None
    assert stopped.state == "stopped"
    again = await chat_sessions.aretry(sent.session)
    assert (again.pk, again.state, again.attempt) == (stopped.pk, "pending", 2)


async def test_they_spend_what_their_verbs_spend_in_one_thread(settings: Any) -> None:
    listen_only(settings)
    session = (await chat_sessions.asend(VISITOR, "Hello", key="k")).session
    threads: set[int] = set()
    sent: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")):
            threads.add(threading.get_ident())
            sent.append(sql)
        return execute(sql, params, many, context)

    await sync_to_async(lambda: connection.execute_wrappers.append(note))()
    spent = []
    for twin in (
        chat_sessions.acurrent(VISITOR),
        chat_sessions.asend(VISITOR, "Again", key="k2"),
        chat_sessions.atranscript(session),
        chat_sessions.ahistory_page(VISITOR, limit=30),
        chat_sessions.arename(session, "Mine"),
    ):
        await twin
        spent.append(len(sent))
        sent.clear()
    await sync_to_async(connection.execute_wrappers.clear)()
    # Outside of transactions PostgreSQL stores a message by one statement.
    assert spent == [1, 2 if connection.vendor == "postgresql" else 3, 1, 1, 1]
    assert len(threads) == 1


async def test_what_a_thread_has_begun_is_done_although_nobody_waits(settings: Any) -> None:
    listen_only(settings)
    begun, go_on = threading.Event(), threading.Event()

    def hold(sender: Any, **facts: Any) -> None:
        begun.set()
        go_on.wait(10)

    message_added.connect(hold)
    sending = asyncio.create_task(chat_sessions.asend(VISITOR, "Hello", key="k"))
    await asyncio.to_thread(begun.wait, 10)
    sending.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await sending
    message_added.disconnect(hold)
    again = await chat_sessions.asend(VISITOR, "Hello", key="k")
    assert not again.created


class TestRecordTurn:
    async def opened(self) -> Any:
        return (await chat_sessions.aresume_or_start(VISITOR)).opened

    async def messages(self, session: Any) -> list[Any]:
        return await sync_to_async(rows)(session)

    async def test_question_and_answer_are_stored(self) -> None:
        session = await self.opened()
        async with chat_sessions.arecord_turn(session, "Why?", key="k") as turn:
            await asyncio.sleep(0)
            assert [row.content for row in await self.messages(session)] == ["Why?", ""]
            turn.answer = "Because."
        async with chat_sessions.arecord_turn(session, "Why?", key="k") as turn:
            assert (turn.created, turn.answer) == (False, "Because.")
        assert [row.content for row in await self.messages(session)] == ["Why?", "Because."]

    async def test_an_error_is_stored_and_raised_on(self) -> None:
        session = await self.opened()
        with pytest.raises(RuntimeError, match="no model"):
            async with chat_sessions.arecord_turn(session, "Why?"):
                raise RuntimeError("no model")
        reply = (await self.messages(session))[1]
        assert (reply.state, reply.error) == ("failed", "RuntimeError: no model")

    async def test_a_request_that_is_cancelled_keeps_the_question(self) -> None:
        session = await self.opened()
        begun = asyncio.Event()

        async def view() -> None:
            async with chat_sessions.arecord_turn(session, "Why?"):
                begun.set()
                await asyncio.sleep(60)

        task = asyncio.create_task(view())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        question, reply = await self.messages(session)
        assert (question.content, reply.state) == ("Why?", "failed")

    @pytest.mark.parametrize("times", [1, 3])
    @pytest.mark.parametrize("moment", ["begin", "end"])
    async def test_a_step_that_waits_for_the_thread_is_not_lost(
        self, moment: str, times: int
    ) -> None:
        """Else its lease would be kept by this process for ever, and nobody could write.

        A structured scope, such as anyio's, cancels again until it is left.
        """
        session = await self.opened()
        busy, waits = threading.Event(), asyncio.Event()

        async def view() -> None:
            if moment == "begin":
                waits.set()
            async with chat_sessions.arecord_turn(session, "Why?") as turn:
                turn.answer = "Because."
                await keep_the_thread_busy()
                waits.set()

        async def keep_the_thread_busy() -> None:
            occupied.append(asyncio.create_task(sync_to_async(busy.wait)(10)))
            await asyncio.sleep(0)

        occupied: list[Any] = []
        if moment == "begin":
            await keep_the_thread_busy()
        task = asyncio.create_task(view())
        await waits.wait()
        for _ in range(3):
            await asyncio.sleep(0)
        for _ in range(times):
            task.cancel()
            for _ in range(3):
                await asyncio.sleep(0)
        busy.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        await occupied[0]
        question, reply = await self.messages(session)
        assert question.content == "Why?"
        assert reply.state == {"begin": "failed", "end": "answered"}[moment]
        assert not lease_keeper._held

    async def test_refusals_come_from_the_first_line(self) -> None:
        session = await self.opened()
        await chat_sessions.aend(session)
        with pytest.raises(SessionEnded):
            async with chat_sessions.arecord_turn(session, "Why?"):
                raise AssertionError("The block must not run.")

    async def test_a_lost_turn_is_raised_at_the_end(self) -> None:
        session = await self.opened()

        async def view() -> None:
            async with chat_sessions.arecord_turn(session, "Why?") as turn:
                await chat_sessions.adelete(await sync_to_async(stored)(session))
                turn.answer = "Because."

        with pytest.raises(TurnLost):
            await view()
