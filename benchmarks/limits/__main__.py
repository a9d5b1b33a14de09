"""Every limit just below, at and above it, and a flood, over real HTTP.

    python -m benchmarks.limits [--keep] [--seconds 20] [--visitors 10000] [--streams 300]

Two uvicorn processes share one database, PostgreSQL unless CHAT_SESSIONS_TEST_DB says otherwise.
The limits are those of a site that says nothing about them.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Bar, Figures, Table

if TYPE_CHECKING:
    from benchmarks.limits.flooding import Flood
    from tests.durability.processes import Stage

NOTE = """\
What passes at the limit is refused one above it, by a JSON body with a code and, where waiting
helps, `Retry-After`.

In the flood one visitor sends from 8 threads to both processes, each message in a scope of its own
and with another `X-Forwarded-For`; somebody else chats meanwhile. Requests that are served at the
same instant do not see each other, so as many as there are threads may pass beyond a limit."""


def main(arguments: list[str]) -> int:
    """Measure, print, and keep the figures if that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limits", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="write the file of the evidence page")
    for name, default in (("seconds", 20), ("visitors", 10_000), ("streams", 300)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args(arguments)
    os.environ.setdefault("CHAT_SESSIONS_TEST_DB", "postgres")
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings.durability"
    import django

    django.setup()  # starts the database server that the processes share
    from tests.durability.processes import KIND, Database, Stage, migrate

    figures = Figures("limits", "Limits that hold", "python -m benchmarks.limits")
    figures.notes += [NOTE, f"The database was {KIND}."]
    with tempfile.TemporaryDirectory() as name:
        database = Database(Path(name))
        migrate(database)
        stage = Stage(database, Path(name))
        try:
            _measure(figures, stage, options)
        finally:
            stage.close()
            database.drop()
    return figures.concluded(keep=options.keep)


def _measure(figures: Figures, stage: Stage, options: argparse.Namespace) -> None:
    from benchmarks.limits import crowds, edges, flooding

    servers = [stage.server("uvicorn", limits="default", lease="30") for _ in range(2)]
    for server in servers:
        server.start(PGAPPNAME="limits")
    _say("below, at and above")
    tried = edges.tried(servers[0].port)
    columns = ("limit", "value", "just below", "at it", "just above")
    figures.tables.append(Table("Each limit", columns, [edge.row for edge in tried]))
    held = sum(edge.holds for edge in tried)
    figures.bars.append(Bar("limits that hold", f"{len(tried)}", f"{held}", met=held == len(tried)))
    _say(f"a flood of {options.seconds} s")
    flood = flooding.flooded([server.port for server in servers], options.seconds)
    figures.tables.append(Table("A flood by one visitor", ("what", "figure"), flood.rows))
    figures.bars += _bars_of(flood)
    _say(f"{options.visitors} visitors without a cookie")
    figures.bars.append(crowds.without_cookie(stage, servers[0].port, options.visitors))
    _say(f"{options.streams} streams")
    figures.bars += crowds.with_streams(stage, servers[0].port, options.streams)
    _say("streams at a server that cannot stream")
    figures.bars.append(crowds.at_a_sync_server(stage))


def _bars_of(flood: Flood) -> list[Bar]:
    from benchmarks.limits.flooding import THREADS
    from django_chat_sessions.limits import Limits

    minute, replies = Limits().messages_per_minute or 0, Limits().replies_at_once or 0
    slowest = flood.p95_of_others
    return [
        Bar(
            "messages of the flood that pass in the first minute",
            f"≤ {minute} + {THREADS} at once",
            str(flood.passed),
            met=0 < flood.passed <= minute + THREADS,
        ),
        Bar(
            "answers written at once for the one who floods",
            f"≤ {replies} + {THREADS} at once",
            str(flood.most_replies),
            met=0 < flood.most_replies <= replies + THREADS,
        ),
        Bar(
            "refusals that say when to come back",
            "all",
            f"{flood.told} of {flood.refused}",
            met=flood.told == flood.refused > 0,
        ),
        Bar("other answers, or none", "0", str(flood.failed), met=flood.failed == 0),
        Bar(
            "somebody else's request meanwhile, p95",
            "< 500 ms, none refused",
            f"{1000 * slowest:.0f} ms, {flood.others_refused} refused",
            met=slowest < 0.5 and flood.others_refused == 0,
        ),
    ]


def _say(what: str) -> None:
    if sys.stderr.isatty():
        print(f"{what} …", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
