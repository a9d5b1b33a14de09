"""A browser: it has cookies, asks again when nothing comes back, and meets any of the processes."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

from benchmarks.people.tab import FIRST, GROWTH, LONGEST
from benchmarks.people.wire import EVENTS, JSON, LostError, Response, Wire

TRIES = 8
SERVER_ERROR = 500


class Browser:
    """One person's cookies, in front of all processes of a site."""

    def __init__(self, wire: Wire, dice: random.Random) -> None:
        self.wire = wire
        self.dice = dice
        self.cookies: dict[str, str] = {}

    async def ask(
        self,
        kind: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        cut_after: float | None = None,
    ) -> Response:
        """Return a response below 500, asking again where none comes. Raises LostError in the end.

        The moment of asking is that of the first time: whatever it did, it did it after that.
        """
        asked_at = time.time()
        for tried in range(TRIES):
            request = self._request(method, path, body, JSON)
            with suppress(LostError):
                response = await self.wire.ask(kind, self._address(), request, cut_after=cut_after)
                self._keep(response)
                if response.status < SERVER_ERROR:
                    response.asked_at = asked_at
                    return response
            cut_after = None
            await asyncio.sleep(self.dice.uniform(0.1, 0.2) * 2**tried)
        raise LostError(f"{kind}: {TRIES} times")

    async def stream(self, cursor: str | None) -> AsyncGenerator[tuple[float, float, Any], None]:
        """Yield what a stream tells, until the server ends it."""
        request = self._request("GET", "chat/updates", None, EVENTS, cursor)
        async with aclosing(self.wire.follow(self._address(), request)) as told:
            async for heard_at, update in told:
                # When its rows were read is not known here; not before anything that matters.
                yield 0.0, heard_at, update

    async def poll(self, tab: Any) -> AsyncGenerator[tuple[float, float, Any], None]:
        """Yield what is told when asking now and then."""
        pause = FIRST
        while True:
            since = f"?since={tab.cursor}" if tab.cursor else ""
            response = await self.ask("poll", "GET", f"chat/updates{since}")
            yield response.asked_at, response.heard_at, response.body
            await asyncio.sleep(pause)
            pause = min(LONGEST, pause * GROWTH)

    def _address(self) -> tuple[str, int]:
        return self.dice.choice(self.wire.addresses)

    def _request(
        self, method: str, path: str, body: Any, accepted: str, cursor: str | None = None
    ) -> bytes:
        content = b"" if body is None else json.dumps(body).encode()
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        rows = [
            f"{method} /{path} HTTP/1.1",
            "Host: localhost",
            f"Accept: {accepted}",
            f"Cookie: {cookies}",
            f"X-CSRFToken: {self.cookies.get('csrftoken', '')}",
        ]
        if cursor is not None:
            rows.append(f"Last-Event-ID: {cursor}")
        if method != "GET":
            rows += [f"Content-Type: {JSON}", f"Content-Length: {len(content)}"]
        return "\r\n".join([*rows, "", ""]).encode() + content

    def _keep(self, response: Response) -> None:
        self.cookies |= response.cookies
        for name in [name for name, value in self.cookies.items() if not value]:
            del self.cookies[name]
