"""Starts the tests of the study site in a process of their own, where its settings hold."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]


def test_the_study_site_under_its_own_settings() -> None:
    names = ("test_access", "test_adoption", "test_pages", "test_chat")
    files = [f"tests/example/{name}.py" for name in names]
    command = [sys.executable, "-W", "error", "-m", "pytest", *files, "-q", "-rA"]
    command += ["--ds=config.settings", "-p", "no:cacheprovider"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(f"PASSED {file}" in done.stdout for file in files)


def environment() -> dict[str, str]:
    """The site knows SQLite and PostgreSQL; it meets the one that this run is about."""
    own = ("DATABASE_URL", "PYTEST_", "COV")  # not measured: others reach the same lines
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    if connection.vendor != "postgresql":
        return inherited
    server = settings.DATABASES["default"]
    words = f"{quote(server['USER'])}:{quote(server['PASSWORD'])}"
    options = urlencode({"host": server["HOST"], **server.get("OPTIONS", {})})
    port = f":{server['PORT']}" if server["PORT"] else ""
    # A database of its own: this process may be using the other one at the same time.
    return {**inherited, "DATABASE_URL": f"postgres://{words}@{port}/xp?{options}"}
