"""An async responder has one loop and one task, and a thread for what it does with the database."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext, async_to_sync, sync_to_async

from django_chat_sessions.services.replies import stepping
from django_chat_sessions.services.replies.stepping import outside, stepped


def test_a_timeout_around_a_piece_ends_a_model_that_hangs() -> None:
    async def hanging() -> AsyncIterator[str]:
        async with asyncio.timeout(None) as limit:
            yield "Half "
            # Not before the first piece is taken: a busy machine may need longer than that for it.
            limit.reschedule(asyncio.get_running_loop().time() + 0.05)
            await asyncio.sleep(600)

    steps = stepped(hanging())
    assert next(steps) == "Half "
    with pytest.raises(TimeoutError):
        next(steps)


def test_whatever_is_opened_is_used_and_closed_in_the_task_that_opened_it() -> None:
    tasks = []

    def note() -> None:
        tasks.append((asyncio.current_task(), asyncio.get_running_loop()))

    async def stream() -> AsyncIterator[str]:
        try:
            for word in ("one", "two", "three"):
                note()
                yield word
        finally:
            await asyncio.sleep(0)
            note()

    async def opened() -> AsyncIterator[str]:
        note()
        await asyncio.sleep(0)
        return stream()

    steps = stepped(opened())
    assert [next(steps), next(steps)] == ["one", "two"]
    steps.close()
    assert len(tasks) == 4
    assert len(set(tasks)) == 1


async def whole() -> str:
    return "never"


async def streamed() -> AsyncIterator[str]:
    yield "never"


@pytest.mark.parametrize("responder", [whole, streamed])
def test_it_is_refused_where_all_of_a_process_would_be_in_its_loop(
    monkeypatch: Any, responder: Callable[[], Any]
) -> None:
    def get_ident(real: Callable[[], int] = threading.get_ident) -> int:
        return real()

    get_ident.__module__ = "gevent.thread"
    monkeypatch.setattr(threading, "get_ident", get_ident)
    with pytest.raises(RuntimeError, match=r"gevent\.thread has taken the place of threads"):
        next(stepped(responder()))


def test_nothing_goes_on_between_two_pieces() -> None:
    reached: list[str] = []

    async def beside() -> None:
        reached.append(await outside(lambda: "asked"))

    async def stream() -> AsyncIterator[str]:
        asking = asyncio.create_task(beside())
        await asyncio.sleep(0)
        yield "one"
        reached.append("two")
        yield "two"
        await asking

    steps = stepped(stream())
    assert next(steps) == "one"
    assert reached == ["asked"]
    assert list(steps) == ["two"]
    assert reached == ["asked", "two"]


def test_what_ends_a_responder_is_raised_and_told_to_no_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def stream() -> AsyncIterator[str]:
        yield "one"
        raise SystemExit("SECRET-4711")

    steps = stepped(stream())
    assert next(steps) == "one"
    with pytest.raises(SystemExit):
        next(steps)
    del steps
    gc.collect()  # asyncio logs what a task raised when that is gone and nobody has looked
    assert caplog.text == ""


def test_an_iterator_that_cannot_be_closed_is_let_be() -> None:
    class Words:
        def __init__(self) -> None:
            self.left = ["one"]

        def __aiter__(self) -> Any:
            return self

        async def __anext__(self) -> str:
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop()

    assert list(stepped(Words())) == ["one"]


def test_what_is_asked_of_the_own_thread_is_answered_or_raised_there() -> None:
    def broken() -> None:
        raise LookupError(threading.current_thread().name)

    async def stream() -> AsyncIterator[Any]:
        yield await outside(threading.current_thread)
        with pytest.raises(LookupError, match=threading.current_thread().name):
            await outside(broken)

    assert list(stepped(stream())) == [threading.current_thread()]


def test_what_is_asked_in_vain_is_not_done() -> None:
    done: list[str] = []

    async def stream() -> AsyncIterator[str]:
        asking = asyncio.create_task(outside(lambda: done.append("in vain")))
        await asyncio.sleep(0)
        asking.cancel()
        yield "one"

    assert list(stepped(stream())) == ["one"]
    assert done == []


async def test_in_no_responder_it_is_asked_of_the_thread_that_django_keeps() -> None:
    kept = await sync_to_async(threading.current_thread)()
    assert await outside(threading.current_thread) is kept


def test_its_use_of_the_database_has_a_thread_that_ends_with_its_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Connections:
        closed: list[threading.Thread] = []

        def all(self, *, initialized_only: bool) -> list[Any]:
            return []

        def close_all(self) -> None:
            self.closed.append(threading.current_thread())

    monkeypatch.setattr(stepping, "connections", Connections())
    first, second = stepped(using_the_database())
    assert first is second
    assert first is not threading.current_thread()
    assert not first.is_alive()
    assert Connections.closed == [first]


async def using_the_database() -> AsyncIterator[threading.Thread]:
    """A responder that says twice in which thread its queries run."""
    yield await sync_to_async(threading.current_thread)()
    yield await sync_to_async(threading.current_thread)()


async def test_within_a_request_of_an_async_site_nothing_waits_for_itself() -> None:
    """There a context around it has the one thread, in which the responder itself is."""

    async def stream() -> AsyncIterator[Any]:
        yield await outside(threading.current_thread)
        yield await sync_to_async(threading.current_thread)()

    def answer() -> tuple[list[Any], threading.Thread]:
        return list(stepped(stream())), threading.current_thread()

    async with ThreadSensitiveContext():
        given, own = await asyncio.wait_for(sync_to_async(answer)(), 10)
    assert given[0] is own
    assert given[1] is not own


def test_nor_does_it_where_sync_code_called_the_async_code_around_it() -> None:
    async def stream() -> AsyncIterator[Any]:
        yield await outside(threading.current_thread)
        yield await sync_to_async(threading.current_thread)()

    async def view() -> list[Any]:
        return await sync_to_async(lambda: list(stepped(stream())))()

    own, beside = async_to_sync(view)()
    assert own is threading.current_thread()
    assert beside is not own


@pytest.mark.django_db
def test_a_transaction_that_is_open_is_seen_by_its_queries_too() -> None:
    assert list(stepped(using_the_database())) == [threading.current_thread()] * 2


class Ending(ThreadPoolExecutor):
    """As it is while the program ends: it takes so many tasks, and no more."""

    takes = 0

    def submit(self, *task: Any, **facts: Any) -> Any:
        if not self.takes:
            raise RuntimeError("cannot schedule new futures after interpreter shutdown")
        self.takes -= 1
        return super().submit(*task, **facts)


@pytest.mark.parametrize("takes", [0, 1, 2])
def test_a_program_that_ends_still_lets_it_use_the_database(
    monkeypatch: pytest.MonkeyPatch, takes: int
) -> None:
    monkeypatch.setattr(Ending, "takes", takes)
    monkeypatch.setattr(stepping, "ThreadPoolExecutor", Ending)
    threads = list(stepped(using_the_database()))
    own = threading.current_thread()
    assert [thread is own for thread in threads] == [place >= takes for place in range(2)]


def test_one_that_is_closed_may_still_ask_until_it_has_ended() -> None:
    ended: list[Any] = []

    async def stream() -> AsyncIterator[str]:
        try:
            yield "one"
            yield "two"
        finally:
            ended.append(await outside(threading.current_thread))
            ended.append(await asyncio.to_thread(lambda: "elsewhere"))

    steps = stepped(stream())
    assert next(steps) == "one"
    closing = threading.Thread(target=steps.close, daemon=True)
    closing.start()
    closing.join(10)
    assert ended == [closing, "elsewhere"]


def test_a_signal_that_breaks_off_the_wait_ends_the_responder() -> None:
    cleaned = threading.Event()
    received: list[int] = []

    async def hanging() -> AsyncIterator[str]:
        try:
            yield "Half "
            await asyncio.sleep(600)
        finally:
            cleaned.set()

    def out_of_time(number: int, frame: Any) -> None:  # as Celery's soft time limit does, and RQ
        received.append(number)
        raise TimeoutError("out of time")

    def wait() -> None:
        steps = stepped(hanging())
        assert next(steps) == "Half "
        signal.setitimer(signal.ITIMER_REAL, 0.2, 5)  # again, or a failure would wait for ever
        with pytest.raises(TimeoutError, match="out of time"):
            next(steps)

    before = signal.signal(signal.SIGALRM, out_of_time)
    try:
        wait()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert cleaned.is_set()
    assert len(received) == 1
