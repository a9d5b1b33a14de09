"""The site of the proofs of faults: it has pages of its own, and a clock that can be wrong."""

from __future__ import annotations

import os

from tests.faults.clocks import follow_file
from tests.settings.durability import *  # noqa: F403
from tests.settings.durability import DATABASES

ROOT_URLCONF = "tests.faults.urls"
if kept := os.environ.get("PROOF_KEPT"):
    # As docs/how-to/deploy.md says.
    DATABASES["default"] |= {"CONN_MAX_AGE": int(kept), "CONN_HEALTH_CHECKS": True}
if moved := os.environ.get("PROOF_CLOCK"):
    follow_file(moved)
