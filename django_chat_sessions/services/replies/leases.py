"""Keeps the leases of the replies that this process is working on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

from django.db import connections

from django_chat_sessions.conf import app_settings
from django_chat_sessions.exceptions import ChatSessionsError
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession
from django_chat_sessions.services.replies.writing import renew

logger = logging.getLogger(__name__)


class LeaseKeeper:
    """One thread per process renews every held lease each third of it; none held, no thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[Any, tuple[AbstractChatMessage, AbstractChatSession]] = {}
        self._thread: threading.Thread | None = None
        self._released = threading.Event()

    @contextmanager
    def keeping(self, reply: AbstractChatMessage, session: AbstractChatSession) -> Iterator[None]:
        """Keep the reply's lease as long as the block runs."""
        self.hold(reply, session)
        try:
            yield
        finally:
            self.release(reply)

    def hold(self, reply: AbstractChatMessage, session: AbstractChatSession) -> None:
        """Renew this reply's lease until it is released."""
        with self._lock:
            # A copy: the thread re-reads it, and must not move the session under its owner's hands.
            self._held[reply.pk] = (reply, copy(session))
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._renew_until_idle, name="chat-sessions-leases", daemon=True
                )
                self._thread.start()

    def release(self, reply: AbstractChatMessage) -> None:
        """Let the reply's lease run out."""
        with self._lock:
            held, _session = self._held.get(reply.pk, (None, None))
            if held is reply:  # and not another hold on the same row, as its worker takes it over
                del self._held[reply.pk]
            if not self._held:
                self._released.set()

    def _renew_until_idle(self) -> None:
        while True:
            woken = self._released.wait(app_settings.REPLY_LEASE / 3)
            with self._lock:
                self._released.clear()
                held = list(self._held.values())
                if not held:
                    self._thread = None
                    break
            # Woken because nothing was held: whatever is held now was taken just after.
            for reply, session in [] if woken else held:
                self._renew(reply, session)
            connections.close_all()  # none is kept idle, and a broken one is not met again

    def _renew(self, reply: AbstractChatMessage, session: AbstractChatSession) -> None:
        try:
            renew(reply, session)
        except ChatSessionsError:
            self.release(reply)
        except Exception as error:  # noqa: BLE001  the thread outlives whatever one lease meets
            logger.error("Lease of reply %s not renewed: %s", reply.pk, type(error).__name__)


lease_keeper = LeaseKeeper()
