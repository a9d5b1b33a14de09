"""What people do all day, timed at one size beside another, in turns."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from django.db import connections

from benchmarks.progress import tell_share
from benchmarks.scale.databases import connection_to
from benchmarks.scale.filling import LONG_OWNER, Size
from django_chat_sessions import get_session_model, services
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.history import Place

PAGE = 30
_KEYS = count(random.randrange(2**40))


def key() -> str:
    """Return a client's key that was never used."""
    return f"measured-{next(_KEYS)}"


@dataclass
class Subject:
    """One owner in one database, with a connection that stays open."""

    size: Size
    sessions: int

    def __post_init__(self) -> None:
        self.label = f"{self.sessions:,} of {self.size.sessions:,}"
        self.connection = connection_to(self.size.name)
        self.owner = self.size.owner_of(self.sessions)
        self.long_owner = Owner(user_id=LONG_OWNER)

    def enter(self) -> None:
        """Let what follows happen in this database."""
        connections["default"] = self.connection

    def prepare(self) -> None:
        """Open a session, read the long one up and find the place far down in the list."""
        services.send(self.owner, "Why does ice float?", key=key())
        [self.long] = get_session_model().objects.filter(
            user_id=LONG_OWNER, message_count__gte=self.size.long
        )
        services.reopen(self.long)
        self.far = place_after(self.owner, int(self.sessions * 0.9))

    def operations(self) -> dict[str, tuple[Callable[[], Any], Callable[[], Any]]]:
        """Return each operation with what has to happen before it."""
        owner = self.owner

        def nothing() -> None: ...

        def ended() -> None:
            services.end(services.resume_or_start(owner).opened)

        def opened() -> None:
            self.open = services.send(owner, "And in a lake?", key=key()).session

        return {
            "resume": (nothing, lambda: services.resume_or_start(owner)),
            "first message of a new session": (
                ended,
                lambda: services.send(owner, "Why?", key=key()),
            ),
            "append a question and its answer": (opened, self._turn),
            "list of 30": (nothing, lambda: services.recent_sessions(owner)),
            "history page after nine tenths": (
                nothing,
                lambda: services.history_page(owner, limit=PAGE, after=self.far),
            ),
            "page of 50 of the long session": (nothing, lambda: services.transcript(self.long)),
            "updates": (nothing, lambda: services.updates(owner)),
            "search: a word in every message": (nothing, lambda: services.search(owner, "lattice")),
            "search: a word nobody said": (nothing, lambda: services.search(owner, "volcano")),
        }

    def _turn(self) -> None:
        with services.record_turn(self.open, "And on a pond?", key=key()) as turn:
            turn.answer = "There too, and for the same reason: the lattice has room in it."


def place_after(owner: Owner, rows: int) -> Place:
    """Return the place in the owner's history that so many sessions come before."""
    listed = get_session_model().objects.owned_by(owner).in_history().filter(pinned_at=None)
    row = listed[min(rows, listed.count() - 1)]
    return Place(row.last_message_at, row.pk)


def measure(subjects: list[Subject], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Return milliseconds by operation and subject: the median of each round."""
    for subject in subjects:
        subject.enter()
        subject.prepare()
    names = list(subjects[0].operations())
    took: dict[str, dict[str, list[float]]] = {
        name: {subject.label: [] for subject in subjects} for name in names
    }
    for done in range(rounds):
        tell_share("rounds", done, rounds)
        for name in names:
            for subject in random.sample(subjects, len(subjects)):
                subject.enter()
                took[name][subject.label].append(_median(*subject.operations()[name]))
    tell_share("rounds", rounds, rounds)
    return took


def _median(before: Callable[[], Any], run: Callable[[], Any]) -> float:
    return statistics.median(_calls(before, run))


def _calls(before: Callable[[], Any], run: Callable[[], Any]) -> Iterator[float]:
    """Time calls: at most 20, and no more of slow ones than fit in a third of a second."""
    spent = 0.0
    for _ in range(20):
        before()
        began = time.perf_counter()
        run()
        took = time.perf_counter() - began
        spent += took
        yield took * 1000
        if spent > 0.3:
            return


def growth(of: list[float], beside: list[float]) -> float:
    """Return how many times slower one subject was than another, by rounds."""
    return statistics.median(one / other for one, other in zip(of, beside, strict=True))
