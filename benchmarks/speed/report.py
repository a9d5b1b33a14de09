"""The figures of a run: ratios against RAW of the same round, what they took, and the bars."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from benchmarks.figures import Figures, Table
from benchmarks.speed.measuring import Case, Measured, Results
from benchmarks.speed.subjects import RAW

ABSENT, TIMES = "-", "\N{MULTIPLICATION SIGN}"
NOTE = (
    "Each subject has a database and a process of its own and is measured in turn in every round, "
    "in shuffled order, the peers in the first few; ratios are against RAW of the same round. RAW "
    "is psycopg or sqlite3 with the fewest statements on an ideal schema. An append stores a "
    "question and its answer together, a turn the question before it is answered: two commits, of "
    "RAW too. RAW counts nothing of what LIMITS count, and gives no hints to readers. Prepared: "
    "with server_side_binding and a prepare_threshold, which RAW's connections have and Django's "
    "do not by default. Sixteen clients are threads of one process. The durable defaults of the "
    "database are on. Where a commit is fast, Python weighs more and every multiple of RAW is "
    "larger: the plain ORM of the same run tells how one machine compares with another."
)
TITLES = {"postgres": "Speed on PostgreSQL", "sqlite": "Speed on SQLite"}


def figures_of(kind: str, results: Results, cases: Sequence[Case]) -> Figures:
    """Return everything that a run has shown."""
    figures = Figures(f"speed-{kind}", TITLES[kind], f"python -m benchmarks.speed {kind}")
    alone = [case for case in cases if case.clients == 1]
    together = [case for case in cases if case.clients > 1]
    clients = together[0].clients
    figures.notes = [NOTE]
    figures.tables = [
        _table("As multiples of RAW", results, alone, lambda *found: times(ratio(median, *found))),
        _table("Median and 95th percentile", results, alone, _took),
        _table("CPU of client + server for each", results, alone, _cpu),
        _table(
            "CPU as multiples of RAW", results, alone, lambda *found: times(ratio(spent, *found))
        ),
        _table(f"With {clients} clients", results, together, _throughput),
    ]
    return figures


def ratio(  # noqa: PLR0917  a figure, where it is, and what it is compared with
    what: Callable[[Measured], float],
    results: Results,
    name: str,
    case: Case,
    other_case: Case | None = None,
    other: str = RAW,
) -> float | None:
    """Return the median over rounds of a subject's figure against RAW's in the same round."""
    mine, theirs = results[name].get(case), results[other].get(other_case or case)
    if not mine or not theirs:
        return None
    pairs = zip(mine, theirs, strict=False)  # peers take part in the first rounds only
    return statistics.median(what(one) / what(another) for one, another in pairs)


def times(number: float | None) -> str:
    if number is None:
        return ABSENT
    return f"{number:.2f} {TIMES}" if number < 100 else f"{number:,.0f} {TIMES}"


def seconds(number: float) -> str:
    """Return a duration in the unit that suits it."""
    for factor, unit in ((1, "s"), (1e3, "ms")):
        if number * factor >= 1:
            return f"{number * factor:.2f} {unit}"
    return f"{number * 1e6:.0f} µs"


def median(measured: Measured) -> float:
    return statistics.median(measured.took)


def spent(measured: Measured) -> float:
    return measured.client_cpu + measured.server_cpu


def per_second(measured: Measured) -> float:
    return measured.per_second


def _took(results: Results, name: str, case: Case) -> str:
    every = sorted(took for one in results[name][case] for took in one.took)
    return f"{seconds(statistics.median(every))} / {seconds(_late(every))}"


def _late(every: Sequence[float]) -> float:
    """Return the 95th percentile of what is sorted."""
    return every[min(len(every) - 1, int(len(every) * 0.95))]


def _cpu(results: Results, name: str, case: Case) -> str:
    rounds = results[name][case]
    client = statistics.median(one.client_cpu for one in rounds)
    server = statistics.median(one.server_cpu for one in rounds)
    return f"{client * 1e6:.0f} + {server * 1e6:.0f} µs"


def _throughput(results: Results, name: str, case: Case) -> str:
    rounds = results[name][case]
    every = sorted(took for one in rounds for took in one.took)
    speed = statistics.median(one.per_second for one in rounds)
    share = ratio(per_second, results, name, case)
    return f"{speed:,.0f}/s, p95 {seconds(_late(every))}, {times(share)}"


def _table(
    title: str,
    results: Results,
    cases: Sequence[Case],
    cell: Callable[[Results, str, Case], str],
) -> Table:
    columns = ["subject", *(f"{case.operation.replace('_', ' ')}: {case.size:,}" for case in cases)]
    rows = [
        [name, *(cell(results, name, case) if case in found else ABSENT for case in cases)]
        for name, found in results.items()
    ]
    return Table(title, columns, rows)
