"""The bar that this package is held to beside its peers: faster in every cell that both have."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from benchmarks.figures import Bar
from benchmarks.speed.measuring import Case, Measured, Results
from benchmarks.speed.peers import PEERS
from benchmarks.speed.subjects import OURS

TIMES = "\N{MULTIPLICATION SIGN}"


def bars(results: Results, cases: Sequence[Case]) -> list[Bar]:
    """Return one bar for each peer that was measured: in how many cells it took longer."""
    return [_bar(name, results, cases) for name in PEERS if name in results and OURS in results]


def _bar(name: str, results: Results, cases: Sequence[Case]) -> Bar:
    compared = list(_compared(results[name], results[OURS], cases))
    slower = sum(ratio > 1 for ratio, _case in compared)
    nearest, case = min(compared)
    size = f"{case.operation.replace('_', ' ')}: {case.size:,}"
    together = f", {case.clients} clients" if case.clients > 1 else ""
    return Bar(
        f"faster than {name}",
        f"in {len(compared)} of {len(compared)} cells",
        f"in {slower}; nearest {nearest:.2f} {TIMES} ({size}{together})",
        met=slower == len(compared),
    )


def _compared(
    peer: dict[Case, list[Measured]], ours: dict[Case, list[Measured]], cases: Sequence[Case]
) -> Iterator[tuple[float, Case]]:
    """Yield how many times as long as we a peer takes: the median over rounds of the ratio."""
    for case in cases:
        if case in peer and case in ours:
            rounds = zip(peer[case], ours[case], strict=False)  # the first ones are both's
            yield statistics.median(_seconds(a, case) / _seconds(b, case) for a, b in rounds), case


def _seconds(measured: Measured, case: Case) -> float:
    return statistics.median(measured.took) if case.clients == 1 else 1 / measured.per_second
