"""S-06, many open streams on one uvicorn: what they cost the database and everybody else."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from tests.durability.processes import KIND, Process, Stage, wait_for
from tests.durability.readers import Person
from tests.durability.streams import Follower, Streams, committer, resident

EVENTS_EACH = 3
REQUESTS = 60
MOST_CONNECTIONS = 3
MOST_TIMES_SLOWER = 2.0
TRIES = 3  # another process may have the machine for a moment; the best of three counts
Tell = Callable[[str], None]

if KIND == "postgres":  # the figures are about PostgreSQL's connections

    def test_many_open_streams_cost_few_connections_and_slow_nobody_down(
        stage: Stage, is_long: bool, tell: Tell
    ) -> None:
        count = 300 if is_long else 60
        server = stage.server().start(PGAPPNAME="streams")
        idle = stage.server().start(PGAPPNAME="idle")
        with ThreadPoolExecutor(8) as pool:
            followers = list(pool.map(lambda _number: Follower(server.port), range(count)))
        _ask_both(server, idle)
        before = resident(server.pid)
        streams = Streams(followers)
        with committer(stage) as writer, streams.open(server.port):
            opened = wait_for(lambda: all(one.received for one in followers), 60, "all are open")
            memory = (resident(server.pid) - before) / count
            tell(f"{count} streams opened in {opened:.1f} s, {memory / 1024:.0f} KiB each")
            wait_for(lambda: _connections(stage) <= MOST_CONNECTIONS, 5, "connections are closed")
            connections = [_connections(stage)]
            for number in range(EVENTS_EACH):
                title = f"event {number}"
                streams.awaited.update((one.session, title) for one in followers)
                for place, follower in enumerate(followers):
                    writer.rename(follower.session, title)
                    if place % 10 == 0:
                        connections.append(_connections(stage))
                wait_for(lambda: not streams.awaited, 30, f"{title} has come to everybody")
            tell(f"{count * EVENTS_EACH} of {count * EVENTS_EACH} events delivered")
            tell(f"{max(connections)} connections at most, {MOST_CONNECTIONS} allowed")
            assert max(connections) <= MOST_CONNECTIONS
            _compare(server, idle, tell)


def _compare(server: Process, idle: Process, tell: Tell) -> None:
    """An ordinary request beside the streams and at a server without any, turn by turn."""
    factors = []
    for _ in range(TRIES):
        ours, theirs = _ask_both(server, idle)
        factors.append(ours / theirs)
        tell(
            f"an ordinary request: median {1000 * ours:.1f} ms beside them, "
            f"{1000 * theirs:.1f} ms without, {factors[-1]:.2f} times"
        )
        if factors[-1] <= MOST_TIMES_SLOWER:
            break
    assert min(factors) <= MOST_TIMES_SLOWER


def _ask_both(server: Process, idle: Process) -> tuple[float, float]:
    people = [Person(one.port) for one in (server, idle)]
    times: list[list[float]] = [[], []]
    for _ in range(REQUESTS):
        for person, taken in zip(people, times, strict=True):
            began = time.monotonic()
            person.call("GET", "sessions/current")
            taken.append(time.monotonic() - began)
    return median(times[0]), median(times[1])


def _connections(stage: Stage) -> int:
    sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND application_name = %s"
    return int(stage.database.query(sql, stage.database.name, "streams")[0][0])
