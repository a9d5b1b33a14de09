"""Updates as server-sent events: bounded in number and time, no connection held in between."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import Error as DatabaseTrouble
from django.db import connections
from django.http import HttpRequest, StreamingHttpResponse

from django_chat_sessions import clock, services
from django_chat_sessions.api import payloads
from django_chat_sessions.api.errors import too_many_streams, use_polling
from django_chat_sessions.authentication import is_still
from django_chat_sessions.owners import Owner
from django_chat_sessions.services import Updates
from django_chat_sessions.services.following.hints import Reader, hub

JSON, EVENTS = "application/json", "text/event-stream"
MOST_PER_OWNER = 6  # in one process
LONGEST = 55.0  # seconds; a server that restarts waits for its streams, and proxies end them at 60
QUIET = 15.0  # seconds after which a stream looks by itself and shows that it is alive
A_MOMENT = 1.0  # seconds after which a login is gone that somebody is leaving
AT_ONCE = 0.02  # seconds to wait for more of the same news
COME_BACK = 1000  # milliseconds

# One thread reads for all streams of the process, so one connection serves them all.
_reader = ThreadPoolExecutor(1, thread_name_prefix="chat-updates")


def is_wanted(request: HttpRequest) -> bool:
    """Whether to answer with a stream: it is preferred, and works here or is all that is taken."""
    try:
        is_preferred = request.get_preferred_type([JSON, EVENTS]) == EVENTS
        return is_preferred and (_can_stream(request) or not request.accepts(JSON))
    except ValueError:  # the header is longer than what Django reads
        return False


def _can_stream(request: HttpRequest) -> bool:
    return isinstance(request, ASGIRequest)  # WSGI sends nothing of an async stream, for ever


def follow(request: HttpRequest, owner: Owner, first: Updates, scope: str) -> StreamingHttpResponse:
    """Return a stream that begins with what the reader lacks now.

    Raises ApiError where a stream cannot work, or would be one too many.
    """
    if not _can_stream(request):
        raise use_polling()
    if hub.count(owner) >= MOST_PER_OWNER:
        raise too_many_streams()
    stream = _Stream(request, owner, first, scope)
    response = StreamingHttpResponse(stream.events(), content_type=EVENTS)
    response.headers["X-Accel-Buffering"] = "no"  # nginx would keep events back
    return response


class _Stream:
    def __init__(self, request: HttpRequest, owner: Owner, first: Updates, scope: str) -> None:
        self.request = request
        self.owner = owner
        self.known = first
        self.expected = owner.open_key(scope)
        self.recognised_at = self.told_at = time.monotonic()

    async def events(self) -> AsyncIterator[bytes]:
        """Yield news as they come, and a sign of life where none come."""
        # Middleware and view have read with this request's own connection: it must not stay open.
        await sync_to_async(connections.close_all)()
        try:
            with hub.reading(self.owner) as reader:
                # Of many that came at once each was told that there is room.
                if hub.count(self.owner) <= MOST_PER_OWNER:
                    async with aclosing(self._told(reader)) as told:
                        async for event in told:
                            yield event
        finally:
            if not hub.readers():
                _reader.submit(connections.close_all)

    async def _told(self, reader: Reader) -> AsyncGenerator[bytes, None]:
        ends = time.monotonic() + LONGEST
        yield f"retry: {COME_BACK}\n\n".encode()
        if self.known.is_news:
            yield self._event()
        reader.news.set()  # for what came between the first look and our listening
        while time.monotonic() < ends:
            reader.open_keys = self.known.open_keys | {self.expected}
            await self._wait(reader.news)
            reader.news.clear()
            if reader.is_in_doubt:
                reader.is_in_doubt = False
                self.recognised_at = min(self.recognised_at, time.monotonic() + A_MOMENT - QUIET)
            found = await asyncio.get_running_loop().run_in_executor(_reader, self._look)
            if found is None:
                return
            self.known = found
            if found.is_news:
                yield self._event()
                if found.is_empty and self.owner.user_id is None:
                    return  # moved to the account of whoever logged in, who may follow there
            elif time.monotonic() - self.told_at >= QUIET:
                self.told_at = time.monotonic()
                yield b": still here\n\n"

    def _look(self) -> Updates | None:
        """Return the news; None when the stream should end, and its reader may come back."""
        try:
            if time.monotonic() - self.recognised_at >= QUIET:
                if not is_still(self.request, self.owner):
                    return None
                self.recognised_at = time.monotonic()
            return services.updates(self.owner, self.known.cursor)
        except DatabaseTrouble:
            connections.close_all()
            return None

    def _event(self) -> bytes:
        self.told_at = time.monotonic()
        data = json.dumps(payloads.updates(self.known, clock.now()), ensure_ascii=False)
        return f"event: updates\nid: {self.known.cursor}\ndata: {data}\n\n".encode()

    async def _wait(self, news: asyncio.Event) -> None:
        """Wait for news, but no longer than nothing has to be done."""
        with suppress(TimeoutError):
            # Not wait_for: Python 3.11's may lose the cancellation by a reader who leaves just now.
            async with asyncio.timeout(self._quiet()):
                await news.wait()
            await asyncio.sleep(AT_ONCE)

    def _quiet(self) -> float:
        """Return the seconds until a sign of life or a look at the login is due, or a change."""
        due = min(self.told_at, self.recognised_at) + QUIET - time.monotonic()
        if self.known.changes_at is not None:
            due = min(due, clock.seconds_between(clock.now(), self.known.changes_at) + AT_ONCE)
        return max(0.0, due)
