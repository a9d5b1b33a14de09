"""What was promised on PostgreSQL, and whether this run kept it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from benchmarks.figures import Bar
from benchmarks.speed.measuring import Case, Measured, Results
from benchmarks.speed.report import median, per_second, ratio, spent, times
from benchmarks.speed.subjects import OURS, OURS_BUSY, OURS_COARSE, OURS_PREPARED

SLOWER = 3.0
SLOWER_COARSE = 1.5  # a resume with activity written every 15 seconds
DEARER = 3.5  # CPU of client and server
GROWTH = 1.2  # from the smallest to the largest case
TOGETHER = {"resume": 0.4, "append": 0.25, "turn": 0.25}
# As Django connects by itself, and with the driver's settings that RAW has, too.
KEPT = ", plans kept as RAW's are"
NAMED = ((OURS, ""), (OURS_PREPARED, KEPT))
NAMED_COARSE = ((OURS_COARSE, ""), (OURS_BUSY, KEPT))


def bars_of(results: Results, cases: Sequence[Case]) -> list[Bar]:
    """Return every bar that this run says something about."""
    return [*_times(results, cases), *_growth(results, cases), *_together(results, cases)]


def _times(results: Results, cases: Sequence[Case]) -> Iterator[Bar]:
    by_operation = _alone(cases)
    for operation, alone in by_operation.items():
        what = operation.replace("_", " ")
        for name, kept in NAMED:
            yield from _worst(f"{what}{kept}: time", SLOWER, median, results, name, alone)
            yield from _worst(f"{what}{kept}: CPU", DEARER, spent, results, name, alone)
    resumed = by_operation.get("resume", [])
    for name, kept in NAMED_COARSE:
        what = f"resume, activity written every 15 s{kept}: time"
        yield from _worst(what, SLOWER_COARSE, median, results, name, resumed)


def _alone(cases: Sequence[Case]) -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {}
    for case in cases:
        if case.clients == 1:
            found.setdefault(case.operation, []).append(case)
    return found


def _worst(  # noqa: PLR0917  what is promised of whom, where
    what: str,
    most: float,
    figure: Callable[[Measured], float],
    results: Results,
    name: str,
    cases: Sequence[Case],
) -> Iterator[Bar]:
    """Yield the bar for the size at which the ratio is worst."""
    found = [ratio(figure, results, name, case) for case in cases if name in results]
    known = [number for number in found if number is not None]
    if known:
        worst = max(known)
        yield Bar(f"{what} against RAW", f"at most {times(most)}", times(worst), worst <= most)


def _growth(results: Results, cases: Sequence[Case]) -> Iterator[Bar]:
    for operation, alone in _alone(cases).items():
        smallest, largest = alone[0], alone[-1]
        if operation == "page":  # one that is not full is smaller, and no measure for a full one
            smallest = next(case for case in alone if case.size >= 50)
        if OURS not in results or largest not in results[OURS]:
            continue
        measured = ratio(median, results, OURS, largest, smallest, OURS)
        assert measured is not None
        what = f"{operation.replace('_', ' ')}: {largest.size:,} against {smallest.size:,}"
        yield Bar(what, f"at most {times(GROWTH)}", times(measured), measured <= GROWTH)


def _together(results: Results, cases: Sequence[Case]) -> Iterator[Bar]:
    for case in cases:
        least = TOGETHER.get(case.operation)
        if case.clients == 1 or least is None:
            continue
        for name, kept in NAMED:
            if case not in results.get(name, {}):
                continue
            share = ratio(per_second, results, name, case)
            assert share is not None
            what = f"{case.operation}{kept}: throughput of {case.clients} clients against RAW"
            yield Bar(what, f"at least {times(least)}", times(share), share >= least)
