"""Twenty people in front of a whole site for some seconds; the longer form is benchmarks.people."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.durability.processes import ROOT

SHORT = "--people 20 --minutes 0.2 --idle 3 --longest 4 --slots 20"


@pytest.mark.durability
def test_people_lose_nothing_and_find_no_promise_broken() -> None:
    command = [sys.executable, "-m", "benchmarks.people", *SHORT.split()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| messages that were accepted and are missing | 0 | 0 | yes |" in done.stdout
