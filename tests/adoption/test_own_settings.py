"""Starts the tests of the shapes in processes of their own, where their settings hold."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tests.adoption.conftest import OWN
from tests.databases import NAME

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("file", OWN)
def test_sites_of_every_shape_under_their_own_settings(file: str) -> None:
    path = f"tests/adoption/{file}"
    command = [sys.executable, "-W", "error", "-m", "pytest", path, "-q", "-rA"]
    command += ["--ds=tests.settings.adoption", "-p", "no:cacheprovider"]
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")
    }
    # A database of its own: this process and the others may be using theirs at the same time.
    name = settings.DATABASES["default"]["NAME"]
    own = f"adoption_{Path(file).stem}"
    own = f"{name}-{own}" if connection.vendor == "sqlite" else own
    done = subprocess.run(
        command, cwd=ROOT, env={**inherited, NAME: own}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"PASSED {path}" in done.stdout
