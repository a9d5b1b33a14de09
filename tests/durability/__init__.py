"""Proofs with real servers, workers and readers: killed, stalled, cut off, and nothing is lost.

Short forms run with all other tests. The long ones print their figures::

    CHAT_SESSIONS_TEST_DB=postgres python -m pytest -k "not short" -s tests/durability

``-k many_open_streams``, ``-k a_commit_is_known`` and so on give the figures of one of them.
"""

from __future__ import annotations

import pytest

# They assert for the tests, and shall say as much when it fails.
pytest.register_assert_rewrite("tests.durability.kills", "tests.durability.readers")
