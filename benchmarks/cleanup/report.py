"""The figures of the cleanup: what was measured, beside what was promised."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.cleanup import overdue, plain
from benchmarks.cleanup.clients import THINK, chatting
from benchmarks.cleanup.command import Run, clear, delete
from benchmarks.figures import Bar, Figures, Table
from benchmarks.scale import databases
from benchmarks.scale.filling import Size, fill
from django_chat_sessions import clock

YEAR = 365.0  # days, over which the filled sessions are spread
MOST_TIME, MOST_DELAY, FLAT = 1.5, 2.0, 1.1
MOST_MEMORY, MOST_SECONDS = 150, 1.0
COPY, SWEPT = "copy", "swept"


def measured(options: Any) -> Figures:
    """Fill, clear beside the clients, sweep with a kill, and return everything."""
    figures = Figures(
        "cleanup",
        f"Clearing {options.sessions:,} sessions while {options.clients} people chat",
        "python -m benchmarks.cleanup --keep",
    )
    size = Size(2 * options.sessions, options.messages)  # the older half goes
    figures.notes.append(
        f"{options.clients} processes come back, ask, are answered and read their history, and "
        f"think {THINK[0]} to {THINK[1]} s in between. The rival, psycopg alone, deletes the same "
        "rows in the same batches, beside the same clients. Each has a process of its own, whose "
        "start is in its time, and a fresh copy of the same data; each runs twice, and the two are "
        "added up. Half of the rows stay. PostgreSQL writes safely (fsync, synchronous_commit)."
    )
    _unsafely(partial(databases.make, size.name, partial(fill, size)))
    _clear(size, options, figures)
    databases.drop(size.name)
    _unsafely(partial(databases.make, SWEPT, partial(overdue.fill, options.overdue)))
    _sweep(options.overdue, figures)
    return figures


def _unsafely(fill: Callable[[], Any]) -> None:
    """Fill without waiting for the disk; afterwards everything is on it."""
    databases.keep_safe(on=False)
    fill()
    databases.keep_safe(on=True)


@dataclass(frozen=True)
class Beside:
    """What something took, and what it did to the people who chatted beside it."""

    run: Run
    idle: float  # their p95 before, in milliseconds
    busy: float
    calls: int

    @property
    def row(self) -> tuple[str, ...]:
        """What is shown of it."""
        return (
            f"{self.run.counts['purged']:,}",
            f"{self.run.seconds:.1f} s",
            f"{self.run.longest_transaction * 1000:.0f} ms",
            f"{max(self.run.megabytes):.0f} MB",
            f"{self.idle:.1f} ms",
            f"{self.busy:.1f} ms",
            f"{self.calls:,}",
        )


def _beside(size: Size, options: Any, work: Callable[[], Run]) -> Beside:
    """Do the work beside people, on a copy of the data that nobody has touched."""
    _unsafely(partial(databases.copy, COPY, of=size.name))
    with chatting(COPY, options.clients) as chat:
        quiet = time.monotonic()
        time.sleep(options.idle)
        began = time.monotonic()
        run = work()
        ended = time.monotonic()
    databases.drop(COPY)
    return Beside(run, chat.p95(quiet, began), chat.p95(began, ended), chat.calls(began, ended))


def _clear(size: Size, options: Any, figures: Figures) -> None:
    days = YEAR / 2
    before = clock.after(clock.now(), -days * 86400)
    plain = ("plain batched DELETE", partial(delete, COPY, before))
    command = ("clear_chat_sessions", partial(clear, COPY, "--older-than", str(days)))
    done: dict[str, list[Beside]] = {plain[0]: [], command[0]: []}
    rows = []
    # In this order, what a machine does besides, or gets slower by, falls on both.
    for name, work in (plain, command, command, plain):
        beside = _beside(size, options, work)
        done[name].append(beside)
        rows.append((name, *beside.row))
    rival, ours = done.values()
    ratio = _sum(ours, lambda one: one.run.seconds) / _sum(rival, lambda one: one.run.seconds)
    delay = _sum(ours, lambda one: one.busy) / _sum(ours, lambda one: one.idle)
    whose = f"p95 of {options.clients} people"
    figures.bars += [
        Bar("time of the command", f"≤ {MOST_TIME} × plain", f"{ratio:.2f} ×", ratio <= MOST_TIME),
        Bar(f"{whose} meanwhile", f"≤ {MOST_DELAY} × idle", f"{delay:.2f} ×", delay <= MOST_DELAY),
        _flat(
            "memory of the command, second half beside first",
            max((one.run for one in ours), key=lambda run: run.growth),
        ),
    ]
    columns = ("", "sessions", "time", "longest transaction", "memory")
    figures.tables.append(
        Table(
            "Beside people who chat",
            (*columns, f"{whose}, idle", "meanwhile", "calls meanwhile"),
            rows,
        )
    )


def _sum(runs: list[Beside], figure: Callable[[Beside], float]) -> float:
    return sum(map(figure, runs))


def _flat(what: str, run: Run) -> Bar:
    return Bar(what, f"≤ {FLAT} ×", f"{run.growth:.2f} ×", run.growth <= FLAT)


def _sweep(sessions: int, figures: Figures) -> None:
    """Sweep them all; the first run is killed on the way, and the second does the rest."""
    killed = clear(SWEPT, kill_at=sessions * 3 // 10)
    with databases.within(SWEPT):
        between = overdue.left()
    rest = clear(SWEPT)
    with databases.within(SWEPT):
        left = overdue.left()
    runs = (
        ("killed with SIGKILL", killed, sessions - between),
        ("run again", rest, between - left),
    )
    memory = max(max(run.megabytes) for _name, run, _swept in runs)
    longest = max(run.longest_transaction for _name, run, _swept in runs)
    goes_on = killed.code == -9 and 0 < between < sessions and rest.counts["swept"] == between
    figures.bars += [
        Bar(
            f"S-03: {sessions:,} overdue sessions, killed and run again",
            "the rest is swept, exit code 0",
            f"{rest.counts.get('swept', 0):,} of {between:,} left, exit code {rest.code}",
            goes_on and left == 0 and rest.code == 0,
        ),
        Bar(
            "S-03: longest transaction",
            f"< {MOST_SECONDS} s",
            f"{longest:.2f} s",
            longest < MOST_SECONDS,
        ),
        Bar("S-03: memory", f"< {MOST_MEMORY} MB", f"{memory:.0f} MB", memory < MOST_MEMORY),
        _flat("S-03: memory, second half beside first", rest),
        Bar(
            "S-03: progress on a terminal",
            "told after each batch",
            f"{len(rest.progress)} times",
            len(rest.progress) >= between // plain.BATCH,
        ),
    ]
    rows = [
        (
            name,
            f"{swept:,}",
            f"{run.seconds:.1f} s",
            f"{swept / run.seconds:,.0f}",
            f"{run.longest_transaction * 1000:.0f} ms",
            f"{max(run.megabytes):.0f} MB",
        )
        for name, run, swept in runs
    ]
    columns = ("", "swept", "time", "sessions a second", "longest transaction", "memory")
    figures.tables.append(Table(f"Sweeping {sessions:,} overdue sessions", columns, rows))
