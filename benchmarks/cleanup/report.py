"""The figures of the cleanup: what was measured, beside what was promised."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.cleanup import overdue, plain
from benchmarks.cleanup.clients import THINK, chatting
from benchmarks.cleanup.command import Run, clear
from benchmarks.figures import Bar, Figures, Table
from benchmarks.scale import databases
from benchmarks.scale.filling import Size, fill
from django_chat_sessions import clock

YEAR = 365.0  # days, over which the filled sessions are spread
MOST_TIME, MOST_DELAY, FLAT = 1.5, 2.0, 1.1
MOST_MEMORY, MOST_SECONDS = 150, 1.0
CLEARED, SWEPT = "cleared", "swept"


def measured(options: Any) -> Figures:
    """Fill, clear beside the clients, sweep with a kill, and return everything."""
    figures = Figures(
        "cleanup",
        f"Clearing {options.sessions:,} sessions while {options.clients} people chat",
        "python -m benchmarks.cleanup --keep",
    )
    size = Size(2 * options.sessions, options.messages)  # the older half goes
    databases.keep_safe(on=False)
    databases.make(size.name, partial(fill, size))
    databases.copy(CLEARED, of=size.name)
    databases.make(SWEPT, partial(overdue.fill, options.overdue))
    databases.keep_safe(on=True)
    figures.notes.append(
        f"{options.clients} processes come back, ask, are answered and read their history, and "
        f"think {THINK[0]} to {THINK[1]} s in between. The rival deletes the same rows in the same "
        "batches from a copy of the data by plain SQL, beside the same clients; its time has no "
        "start of a process in it, the command's has. Half of the rows stay. PostgreSQL writes "
        "safely (fsync, synchronous_commit)."
    )
    _clear(size, options, figures)
    _sweep(options.overdue, figures)
    return figures


@dataclass(frozen=True)
class Beside:
    """What something took, and what it did to the people who chatted beside it."""

    result: Any
    idle: float
    busy: float
    calls: int

    @property
    def delay(self) -> float:
        """The people's p95 as a multiple of what it was before."""
        return self.busy / self.idle


def _beside(database: str, options: Any, work: Callable[[], Any]) -> Beside:
    with chatting(database, options.clients) as chat:
        quiet = time.monotonic()
        time.sleep(options.idle)
        began = time.monotonic()
        result = work()
        ended = time.monotonic()
    return Beside(result, chat.p95(quiet, began), chat.p95(began, ended), chat.calls(began, ended))


def _clear(size: Size, options: Any, figures: Figures) -> None:
    days = YEAR / 2
    before = clock.after(clock.now(), -days * 86400)
    rival = _beside(size.name, options, partial(plain.delete, size.name, before))
    ours = _beside(CLEARED, options, partial(clear, CLEARED, "--older-than", str(days)))
    seconds, deleted = rival.result
    run: Run = ours.result
    ratio = run.seconds / seconds
    whose = f"p95 of {options.clients} people"
    figures.bars += [
        Bar("time of the command", f"≤ {MOST_TIME} × plain", f"{ratio:.2f} ×", ratio <= MOST_TIME),
        Bar(
            f"{whose} meanwhile",
            f"≤ {MOST_DELAY} × idle",
            f"{ours.delay:.2f} ×",
            ours.delay <= MOST_DELAY,
        ),
        _flat("memory of the command, second half beside first", run),
    ]
    rows = [
        ("plain batched DELETE", f"{deleted:,}", f"{seconds:.1f} s", "", "", *_people(rival)),
        (
            "clear_chat_sessions",
            f"{run.counts['purged']:,}",
            f"{run.seconds:.1f} s",
            f"{run.longest_transaction * 1000:.0f} ms",
            f"{max(run.megabytes):.0f} MB",
            *_people(ours),
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


def _people(beside: Beside) -> tuple[str, str, str]:
    return f"{beside.idle:.1f} ms", f"{beside.busy:.1f} ms", f"{beside.calls:,}"


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
