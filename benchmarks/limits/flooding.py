"""One visitor sends as fast as eight threads can, while somebody else goes on chatting."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass, field
from statistics import quantiles

from benchmarks.limits.edges import Answer, ask, say
from tests.durability.readers import Person
from tests.durability.words import question

THREADS = 8
ANSWER_TAKES = 2.0  # seconds
MOST_A_SECOND = 100
BEFORE = 20  # requests of somebody else's before the flood
BETWEEN = 0.5  # seconds between two requests of somebody else's


@dataclass
class Flood:
    """What the one who floods was told, and what somebody else met meanwhile."""

    seconds: float
    answers: list[Answer] = field(default_factory=list)
    most_replies: int = 0
    others: list[tuple[float, Answer]] = field(default_factory=list)
    before: list[tuple[float, Answer]] = field(default_factory=list)

    @property
    def passed(self) -> int:
        """Messages that were stored."""
        return sum(answer.status == 201 for answer in self.answers)

    @property
    def refused(self) -> int:
        """Messages that were refused as too many."""
        return sum(answer.status == 429 for answer in self.answers)

    @property
    def told(self) -> int:
        """Refusals with ``Retry-After``."""
        refused = [answer for answer in self.answers if answer.status == 429]
        return sum(answer.retry_after.isdecimal() for answer in refused)

    @property
    def failed(self) -> int:
        """Messages that were neither stored nor refused as they should be."""
        return len(self.answers) - self.passed - self.refused

    @property
    def others_refused(self) -> int:
        """Requests of somebody else's that did not succeed."""
        return sum(answer.status >= 400 for _seconds, answer in self.others)

    @property
    def p95_of_others(self) -> float:
        """Seconds."""
        return _p95(self.others)

    @property
    def rows(self) -> list[tuple[str, str]]:
        """The figures as the table shows them."""
        codes = Counter(str(answer.status) for answer in self.answers)
        sent = len(self.answers)
        return [
            ("messages sent", f"{sent:,} in {self.seconds:.0f} s, {sent / self.seconds:.0f}/s"),
            ("answers by status", ", ".join(f"{count} of {code}" for code, count in codes.items())),
            ("answers written at once, at most", str(self.most_replies)),
            ("requests of somebody else", str(len(self.others))),
            ("of them p95", f"{1000 * self.p95_of_others:.0f} ms"),
            ("the same before the flood, p95", f"{1000 * _p95(self.before):.0f} ms"),
        ]


def _p95(told: list[tuple[float, Answer]]) -> float:
    return quantiles([seconds for seconds, _answer in told], n=20)[-1]


def flooded(ports: Sequence[int], seconds: float) -> Flood:
    """Flood all processes at once for so long."""
    who, other = Person(ports[0]), Person(ports[-1])
    flood = Flood(seconds)
    for number in range(BEFORE):
        flood.before.append(_one_request(other, number))
    ends = time.monotonic() + seconds
    is_over = threading.Event()
    with ThreadPoolExecutor(THREADS + 2) as pool:
        watching = pool.submit(_watch, who, flood, is_over)
        chatting = pool.submit(_chat, other, flood, is_over)
        floods = [pool.submit(_send, _at(who, port), flood, ends) for port in _each(ports)]
        for one in floods:
            one.result()
        is_over.set()
        watching.result()
        chatting.result()
    return flood


def _each(ports: Sequence[int]) -> list[int]:
    return [ports[number % len(ports)] for number in range(THREADS)]


def _at(who: Person, port: int) -> Person:
    twin = copy(who)
    twin.port = port
    return twin


def _send(who: Person, flood: Flood, ends: float) -> None:
    name = threading.get_ident()
    number = 0
    while (began := time.monotonic()) < ends:
        number += 1
        forged = {"X-Forwarded-For": f"198.51.{number % 100}.{name % 100}"}
        answer = say(who, question(10, ANSWER_TAKES), f"f{name}-{number}", **forged)
        flood.answers.append(answer)
        pause = THREADS / MOST_A_SECOND - (time.monotonic() - began)
        time.sleep(max(0.0, pause))


def _watch(who: Person, flood: Flood, is_over: threading.Event) -> None:
    while not is_over.wait(0.1):
        _status, body = who.call("GET", "sessions?limit=100")
        running = sum(session["running"] for session in body["sessions"])
        flood.most_replies = max(flood.most_replies, running)


def _chat(other: Person, flood: Flood, is_over: threading.Event) -> None:
    number = 0
    while not is_over.wait(BETWEEN):
        number += 1
        flood.others.append(_one_request(other, BEFORE + number))


def _one_request(other: Person, number: int) -> tuple[float, Answer]:
    """Every fifth is a message, the others look."""
    began = time.monotonic()
    if number % 5:
        answer = ask(other, "GET", "sessions/current")
    else:
        answer = say(other, question(1, 0), f"o{number}")
    return time.monotonic() - began, answer
