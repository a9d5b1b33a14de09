"""A server with one proxy before it and one behind it, and people who chat with it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count

from tests.durability.kills import Asked
from tests.durability.processes import Process, Stage
from tests.durability.readers import Person, Reader
from tests.durability.words import question
from tests.faults.own_postgres import OwnPostgres
from tests.faults.proxy import Proxy
from tests.faults.tally import Tally

LEASE = 2.0
ATTEMPTS = 2
WITHIN = 30.0  # seconds until every fault must be over for everybody
QUIET = 1.2  # seconds without an event after which an answer has ended, or nobody writes it
_numbers = count()


class Site:
    """``web`` stands between people and the server, ``line`` between it and the database."""

    def __init__(self, database: OwnPostgres, stage: Stage, server: Process, web: Proxy) -> None:
        self.database = database
        self.line = database.proxy
        self.stage = stage
        self.server = server
        self.web = web

    def asked(self, seconds: float = 0.1, words: int = 10, person: Person | None = None) -> Asked:
        """Return a question that nobody has asked yet, of somebody behind the proxy."""
        text = f"{question(words, seconds)} ({next(_numbers)})"
        return Asked(Reader(person or Person(self.web.port)), text)

    @contextmanager
    def traffic(self, tally: Tally, people: int = 3, seconds: float = 0.2) -> Iterator[None]:
        """Let people chat as long as the block runs; all that they asked is settled then."""
        asked: list[Asked] = []
        errors: list[BaseException] = []
        is_over = threading.Event()

        def chat(person: Person) -> None:
            try:
                while not is_over.is_set():
                    one = self.asked(seconds, person=person)
                    asked.append(one)
                    tally.send_until_taken(one, WITHIN)
                    one.follow(WITHIN)
            except BaseException as error:  # noqa: BLE001  raised by the test's own thread
                errors.append(error)

        known = [Person(self.web.port) for _ in range(people)]  # cookies come before the trouble
        threads = [threading.Thread(target=chat, args=(person,)) for person in known]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            is_over.set()
            for thread in threads:
                thread.join()
        if errors:
            raise errors[0]
        assert len(asked) >= people
        for one in asked:
            tally.settle(self.database, one)


def streamed(reader: Reader) -> bytes:
    """Return what one stream brought until it ended, was cut, or was quiet."""
    received = b""
    with suppress(ConnectionError, TimeoutError), reader.stream() as line:
        line.settimeout(QUIET)
        while piece := line.recv(65536):
            received += piece
    return received
