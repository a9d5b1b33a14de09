"""Runners carry a reply out of the request. They may lose it: the database remembers it."""

from __future__ import annotations

import logging
import queue
import threading
from functools import lru_cache
from typing import Any, Protocol, cast

from django.db import close_old_connections
from django.utils.module_loading import import_string

from django_chat_sessions.conf import app_settings
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession
from django_chat_sessions.services.replies.leases import lease_keeper
from django_chat_sessions.services.replies.running import run

logger = logging.getLogger(__name__)


class Runner(Protocol):
    """Takes a pending reply and sees that ``run(reply.pk)`` is called somewhere."""

    def submit(self, reply: AbstractChatMessage, session: AbstractChatSession) -> None:
        """Take the reply; called after commit."""


class InlineRunner:
    """Answers before ``submit`` returns. For tests: a request waits for the whole answer."""

    def submit(self, reply: AbstractChatMessage, session: AbstractChatSession) -> None:
        run(reply.pk)


class ThreadRunner:
    """Answers in a bounded pool of daemon threads of this process; nothing to install.

    Survives the reader's leaving on every server. What a dying process leaves behind is found by
    its lease.
    """

    size = 8

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[AbstractChatMessage, AbstractChatSession]] = (
            queue.SimpleQueue()
        )
        self._threads: list[threading.Thread] = []
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()

    def submit(self, reply: AbstractChatMessage, session: AbstractChatSession) -> None:
        # Held while it waits for a thread: a full pool must not look like a dead one.
        lease_keeper.hold(reply, session)
        self._queue.put((reply, session))
        with self._lock:
            if not self._idle.acquire(blocking=False) and len(self._threads) < self.size:
                thread = threading.Thread(
                    target=self._work, name=f"chat-reply-{len(self._threads)}", daemon=True
                )
                self._threads.append(thread)
                thread.start()

    def _work(self) -> None:
        while True:
            try:
                reply, _session = self._queue.get_nowait()
            except queue.Empty:
                self._idle.release()
                reply, _session = self._queue.get()
            lease_keeper.release(reply)
            close_old_connections()
            try:
                run(reply.pk)
            except Exception as error:  # noqa: BLE001  the thread outlives whatever one reply meets
                logger.error("Reply %s was left behind: %s", reply.pk, type(error).__name__)
            finally:
                close_old_connections()


@lru_cache(maxsize=8)
def _runner(path: str) -> Runner:
    loaded: Any = import_string(path)
    return cast(Runner, loaded())


def get_runner() -> Runner:
    """Return the configured runner; one per process."""
    return _runner(app_settings.RUNNER)
