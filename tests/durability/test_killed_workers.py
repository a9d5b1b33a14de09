"""SIGKILL of a real worker of Django's tasks, and of Celery's, while it writes answers."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.durability.kills import GRACE, Asked
from tests.durability.processes import CELERY_WORKER, DB_WORKER, Stage
from tests.durability.readers import Person, Reader
from tests.durability.words import question

LEASE = 3.0


@dataclass
class Rounds:
    """How often, over how long an answer, and at which moments."""

    number: int
    seconds: float
    dice: random.Random


@pytest.fixture
def rounds(is_long: bool, dice: random.Random) -> Rounds:
    return Rounds(50, 10.0, dice) if is_long else Rounds(1, 2.0, dice)


@pytest.mark.parametrize("runner", ["tasks", "celery"])
def test_no_kill_of_a_worker_loses_a_question_or_spoils_an_answer(
    stage: Stage, valkey: str, runner: str, rounds: Rounds, tell: Callable[[str], None]
) -> None:
    kills, seconds = rounds.number, rounds.seconds
    command = {"tasks": DB_WORKER, "celery": CELERY_WORKER}[runner]
    settings = {"runner": runner, "lease": str(LEASE), "broker": valkey}
    # Who recovers decides: the web process, for its reader, or a worker that starts.
    choices = [2, 1][:kills]
    servers = {n: stage.server(attempts=str(n), **settings).start() for n in choices}
    workers = {n: stage.process(command, attempts=str(n), **settings) for n in choices}
    slowest, ends = 0.0, []
    for number in range(kills):
        attempts = choices[number % 2]
        server, worker = servers[attempts], workers[attempts]
        worker.start()
        asked = Asked(Reader(Person(server.port)), question(int(seconds * 20), seconds))
        asked.ask()
        time.sleep(rounds.dice.uniform(0.3, seconds))
        killed_at = time.monotonic()
        worker.end(signal.SIGKILL)
        if attempts > 1:
            worker.launch()  # its reader does not wait for it
        asked.follow(within=2 * seconds + 4 * (LEASE + GRACE))
        worker.end(signal.SIGKILL)
        end = asked.check(stage.database, attempts)
        ends.append(f"{end['state']} {end['attempt']}")
        assert asked.taken_up_at is not None
        slowest = max(slowest, asked.taken_up_at - killed_at)
        if number % 10 == 9:
            tell(f"{number + 1} kills")
    counted = ", ".join(f"{ends.count(end)} {end}" for end in sorted(set(ends)))
    tell(f"{kills} kills, no question lost; state and attempt: {counted}")
    tell(f"known to its reader after {slowest:.2f} s at most, of {LEASE + GRACE}")
    assert slowest <= LEASE + GRACE
