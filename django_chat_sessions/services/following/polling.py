"""The notifier that every database allows: one thread per process looks twice a second."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

from django.db import Error as DatabaseTrouble
from django.db import connections
from django.db.models.functions import Length

from django_chat_sessions.services.following.hints import Hub
from django_chat_sessions.services.tables import messages, sessions

logger = logging.getLogger(__name__)

BATCH = 400  # keys in one statement; SQLite takes 999 values
Fingerprints = dict[UUID, Any]


class PollNotifier:
    """Compares the open sessions that somebody here follows with what they were.

    Sees what other processes write to a followed session, or open in a followed scope, within
    ``every`` seconds: 1 statement for each 400 places that are followed, 2 while answers are
    written. The rest of an owner's history is seen when a reader looks by itself.
    """

    every = 0.5

    def tell(self, name: str) -> None:
        """Do nothing: the others look for themselves."""

    def watch(self, hub: Hub) -> None:
        """Look until nobody is there."""
        self.poll(hub, until=None)

    def poll(self, hub: Hub, *, until: float | None) -> None:
        """Look until nobody is there, or until a moment of the monotonic clock."""
        known: Fingerprints = {}
        while not hub.left.wait(self.every) and (until is None or time.monotonic() < until):
            try:
                known = self._look(hub, known)
            except DatabaseTrouble as error:
                logger.error("News cannot be looked for: %s", type(error).__name__)
                connections.close_all()
        connections.close_all()

    def _look(self, hub: Hub, known: Fingerprints) -> Fingerprints:
        readers = hub.readers()
        found: Fingerprints = {}
        keys = iter({key for reader in readers for key in reader.open_keys})
        while batch := list(islice(keys, BATCH)):
            found |= fingerprints(batch)
        for reader in readers:
            # A place that was not looked at before may have changed since its reader looked.
            if any(key not in known or known[key] != found.get(key) for key in reader.open_keys):
                reader.wake()
        return found


def fingerprints(keys: Iterable[UUID]) -> Fingerprints:
    """Return, for each open place, something that changes when a reader would see a change."""
    wanted = list(keys)
    columns = ["open_key", "pk", "message_count", "last_activity_at", "running_until"]
    columns += ["unread", "title"]
    rows: list[tuple[Any, ...]] = list(sessions().filter(open_key__in=wanted).values_list(*columns))
    running = [row[1] for row in rows if row[4] is not None]
    written = {}
    if running:
        replies = messages().filter(session__in=running).replies_running()
        grown = replies.values_list("session", "attempt", "state", Length("content"))
        written = {session: tuple(rest) for session, *rest in grown}
    return dict.fromkeys(wanted) | {row[0]: (*row, written.get(row[1])) for row in rows}


class HintingNotifier(PollNotifier):
    """For a medium that carries hints: subclasses ``publish`` and ``listen``; polls without it.

    Hints are published by a thread of their own, many at once, so that no request waits for them
    and no verb spends a statement on them.
    """

    # Seconds between two times of publishing, in which hints are gathered; one that comes after a
    # pause goes at once. Published more often, they took a third of the processor time of every
    # message; much less often, and an answer is known elsewhere later than the 50 ms we promise.
    gathering = 0.01
    idle = 5.0  # seconds without a hint after which the publishing thread ends
    again = 5.0  # seconds of polling before listening is tried again; each failure doubles them
    longest = 300.0  # seconds of polling at most

    def __init__(self) -> None:
        self.listens_at = time.monotonic()
        self.pause = self.again
        self._names: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def publish(self, batches: Iterator[list[str]]) -> None:
        """Send each batch of names as it comes; return when there are no more."""
        raise NotImplementedError

    def listen(self, hub: Hub) -> None:
        """Wake the hub's readers by the hints that arrive, until nobody is there."""
        raise NotImplementedError

    def tell(self, name: str) -> None:
        """Have the hint published soon."""
        self._names.put(name)
        with self._lock:
            # A fork inherits the thread's name only: Celery makes its workers so.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._publish, name="chat-sessions-hints", daemon=True
                )
                with suppress(RuntimeError):  # the interpreter is ending
                    self._thread.start()

    def watch(self, hub: Hub) -> None:
        """Listen; where that fails, poll for a while."""
        if time.monotonic() >= self.listens_at:
            try:
                self.listen(hub)
                return
            except Exception as error:  # noqa: BLE001  whatever it meets, readers get their news
                logger.warning("Hints cannot be heard, polling instead: %s", type(error).__name__)
            self.listens_at = time.monotonic() + self.pause
            self.pause = min(2 * self.pause, self.longest)
            hub.wake_all()
        self.poll(hub, until=self.listens_at)

    def _publish(self) -> None:
        while True:
            try:
                self.publish(self._batches())
            except Exception as error:  # noqa: BLE001  a lost hint loses nothing
                logger.warning("Hints were lost: %s", type(error).__name__)
                self._take_all()  # else this would be tried without an end
            with self._lock:
                if self._names.empty():
                    self._thread = None
                    return

    def _batches(self) -> Iterator[list[str]]:
        next_at = 0.0
        while True:
            try:
                first = self._names.get(timeout=self.idle)
            except queue.Empty:
                return
            time.sleep(max(0.0, next_at - time.monotonic()))
            yield sorted({first, *self._take_all()})
            next_at = time.monotonic() + self.gathering

    def _take_all(self) -> list[str]:
        return [self._names.get_nowait() for _ in range(self._names.qsize())]


class Echo:
    """Whether we hear ourselves. Some media take hints and bring none, or go silent one day."""

    within = 3.0  # seconds
    every = 15.0  # seconds; what is between may drop an idle connection, or a medium may hang
    _due: float | None

    def __init__(self, notifier: HintingNotifier) -> None:
        self._notifier = notifier
        self._name = f"echo-{uuid4().hex}"
        self._call()

    def heard(self, name: str) -> bool:
        """Whether this hint is our own."""
        if name != self._name:
            return False
        self._due = None
        self._notifier.pause = self._notifier.again
        return True

    def check(self) -> None:
        """Call again when it is time. Raises ConnectionError when no answer has come."""
        if self._due is not None and time.monotonic() > self._due:
            raise ConnectionError("We do not hear ourselves.")
        if time.monotonic() > self._called_at + self.every:
            self._call()

    def _call(self) -> None:
        self._called_at = time.monotonic()
        self._due = self._called_at + self.within
        self._notifier.tell(self._name)
