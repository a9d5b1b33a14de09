"""The process of one subject: fills its tables, then measures what it is told to, line by line.

    python -m benchmarks.speed.worker <module:Class>

It reads JSON lines: first the place and the sizes, then one measurement each; it answers each.
"""

from __future__ import annotations

import functools
import gc
import importlib
import itertools
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.speed.subject import OPERATIONS, Place, Pool, Sizes

WARMING = 0.15  # of the time a measurement has


def main(dotted: str) -> None:
    said = sys.stdout
    sys.stdout = sys.stderr  # what a subject prints is no answer
    asked = (json.loads(line) for line in sys.stdin)
    first = next(asked)
    place = Place(**first["place"])
    sizes = read_sizes(first["sizes"])
    module, name = dotted.split(":")
    subject = getattr(importlib.import_module(module), name)(place)
    subject.fill(sizes)
    clients: list[Any] = [subject.client()]
    has = [operation for operation in OPERATIONS if hasattr(clients[0], operation)]
    said.write(json.dumps({"operations": has}) + "\n")
    said.flush()
    server_cpu = server_meter(place)
    for order in asked:
        owners = sizes.owners(order["operation"], order["size"])
        measure = _alone if order["clients"] == 1 else functools.partial(_together, subject)
        answer = measure(clients, order, owners, server_cpu)
        said.write(json.dumps(answer) + "\n")
        said.flush()


def read_sizes(known: dict[str, Any]) -> Sizes:
    """Return the sizes as they travelled in JSON."""
    pools = {
        name: tuple(Pool(**pool) for pool in known[name]) for name in ("histories", "conversations")
    }
    return Sizes(background=known["background"], **pools)


def _alone(
    clients: list[Any], order: dict[str, Any], owners: range, server_cpu: Callable[[], float]
) -> dict[str, Any]:
    do = getattr(clients[0], order["operation"])
    turns = itertools.cycle(owners)
    _repeat(do, turns, order["seconds"] * WARMING)
    gc.collect()
    server, client = server_cpu(), time.process_time()
    took = _repeat(do, turns, order["seconds"])
    client_spent = time.process_time() - client
    server_spent = server_cpu() - server
    return {
        "took": took,
        "client_cpu": client_spent / len(took),
        "server_cpu": server_spent / len(took),
        "per_second": len(took) / sum(took),
    }


def _repeat(do: Callable[[int], Any], turns: Iterator[int], seconds: float) -> list[float]:
    took: list[float] = []
    until = time.perf_counter() + seconds
    while True:
        owner = next(turns)
        began = time.perf_counter()
        do(owner)
        ended = time.perf_counter()
        took.append(ended - began)
        if ended > until:
            return took


def _together(
    subject: Any,
    _clients: list[Any],
    order: dict[str, Any],
    owners: range,
    server_cpu: Callable[[], float],
) -> dict[str, Any]:
    """Let so many threads work at once, each with a connection and owners of its own."""
    number = order["clients"]
    took: list[list[float]] = [[] for _ in range(number)]
    start = threading.Barrier(number + 1)

    def work(place: int) -> None:
        try:
            work_well(place)
        except BaseException:
            start.abort()  # nobody waits for one who has failed
            raise

    def work_well(place: int) -> None:
        client = subject.client()
        do = getattr(client, order["operation"])
        turns = itertools.cycle(list(owners)[place::number] or owners)
        do(next(turns))
        start.wait()
        took[place] = _repeat(do, turns, order["seconds"])
        start.wait()
        if hasattr(client, "close"):
            client.close()

    threads = [threading.Thread(target=work, args=(place,)) for place in range(number)]
    for thread in threads:
        thread.start()
    start.wait()
    began, server, client = time.perf_counter(), server_cpu(), time.process_time()
    start.wait()
    lasted = time.perf_counter() - began
    spent = time.process_time() - client, server_cpu() - server
    for thread in threads:
        thread.join()
    flat = list(itertools.chain.from_iterable(took))
    return {
        "took": flat,
        "client_cpu": spent[0] / len(flat),
        "server_cpu": spent[1] / len(flat),
        "per_second": len(flat) / lasted,
    }


def server_meter(place: Place) -> Callable[[], float]:
    """Return what tells the seconds of CPU that the database's server has spent for this subject.

    Linux says it for each backend; elsewhere, and where the database has no server, it is 0.
    """
    if place.kind != "postgres":
        return lambda: 0.0
    import psycopg

    known = place.settings
    connection = psycopg.connect(
        dbname=known["NAME"], user=known["USER"], host=known["HOST"], autocommit=True
    )
    spent: dict[int, float] = {}

    def read() -> float:
        backends = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
            "AND backend_type IN ('client backend', 'parallel worker') AND pid <> pg_backend_pid()"
        )
        for (pid,) in backends:
            try:
                told = Path(f"/proc/{pid}/schedstat").read_text()
            except OSError:  # gone, or no Linux
                continue
            spent[pid] = int(told.split()[0]) / 1e9
        return sum(spent.values())

    return read


if __name__ == "__main__":
    main(sys.argv[1])
