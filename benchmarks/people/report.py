"""What is told while people chat, and afterwards."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Self

from benchmarks.figures import Bar, Figures, Table
from benchmarks.people.beliefs import PROMISES
from benchmarks.people.processors import ADDITIONS, Times, fastest_additions
from benchmarks.people.visitor import Town

SERVER_ERROR = 500


class Progress:
    """One line on a terminal that is written anew each second; nothing in a pipe."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self._task: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._task = asyncio.ensure_future(self._tell())
        return self

    def __exit__(self, *error: object) -> None:
        if self._task is not None:
            self._task.cancel()
            sys.stderr.write("\r\033[K")

    async def _tell(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                left = max(0.0, self.town.ends_at - time.time())
                promises, counts = self.town.promises, self.town.wire.counts
                requests = sum(counts.statuses.values())
                said = f"{left:4.0f} s left: {requests} requests, {self.town.answered} answers, "
                said += f"{promises.checked.total()} checks, {promises.broken.total()} broken"
                sys.stderr.write(f"\r\033[K{said}")
                sys.stderr.flush()
                await asyncio.sleep(1)


class Lived:
    """What was measured while people chatted; before everything is read again."""

    def __init__(self, options: argparse.Namespace, town: Town, spent: Times) -> None:
        self.options = options
        self.town = town
        self.spent = spent
        self.seconds = time.time() - (town.ends_at - options.minutes * 60)
        counts = town.wire.counts
        self.took = {kind: list(took) for kind, took in counts.took.items()}
        self.events = counts.events

    def figures(self) -> Figures:
        """Return all of it."""
        options, town, counts = self.options, self.town, self.town.wire.counts
        errors = sum(n for (_kind, status), n in counts.statuses.items() if status >= SERVER_ERROR)
        lost = sum(counts.lost.values())
        broken = town.promises.broken.total()
        missing = town.promises.broken["kept"]
        asked = f"--people {options.people:g} --minutes {options.minutes:g}"
        command = f"python -m benchmarks.people {asked}"
        figures = Figures("people", "People in front of a whole site", command)
        figures.notes.append(_surroundings(options))
        figures.bars += [
            Bar("messages that were accepted and are missing", "0", f"{missing:,}", not missing),
            Bar(
                f"promises broken, of {town.promises.checked.total():,} looked at",
                "0",
                f"{broken:,}",
                not broken,
            ),
            Bar("responses of 500 and above", "0", f"{errors:,}", not errors),
            Bar("requests without a response", "0", f"{lost:,}", not lost),
            Bar("people who gave up", "0", f"{len(town.gone):,}", not town.gone),
        ]
        figures.tables += [self._load(), self._responses(), self._promises()]
        if self.spent:
            figures.tables.append(self._processors())
        unanswered = [f"no response: {kind}, {n} times" for kind, n in counts.lost.items()]
        for example in (*town.promises.examples, *town.gone[:10], *unanswered):
            print(example, file=sys.stderr)
        return figures

    def _load(self) -> Table:
        every = [took for kind in self.took.values() for took in kind]
        rows = [
            ("requests", f"{len(every):,}"),
            ("requests each second", f"{len(every) / self.seconds:.0f}"),
            ("response p50, p95, p99", ", ".join(_shares(every))),
            ("events by streams", f"{self.events:,}"),
            ("sessions", f"{len(self.town.sessions):,}"),
            ("answers finished", f"{self.town.answered:,}"),
            ("answers each second", f"{self.town.answered / self.seconds:.1f}"),
            ("wait for a worker p50, p95, p99", ", ".join(_shares(self.town.delays))),
        ]
        return Table("Load", ("what", "measured"), rows)

    def _responses(self) -> Table:
        rows = [
            (kind, f"{len(took):,}", *_shares(took)) for kind, took in sorted(self.took.items())
        ]
        return Table("Responses", ("kind", "number", "p50", "p95", "p99"), rows)

    def _promises(self) -> Table:
        promises = self.town.promises
        rows = [
            (text, f"{promises.checked[name]:,}", f"{promises.broken[name]:,}")
            for name, text in PROMISES.items()
        ]
        return Table("Promises", ("promise", "looked at", "broken"), rows)

    def _processors(self) -> Table:
        rows = [
            (kind, f"{spent:.0f} s", f"{spent / self.seconds:.2f}")
            for kind, spent in self.spent.items()
        ]
        return Table("Processor time", ("of", "in all", "processors kept busy"), rows)


def _surroundings(options: argparse.Namespace) -> str:
    workers = f"two Celery workers with {options.slots:g} threads each"
    here = "PostgreSQL with every commit on the disk, Valkey, and the people, all on this machine"
    times = f"The idle timeout is {options.idle:g} s, the longest answer {options.longest:g} s."
    speed = f"{ADDITIONS:,} additions take Python {fastest_additions() * 1000:.0f} ms here."
    return f"Two web processes (uvicorn), {workers}, {here}. {times} {speed}"


def _shares(took: Sequence[float]) -> tuple[str, str, str]:
    if len(took) < 2:
        return ("-",) * 3
    parts = statistics.quantiles(took, n=100, method="inclusive")
    middle, most, nearly_all = (f"{parts[share - 1] * 1000:.1f} ms" for share in (50, 95, 99))
    return middle, most, nearly_all
