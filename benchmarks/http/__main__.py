"""Measure the package over HTTP beside bare views that send the same statements.

    python -m benchmarks.http [--rounds N] [--requests N] [--keep]

Real processes of uvicorn and gunicorn on a PostgreSQL that keeps what it has committed. Each
request of the package is followed or preceded by one of the bare view: same middleware, same
login, same SQL, as much JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import django

from benchmarks.figures import Bar, Figures, Table
from benchmarks.progress import tell
from benchmarks.speed.servers import places
from tests import databases

if TYPE_CHECKING:
    from benchmarks.http.visiting import Results

MOST = 1.3  # times the bare view
SITE = "benchmarks.http.site"
SERVERS = ("uvicorn", "gunicorn-gthread")
TIMES = "\N{MULTIPLICATION SIGN}"
SESSIONS, MESSAGES = 300, 20  # that the owner has ended before


def main(arguments: list[str]) -> int:
    """Start the site, ask, print; 1 where a bar was not met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--requests", type=int, default=60, help="of each kind in a round")
    parser.add_argument("--keep", action="store_true", help="write the figures for the evidence")
    options = parser.parse_args(arguments)
    if options.rounds < 1 or options.requests < 1:
        parser.error("There must be one round at least, and one request in it.")
    missing = [name for name in ("psycopg_pool", "uvicorn", "gunicorn") if find_spec(name) is None]
    if missing:
        sys.exit("Needed and not installed: pip install 'psycopg[pool]' uvicorn gunicorn.")
    figures = _measured(options.rounds, options.requests)
    return figures.concluded(keep=options.keep)


def _measured(rounds: int, requests: int) -> Figures:
    with places("postgres") as new, tempfile.TemporaryDirectory() as folder:
        settings = dict(new("http").settings)
        os.environ[databases.KIND] = "postgres"
        os.environ[databases.CONNECTION] = json.dumps({"kind": "postgres", "settings": settings})
        os.environ["DJANGO_SETTINGS_MODULE"] = SITE
        tell("filling")
        django.setup()
        from benchmarks.http.endpoints import ENDPOINTS
        from benchmarks.http.preparing import prepared
        from benchmarks.http.visiting import visit

        visitor = prepared(SESSIONS, MESSAGES)
        with _served(Path(folder)) as ports:
            results = visit(ports, visitor, ENDPOINTS, rounds=rounds, requests=requests)
    return figures_of(results, rounds, requests)


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[dict[str, int]]:
    """Run every server; yield their ports."""
    from tests.durability import processes

    with contextlib.ExitStack() as stack:
        started = {}
        for server in SERVERS:
            command = processes.SERVERS[server]
            process = processes.Process(command, folder, DJANGO_SETTINGS_MODULE=SITE)
            stack.callback(process.end)
            started[server] = process.start().port
        yield started


def figures_of(results: Results, rounds: int, requests: int) -> Figures:
    """Return the figures: ratios are medians over rounds, of the medians in a round."""
    figures = Figures(
        name="http",
        title="Over HTTP, beside a bare view",
        command="python -m benchmarks.http",
        notes=[
            (
                f"{rounds} rounds of {requests} requests to each, one after the other on one "
                "connection. A bare view sends the same statements by a cursor and answers with as "
                "much JSON, behind the same middleware and login. PostgreSQL with fsync and "
                "synchronous_commit; connections from psycopg's pool."
            ),
        ],
    )
    columns = ("endpoint", "answer", "bare view: median / p95", "package: median / p95", "ratio")
    for server in dict.fromkeys(server for server, _name in results):
        rows = []
        for (at, name), found in results.items():
            if at != server:
                continue
            ratio = statistics.median(map(_ratio, found.package, found.bare))
            told = f"{ratio:.2f} {TIMES}"
            what = f"{name}, {server}"
            figures.bars.append(Bar(what, f"≤ {MOST} {TIMES}", told, met=ratio <= MOST))
            rows.append(
                (name, f"{found.size:,} bytes", _took(found.bare), _took(found.package), told)
            )
        figures.tables.append(Table(server, columns, rows))
    return figures


def _ratio(package: list[float], bare: list[float]) -> float:
    return statistics.median(package) / statistics.median(bare)


def _took(rounds: list[list[float]]) -> str:
    every = sorted(took for took_in_round in rounds for took in took_in_round)
    late = every[min(len(every) - 1, int(len(every) * 0.95))]
    return f"{statistics.median(every) * 1000:.2f} / {late * 1000:.2f} ms"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
