"""A proxy that delays, cuts, duplicates and resets what passes through it."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

R = TypeVar("R")
Address = tuple[str, int] | str  # a TCP address, or the path of a Unix socket
PIECE = 65536
COMPLETE_AFTER = 0.5  # seconds after the first piece of a second answer
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close without a goodbye


@dataclass(frozen=True)
class Trouble:
    """What happens to a connection that is made while this is set; counted in bytes, seconds."""

    delay: float = 0.0
    cut_request_after: int | None = None
    cut_answer_after: int | None = None
    twice: bool = False
    """The request is sent twice at once; the client gets the first one's answer."""


@dataclass
class Passed:
    """How many bytes of one connection were carried."""

    request: int = 0
    answer: int = 0


class _Cut(Exception):
    """The limit of this connection is reached."""


class Proxy:
    """Listens at ``port``; what a connection meets is what ``trouble`` was when it was made."""

    def __init__(self, upstream: Address) -> None:
        self.trouble = Trouble()
        self.passed: list[Passed] = []
        self.second_answers: list[bytes] = []
        self._upstream = upstream
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._server: asyncio.Server = self._run(asyncio.start_server(self._meet, "127.0.0.1", 0))
        self.port = int(self._server.sockets[0].getsockname()[1])

    @contextmanager
    def troubled(self, **trouble: Any) -> Iterator[None]:
        """Let every connection that is made in the block meet this trouble."""
        self.trouble = Trouble(**trouble)
        try:
            yield
        finally:
            self.trouble = Trouble()

    def cut(self) -> int:
        """Reset every connection there is now; return how many."""
        return self._run(self._cut_all())

    def close(self) -> None:
        """Cut everything and listen no more."""
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, R]) -> R:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _cut_all(self) -> int:
        writers = list(self._open)
        for writer in writers:
            _reset(writer)
        return len(writers) // 2

    async def _close(self) -> None:
        self._server.close()
        await self._cut_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        self._open.add(writer)
        try:
            await self._serve(reader, writer, self.trouble)
        except (OSError, _Cut, asyncio.CancelledError):
            pass  # the block below tells both sides
        finally:
            self._tasks.discard(task)
            self._open.discard(writer)
            _reset(writer)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, trouble: Trouble
    ) -> None:
        lines = [await self._connect() for _ in range(2 if trouble.twice else 1)]
        self._open.update(to for _from, to in lines)
        passed = Passed()
        self.passed.append(passed)
        second = asyncio.ensure_future(self._collect(lines[-1][0])) if trouble.twice else None
        tasks = [
            asyncio.ensure_future(self._request(reader, [to for _, to in lines], trouble, passed)),
            asyncio.ensure_future(self._answer(lines[0][0], writer, trouble, passed)),
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if second is not None:  # it is answered, although nobody waits for that
                await second
            for _from, to in lines:
                self._open.discard(to)
                _reset(to)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._upstream, str):
            return await asyncio.open_unix_connection(self._upstream)
        return await asyncio.open_connection(*self._upstream)

    async def _request(
        self,
        reader: asyncio.StreamReader,
        upstreams: list[asyncio.StreamWriter],
        trouble: Trouble,
        passed: Passed,
    ) -> None:
        while piece := await reader.read(PIECE):
            await asyncio.sleep(trouble.delay)
            kept = _within(piece, passed.request, trouble.cut_request_after)
            passed.request += len(kept)
            for upstream in upstreams:
                upstream.write(kept)
                await upstream.drain()
            if passed.request == trouble.cut_request_after:
                raise _Cut
        raise _Cut  # whoever asked has left

    async def _answer(
        self,
        upstream: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        trouble: Trouble,
        passed: Passed,
    ) -> None:
        while piece := await upstream.read(PIECE):
            await asyncio.sleep(trouble.delay)
            kept = _within(piece, passed.answer, trouble.cut_answer_after)
            passed.answer += len(kept)
            writer.write(kept)
            await writer.drain()
            if passed.answer == trouble.cut_answer_after:
                raise _Cut
        with suppress(OSError):
            writer.write_eof()

    async def _collect(self, upstream: asyncio.StreamReader) -> None:
        answer = await upstream.read(PIECE)
        with suppress(TimeoutError):
            async with asyncio.timeout(COMPLETE_AFTER):
                while piece := await upstream.read(PIECE):
                    answer += piece
        self.second_answers.append(answer)


def _within(piece: bytes, before: int, limit: int | None) -> bytes:
    return piece if limit is None else piece[: limit - before]


def _reset(writer: asyncio.StreamWriter) -> None:
    line = writer.get_extra_info("socket")
    if line.family != socket.AF_UNIX:
        with suppress(OSError):  # closed by the other side
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


@contextmanager
def proxying(upstream: Address) -> Iterator[Proxy]:
    """A proxy that ends with the block."""
    proxy = Proxy(upstream)
    try:
        yield proxy
    finally:
        proxy.close()
