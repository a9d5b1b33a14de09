"""Rounds: in each, every case is measured with one subject after the other, in shuffled order."""

from __future__ import annotations

import dataclasses
import json
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.progress import tell
from benchmarks.speed.subject import Place, Sizes


class Case(NamedTuple):
    """One cell of the table."""

    operation: str
    size: int
    clients: int = 1


@dataclasses.dataclass
class Measured:
    """What one subject took for one case in one round. Seconds."""

    took: list[float]
    client_cpu: float
    server_cpu: float
    per_second: float


# subject -> case -> one for each round that it took part in, from the first on
Results = dict[str, dict[Case, list[Measured]]]


class Worker:
    """A subject in its process."""

    def __init__(self, name: str, dotted: str, place: Place, sizes: Sizes) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.speed.worker", dotted],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._say({"place": dataclasses.asdict(place), "sizes": dataclasses.asdict(sizes)})

    def filled(self) -> None:
        """Wait until the tables are full."""
        self.operations: list[str] = self._answer()["operations"]

    def measure(self, case: Case, seconds: float) -> Measured:
        self._say({**case._asdict(), "seconds": seconds})
        return Measured(**self._answer())

    def end(self) -> None:
        self.process.communicate()  # its input ends, and so does it

    def _say(self, order: dict[str, Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(order, default=dict) + "\n")
        self.process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} ended before it had answered; what it said stands above.")
        answer: dict[str, Any] = json.loads(line)
        return answer


def run(
    workers: Sequence[Worker],
    cases: Sequence[Case],
    rounds: int,
    seconds: float,
    rounds_of: Mapping[str, int],
) -> Results:
    """Measure every case of every subject so many times; some in the first rounds only."""
    results: Results = {worker.name: {} for worker in workers}
    for number in range(rounds):
        for case in cases:
            tell(f"round {number + 1} of {rounds}: {case.operation}, {case.size}, {case.clients}")
            turns = [
                worker
                for worker in workers
                if case.operation in worker.operations
                and number < rounds_of.get(worker.name, rounds)
            ]
            random.shuffle(turns)
            for worker in turns:
                measured = worker.measure(case, seconds)
                results[worker.name].setdefault(case, []).append(measured)
    return results
