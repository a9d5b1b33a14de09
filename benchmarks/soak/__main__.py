"""Let people chat for half an hour, and see whether the servers are at its end as they were.

    python -m benchmarks.soak [--minutes 30] [--people 24] [--keep]

One uvicorn and one gunicorn with threads, on a PostgreSQL of their own. Their people chat, follow
streams or poll, leave in the middle of an answer and come back. Every few seconds: memory, file
descriptors and threads of each server, and its connections to the database. After each third
everybody leaves for a moment: what is left then after the last third is compared with what was
left after the first, which warmed everything up.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.figures import Bar, Figures, Table
from benchmarks.progress import tell

if TYPE_CHECKING:
    from benchmarks.soak.crowd import Meter
    from tests.durability.processes import Database

EVERY = 5.0  # seconds between two samples
THIRDS = 3
MOST_GROWTH = 5.0  # percent of memory, between the first third and the last
SERVERS = ("uvicorn", "gunicorn-gthread")
COUNTED = ("memory, MiB", "descriptors", "threads", "connections")


def main(arguments: list[str]) -> int:
    """Measure; exit with 1 where something grew."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--people", type=int, default=24, help="at each of the two servers")
    parser.add_argument("--keep", action="store_true", help="keep the figures for the evidence")
    options = parser.parse_args(arguments)
    if options.minutes <= 0 or options.people < 1:
        parser.error("--minutes and --people must be more than nothing.")
    os.environ["CHAT_SESSIONS_TEST_DB"] = "postgres"  # read at the imports below
    from benchmarks.soak.crowd import Crowd, Meter
    from tests.durability.processes import Stage, migrate
    from tests.faults.own_postgres import own_postgres

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = stack.enter_context(own_postgres())
        migrate(database)
        stage = Stage(database, folder)
        stack.callback(stage.close)
        servers = {
            kind: stage.server(kind, attempts="2", lease="60").start(PGAPPNAME=kind)
            for kind in SERVERS
        }
        crowds = [Crowd(kind, servers[kind].port, options.people) for kind in SERVERS]
        meter = Meter(servers, database)
        for third in range(THIRDS):
            for crowd in crowds:
                crowd.begin()
            _watch(meter, options.minutes, third)
            for crowd in crowds:
                crowd.end()
            meter.rest()
        figures = _figures(options, meter)
        figures.bars.append(_nothing_lost(sum(crowd.taken for crowd in crowds), database))
    return figures.concluded(keep=options.keep)


def _watch(meter: Meter, minutes: float, third: int) -> None:
    seconds, began = 60 * minutes / THIRDS, time.monotonic()
    meter.begin()
    while (gone := time.monotonic() - began) < seconds:
        meter.sample()
        tell(f"{third * minutes / THIRDS + gone / 60:.1f} of {minutes:g} minutes")
        time.sleep(min(EVERY, seconds))


def _figures(options: argparse.Namespace, meter: Meter) -> Figures:
    command = f"python -m benchmarks.soak --minutes {options.minutes:g} --people {options.people}"
    figures = Figures("soak", "A long time of chatting", command)
    figures.notes.append(
        f"For {options.minutes:g} minutes {options.people} people at each server chat, follow, "
        "leave in the middle of an answer and come back. After each third all leave for a moment: "
        "the bars compare what is left after the first third and after the last."
    )
    rows = []
    for kind in SERVERS:
        for place, what in enumerate(COUNTED):
            busy = [median(one[kind][place] for one in third) for third in meter.thirds]
            left = [rest[kind][place] for rest in meter.rests]
            values = (busy[0], busy[-1], *left)
            rows.append((kind, what, *(f"{value:.0f}" for value in values)))
            figures.bars.append(_flat(kind, what, left[0], left[-1]))
    columns = ["server", "what", "first third, median", "last third, median"]
    columns += [f"left after third {number + 1}" for number in range(THIRDS)]
    figures.tables.append(Table("Memory, descriptors, threads and connections", columns, rows))
    return figures


def _nothing_lost(taken: int, database: Database) -> Bar:
    sql = "SELECT count(*) FROM chat_sessions_chatmessage WHERE role = 'user'"
    stored = int(database.query(sql)[0][0])
    promised = "as many stored as were taken"
    return Bar("questions", promised, f"{stored} stored of {taken} taken", stored == taken)


def _flat(kind: str, what: str, first: float, last: float) -> Bar:
    if what == COUNTED[0]:
        growth = 100 * (last - first) / first
        met = growth <= MOST_GROWTH
        return Bar(f"{kind}: {what}", f"≤ +{MOST_GROWTH:.0f} %", f"{growth:+.1f} %", met)
    return Bar(f"{kind}: {what}", f"≤ {first:.0f}", f"{last:.0f}", last <= first)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
