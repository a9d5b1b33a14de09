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
from django_chat_sessions.services.forks import forgotten_in_forks
from django_chat_sessions.services.replies.growing import LOOKED_AFTER, Growth
from django_chat_sessions.services.replies.writing import renew

logger = logging.getLogger(__name__)

AGAIN = 1.0  # seconds until a lease that could not be renewed is tried again


class Lease:
    """The lease of one reply, renewed each third of it by its worker or by the keeper.

    Whoever comes first does it: many workers must not have to wait for one thread.
    """

    def __init__(
        self, reply: AbstractChatMessage, session: AbstractChatSession, growth: Growth | None
    ) -> None:
        self.reply = reply
        self.growth = growth
        self.is_lost = False
        self._session = session
        self._lock = threading.Lock()
        self.due = time.monotonic() + _third()

    def renew_if_due(self) -> None:
        """Renew it if it is time. Never raises: the next one to come tries again."""
        if time.monotonic() < self.due or not self._lock.acquire(blocking=False):
            return
        try:
            self.due = time.monotonic() + _third()
            # A copy: it is read again, and must not move the session under its owner's hands.
            known = copy(self._session)
            renew(self.reply, known)
            # But whose it is: after a login, what is written next is the account's to hear of.
            self._session.user_id, self._session.visitor_key = known.user_id, known.visitor_key
        except ChatSessionsError:
            self.is_lost = True
            if self.growth is not None:
                self.growth.is_lost = True
        except Exception as error:  # noqa: BLE001  neither thread ends by what one lease meets
            self.due = time.monotonic() + min(AGAIN, _third())
            logger.error("Lease of reply %s not renewed: %s", self.reply.pk, type(error).__name__)
        finally:
            self._lock.release()


def _third() -> float:
    return app_settings.REPLY_LEASE / 3


class LeaseKeeper:
    """One thread per process looks after every lease that is held; none held, soon no thread.

    It also stores text that waits: a responder that is silent after a few words must not keep them
    from their reader, or let a crash take them.
    """

    idle = 2.0  # seconds without a lease after which the thread ends: most turns are short

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Hold nothing; what a forked process finds held is its parent's."""
        self._lock = threading.Lock()
        self._held: dict[Any, Lease] = {}
        self._thread: threading.Thread | None = None
        self._changed = threading.Event()

    @contextmanager
    def keeping(
        self,
        reply: AbstractChatMessage,
        session: AbstractChatSession,
        growth: Growth | None = None,
    ) -> Iterator[Lease]:
        """Keep the reply's lease, and its text up to date, as long as the block runs."""
        lease = self.hold(reply, session, growth)
        try:
            yield lease
        finally:
            self.release(reply)

    def hold(
        self,
        reply: AbstractChatMessage,
        session: AbstractChatSession,
        growth: Growth | None = None,
    ) -> Lease:
        """Renew this reply's lease until it is released."""
        lease = Lease(reply, session, growth)
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                thread = threading.Thread(
                    target=self._keep_until_idle, name="chat-sessions-leases", daemon=True
                )
                thread.start()  # raises where there are too many; then nothing is held
                self._thread = thread
            elif growth is not None:
                self._changed.set()  # it may be sleeping for longer than text may wait
            self._held[reply.pk] = lease
        return lease

    def holds(self, reply: AbstractChatMessage) -> bool:
        """Whether this process renews the reply's lease."""
        with self._lock:
            return reply.pk in self._held

    def release(self, reply: AbstractChatMessage) -> None:
        """Let the reply's lease run out."""
        with self._lock:
            held = self._held.get(reply.pk)
            # And not another hold on the same row, as its worker takes it over.
            if held is not None and held.reply is reply:
                del self._held[reply.pk]

    def _keep_until_idle(self) -> None:
        used = time.monotonic()
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
            for lease in held:
                lease.renew_if_due()
                if lease.is_lost:
                    self.release(lease.reply)
            growing = [lease.growth for lease in held if lease.growth is not None]
            for growth in growing:
                self._store(growth)
            now = time.monotonic()
            left = min((lease.due for lease in held), default=now + _third()) - now
            pause = max(0.0, min(left, LOOKED_AFTER if growing else self.idle))
            self._let_go()

    def _let_go(self) -> None:
        """Keep no connection idle, and meet no broken one again."""
        try:
            connections.close_all()
        except Exception as error:  # noqa: BLE001  the thread outlives what a close meets
            logger.error("Connections of the leases not closed: %s", type(error).__name__)

    def _store(self, growth: Growth) -> None:
        try:
            growth.store_what_waits()
        except Exception as error:  # noqa: BLE001  the thread outlives whatever one reply meets
            logger.error("Text of reply %s not stored: %s", growth.reply.pk, type(error).__name__)


lease_keeper = LeaseKeeper()
forgotten_in_forks(lease_keeper.forget)
