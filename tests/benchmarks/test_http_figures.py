"""What a run over HTTP says: medians of rounds, and where a bar was not met."""

from __future__ import annotations

import pytest

from benchmarks.http import __main__ as command
from benchmarks.http.visiting import Compared

pytestmark = pytest.mark.once


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    # One round in which the machine was busy with the package's turn changes nothing.
    compared = Compared([[0.012], [0.9], [0.012]], [[0.01], [0.01], [0.01]], size=700)
    slow = Compared([[0.014]] * 3, [[0.01]] * 3, size=17_000)
    results = {("uvicorn", "look"): compared, ("uvicorn", "list"): slow}
    figures = command.figures_of(results, 3, 1)
    assert [(bar.what, bar.met) for bar in figures.bars] == [
        ("look, uvicorn", True),
        ("list, uvicorn", False),
    ]
    assert figures.bars[0].measured.startswith("1.20 ")
    assert figures.tables[0].rows[1][1] == "17,000 bytes"


def test_what_is_not_installed_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "find_spec", lambda module: None)
    with pytest.raises(SystemExit, match="pip install"):
        command.main([])
