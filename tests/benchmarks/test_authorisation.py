"""How well two kinds of answers can be told apart by their time."""

from __future__ import annotations

import pytest

from benchmarks.authorisation import auc

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("first", "second", "chance"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.5),
        ([3.0, 4.0], [1.0, 2.0], 1.0),
        ([1.0, 2.0], [3.0, 4.0], 0.0),
        ([1.0, 3.0], [2.0, 2.0], 0.5),
        ([2.0, 2.0, 3.0], [1.0, 2.0], 5 / 6),
    ],
)
def test_the_chance_that_the_first_takes_longer(
    first: list[float], second: list[float], chance: float
) -> None:
    assert auc(first, second) == pytest.approx(chance)
