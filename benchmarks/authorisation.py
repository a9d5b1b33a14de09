"""Hold every route, method and caller to the table, and time "not yours" against "not there".

    python -m benchmarks.authorisation [--pairs 2000] [--keep]

The database is chosen by CHAT_SESSIONS_TEST_DB (sqlite, postgres or mariadb) and thrown away
afterwards. Each pair asks for a session of somebody else's and for one that does not exist, in
random order. AUC is the chance that of the two answers the first took longer, ties counted half:
at 0.5 nobody can tell them apart. The exit code is 1 where a bar is not met.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import random
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.transaction import atomic, set_rollback

from benchmarks.figures import Bar, Figures, Table
from benchmarks.progress import tell
from benchmarks.trial_site import trial_site

SEED = 4711
CHATS = 200  # of the owner's, so that no row is asked for again and again
BAR = 0.05  # away from 0.5
TIMED = (
    ("sessions/{id}", "GET"),
    ("sessions/{id}/messages", "GET"),
    ("sessions/{id}/touch", "POST"),
    ("sessions/{id}", "DELETE"),
)


def main(arguments: list[str]) -> int:
    """Measure on a database of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.authorisation", description=__doc__)
    parser.add_argument("--pairs", type=int, default=2000, help="for each route; 2000 if not given")
    parser.add_argument("--keep", action="store_true", help="write the file of figures")
    options = parser.parse_args(arguments)
    if options.pairs < 10:
        parser.error("--pairs must be 10 or more")
    from django.test.utils import setup_test_environment, teardown_test_environment

    with trial_site():
        logging.getLogger("django.request").setLevel(logging.CRITICAL)  # each refusal is a warning
        setup_test_environment()
        try:
            figures = _measure(options.pairs)
        finally:
            teardown_test_environment()
    return figures.concluded(keep=options.keep)


def _measure(pairs: int) -> Figures:
    figures = Figures(
        "authorisation",
        "Who may do what",
        f"CHAT_SESSIONS_TEST_DB={os.environ.get('CHAT_SESSIONS_TEST_DB') or 'sqlite'} "
        f"python -m benchmarks.authorisation --pairs {pairs} --keep",
    )
    figures.notes.append(
        f"On {connection.vendor}. The table is `tests/attack/matrix.py`, its rows are those of the "
        "URLconf. What is timed is the whole answer, in the process of the site, where nothing of "
        "a network hides a difference."
    )
    _add_matrix(figures)
    _add_timing(figures, pairs)
    return figures


def _add_matrix(figures: Figures) -> None:
    from tests.attack import matrix
    from tests.attack.attackers import attempts

    found, tried = [], attempts()
    for number, attempt in enumerate(tried, 1):
        tell(f"{number} of {len(tried)} who try")
        found += [f"{attempt}: {each}" for each in _differences(*attempt)]
    for difference in found:
        print(difference, file=sys.stderr)
    methods = len(matrix.METHODS)
    calls = len(matrix.ROUTES) * methods * len(tried)
    figures.bars.append(
        Bar("answers other than the table says", "0", f"{len(found)} of {calls:,}", not found)
    )
    groups = {group: [each for each in tried if each.group == group] for group in matrix.GROUPS[1:]}
    figures.tables.append(
        Table(
            "The matrix",
            ("who tries", "ways", "routes", "methods", "answers held to the table"),
            [
                (
                    group,
                    str(len(some)),
                    str(len(matrix.ROUTES)),
                    str(methods),
                    f"{len(some) * len(matrix.ROUTES) * methods:,}",
                )
                for group, some in groups.items()
            ],
        )
    )


def _differences(kind: str, group: str, attacker: Any) -> list[str]:
    """Play one of those who try, on a site that is as before afterwards."""
    from django.test import override_settings

    from tests.attack import matrix
    from tests.callers import SESSION, TOKEN, person

    every = {**settings.CHAT_SESSIONS, "AUTHENTICATORS": [TOKEN, *_cookies()]}
    closed = {**every, "AUTHENTICATORS": [TOKEN, SESSION]}
    with atomic():
        with override_settings(CHAT_SESSIONS=every):
            victim = person(kind)
            secret = str(victim.say(matrix.SECRET).json()["session"]["id"])
            client = attacker(victim)
        with override_settings(CHAT_SESSIONS=closed if group == "unwelcome" else every):
            found = matrix.differences(secret, client, group, matrix.METHODS)
        set_rollback(True)
    return found


def _cookies() -> list[str]:
    from tests.callers import COOKIE, SESSION

    return [SESSION, COOKIE]


def _add_timing(figures: Figures, pairs: int) -> None:
    rows = []
    for route, method in TIMED:
        tell(f"{pairs} pairs of {method} {route}")
        theirs, missing = _timed(route, method, pairs)
        told = auc(theirs, missing)
        medians = [statistics.median(each) * 1000 for each in (theirs, missing)]
        rows.append(
            (f"{method} {route}", f"{medians[0]:.3f} ms", f"{medians[1]:.3f} ms", f"{told:.3f}")
        )
        met = abs(told - 0.5) <= BAR
        what = f"telling them apart by time: {method} {route}"
        figures.bars.append(Bar(what, f"0.5 ± {BAR} AUC", f"{told:.3f} AUC", met))
    columns = ("request", "not yours, median", "not there, median", "AUC")
    figures.tables.append(Table(f"Time of a 404, {pairs:,} interleaved pairs", columns, rows))


def _timed(route: str, method: str, pairs: int) -> tuple[list[float], list[float]]:
    """Return the seconds that answers took, for sessions of somebody else's and for none."""
    from django_chat_sessions import ids, services
    from django_chat_sessions.owners import Owner
    from tests.attack import matrix
    from tests.callers import person

    chance = random.Random(SEED)
    took: tuple[list[float], list[float]] = ([], [])
    with atomic():
        client = person("user", "eve").client
        owner = Owner.for_visitor("the owner's secret key")
        theirs = [str(services.start(owner, f"s{number}").opened.pk) for number in range(CHATS)]
        kinds = [0, 1]
        gc.collect()
        gc.disable()  # whose pauses hit the one or the other
        for _pair in range(pairs):
            chance.shuffle(kinds)
            for kind in kinds:
                pk = chance.choice(theirs) if kind == 0 else str(ids.uuid7())
                began = time.perf_counter()
                response = matrix.call(client, route, method, pk)
                took[kind].append(time.perf_counter() - began)
                assert response.status_code == 404
        gc.enable()
        set_rollback(True)
    return took


def auc(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the chance that one of the first is above one of the second (Mann-Whitney)."""
    ranked = sorted([*((value, 0) for value in first), *((value, 1) for value in second)])
    above, below, at = 0.0, 0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        ties = [kind for _value, kind in ranked[at:end]]
        above += ties.count(0) * (below + ties.count(1) / 2)
        below += ties.count(1)
        at = end
    return above / (len(first) * len(second))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
