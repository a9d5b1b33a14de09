"""Somebody who waits for news without an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

from django_chat_sessions.owners import Owner
from django_chat_sessions.services.following.hints import Hub, Reader


class _News:
    def __init__(self) -> None:
        self.times = 0

    def set(self) -> None:
        self.times += 1


class _NoLoop:
    def call_soon_threadsafe(self, callback: Callable[[], None]) -> None:
        callback()


def waits(hub: Hub, owner: Owner, *open_keys: UUID) -> tuple[Reader, Any]:
    """Let somebody wait at the hub, without its thread; return the reader and its count."""
    news: Any = _News()
    loop = cast("asyncio.AbstractEventLoop", _NoLoop())
    reader = Reader(owner, loop, news, frozenset(open_keys))
    for name in reader.names:
        hub._readers.setdefault(name, set()).add(reader)
    return reader, news


def leave(hub: Hub) -> None:
    """Let everybody leave."""
    with hub._lock:
        hub._readers.clear()
        hub.left.set()
