"""HTTP that costs little, because thousands of people speak it in one process.

Idle connections are kept for each server and shared by everybody, as a balancer keeps them.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

PATIENCE = 60.0  # seconds that somebody waits for a response
LARGEST = 2**20  # bytes of one line or event
IDLE = 60.0  # seconds that a connection is kept: less than the servers' 75, as a balancer has it
JSON, EVENTS = "application/json", "text/event-stream"


class LostError(Exception):
    """No response came, or not all of it."""


@dataclass
class Response:
    """What a server said, and between which two moments of the clock it said it."""

    status: int
    headers: dict[str, str]
    cookies: dict[str, str]
    body: Any = None
    asked_at: float = field(default_factory=time.time)
    heard_at: float = 0.0


@dataclass
class Counts:
    """How long the responses of each kind took, in seconds, and what went wrong."""

    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    lost: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    events: int = 0


class Line:
    """One connection to one server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.used_at = time.monotonic()

    @classmethod
    async def to(cls, address: tuple[str, int]) -> Line:
        return cls(*await asyncio.open_connection(*address, limit=LARGEST))

    @property
    def is_usable(self) -> bool:
        is_open = not (self.reader.at_eof() or self.writer.is_closing())
        return is_open and time.monotonic() - self.used_at < IDLE

    async def head(self) -> Response:
        """Read the first lines of a response."""
        rows = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        cookies: dict[str, str] = {}
        for row in rows[1:-2]:
            name, _colon, value = row.partition(": ")
            if name.lower() == "set-cookie":
                cookie, _equals, content = value.partition(";")[0].partition("=")
                cookies[cookie] = content.strip('"')
            else:
                headers[name.lower()] = value
        return Response(int(rows[0].split(" ", 2)[1]), headers, cookies)

    async def content(self, response: Response) -> None:
        """Read the rest of a response; everything but a stream has a length."""
        size = int(response.headers.get("content-length", 0))
        text = await self.reader.readexactly(size) if size else b""
        is_json = response.headers.get("content-type") == JSON
        response.body = json.loads(text) if is_json and text else None

    def cut(self) -> None:
        """Let go at once, as when a train enters a tunnel."""
        self.writer.transport.abort()


class Wire:
    """The servers of one site, and how they did."""

    def __init__(self, addresses: list[tuple[str, int]]) -> None:
        self.addresses = addresses
        self.counts = Counts()
        self._idle: dict[tuple[str, int], list[Line]] = defaultdict(list)

    async def ask(
        self, kind: str, address: tuple[str, int], request: bytes, *, cut_after: float | None = None
    ) -> Response:
        """Return the response. Raises LostError without one, and `cut_after` seconds on purpose."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                line = await self._line(address)
                try:
                    line.writer.write(request)
                    await line.writer.drain()
                    if cut_after is not None:
                        await asyncio.sleep(cut_after)
                        raise LostError("cut off on purpose")
                    response = await line.head()
                    await line.content(response)
                except BaseException:
                    line.cut()
                    raise
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            self.counts.lost[f"{kind}: {type(error).__name__}"] += 1
            raise LostError(type(error).__name__) from error
        self.counts.took[kind].append(time.perf_counter() - began)
        self.counts.statuses[kind, response.status] += 1
        response.heard_at = time.time()
        line.used_at = time.monotonic()
        if line.is_usable and response.headers.get("connection") != "close":
            self._idle[address].append(line)
        else:
            line.cut()
        return response

    async def follow(
        self, address: tuple[str, int], request: bytes
    ) -> AsyncGenerator[tuple[float, Any], None]:
        """Yield when the server was heard, and what it told. Raises LostError if it is cut off."""
        began = time.perf_counter()
        line = None
        try:
            line = await Line.to(address)
            line.writer.write(request)
            async with asyncio.timeout(PATIENCE):
                response = await line.head()
            self.counts.took["open a stream"].append(time.perf_counter() - began)
            self.counts.statuses["open a stream", response.status] += 1
            if response.headers.get("content-type") != EVENTS:
                raise LostError(f"no stream: {response.status}")
            async with aclosing(_events(line.reader)) as events:
                async for update in events:
                    self.counts.events += 1
                    yield time.time(), update
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            raise LostError(type(error).__name__) from error
        finally:
            if line is not None:
                line.cut()

    def close(self) -> None:
        """Let go of every idle connection."""
        for lines in self._idle.values():
            for line in lines:
                line.cut()

    async def _line(self, address: tuple[str, int]) -> Line:
        lines = self._idle[address]
        while lines:
            line = lines.pop()
            if line.is_usable:
                return line
            line.cut()
        return await Line.to(address)


async def _events(reader: asyncio.StreamReader) -> AsyncGenerator[Any, None]:
    """Yield the data of every event that is complete."""
    text = b""
    while size := int(await reader.readline() or b"0", 16):
        text += (await reader.readexactly(size + 2))[:-2]
        *complete, text = text.split(b"\n\n")
        for block in complete:
            for row in block.split(b"\n"):
                if row.startswith(b"data: "):
                    yield json.loads(row[6:])
