"""Runners carry a reply out of the request. They may lose it: the database remembers it."""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from contextlib import suppress
from functools import lru_cache
from typing import Any, Protocol, cast

from django.core.checks import CheckMessage, Error
from django.db import connections
from django.utils.module_loading import import_string

from django_chat_sessions.conf import app_settings
from django_chat_sessions.exceptions import ChatSessionsError
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession, ReplyState
from django_chat_sessions.services.forks import forgotten_in_forks
from django_chat_sessions.services.replies.leases import lease_keeper
from django_chat_sessions.services.replies.running import run
from django_chat_sessions.services.replies.writing import cause_of, finish

logger = logging.getLogger(__name__)


Whose = tuple[Any, str | None]  # a session's user and visitor


class Runner(Protocol):
    """Takes a pending reply and sees that ``run(reply.pk)`` is called somewhere."""

    patience: float | None
    """Seconds a reply may wait for a worker; None is REPLY_LEASE."""

    def submit(self, reply: AbstractChatMessage, session: AbstractChatSession) -> None:
        """Take the reply; called after commit."""


class InlineRunner:
    """Answers before ``submit`` returns. For tests: a request waits for the whole answer."""

    patience = None

    def submit(self, reply: AbstractChatMessage, session: AbstractChatSession) -> None:
        run(reply.pk)


class ThreadRunner:
    """Answers in at most ``size`` threads of this process; nothing to install.

    One owner has as many of them as LIMITS allows replies at once: a function whose reply was
    stopped keeps its thread until it returns.
    Survives the reader's leaving on every server. The threads are no daemons: a process that ends
    of its own accord finishes what it is writing. What a killed process leaves is found by its
    lease; the first answer of a new process picks it up.
    """

    size = 8
    patience = None

    def __init__(self) -> None:
        self._waiting: deque[tuple[Whose, AbstractChatMessage]] = deque()
        self._working: Counter[Whose] = Counter()  # threads of each owner
        self._lock = threading.Lock()
        self._is_new = True

    @classmethod
    def check(cls) -> list[CheckMessage]:
        """Say that ``size`` leaves no thread to answer in."""
        size: Any = cls.size  # a subclass of a host's may say anything
        if isinstance(size, int) and size > 0:
            return []
        problem = f"{cls.__name__} cannot work: size is {size!r}"
        hint = "Give a whole number from 1: so many answers are written at once, the others wait."
        return [Error(f"{problem}.", hint=hint, id="django_chat_sessions.E015")]

    def submit(self, reply: AbstractChatMessage, session: AbstractChatSession) -> None:
        # Held while it waits for a thread: a full pool must not look like a dead one.
        lease_keeper.hold(reply, session)
        work = (session.user_id, session.visitor_key), reply
        with self._lock:
            if self._working.total() >= self.size or not self._has_room(work[0]):
                self._waiting.append(work)
                return
            try:
                threading.Thread(target=self._work, args=work, name="chat-reply").start()
            except RuntimeError:  # no more threads, or the interpreter is ending
                lease_keeper.release(reply)
                raise
            self._working[work[0]] += 1

    def _has_room(self, whose: Whose) -> bool:
        most = app_settings.LIMITS.replies_at_once
        return most is None or self._working[whose] < most

    def _work(self, whose: Whose, reply: AbstractChatMessage) -> None:
        work: tuple[Whose, AbstractChatMessage] | None = whose, reply
        try:
            while work is not None:
                self._answer(work[1])
                work = self._next(work[0])
            if self._is_new:
                self._pick_up()
        finally:
            connections.close_all()

    def _next(self, whose: Whose) -> tuple[Whose, AbstractChatMessage] | None:
        """Leave this owner's place; take the first that waits and has room."""
        with self._lock:
            self._working -= Counter([whose])  # which forgets those that have none
            for work in self._waiting:
                if self._has_room(work[0]):
                    self._waiting.remove(work)
                    self._working[work[0]] += 1
                    return work
            return None

    def _answer(self, reply: AbstractChatMessage) -> None:
        try:
            run(reply.pk)  # holds it itself; ours until then: an ending program starts no thread
        # Of every kind: Ctrl-C reaches the main thread only, and the others wait for this one.
        except BaseException as error:  # noqa: BLE001
            logger.error("Reply %s was left behind: %s", reply.pk, type(error).__name__)
            connections.close_all()
        finally:
            lease_keeper.release(reply)

    def _pick_up(self) -> None:
        # Imported late: recovery hands replies to this very runner.
        from django_chat_sessions.services.replies.asking import recover  # noqa: PLC0415

        self._is_new = False
        try:
            recover()
        except Exception as error:  # noqa: BLE001  the next reader or cleanup does it
            logger.error("Replies left behind were not looked for: %s", type(error).__name__)


@lru_cache(maxsize=8)
def _runner(path: str) -> Runner:
    loaded: Any = import_string(path)
    return cast(Runner, loaded())


forgotten_in_forks(_runner.cache_clear)


def get_runner() -> Runner:
    """Return the configured runner; one per process."""
    return _runner(app_settings.RUNNER)


def first_lease() -> float:
    """Return the seconds in which the runner must begin with a reply it is given."""
    return getattr(get_runner(), "patience", None) or app_settings.REPLY_LEASE


def hand_over(reply: AbstractChatMessage, session: AbstractChatSession) -> None:
    """Give a committed reply to the runner. One that cannot be taken has failed, and says so."""
    try:
        get_runner().submit(reply, session)
    except Exception as error:  # noqa: BLE001  the message is stored: whatever a queue meets, say so
        logger.error("Reply %s could not be handed over: %s", reply.pk, type(error).__name__)
        cause = f"The runner did not take it: {cause_of(error)}"
        with suppress(ChatSessionsError):  # it was taken after all, or is gone
            finish(reply, session, ReplyState.FAILED, error=cause)
