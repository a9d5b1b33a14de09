"""D-03, every kind of server: its reader leaves and comes back, and it is stopped in the middle."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.durability.kills import Asked
from tests.durability.processes import ASYNC_SERVERS, SERVERS, Process, Stage
from tests.durability.readers import Person, Reader
from tests.durability.words import question

SECONDS = 4.0
LEAVES_AT, COMES_BACK_AT = 1.5, 6.0
# They wait for the threads that write, so that nothing has to be asked for again.
FINISH = {"gunicorn-sync", "gunicorn-gthread", "hypercorn"}


def test_the_answer_is_there_for_a_reader_who_left_and_after_a_restart(
    stage: Stage, tell: Callable[[str], None]
) -> None:
    servers = {kind: stage.server(kind, attempts="2", lease="2") for kind in SERVERS}
    with ThreadPoolExecutor(len(servers)) as pool:
        figures = list(pool.map(lambda item: _prove(stage, *item), servers.items()))
    for figure in figures:
        tell(figure)


def _prove(stage: Stage, kind: str, server: Process) -> str:
    server.start()
    left = _leave_and_come_back(stage, kind, server)
    stopped = Asked(Reader(Person(server.port)), question(80, SECONDS))
    stopped.ask()
    time.sleep(1.0)
    signalled_at = time.monotonic()
    server.end(signal.SIGTERM)
    ended_after = time.monotonic() - signalled_at
    server.start()
    stopped.follow(within=30)
    end = stopped.check(stage.database, 2)
    assert end["state"] == "answered"
    assert end["attempt"] == (1 if kind in FINISH else 2), kind
    return (
        f"{kind}: there at {left:.1f} s; after SIGTERM it ended within {ended_after:.1f} s, "
        f"answered by attempt {end['attempt']}"
    )


def _leave_and_come_back(stage: Stage, kind: str, server: Process) -> float:
    asked = Asked(Reader(Person(server.port)), question(80, SECONDS))
    asked.ask()
    if kind in ASYNC_SERVERS:
        with asked.reader.stream() as line:
            line.settimeout(LEAVES_AT)
            asked.reader.take(line.recv(100_000))
            time.sleep(max(0.0, asked.at + LEAVES_AT - time.monotonic()))
    else:
        time.sleep(LEAVES_AT)
    time.sleep(max(0.0, asked.at + COMES_BACK_AT - time.monotonic()))
    asked.reader.look()
    assert asked.reader.is_finished(), kind
    there = time.monotonic() - asked.at
    assert asked.check(stage.database, 2) == {"state": "answered", "attempt": 1, "share": 1.0}
    return there
