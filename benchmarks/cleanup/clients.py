"""People who chat, at a steady rate, while something else goes on in their database."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

from django.db import connections

from benchmarks.scale.databases import connection_to

THINK = (0.2, 0.6)  # seconds between two of the things that a person does
FIRST_USER = 1_000  # the many owners of benchmarks.scale.filling begin here
Sample = tuple[float, float]  # when it was done, and the seconds it took


@dataclass
class Chat:
    """The processes of the people, and in the end what each of them met."""

    database: str
    samples: list[Sample]

    def p95(self, began: float, ended: float) -> float:
        """Return the milliseconds that 95 of 100 calls in a span of time did not exceed."""
        took = [took * 1000 for done, took in self.samples if began <= done <= ended]
        return quantiles(took, n=20)[-1] if len(took) > 1 else float("nan")

    def calls(self, began: float, ended: float) -> int:
        """Return how many calls ended in a span of time."""
        return sum(began <= done <= ended for done, _took in self.samples)


@contextmanager
def chatting(database: str, clients: int) -> Iterator[Chat]:
    """Let so many processes chat in a database; what they met is there when the block is left."""
    chat = Chat(database, [])
    connections["default"].close()  # a fork must not share it
    context = multiprocessing.get_context("fork")
    over = context.Event()
    people: list[tuple[Any, Any]] = []
    for number in range(clients):
        ours, theirs = context.Pipe()
        person = context.Process(target=_chat, args=(database, number, over, theirs), daemon=True)
        person.start()
        people.append((person, ours))
    try:
        for _person, pipe in people:
            pipe.recv()  # has said its first word
        yield chat
    finally:
        over.set()
        for person, pipe in people:
            chat.samples += pipe.recv()
            person.join()


def _chat(database: str, number: int, over: Any, pipe: Any) -> None:
    connections.settings["default"]["NAME"] = database  # in every thread, as on a site
    connections["default"] = connection_to(database)
    samples: list[Sample] = []
    try:
        for call in _calls(FIRST_USER + number):
            began = time.monotonic()
            call()
            samples.append((time.monotonic(), time.monotonic() - began))
            if len(samples) == 3:
                pipe.send("talking")
            if over.wait(random.uniform(*THINK)):
                break
    finally:
        pipe.send(samples)
        connections["default"].close()


def _calls(user: int) -> Iterator[Any]:
    """Yield what a person does: comes back, asks and is answered, looks at the history."""
    from django_chat_sessions import services
    from django_chat_sessions.owners import Owner

    owner = Owner(user_id=user)

    def turn() -> None:
        with services.record_turn(services.resume_or_start(owner).opened, "Why?") as asked:
            asked.answer = "Because the lattice has room in it."

    while True:
        yield turn
        yield lambda: services.resume_or_start(owner)
        yield lambda: services.recent_sessions(owner)
