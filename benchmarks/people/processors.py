"""Which processes spend the processor time; known on Linux only."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from benchmarks.people.site import Site
from tests import databases

ADDITIONS = 1_000_000
PROCESSES = Path("/proc")
BROKERS = ("valkey-server", "redis-server")
Times = dict[str, float]
Known = dict[int, tuple[str, int, float]]


def processor_time(site: Site, since: Times | None = None) -> Times:
    """Return the seconds of processor time that each kind of process has spent; {} elsewhere."""
    if not (site.web and PROCESSES.joinpath("self", "stat").exists()):
        return {}
    all_of_them = _all()
    own = os.getpid()
    kinds: dict[str, set[int]] = {
        "the web processes": set(site.web),
        "the workers": set(site.workers),
        "PostgreSQL": _of_postgres(all_of_them),
        "Valkey": {
            pid
            for pid, (name, parent, _spent) in all_of_them.items()
            if parent == own and name in BROKERS
        },
        "the people": {own},
    }
    times = {
        kind: sum(all_of_them[pid][2] for pid in pids if pid in all_of_them)
        for kind, pids in kinds.items()
    }
    return {kind: spent - (since or {}).get(kind, 0.0) for kind, spent in times.items()}


def spent_by_postgres() -> float:
    """Return the seconds of processor time that the server of the tests has spent."""
    all_of_them = _all()
    return sum(all_of_them[pid][2] for pid in _of_postgres(all_of_them))


def fastest_additions() -> float:
    """Return the seconds in which Python adds a million numbers, the best of five: its speed here.

    The same people wait for milliseconds on one machine and for seconds on another half as fast.
    """
    return min(_additions() for _ in range(5))


def _additions() -> float:
    began, total = time.process_time(), 0
    for number in range(ADDITIONS):
        total += number
    return time.process_time() - began


def _of_postgres(all_of_them: Known) -> set[int]:
    settings = json.loads(os.environ[databases.CONNECTION])["settings"]
    noted = Path(settings["HOST"], "data", "postmaster.pid").read_text()
    first = int(noted.split()[0])
    return {pid for pid, (_name, parent, _spent) in all_of_them.items() if first in (pid, parent)}


def _all() -> Known:
    return {int(each.name): _stat(each) for each in PROCESSES.glob("[0-9]*")}


def _stat(process: Path) -> tuple[str, int, float]:
    """Return the name, the parent and the seconds of a process, those of its dead children too."""
    try:
        text = process.joinpath("stat").read_text(errors="replace")
    except OSError:  # it has ended meanwhile
        return "", 0, 0.0
    name, _bracket, rest = text.partition("(")[2].rpartition(")")
    fields = rest.split()
    return name, int(fields[1]), sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
