"""The page of evidence is made of kept figures, never typed."""

from __future__ import annotations

import pytest

from benchmarks import evidence, figures

pytestmark = pytest.mark.once


def test_the_page_is_what_the_figures_say() -> None:
    assert evidence.main(["--check"]) == 0


def test_every_kept_measurement_has_a_section() -> None:
    assert {file.stem for file in figures.KEPT.glob("*.json")} <= set(evidence.SECTIONS)


def test_a_figure_that_was_edited_by_hand_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    measured = figures.Figures(name="http", title="Over HTTP", command="python -m benchmarks.http")
    measured.bars.append(figures.Bar("resume", "≤ 1.3 ×", "9 ×", met=False))
    monkeypatch.setattr(figures, "KEPT", tmp_path)
    measured.keep()
    assert figures.kept("http") == measured
    assert not measured.met
    assert "| resume | ≤ 1.3 × | 9 × | **no** |" in figures.markdown(measured)
    assert "| Over HTTP | 0 of 1 |" in evidence.overview([measured])
    assert evidence.main(["--check"]) == 1
