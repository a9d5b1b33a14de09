"""The figures of scale: what was measured, beside what was promised."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import connections

from benchmarks.figures import Bar, Figures, Table
from benchmarks.scale import databases
from benchmarks.scale.filling import Size, fill
from benchmarks.scale.operations import PAGE, Subject, growth, measure, place_after
from benchmarks.scale.plans import Planned, plans_of, statements_of
from django_chat_sessions import get_message_model, get_session_model, services

SMALL = 1_000  # sessions of the database beside which growth is measured
MOST_GROWTH = 1.2
BOUNDED = ("resume", "first message", "append", "list", "history", "page of 50")
MOST_ROWS = 4 * PAGE  # that a hot statement may look at
CALLS = 21
Took = dict[str, dict[str, list[float]]]


def measured(sessions: int, messages: int, rounds: int) -> Figures:
    """Make what is missing, measure and return everything."""
    big, small = Size(sessions, messages), Size(min(SMALL, sessions), messages)
    figures = Figures(
        "scale",
        f"{sessions:,} sessions and {sessions * messages:,} messages",
        "python -m benchmarks.scale --keep",
    )
    figures.notes.append(_made(big, small))
    subjects = [Subject(small, small.heavy[0]), *(Subject(big, count) for count in big.heavy)]
    usual = connections["default"]
    try:
        took = measure(subjects, rounds)
        figures.tables.append(_operations(subjects, took, figures))
        heaviest = subjects[-1]
        heaviest.enter()
        figures.bars += [*_s01(heaviest), *_s02(heaviest)]
        figures.tables += [_plans(heaviest, figures), _sizes()]
    finally:
        connections["default"] = usual
        for subject in subjects:
            subject.connection.close()
    return figures


def _made(*sizes: Size) -> str:
    databases.keep_safe(on=False)
    began, made = time.perf_counter(), []
    for size in sizes:
        if databases.make(size.name, partial(fill, size)):
            made += [f"{size.sessions * size.messages:,} messages"]
    took = time.perf_counter() - began
    databases.keep_safe(on=True)
    how = f"made in {took:.0f} s ({' and '.join(made)})" if made else "kept from an earlier run"
    return (
        f"The databases were {how}. One owner in each size of the table, among everybody else's "
        "sessions of 10 to 20 each; milliseconds are medians of the rounds, which took turns. "
        "PostgreSQL writes safely (fsync, synchronous_commit) while it is measured."
    )


def _operations(subjects: list[Subject], took: Took, figures: Figures) -> Table:
    small, largest = subjects[0].label, subjects[-1].label
    rows = []
    for name, by_subject in took.items():
        grown = growth(by_subject[largest], by_subject[small])
        cells = [f"{statistics.median(by_subject[subject.label]):.2f} ms" for subject in subjects]
        rows.append((name, *cells, f"{grown:.2f} ×"))
        if name.startswith(BOUNDED):
            figures.bars.append(
                Bar(
                    f"{name}: growth from {small} to {largest}",
                    f"≤ {MOST_GROWTH} ×",
                    f"{grown:.2f} ×",
                    grown <= MOST_GROWTH,
                )
            )
    labels = [subject.label for subject in subjects]
    return Table(
        "Operations of an owner, by sessions of the owner's and of all",
        ("operation", *labels, "growth"),
        rows,
    )


def _s01(subject: Subject) -> list[Bar]:
    """Return the bars of the longest history: its first page and its three hundredth."""
    owner, deep = subject.owner, place_after(subject.owner, 299 * PAGE)
    first = _time(lambda: services.history_page(owner, limit=PAGE))
    later = _time(lambda: services.history_page(owner, limit=PAGE, after=deep))
    whose = f"S-01: a history of {subject.sessions:,} sessions"
    return [
        _quick(f"{whose}, first page", first, 3, 50),
        _quick(f"{whose}, page 300", later, 3, 50),
    ]


def _s02(subject: Subject) -> list[Bar]:
    """Return the bars of the longest session: come back to it, and read its last page."""
    subject.prepare()

    def opened() -> None:
        session = services.resume_or_start(subject.long_owner).opened
        assert session == subject.long
        assert len(services.transcript(session).messages) == 50

    took = _time(opened)
    whose = f"S-02: a session of {subject.size.long:,} messages, resumed with its last page"
    counts = sum("COUNT(" in sql for sql in took.statements)
    return [
        _quick(whose, took, 3, 100),
        Bar("S-02: statements that count", "0", str(counts), counts == 0),
    ]


@dataclass(frozen=True)
class Timed:
    """What a verb took and sent."""

    milliseconds: float
    statements: list[str]


def _time(run: Callable[[], Any]) -> Timed:
    statements = [sql for sql, _params in statements_of(run)]
    took = []
    for _ in range(CALLS):
        began = time.perf_counter()
        run()
        took.append((time.perf_counter() - began) * 1000)
    return Timed(statistics.median(took), statements)


def _quick(what: str, took: Timed, statements: int, milliseconds: float) -> Bar:
    sent = len(took.statements)
    return Bar(
        what,
        f"≤ {statements} statements, ≤ {milliseconds} ms",
        f"{sent} statements, {took.milliseconds:.1f} ms",
        sent <= statements and took.milliseconds <= milliseconds,
    )


def _plans(subject: Subject, figures: Figures) -> Table:
    planned: list[Planned] = []
    faults: list[str] = []
    slow: list[str] = []
    for name, (most_rows, run) in _hot(subject).items():
        for plan in plans_of(name, run):
            planned.append(plan)
            unbounded = [f"{name} {fault}" for fault in plan.faults(most_rows)]
            if plan.kind == "custom":
                faults += unbounded
            else:
                faults += [f"{name}, prepared, {fault}" for fault in plan.faults(math.inf)]
                slow += unbounded
    what = f"plans of {len(planned) // 2} hot statements"
    bounds = "conditions from an index, no table read whole, no sort of many rows"
    figures.bars.append(Bar(what, bounds, "; ".join(faults) or "all of them", not faults))
    figures.notes.append(
        "Generic plans are what a driver that prepares statements comes to use; Django's does not "
        "unless it is given a prepare_threshold. They use the same indexes, but know nothing of "
        f"whose history it is; what they read more than they need: {'; '.join(slow) or 'nothing'}."
    )
    kinds: dict[tuple[str, str, str], list[str]] = {}
    for plan in planned:
        kinds.setdefault((plan.verb, plan.word, plan.how), []).append(plan.kind)
    rows = [(*row, " and ".join(dict.fromkeys(kind))) for row, kind in kinds.items()]
    return Table("Plans", ("verb", "statement", "plan", "kind"), rows)


def _hot(subject: Subject) -> dict[str, tuple[int, Callable[[], Any]]]:
    """Return the verbs of every day, each with the rows that one of its steps may look at."""
    owner, far = subject.owner, subject.far
    searched = subject.sessions + 1000 * subject.size.messages  # as its docstring says
    verbs: dict[str, tuple[int, Callable[[], Any]]] = {}
    for name, (before, run) in subject.operations().items():
        before()
        verbs[name] = (2 * searched if name.startswith("search") else MOST_ROWS, run)
    session = services.resume_or_start(owner).opened
    verbs |= {
        "look": (MOST_ROWS, lambda: services.look(owner)),
        "touch": (MOST_ROWS, lambda: services.touch(session)),
        "find a session": (MOST_ROWS, lambda: services.find_session(owner, session.pk)),
        "page above": (MOST_ROWS, lambda: services.transcript(subject.long, before=200)),
        # One of ten is archived.
        "first archived": (
            20 * MOST_ROWS,
            lambda: services.history_page(owner, limit=PAGE, archived=True),
        ),
        "archived after nine tenths": (
            20 * MOST_ROWS,
            lambda: services.history_page(owner, limit=PAGE, archived=True, after=far),
        ),
        "end and start": (MOST_ROWS, lambda: (services.end(session), services.start(owner))),
    }
    return verbs


def _sizes() -> Table:
    tables = [model._meta.db_table for model in (get_session_model(), get_message_model())]
    return Table("Tables and indexes", ("name", "rows", "size"), databases.sizes(tables))
