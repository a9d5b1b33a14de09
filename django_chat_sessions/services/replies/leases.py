"""Keeps the leases, and late text, of the replies that this process is working on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

from django.db import connections

from django_chat_sessions.conf import app_settings
from django_chat_sessions.exceptions import ChatSessionsError
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession
from django_chat_sessions.services.replies.growing import SAVE_EVERY, Growth
from django_chat_sessions.services.replies.writing import renew

logger = logging.getLogger(__name__)


Held = tuple[AbstractChatMessage, AbstractChatSession, Growth | None]


class LeaseKeeper:
    """One thread per process renews every held lease each third of it; none held, soon no thread.

    It also stores text that waits: a responder that is silent after a few words must not keep them
    from their reader, or let a crash take them.
    """

    idle = 2.0  # seconds without a lease after which the thread ends: most turns are short

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[Any, Held] = {}
        self._thread: threading.Thread | None = None
        self._changed = threading.Event()

    @contextmanager
    def keeping(
        self,
        reply: AbstractChatMessage,
        session: AbstractChatSession,
        growth: Growth | None = None,
    ) -> Iterator[None]:
        """Keep the reply's lease, and its text up to date, as long as the block runs."""
        self.hold(reply, session, growth)
        try:
            yield
        finally:
            self.release(reply)

    def hold(
        self,
        reply: AbstractChatMessage,
        session: AbstractChatSession,
        growth: Growth | None = None,
    ) -> None:
        """Renew this reply's lease until it is released."""
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(
                    target=self._keep_until_idle, name="chat-sessions-leases", daemon=True
                )
                thread.start()  # raises where there are too many; then nothing is held
                self._thread = thread
            elif growth is not None:
                self._changed.set()  # it may be sleeping for longer than text may wait
            self._held[reply.pk] = (reply, session, growth)

    def release(self, reply: AbstractChatMessage) -> None:
        """Let the reply's lease run out."""
        with self._lock:
            held, *_rest = self._held.get(reply.pk, (None,))
            if held is reply:  # and not another hold on the same row, as its worker takes it over
                del self._held[reply.pk]

    def _keep_until_idle(self) -> None:
        renewed = used = time.monotonic()
        pause = 0.0
        while True:
            self._changed.wait(pause)
            with self._lock:
                self._changed.clear()
                held = list(self._held.values())
                now = time.monotonic()
                if held:
                    used = now
                elif now - used >= self.idle:
                    self._thread = None
                    break
            # Leases first: text that comes late is late, a turn whose lease has passed is lost.
            if time.monotonic() - renewed >= app_settings.REPLY_LEASE / 3:
                renewed = time.monotonic()
                for one in held:
                    self._renew(*one)
            growing = [growth for _reply, _session, growth in held if growth is not None]
            for growth in growing:
                self._store(growth)
            left = renewed + app_settings.REPLY_LEASE / 3 - time.monotonic()
            pause = max(0.0, min(left, SAVE_EVERY if growing else self.idle))
            connections.close_all()  # none is kept idle, and a broken one is not met again

    def _store(self, growth: Growth) -> None:
        try:
            growth.store_what_waits()
        except Exception as error:  # noqa: BLE001  the thread outlives whatever one reply meets
            logger.error("Text of reply %s not stored: %s", growth.reply.pk, type(error).__name__)

    def _renew(
        self, reply: AbstractChatMessage, session: AbstractChatSession, growth: Growth | None
    ) -> None:
        try:
            # A copy: it is read again, and must not move the session under its owner's hands.
            renew(reply, copy(session))
        except ChatSessionsError:
            if growth is not None:
                growth.is_lost = True
            self.release(reply)
        except Exception as error:  # noqa: BLE001  the thread outlives whatever one lease meets
            logger.error("Lease of reply %s not renewed: %s", reply.pk, type(error).__name__)


lease_keeper = LeaseKeeper()
