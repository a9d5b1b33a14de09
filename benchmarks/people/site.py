"""The whole site on this machine: PostgreSQL, Valkey, web processes and workers, all our own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import databases
from tests.durability.processes import ROOT, Process, broker

HOST = "127.0.0.1"
WEB = (
    "uvicorn --factory django.core.asgi:get_asgi_application --lifespan off --port {port}"
    " --no-access-log --log-level warning --timeout-keep-alive 75"
)
WORKER = (
    "celery --app benchmarks.people.celery_app worker --pool threads --concurrency {slots}"
    " --loglevel INFO --without-gossip --without-mingle --without-heartbeat"
    " --hostname {{unique}}"
)


@dataclass
class Site:
    """Where the web processes listen, and the numbers of the processes."""

    addresses: list[tuple[str, int]]
    web: list[int]
    workers: list[int]


@contextmanager
def running(*, idle: float, slots: int, web: int = 2, workers: int = 2) -> Iterator[Site]:
    """Start everything, and leave nothing of it behind. `slots` are the answers of one worker."""
    for theirs in ("DATABASE_URL", databases.CONNECTION):  # nobody's own database is filled
        os.environ.pop(theirs, None)
    os.environ |= {databases.KIND: "postgres", databases.DURABLE: "1"}
    databases.databases()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        address = stack.enter_context(broker(folder))
        environment = {
            "DJANGO_SETTINGS_MODULE": "benchmarks.people.settings",
            "PEOPLE_BROKER": address,
            "PEOPLE_IDLE": str(idle),
        }
        _migrate(environment)
        started: dict[str, list[Process]] = {"web": [], "worker": []}
        for kind, command, count in (
            ("web", WEB, web),
            ("worker", WORKER.format(slots=slots), workers),
        ):
            for _ in range(count):
                process = Process(command, folder, **environment)
                stack.callback(process.end)
                started[kind].append(process.start())
        yield Site(
            [(HOST, process.port) for process in started["web"]],
            [process.pid for process in started["web"]],
            [process.pid for process in started["worker"]],
        )
        _show_complaints(started)


def _migrate(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=True)


def _show_complaints(started: dict[str, list[Process]]) -> None:
    """Print what a process has said that is no news: errors have to be seen."""
    for kind, processes in started.items():
        for process in processes:
            rows = [row for row in process.log().splitlines() if "ERROR" in row or "Error" in row]
            for row in rows[:10]:
                print(f"{kind}: {row}", file=sys.stderr)
