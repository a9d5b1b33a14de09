"""What activity, turns and sweeps cost the database, and what that means for many people a day.

    python -m benchmarks.activity [--sessions 100000] [--seconds 10] [--keep]

Starts a PostgreSQL whose commits reach the disk, fills it with open sessions, and does with them
what people do, through the services. The processor time of PostgreSQL and of this process is
measured for each act; the arithmetic for ten million people a day (--people) is made of it.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks.figures import Bar, Figures, Table
from benchmarks.progress import tell

CLIENTS = 16
WARMING = 3
ACTIVE = 1000  # of the open sessions, those whose people do something
SAVES = 16  # an answer of 8 seconds is stored twice a second
# What one of many people does in a day, and how much more is done in the busiest minutes.
A_DAY = {"load a page": 4, "type": 6, "ask and be answered": 6, "look for news": 6 * SAVES}
PEAK = 5
SECONDS_OF_A_DAY = 24 * 3600
PER_CORE = 0.5  # the share of a processor that is planned with
# Somebody who types shows it so often, for so long; as the npm client does at most.
SIGN_EVERY, TYPES_FOR = 30, 300  # seconds
RESOLUTIONS = (1, 15, 60)  # seconds


def main(arguments: list[str]) -> int:
    """Measure, and count on; 0 when touches are cheap for the database."""
    options = _options(arguments)
    os.environ.pop("DATABASE_URL", None)  # nobody's own database is filled
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "tests.settings.default_models",
        "CHAT_SESSIONS_TEST_DB": "postgres",
        "CHAT_SESSIONS_TEST_DURABLE": "1",
    }
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from django_chat_sessions.services.replies import growing

    settings.CHAT_SESSIONS |= {"RESPONDER": "benchmarks.activity.respond"}
    growing.SAVE_EVERY = 0.0  # what comes in eight seconds is stored at once, as often
    call_command("migrate", verbosity=0)
    figures = _measure(options)
    return figures.concluded(keep=options.keep)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.activity",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sessions", type=int, default=100_000, help="open ones (100000)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each act (10)")
    parser.add_argument("--people", type=int, default=10_000_000, help="of a day (10000000)")
    parser.add_argument("--keep", action="store_true", help="keep the figures for the evidence")
    options = parser.parse_args(arguments)
    if options.sessions < 100 or not options.seconds > 0 or options.people < 1:
        parser.error("there must be 100 sessions, some seconds and somebody")
    return options


def respond(_turn: Any) -> Iterator[str]:
    """Answer at length, in as many pieces as are stored of an answer that takes 8 seconds."""
    return itertools.repeat("So many words come in half a second of an answer. " * 2, SAVES)


@dataclass
class Cost:
    """What one kind of act has cost, in seconds and bytes."""

    took: list[float] = field(default_factory=list)
    seconds: float = 0.0
    database: float = 0.0
    here: float = 0.0
    wal: float = 0.0
    hot: float = 1.0

    @property
    def number(self) -> int:
        return len(self.took)

    def row(self, name: str) -> tuple[str, ...]:
        milliseconds = (statistics.median(self.took), self.database / self.number)
        spent = (*milliseconds, self.here / self.number)
        wal = f"{self.wal / self.number:,.0f} bytes"
        return name, f"{self.number:,}", *(f"{each * 1000:.2f} ms" for each in spent), wal


def _measure(options: argparse.Namespace) -> Figures:
    asked = f"--sessions {options.sessions} --seconds {options.seconds:g}"
    figures = Figures("activity", "Activity and sweeps", f"python -m benchmarks.activity {asked}")
    from benchmarks.filling import open_sessions

    people = open_sessions(options.sessions)[:ACTIVE]
    _ask("VACUUM ANALYZE chat_sessions_chatsession")
    acts = _acts()
    _warm(acts["type"], people)
    costs = {name: _cost(act, people, 1, options.seconds) for name, act in acts.items()}
    together = _cost(acts["type"], people, CLIENTS, options.seconds)
    sweep = _sweep()
    columns = ("act", "number", "median", "PostgreSQL's time", "Python's time", "WAL")
    rows = [cost.row(name) for name, cost in costs.items()]
    rows.append(sweep.row("sweep one expired session"))
    figures.tables.append(Table("What one act costs", columns, rows))
    figures.tables += [_typing(), _arithmetic(options.people, costs, sweep)]
    each_second = f"{together.number / together.seconds:,.0f} touches a second"
    what = f"touches that move no index, of {CLIENTS} clients with {each_second}"
    hot = together.hot
    figures.bars.append(Bar(what, "≥ 95 %", f"{hot:.1%}", hot >= 0.95))
    return figures


def _warm(touch: Callable[[Any], Any], people: list[str]) -> None:
    """Touch each some times: rows that were filled in at once lie packed, as no living ones do."""
    from django_chat_sessions.owners import Owner

    for round_ in range(WARMING):
        for number, name in enumerate(people):
            touch(Owner.for_visitor(name))
            tell(f"{number:,} of {len(people):,} touched, {round_ + 1} of {WARMING}")
        _ask("VACUUM ANALYZE chat_sessions_chatsession")


def _acts() -> dict[str, Callable[[Any], Any]]:
    """What people do, as the API does it for them."""
    from django_chat_sessions import services

    def load(owner: Any) -> None:
        arrival = services.look(owner)
        services.history_page(owner, limit=30)
        services.transcript(services.find_session(owner, arrival.opened.pk))

    def type_something(owner: Any) -> None:
        # A client knows the id of its session; here it has to be asked for, as one is found by id.
        services.touch(services.look(owner).opened)

    def ask(owner: Any) -> None:
        services.send(owner, "What is this about?", key=f"{time.monotonic_ns()}")

    return {
        "load a page": load,
        "type": type_something,
        "ask and be answered": ask,
        "look for news": services.updates,
    }


def _cost(act: Callable[[Any], Any], people: list[str], clients: int, seconds: float) -> Cost:
    """Let clients act for people at random, as fast as they can."""
    from django_chat_sessions.owners import Owner

    cost = Cost()
    tell(f"{act.__name__} by {clients}")

    def client(number: int) -> None:
        from django.db import connection

        dice = random.Random(number)
        ends = time.perf_counter() + seconds
        while (began := time.perf_counter()) < ends:
            act(Owner.for_visitor(dice.choice(people)))
            cost.took.append(time.perf_counter() - began)
        connection.close()

    def everybody() -> None:
        threads = [threading.Thread(target=client, args=[number]) for number in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return _note(cost, everybody)


def _sweep() -> Cost:
    """Let every session expire, and sweep them."""
    from django.db.models import F

    from django_chat_sessions import get_session_model, services

    model: Any = get_session_model()
    model.objects.update(expires_at=F("started_at"))
    _ask("VACUUM ANALYZE chat_sessions_chatsession")
    cost = Cost()

    def sweep() -> None:
        began = time.perf_counter()
        swept = services.sweep(progress=lambda done: tell(f"{done:,} swept"))
        cost.took += [(time.perf_counter() - began) / swept] * swept

    return _note(cost, sweep)


def _note(cost: Cost, act: Callable[[], None]) -> Cost:
    """Note what an act costs."""
    before = _counters()
    act()
    time.sleep(1.5)  # PostgreSQL tells its statistics after a second
    after = _counters()
    cost.seconds, cost.database, cost.here, cost.wal, updates, hot = (
        later - sooner for later, sooner in zip(after, before, strict=True)
    )
    cost.seconds -= 1.5
    cost.hot = hot / updates if updates else 1.0
    tell("")
    return cost


def _counters() -> tuple[float, ...]:
    counted = _ask(
        "SELECT pg_current_wal_lsn() - '0/0', n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables"
        " WHERE relname = 'chat_sessions_chatsession'"
    )
    from benchmarks.people.processors import spent_by_postgres

    clocks = (time.perf_counter(), spent_by_postgres(), time.process_time())
    return (*clocks, *map(float, counted[0]))


def _typing() -> Table:
    """Count what is written of the activity of somebody who types."""
    rows = []
    for resolution in RESOLUTIONS:
        written, last = 0, float("-inf")
        for moment in range(0, TYPES_FOR, SIGN_EVERY):
            if moment - last >= resolution:
                written, last = written + 1, moment
        rows.append((f"{resolution} s", f"{TYPES_FOR // SIGN_EVERY}", f"{written}"))
    title = f"Somebody types for {TYPES_FOR} s"
    return Table(title, ("ACTIVITY_RESOLUTION", "signs of it", "UPDATE statements"), rows)


def _arithmetic(people: int, costs: dict[str, Cost], sweep: Cost) -> Table:
    """Count what so many people a day ask of the database."""
    each_second = people / SECONDS_OF_A_DAY
    rows = []
    sums = [0.0, 0.0, 0.0]
    for name, times in A_DAY.items():
        cost = costs[name]
        at_peak = each_second * PEAK * times
        database, here = (spent / cost.number * at_peak for spent in (cost.database, cost.here))
        wal = cost.wal / cost.number * people * times
        sums = [total + more for total, more in zip(sums, (database, here, wal), strict=True)]
        rows.append((name, f"{times}", f"{at_peak:,.0f}", *_needs(database, here, wal)))
    swept = people * sweep.seconds / sweep.number / 3600
    rows.append(("all of it", "", "", *_needs(*sums)))
    rows.append(("sweep, one process", "1", "", f"{swept:.1f} hours a day", "", ""))
    title = f"{people:,} people a day, the busiest minutes {PEAK} times the average"
    columns = ("act", "by each", "a second", "processors of PostgreSQL", "of Python", "WAL a day")
    return Table(title, columns, rows)


def _needs(database: float, here: float, wal: float) -> tuple[str, str, str]:
    cores = (f"{each / PER_CORE:,.0f}" for each in (database, here))
    return *cores, f"{wal / 1e9:,.0f} GB"  # type: ignore[return-value]


def _ask(sql: str) -> list[tuple[Any, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall()) if cursor.description else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
