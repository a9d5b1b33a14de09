"""Peers are optional and pinned; being slower than one of them in one cell is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.speed import peers
from benchmarks.speed.measuring import Case, Measured, Results
from benchmarks.speed.peers import comparison

pytestmark = pytest.mark.once
ROOT = Path(peers.__file__).parents[3]
PINNED = ROOT / "benchmarks" / "speed" / "peers.txt"
LIST, TOGETHER = Case("recent", 30), Case("recent", 30, 16)


def test_a_peer_that_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"agents": object()}
    monkeypatch.setattr(peers, "find_spec", there.get)
    assert list(peers.installed()) == ["openai-agents"]
    assert "openai-agents" not in peers.left_out()
    assert len(peers.left_out()) == len(peers.PEERS) - 1


def test_a_peer_in_a_package_that_is_not_there_is_left_out_too() -> None:
    assert not peers._is_there("no_such_package_at_all.inside")


def test_every_peer_is_pinned_and_has_a_module() -> None:
    lines = PINNED.read_text().splitlines()
    pinned = {line.split("==")[0] for line in lines if not line.startswith("#")}
    assert set(peers.PEERS) <= pinned
    for _module, dotted in peers.PEERS.values():
        place, name = dotted.split(":")
        source = ROOT.joinpath(*place.split(".")).with_suffix(".py").read_text()
        assert f"class {name}:" in source


def took(seconds: float, per_second: float = 1) -> list[Measured]:
    return [Measured([seconds], 0, 0, per_second)] * 3


def test_faster_means_in_every_cell_alone_and_together() -> None:
    ours = {LIST: took(0.001), TOGETHER: took(0.002, 800)}
    results: Results = {
        "this package": ours,
        "chainlit": {LIST: took(0.003), TOGETHER: took(0.001, 700)},
        "google-adk": {LIST: took(0.003), TOGETHER: took(0.009, 842)},
        "plain ORM": {LIST: took(0.0001)},
    }
    first, second = comparison.bars(results, [LIST, TOGETHER])
    assert (first.what, first.met) == ("faster than google-adk", False)
    assert first.measured.startswith("in 1; nearest 0.95")
    assert "16 clients" in first.measured
    assert (second.what, second.met) == ("faster than chainlit", True)
