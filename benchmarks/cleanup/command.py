"""The command, and its rival, run as cron runs them but on a terminal, and watched from outside."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.scale.databases import connection_to
from django_chat_sessions import get_message_model, get_session_model
from tests import databases

COMMAND = ("django", "clear_chat_sessions", "--json")
RIVAL = "benchmarks.cleanup.plain"
NAME = "cleanup"  # of its connection, by which it is found among those of the people
EVERY = 0.05  # seconds between two looks at it


@dataclass
class Run:
    """What one run did."""

    seconds: float = 0.0
    code: int = 0
    counts: dict[str, Any] = field(default_factory=dict)
    progress: list[int] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    starting: int = 0  # of these were measured before the first batch was done
    longest_transaction: float = 0.0

    @property
    def growth(self) -> float:
        """How much more memory the second half of its batches took than the first, as a factor."""
        settled = self.megabytes[self.starting :] or self.megabytes[-1:]
        half = (len(settled) + 1) // 2
        return max(settled[half:] or settled) / max(settled[:half])


def clear(database: str, *arguments: str, kill_at: int | None = None) -> Run:
    """Run the command in a database; kill -9 it when it says that it has done so many."""
    return _watched(database, [*COMMAND, *arguments], kill_at)


def delete(database: str, before: datetime) -> Run:
    """Run the rival in a database: delete what had its last message before a moment."""
    tables = (get_session_model()._meta.db_table, get_message_model()._meta.db_table)
    return _watched(database, [RIVAL, before.isoformat(), *tables])


def _watched(database: str, module: list[str], kill_at: int | None = None) -> Run:
    run = Run()
    terminal, inside = pty.openpty()
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", *module],
        stdout=subprocess.PIPE,
        stderr=inside,
        text=True,
        env={**os.environ, databases.NAME: database, "PGAPPNAME": NAME},
    )
    os.close(inside)
    reader = threading.Thread(target=_follow, args=(terminal, run))
    reader.start()
    with connection_to(database).temporary_connection() as cursor:
        while process.poll() is None:
            _look(process.pid, cursor, run)
            if kill_at is not None and run.progress and run.progress[-1] >= kill_at:
                process.kill()
            time.sleep(EVERY)
    run.seconds = time.monotonic() - began
    printed, _nothing = process.communicate()
    reader.join()
    os.close(terminal)
    run.code = process.returncode
    run.counts = json.loads(printed) if run.code == 0 else {}
    return run


def _follow(terminal: int, run: Run) -> None:
    while True:
        try:
            said = os.read(terminal, 1024).decode(errors="replace")
        except OSError:  # Linux says so when the other side is gone
            return
        if not said:
            return
        run.progress += map(int, re.findall(r"(\d+) (?:swept|purged)", said))


def _look(pid: int, cursor: Any, run: Run) -> None:
    if (memory := _megabytes(pid)) is not None:
        run.megabytes.append(memory)
        run.starting += not run.progress
    cursor.execute(
        "SELECT extract(epoch FROM max(clock_timestamp() - xact_start)) FROM pg_stat_activity"
        " WHERE application_name = %s",
        [NAME],
    )
    [[longest]] = cursor.fetchall()
    run.longest_transaction = max(run.longest_transaction, float(longest or 0))


def _megabytes(pid: int) -> float | None:
    """Return the memory that a process has in use; None when it has ended."""
    status = Path(f"/proc/{pid}/status")
    if status.parent.parent.joinpath("self").exists():
        try:
            found = re.search(r"VmRSS:\s+(\d+)", status.read_text())
        except OSError:
            return None
        return int(found[1]) / 1024 if found else None
    printed = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return int(printed) / 1024 if printed else None
