"""The figures of the faults say what was seen, and are not met where something was lost."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.faults import figures_of

pytestmark = pytest.mark.once
ROW = {"fault": "A cut", "database": "sqlite", "rounds": 3, "seen": {"503": 2}, "doubled": 0}


@pytest.mark.parametrize(
    ("seen", "failed", "met"),
    [
        ([{**ROW, "lost": 0}], [], True),
        ([{**ROW, "lost": 1}], [], False),
        ([{**ROW, "lost": 0}], ["sqlite"], False),
        ([], [], False),
    ],
)
def test_a_row_for_each_fault(seen: list[dict[str, Any]], failed: list[str], met: bool) -> None:
    figures = figures_of(seen, failed)
    assert figures.met is met
    assert [row[2] for row in figures.tables[0].rows] == ["3"] * len(seen)
