"""Many at once: visitors without a cookie, open streams, streams where none can work."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from statistics import quantiles

from benchmarks.figures import Bar
from benchmarks.limits.edges import ask, say
from benchmarks.limits.streaming import open_stream
from tests.durability.processes import KIND, Stage, wait_for
from tests.durability.readers import Person
from tests.durability.streams import Follower, Streams
from tests.durability.words import question

LOOKS = ("sessions/current", "sessions", "updates", "sessions/current/page")
ROWS = """
    SELECT (SELECT count(*) FROM chat_sessions_chatsession)
         + (SELECT count(*) FROM chat_sessions_chatmessage)
         + (SELECT count(*) FROM django_session)
"""
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
MOST_CONNECTIONS = 20
PINGS = 60
SLOWEST_PING = 0.5  # seconds
SLOWEST_SYNC = 1.0  # seconds
REFUSED = 406  # no stream at a server that has one thread for each


def without_cookie(stage: Stage, port: int, count: int) -> Bar:
    """Look so many times, each time as somebody nobody knows; count the rows that leaves."""
    [[before]] = stage.database.query(ROWS)
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    bad = 0
    for number in range(count):
        line.request("GET", f"/chat/{LOOKS[number % len(LOOKS)]}")
        response = line.getresponse()
        response.read()
        bad += response.status != 200
    line.close()
    [[after]] = stage.database.query(ROWS)
    return Bar(
        f"rows left by {count:,} looks without a cookie",
        "0",
        f"{after - before}, {bad} failed",
        met=after == before and not bad,
    )


def with_streams(stage: Stage, port: int, count: int) -> list[Bar]:
    """Hold so many streams open at one process, and ask it for other things meanwhile."""
    with ThreadPoolExecutor(8) as pool:
        followers = list(pool.map(lambda _number: Follower(port), range(count)))
    streams = Streams(followers)
    with streams.open(port):
        wait_for(lambda: all(one.received for one in followers), 120, "all streams are open")
        if KIND == "postgres":
            wait_for(lambda: _connections(stage) < MOST_CONNECTIONS, 30, "connections close")
        person = Person(port)
        pings = [_seconds(lambda: ask(person, "GET", "sessions/current")) for _ in range(PINGS)]
        sends = [
            _seconds(lambda: say(Person(port), question(1, 0))) for _number in range(PINGS // 3)
        ]
        connections = _connections(stage)
    slowest = [quantiles(taken, n=20)[-1] for taken in (pings, sends)]
    bars = [
        Bar(
            f"{what} beside {count} open streams in one process, p95",
            f"< {1000 * SLOWEST_PING:.0f} ms",
            f"{1000 * seconds:.0f} ms",
            met=seconds < SLOWEST_PING,
        )
        for what, seconds in zip(("a look", "a message"), slowest, strict=True)
    ]
    if KIND == "postgres":
        bars.append(
            Bar(
                f"connections of both processes meanwhile, {count} streams",
                f"< {MOST_CONNECTIONS}",
                str(connections),
                met=connections < MOST_CONNECTIONS,
            )
        )
    return bars


def at_a_sync_server(stage: Stage) -> Bar:
    """Ask gunicorn's two sync workers for four streams, then for something else."""
    server = stage.server("gunicorn-sync", limits="default").start()
    person = Person(server.port)
    for _ in range(8):  # each worker loads the site with its first request
        ask(person, "GET", "sessions/current")
    with ExitStack() as opened:
        told = []
        for _ in range(4):
            answer = opened.enter_context(open_stream(person))
            told.append(answer.status)
            if answer.status == REFUSED:
                # A browser lets go of what is no stream; gunicorn's sync worker waits 2 s for that.
                answer.read()
        seconds = _seconds(lambda: ask(person, "GET", "sessions/current"))
    refused = sum(status == REFUSED for status in told)
    return Bar(
        "4 streams at 2 sync workers of gunicorn, then a look",
        f"{REFUSED} for each, < {SLOWEST_SYNC:.0f} s",
        f"{refused} of 4, {1000 * seconds:.0f} ms",
        met=refused == 4 and seconds < SLOWEST_SYNC,
    )


def _connections(stage: Stage) -> int:
    if KIND != "postgres":
        return 0
    return int(stage.database.query(CONNECTIONS, stage.database.name)[0][0])


def _seconds(verb: Callable[[], object]) -> float:
    began = time.monotonic()
    verb()
    return time.monotonic() - began
