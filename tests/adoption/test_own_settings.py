"""Starts the tests of the shapes in a process of their own, where their settings hold."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.db import connection

from tests.adoption.conftest import OWN
from tests.databases import NAME

ROOT = Path(__file__).resolve().parents[2]


def test_sites_of_every_shape_under_their_own_settings() -> None:
    files = [f"tests/adoption/{name}" for name in OWN]
    command = [sys.executable, "-W", "error", "-m", "pytest", *files, "-q", "-rA"]
    command += ["--ds=tests.settings.adoption", "-p", "no:cacheprovider"]
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")
    }
    # A database of its own: this process may be using the other one at the same time.
    name = settings.DATABASES["default"]["NAME"]
    own = f"{name}-adoption" if connection.vendor == "sqlite" else "adoption"
    done = subprocess.run(
        command, cwd=ROOT, env={**inherited, NAME: own}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(f"PASSED {file}" in done.stdout for file in files)
