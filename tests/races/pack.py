"""A pack of real processes that do something at the same instant, on the database of the tests.

``Pack`` lives in the test and talks to ``python -m tests.races.pack``, which sets Django up once
and forks the racers; each opens a connection of its own. Times are the machine's own here.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import subprocess
import sys
from typing import Any

from tests import databases

RACERS = 16
KIND = os.environ.get(databases.KIND) or "sqlite"
VARIANTS = {  # ways in which a host may have set its database up
    "sqlite": ["IMMEDIATE", "DEFERRED"],
    "postgres": ["read committed"],
    "mariadb": ["read committed", "repeatable read"],
}[KIND]
TRANSACTION_MODE = "CHAT_SESSIONS_RACES_TRANSACTION_MODE"  # SQLite only


class Pack:
    """Sixteen processes that wait for the word."""

    def __init__(self, database: str, variant: str) -> None:
        environment = {**os.environ, databases.NAME: database}
        if variant in ("DEFERRED", "IMMEDIATE"):
            environment[TRANSACTION_MODE] = variant
        else:
            environment[databases.ISOLATION] = variant
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.races.pack"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def race(self, *starters: dict[str, Any]) -> list[Any]:
        """Let each racer do what its starter says, all at once; return what came of it.

        Each starter is ``{"do": name in tests.races.moves, ...arguments}``. A move that raises
        gives ``{"raised": "TypeName: sentence"}``.
        """
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(starters) + "\n")
        self.process.stdin.flush()
        said = self.process.stdout.readline()
        assert said, "The racers ended before their time; see their traceback above."
        results: list[Any] = json.loads(said)
        return results

    def all(self, **starter: Any) -> list[Any]:
        """Let all sixteen do the same."""
        return self.race(*[starter] * RACERS)

    def close(self) -> None:
        """Let them go; their connections are closed when this returns."""
        self.process.communicate()


def _run(pipe: Any, barrier: Any) -> None:
    from django.db import connections

    moves = importlib.import_module("tests.races.moves")
    while (starter := pipe.recv()) is not None:
        move = getattr(moves, starter.pop("do"))
        barrier.wait(60)
        try:
            pipe.send(move(**starter))
        except Exception as error:  # noqa: BLE001  what a racer met is the result of the race
            pipe.send({"raised": f"{type(error).__name__}: {error}"})
    connections.close_all()


def main() -> None:
    """Fork the racers and start a race for each line of input."""
    import django
    from django.conf import settings

    if os.environ.get(TRANSACTION_MODE) == "DEFERRED":  # Django's own defaults
        settings.DATABASES["default"]["OPTIONS"] = {}
    django.setup()
    importlib.import_module("tests.races.moves")  # once, before there are sixteen
    importlib.import_module(settings.ROOT_URLCONF)
    importlib.import_module("django.test")
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(RACERS)
    racers: list[tuple[Any, Any]] = []
    for _ in range(RACERS):
        ours, theirs = context.Pipe()
        racer = context.Process(target=_run, args=(theirs, barrier), daemon=True)
        racer.start()
        racers.append((racer, ours))
    for line in sys.stdin:
        starters = json.loads(line)
        for (_racer, pipe), starter in zip(racers, starters, strict=True):
            pipe.send(starter)
        sys.stdout.write(json.dumps([pipe.recv() for _racer, pipe in racers]) + "\n")
        sys.stdout.flush()
    for racer, pipe in racers:
        pipe.send(None)
        racer.join()


if __name__ == "__main__":
    main()
