"""Faults between a reader, the site and its database: nothing is lost, nothing is there twice.

Real servers, a real PostgreSQL of our own that is restarted and stopped, and proxies that cut.
Short forms run with all other tests; ``python -m benchmarks.faults`` runs the long ones and keeps
what was seen.
"""

from __future__ import annotations

import pytest

# They assert for the tests, and shall say as much when it fails.
pytest.register_assert_rewrite("tests.faults.tally", "tests.faults.site")
