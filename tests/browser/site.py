"""The example site as a person would run it: a process, a port and a database of its own."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "example_project"
STUDENT, PASSWORD = "student", "student-pass"
READY_WITHIN = 60.0
STOPS_WITHIN = 20.0
# Names the file in which `let_pass` notes the seconds that have passed.
PASSED = "XP_SECONDS_PASSED_FILE"
# The address that answers when all other requests are answered.
QUIET = "/quiet"
QUIET_WITHIN = 20.0


class Site:
    """One server; it can be stopped in any way and started again where it was."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.database = folder / "xp.sqlite3"
        self.log = folder / "server.log"
        self.passed = folder / "passed"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        # Where the package is not installed, it is found where it is.
        own = {"XP_VAR": str(folder), "PYTHONPATH": str(ROOT), PASSED: str(self.passed)}
        self._environment = {**clean_environment(), **own, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Make the database and collect the files, as before a first start."""
        self.manage("migrate")
        self.manage("load_subjects")
        self.manage("collectstatic", "--no-input")

    def prepare_like(self, other: Site) -> None:
        """The same, taken over from a site that has been prepared."""
        shutil.copytree(other.folder / "static", self.folder / "static")
        with closing(other._connect()) as source, closing(self._connect()) as copy:
            source.backup(copy)

    def manage(self, *arguments: str) -> None:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=EXAMPLE, env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-1000:]

    def start(self) -> None:
        """Start the server, unless it runs."""
        if self._process is not None:
            return
        command = [sys.executable, "-m", "uvicorn", "tests.browser.served:application"]
        options = ["--port", str(self.port), "--no-access-log", "--log-level", "warning"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *options, "--timeout-graceful-shutdown", "3"],
                cwd=EXAMPLE,
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        self._wait_until_ready()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(STOPS_WITHIN)
        self._process = None

    def restart(self, how: signal.Signals) -> None:
        self.stop(how)
        self.start()

    def settle(self) -> None:
        """Wait until everything that was asked is answered; a stopped site has nothing to do."""
        if self._process is not None:
            with urllib.request.urlopen(self.url + QUIET, timeout=QUIET_WITHIN):  # noqa: S310
                pass

    def let_pass(self, seconds: float) -> None:
        """Time passes: the server's clock shows so much more, until the chats are forgotten."""
        passed = float(self.passed.read_text()) if self.passed.exists() else 0.0
        # A reader of the file sees the old number or the new one, never half of it.
        new = self.passed.with_suffix(".new")
        new.write_text(str(passed + seconds))
        new.replace(self.passed)

    def forget_chats(self) -> None:
        """As if nobody had been here, and no time had passed."""
        self.passed.unlink(missing_ok=True)
        self.execute("DELETE FROM subjects_chatmessage")
        self.execute("UPDATE subjects_chatsession SET previous_id = NULL")
        self.execute("DELETE FROM subjects_chatsession")

    def sessions(self) -> list[dict[str, Any]]:
        """The conversations that exist, in the order of their start."""
        return self.query(
            "SELECT id, message_count, ended_at, end_reason, title, user_id, previous_id"
            " FROM subjects_chatsession WHERE deleted_at IS NULL ORDER BY id"
        )

    def messages(self) -> list[dict[str, Any]]:
        return self.query(
            "SELECT chat_session_id AS session, position, sender AS role, text, state"
            " FROM subjects_chatmessage ORDER BY chat_session_id, position"
        )

    def said(self, role: str) -> list[str]:
        return [str(row["text"]) for row in self.messages() if row["role"] == role]

    def subject(self, slug: str) -> int:
        rows = self.query("SELECT id FROM subjects_subject WHERE slug = ?", [slug])
        return int(rows[0]["id"])

    def query(self, sql: str, values: Sequence[object] = ()) -> list[dict[str, Any]]:
        with closing(self._connect()) as connection:
            return [dict(row) for row in connection.execute(sql, values)]

    def execute(self, sql: str, values: Sequence[object] = ()) -> None:
        with closing(self._connect()) as connection, connection:
            connection.execute(sql, values)

    def complaints_since(self, offset: int) -> str:
        """What the server has written to its log; a warning is already too much."""
        with self.log.open("rb") as log:
            log.seek(offset)
            return log.read().decode(errors="replace").strip()

    def log_size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.database, timeout=20)
        connection.row_factory = sqlite3.Row
        return connection

    def _wait_until_ready(self) -> None:
        process = self._process
        until = time.monotonic() + READY_WITHIN
        while time.monotonic() < until:
            assert process is not None
            assert process.poll() is None, self.log.read_text(errors="replace")
            try:
                with urllib.request.urlopen(f"{self.url}/login/", timeout=READY_WITHIN):  # noqa: S310
                    return
            except OSError as error:
                if not isinstance(getattr(error, "reason", error), ConnectionError):
                    raise
                time.sleep(0.02)
        raise AssertionError("The site did not start:\n" + self.log.read_text(errors="replace"))


def clean_environment() -> Mapping[str, str]:
    """Nothing of the person's own site, and no settings module of ours, may reach this one."""
    mine = ("XP_", "DJANGO_", "DATABASE_URL")
    return {name: value for name, value in os.environ.items() if not name.startswith(mine)}
