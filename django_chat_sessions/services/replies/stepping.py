"""Steps through what an async responder gives: one loop and one task for all of it.

Timeouts, cancel scopes and open streams belong to the task and the loop in which they began.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextvars import ContextVar
from typing import Any, TypeVar

from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.db import connections

R = TypeVar("R")
_END = object()
_steps: ContextVar[asyncio.Queue[Any]] = ContextVar("chat_sessions_steps")


def stepped(result: Any) -> Generator[Any, None, Any]:
    """Yield what an async iterator yields; return what an awaitable gives instead of one.

    Nothing goes on between two pieces. Whoever closes this closes the responder's generator.
    """
    with asyncio.Runner() as runner:
        given: asyncio.Queue[Any] = asyncio.Queue()
        wanted = asyncio.Event()
        task = runner.run(_begin(result, given, wanted))
        while (piece := runner.run(given.get())) is not _END:
            if isinstance(piece, _Asked):
                piece.answer()
                continue
            yield piece
            wanted.set()
        return task.result()


async def outside(step: Callable[[], R]) -> R:
    """Take a step in the responder's own thread, outside of the loop, which waits for it.

    There the database may be used, and a transaction that is open there is seen.
    """
    given = _steps.get(None)
    if given is None:  # in no responder's task
        return await sync_to_async(step)()
    asked = _Asked(step)
    given.put_nowait(asked)
    answer: R = await asked.future
    return answer


class _Asked:
    """A step that a responder waits for."""

    def __init__(self, step: Callable[[], Any]) -> None:
        self.step = step
        self.future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def answer(self) -> None:
        if self.future.cancelled():  # nobody waits for it any more
            return
        try:
            value = self.step()
        except Exception as error:  # noqa: BLE001  it is raised where the step was asked for
            self.future.set_exception(error)
        else:
            self.future.set_result(value)


async def _begin(
    result: Any, given: asyncio.Queue[Any], wanted: asyncio.Event
) -> asyncio.Task[Any]:
    task = asyncio.create_task(_walk(result, given, wanted))

    def over(task: asyncio.Task[Any]) -> None:
        if not task.cancelled():
            task.exception()  # looked at, or asyncio logs its text where a SystemExit ended it all
        given.put_nowait(_END)

    task.add_done_callback(over)
    return task


async def _walk(result: Any, given: asyncio.Queue[Any], wanted: asyncio.Event) -> Any:
    _steps.set(given)
    async with ThreadSensitiveContext() as own:
        try:
            return await _give(result, given, wanted)
        finally:
            # Its thread ends here. The one all share would keep a connection that may have died.
            if own in SyncToAsync.context_to_thread_executor:
                await sync_to_async(connections.close_all)()


async def _give(result: Any, given: asyncio.Queue[Any], wanted: asyncio.Event) -> Any:
    while inspect.isawaitable(result):
        result = await result
    if not isinstance(result, AsyncIterator):
        return result
    try:
        async for piece in result:
            wanted.clear()
            given.put_nowait(piece)
            await wanted.wait()
    finally:
        if isinstance(result, AsyncGenerator):
            await result.aclose()
    return ()
