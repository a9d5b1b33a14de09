"""The people of the soak, and what is measured of the servers meanwhile."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.durability.kills import COULD_NOT, Asked
from tests.durability.processes import Database, Process
from tests.durability.readers import Person, Reader
from tests.durability.words import question

Sample = tuple[float, int, int, int]  # memory in MiB, descriptors, threads, connections
WITHIN = 120.0
QUIET = 20.0  # seconds after which threads and connections that nobody uses are gone
PAGE = os.sysconf("SC_PAGE_SIZE")
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"


class Crowd:
    """People at one server, each in a thread."""

    def __init__(self, kind: str, port: int, people: int) -> None:
        self.taken = 0
        self.errors: list[BaseException] = []
        self._streams = kind == "uvicorn"
        self._port = port
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        self._people = people
        self._threads: list[threading.Thread] = []

    def begin(self) -> None:
        """Let everybody come."""
        self._is_over.clear()
        self._threads = [threading.Thread(target=self._live) for _ in range(self._people)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Let everybody finish what they are at, and leave. Raises what somebody met."""
        self._is_over.set()
        for thread in self._threads:
            thread.join()
        if self.errors:
            raise self.errors[0]

    def _live(self) -> None:
        dice = random.Random()
        try:
            while not self._is_over.is_set():
                person = Person(self._port)
                for _ in range(dice.randrange(2, 12)):
                    self._chat(person, dice)
                    if self._is_over.wait(dice.uniform(0.2, 2.0)):
                        break
        except BaseException as error:  # noqa: BLE001  raised by whoever ends the crowd
            self.errors.append(error)

    def _chat(self, person: Person, dice: random.Random) -> None:
        one = Asked(Reader(person), question(40, dice.uniform(0.5, 4.0)))
        if dice.random() < 0.1:
            person.call("POST", "sessions", {})
        one.ask(WITHIN)
        with self._lock:
            self.taken += 1
        if self._streams:
            for _ in range(dice.randrange(3)):
                _stream_for(one.reader, dice.uniform(0.1, 2.0))
        one.follow(WITHIN)


def _stream_for(reader: Reader, seconds: float) -> None:
    """Follow for a while, and be cut off."""
    received, until = b"", time.monotonic() + seconds
    with suppress(*COULD_NOT), reader.stream() as line:
        while (left := until - time.monotonic()) > 0:
            line.settimeout(left)
            piece = line.recv(65536)
            if not piece:
                break
            received += piece
    reader.take(received)


class Meter:
    """Samples of every server: all processes of its group together."""

    def __init__(self, servers: Mapping[str, Process], database: Database) -> None:
        self.thirds: list[list[dict[str, Sample]]] = []
        self.rests: list[dict[str, Sample]] = []
        self._servers = servers
        self._database = database

    def begin(self) -> None:
        """Begin another third."""
        self.thirds.append([])

    def sample(self) -> None:
        """Look once, while people chat."""
        self.thirds[-1].append({kind: self._look(kind) for kind in self._servers})

    def rest(self) -> None:
        """Look at servers that nobody has used for a while."""
        time.sleep(QUIET)
        self.rests.append({kind: self._look(kind) for kind in self._servers})

    def _look(self, kind: str) -> Sample:
        memory = descriptors = threads = 0
        for pid in _group(self._servers[kind].pid):
            with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                memory += int((pid / "statm").read_text().split()[1]) * PAGE
                descriptors += len(list((pid / "fd").iterdir()))
                threads += len(list((pid / "task").iterdir()))
        connections = int(self._database.query(CONNECTIONS, kind)[0][0])
        return memory / 2**20, descriptors, threads, connections


def _group(leader: int) -> list[Path]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(ProcessLookupError, FileNotFoundError):
            if os.getpgid(int(folder.name)) == leader:
                found.append(folder)
    return found
