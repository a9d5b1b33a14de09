"""A second host, with other settings, runs its own tests in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_m_10_m_11_a_host_that_looks_nothing_like_the_others_passes_its_tests() -> None:
    mine = {"DJANGO_SETTINGS_MODULE": "tests.settings.second_host", "PYTEST_ADDOPTS": ""}
    options = ("-q", "-p", "no:cacheprovider", "-p", "tests.no_skips")
    own = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", *options, "tests/second_host"],
        cwd=ROOT,
        env=os.environ | mine,
        capture_output=True,
        text=True,
        check=False,
    )
    assert own.returncode == 0, own.stdout + own.stderr
