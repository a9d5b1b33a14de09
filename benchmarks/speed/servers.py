"""A database server that keeps its promises, unlike the tests' one, which forgets at a crash."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.speed.subject import Place
from tests.databases import DURABLE, SUPERVISOR


@contextlib.contextmanager
def places(kind: str) -> Iterator[Callable[[str], Place]]:
    """Yield what gives each subject a new, empty database; all go away afterwards."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="chat-sessions-speed-") as folder:
            yield lambda name: Place(kind, {"NAME": str(Path(folder, f"{name}.sqlite3"))})
        return
    with _postgres() as settings:
        import psycopg

        def new(name: str) -> Place:
            known = {"dbname": settings["NAME"], "user": settings["USER"], "host": settings["HOST"]}
            with psycopg.connect(**known, autocommit=True) as connection:
                connection.execute(f'CREATE DATABASE "speed_{name}"')
            return Place(kind, {**settings, "NAME": f"speed_{name}"})

        yield new


@contextlib.contextmanager
def _postgres() -> Iterator[dict[str, Any]]:
    supervisor = subprocess.Popen(
        [sys.executable, SUPERVISOR, "postgres"],
        env=os.environ | {DURABLE: "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert supervisor.stdout
        answer = json.loads(supervisor.stdout.readline() or '{"error": "No server was started."}')
        if "error" in answer:
            sys.exit(answer["error"])
        yield answer
    finally:
        supervisor.communicate()
