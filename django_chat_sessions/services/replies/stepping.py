"""Steps through what an async responder gives: one loop and one task for all of it.

Timeouts, cancel scopes and open streams belong to the task and the loop in which they began.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from typing import Any, TypeVar

from asgiref.sync import AsyncToSync, SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.db import connections

R = TypeVar("R")
_END = object()
_steps: ContextVar[_Given] = ContextVar("chat_sessions_steps")


def stepped(result: Any) -> Generator[Any, None, Any]:
    """Yield what an async iterator yields; return what an awaitable gives instead of one.

    Nothing goes on between two pieces. Whoever closes this closes the responder's generator.
    """
    _refuse_greenlets(result)
    with asyncio.Runner() as runner:
        given = _Given()
        wanted = asyncio.Event()
        task = runner.run(_begin(result, given, wanted, _Threads(given)))
        try:
            for piece in _arriving(runner, given):
                yield piece
                wanted.set()
            return task.result()
        finally:
            if not task.done():  # nobody wants the rest, and it may ask for steps until its end
                task.cancel()
                list(_arriving(runner, given))


def _refuse_greenlets(result: Any) -> None:
    """Raise RuntimeError where gevent or eventlet has taken the place of threads.

    All of a process would be within our loop, and Django lets nobody there near the database.
    """
    instead = threading.get_ident.__module__
    if instead == "_thread":
        return
    if inspect.iscoroutine(result):
        result.close()
    raise RuntimeError(
        f"The RESPONDER is async, and {instead} has taken the place of threads: every request of "
        "this process would fail meanwhile. Write it sync, or run it where threads are real."
    )


def _arriving(runner: asyncio.Runner, given: _Given) -> Generator[Any, None, None]:
    """Yield the pieces, and take the steps that are asked for, until the task is over."""
    while (piece := given.next(runner)) is not _END:
        if isinstance(piece, _Step):
            piece.take()
        else:
            yield piece


class _Given:
    """What the task has given and nobody has taken yet."""

    def __init__(self) -> None:
        self._pieces: deque[Any] = deque()
        self._is_there = asyncio.Event()

    def put(self, piece: Any) -> None:
        """Give a piece; inside of the loop."""
        self._pieces.append(piece)
        self._is_there.set()

    def next(self, runner: asyncio.Runner) -> Any:
        """Run the loop until there is a piece, and take it."""
        runner.run(self._some())
        # Not in the loop: a wait that a signal's exception has broken off, such as that of Celery's
        # soft time limit, goes on there, and would take what nobody then gets.
        return self._pieces.popleft()

    async def _some(self) -> None:
        while not self._pieces:
            self._is_there.clear()
            await self._is_there.wait()


async def outside(step: Callable[[], R]) -> R:
    """Take a step in the responder's own thread, outside of the loop, which waits for it.

    There the database may be used, and a transaction that is open there is seen.
    """
    given = _steps.get(None)
    if given is None:  # in no responder's task
        return await sync_to_async(step)()
    asked = _Step(step)
    given.put(asked)
    answer: R = await asyncio.wrap_future(asked.future)
    return answer


class _Step:
    """A step that a responder waits for."""

    def __init__(self, step: Callable[[], Any]) -> None:
        self.step = step
        self.future: Future[Any] = Future()

    def take(self) -> None:
        if not self.future.set_running_or_notify_cancel():  # nobody waits for it any more
            return
        try:
            value = self.step()
        except Exception as error:  # noqa: BLE001  it is raised where the step was asked for
            self.future.set_exception(error)
        else:
            self.future.set_result(value)


class _Threads(Executor):
    """Where the sync code of an async responder runs: in a thread beside it, as Django has it.

    But outside of the loop, in the responder's own thread, where another one could not see the
    transaction that is open, as in a test, and where a program that ends starts no thread.
    """

    def __init__(self, given: _Given) -> None:
        """Look for that transaction; outside of the loop, whose connections are others."""
        self._given = given
        self._is_beside = not any(
            connection.in_atomic_block for connection in connections.all(initialized_only=True)
        )
        self._beside: ThreadPoolExecutor | None = None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Take it to the one thread or the other."""
        if self._is_beside:
            self._beside = self._beside or ThreadPoolExecutor(max_workers=1)
            try:
                return self._beside.submit(fn, *args, **kwargs)
            except RuntimeError:
                self._is_beside = False
        step = _Step(partial(fn, *args, **kwargs))
        self._given.put(step)
        return step.future

    async def let_go(self) -> None:
        """End the thread. The one all share would keep a connection that may have died."""
        if self._beside is not None:
            with suppress(RuntimeError):  # the program ends, and all connections with it
                await asyncio.wrap_future(self._beside.submit(connections.close_all))
            self._beside.shutdown()


async def _begin(
    result: Any, given: _Given, wanted: asyncio.Event, threads: _Threads
) -> asyncio.Task[Any]:
    task = asyncio.create_task(_walk(result, given, wanted, threads))

    def over(task: asyncio.Task[Any]) -> None:
        if not task.cancelled():
            task.exception()  # looked at, or asyncio logs its text where a SystemExit ended it all
        given.put(_END)

    task.add_done_callback(over)
    return task


async def _walk(result: Any, given: _Given, wanted: asyncio.Event, threads: Any) -> Any:
    _steps.set(given)
    # Of this task only: around it may be a thread of a request's, which waits for us.
    own = ThreadSensitiveContext()
    SyncToAsync.thread_sensitive_context.set(own)
    SyncToAsync.context_to_thread_executor[own] = threads
    AsyncToSync.executors.current = None
    try:
        return await _give(result, given, wanted)
    finally:
        await threads.let_go()


async def _give(result: Any, given: _Given, wanted: asyncio.Event) -> Any:
    while inspect.isawaitable(result):
        result = await result
    if not isinstance(result, AsyncIterator):
        return result
    try:
        async for piece in result:
            wanted.clear()
            given.put(piece)
            await wanted.wait()
    finally:
        if isinstance(result, AsyncGenerator):
            await result.aclose()
    return ()
