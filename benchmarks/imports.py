"""What the package adds to the start of a Django site, and that it starts nothing by itself.

    python -m benchmarks.imports [--runs N] [--keep]

Each run is a Python process of its own that sets Django up, with the package in INSTALLED_APPS or
without it, in turn. In the same processes an audit hook notes every thread, process, socket (an
event loop, and so a task, has one) and database connection that is begun; threads from Python 3.12
on, which is the first to tell of them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from benchmarks.figures import Bar, Figures, Table

ROOT = Path(__file__).resolve().parents[1]
MOST = 60  # milliseconds on top of Django
RUNS = 31
DJANGO = ("django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions")
PACKAGE = ("django_chat_sessions", "django_chat_sessions.default_models")
PROBE = textwrap.dedent("""
    import json, sys, time
    begun = []
    BEGINNINGS = ("_thread.start", "socket.__new__", "sqlite3.connect", "subprocess.Popen",
                  "os.fork", "os.posix_spawn")
    def note(event, arguments):
        if event.startswith(BEGINNINGS):
            begun.append(event)
    sys.addaudithook(note)
    apps = sys.argv[1].split()
    before, wall, processor = len(sys.modules), time.perf_counter(), time.process_time()
    import django
    from django.conf import settings
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    settings.configure(INSTALLED_APPS=apps, DATABASES={"default": database}, USE_TZ=True)
    django.setup()
    facts = {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor,
             "modules": len(sys.modules) - before}
    if "django_chat_sessions" in apps:
        import django_chat_sessions.urls, django_chat_sessions.middleware
    print(json.dumps({**facts, "begun": begun}))
""")


def start(apps: tuple[str, ...]) -> dict[str, Any]:
    """Set Django up with these apps in a process of its own; return what that cost and began."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROBE, " ".join(apps)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"Django could not be set up: {done.stderr.strip().splitlines()[-1]}")
    return dict(json.loads(done.stdout))


def measure(runs: int) -> Figures:
    """Start both kinds in turn, so that what else the machine does meets them alike."""
    alone: list[dict[str, Any]] = []
    together: list[dict[str, Any]] = []
    for number in range(runs + 1):
        alone.append(start(DJANGO))
        together.append(start((*DJANGO, *PACKAGE)))
        if number == 0:  # it compiles what was never imported before
            alone.clear()
            together.clear()
    figures = Figures(
        name="imports",
        title="What the package adds to the start of a site",
        command="python -m benchmarks.imports",
        notes=[f"{runs} processes of each kind, in turn; medians, in the bar that of the pairs."],
    )
    rows = [("Django with its own apps", alone), ("with the package", together)]
    columns = ("INSTALLED_APPS", "time", "processor", "modules")
    figures.tables.append(Table("Setting Django up", columns, [_row(*row) for row in rows]))
    pairs = zip(alone, together, strict=True)
    added = statistics.median(more["wall"] - less["wall"] for less, more in pairs) * 1000
    figures.bars.append(
        Bar("time on top of Django", f"≤ {MOST} ms", f"{added:.0f} ms", met=added <= MOST)
    )
    begun = sorted({event for run in together for event in run["begun"]})
    what = "threads, processes, sockets, tasks and connections begun by it"
    figures.bars.append(Bar(what, "none", ", ".join(begun) or "none", met=not begun))
    return figures


def _row(what: str, runs: list[dict[str, Any]]) -> tuple[str, ...]:
    times = [f"{_milliseconds(runs, kind):.0f} ms" for kind in ("wall", "processor")]
    return what, *times, str(runs[0]["modules"])


def _milliseconds(runs: list[dict[str, Any]], kind: str) -> float:
    return float(statistics.median(run[kind] for run in runs)) * 1000


def main(arguments: list[str]) -> int:
    """Measure, print, and keep what was measured where that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imports", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="processes of each kind")
    parser.add_argument("--keep", action="store_true", help="keep the figures for the evidence")
    options = parser.parse_args(arguments)
    figures = measure(max(options.runs, 1))
    return figures.concluded(keep=options.keep)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
