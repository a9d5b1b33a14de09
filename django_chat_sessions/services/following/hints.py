"""Hints say "look again" to those who follow an owner. A lost hint loses nothing."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol, cast
from uuid import UUID

from django.utils.module_loading import import_string

from django_chat_sessions.conf import app_settings
from django_chat_sessions.ids import digest
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.forks import forgotten_in_forks

logger = logging.getLogger(__name__)


class Notifier(Protocol):
    """Carries hints between processes."""

    def tell(self, name: str) -> None:
        """Let the other processes know; called after commit, must not block or raise."""

    def watch(self, hub: Hub) -> None:
        """Wake the hub's readers when there is news, until nobody is there; runs in a thread."""


@dataclass(eq=False)
class Reader:
    """Somebody in this process who waits for news of one owner."""

    owner: Owner
    loop: asyncio.AbstractEventLoop
    news: asyncio.Event
    # The open places that a notifier without hints has to look at.
    open_keys: frozenset[UUID] = field(default_factory=frozenset)
    is_in_doubt: bool = False  # whether this owner has logged out, be it in another browser

    @property
    def names(self) -> tuple[str, str]:
        """The names in hints that wake this reader."""
        return name_of(self.owner), name_of_logout(self.owner)

    def wake(self, name: str = "") -> None:
        """Let the reader look again; from any thread."""
        self.is_in_doubt |= name == name_of_logout(self.owner)
        with suppress(RuntimeError):  # its loop is closed, and so is the reader
            self.loop.call_soon_threadsafe(self.news.set)


class Hub:
    """The readers of this process. While there are any, one thread waits for hints for them."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Know no readers; those that a forked process finds are its parent's."""
        self._lock = threading.Lock()
        self._readers: dict[str, set[Reader]] = {}
        self._thread: threading.Thread | None = None
        self.left = threading.Event()

    @contextmanager
    def reading(self, owner: Owner) -> Iterator[Reader]:
        """Be a reader of this owner's as long as the block runs; inside a running event loop."""
        reader = Reader(owner, asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            for name in reader.names:
                self._readers.setdefault(name, set()).add(reader)
            self.left.clear()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._watch, name="chat-sessions-news", daemon=True
                )
                with suppress(RuntimeError):  # no more threads to be had; readers still look
                    self._thread.start()
        try:
            yield reader
        finally:
            with self._lock:
                for name in reader.names:
                    self._readers[name].discard(reader)
                    if not self._readers[name]:
                        del self._readers[name]
                if not self._readers:
                    self.left.set()

    def readers(self) -> list[Reader]:
        """Return everybody who waits."""
        with self._lock:
            return list({reader for readers in self._readers.values() for reader in readers})

    def count(self, owner: Owner) -> int:
        """Return how many follow this owner here."""
        with self._lock:
            return len(self._readers.get(name_of(owner), ()))

    def wake(self, name: str) -> None:
        """Wake the readers of one owner."""
        with self._lock:
            readers = list(self._readers.get(name, ()))
        for reader in readers:
            reader.wake(name)

    def wake_all(self) -> None:
        """Wake everybody: hints may have been lost."""
        for reader in self.readers():
            reader.wake()

    def _watch(self) -> None:
        while True:
            try:
                get_notifier().watch(self)
            except Exception as error:  # noqa: BLE001  readers still look by themselves
                logger.error("News cannot be waited for: %s", type(error).__name__)
                self.left.wait(1)
            with self._lock:
                if not self._readers:
                    self._thread = None
                    return


hub = Hub()
forgotten_in_forks(hub.forget)


@lru_cache(maxsize=4096)  # people write more than once, and each time twice
def name_of(owner: Owner) -> str:
    """Return what an owner is called in hints: nothing that says who it is."""
    return digest("hint", owner.identity).hex


def name_of_logout(owner: Owner) -> str:
    """Return what a logout of this owner's is called in hints."""
    return f"-{name_of(owner)}"


def hint(owner: Owner) -> None:
    """Let everybody who follows this owner look again."""
    _tell(name_of(owner))


def hint_of_logout(owner: Owner) -> None:
    """Let everybody who follows this owner look whether they are still logged in."""
    _tell(name_of_logout(owner))


def _tell(name: str) -> None:
    hub.wake(name)
    get_notifier().tell(name)


@lru_cache(maxsize=8)
def _notifier(path: str) -> Notifier:
    return cast(Notifier, import_string(path)())


forgotten_in_forks(_notifier.cache_clear)


def get_notifier() -> Notifier:
    """Return the configured notifier; one per process."""
    given: Any = app_settings.NOTIFIER
    if given is None:
        given = suitable_notifier()
    return _notifier(given) if isinstance(given, str) else given


def suitable_notifier() -> str:
    """Return the path of the notifier that suits the database."""
    # Imported late: the notifiers read the tables, and every write to those gives a hint.
    from django_chat_sessions.services.following.postgres import can_listen  # noqa: PLC0415

    here = "django_chat_sessions.services.following"
    return f"{here}.postgres.PostgresNotifier" if can_listen() else f"{here}.polling.PollNotifier"
