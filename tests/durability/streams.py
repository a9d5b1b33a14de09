"""Many open streams, read by one thread that notes when each thing came."""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.durability.processes import ROOT, Stage, wait_for
from tests.durability.readers import Person, Reader

UNDER_WAY = 50  # a PostgreSQL as it comes takes 100 connections


class Follower:
    """One person with one session and one stream."""

    def __init__(self, port: int) -> None:
        self.reader = Reader(Person(port))
        status, body = self.reader.person.call("POST", "sessions", {})
        assert status == 201, body
        self.session = str(body["session"]["id"])
        self.received = b""
        self.line: socket.socket | None = None

    def has(self, title: str) -> bool:
        """Whether the stream has told of this title."""
        return f'"title": "{title}"'.encode() in self.received


class Streams:
    """The streams of all followers; ``came`` has the moment at which each title came to each."""

    def __init__(self, followers: list[Follower]) -> None:
        self.followers = followers
        self.came: dict[tuple[str, str], float] = {}
        self.awaited: set[tuple[str, str]] = set()
        self._selector = selectors.DefaultSelector()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._read)

    @contextmanager
    def open(self, port: int) -> Iterator[None]:
        """Open them at one server, some at a time: a request under way has its own connection."""
        self._thread.start()
        for place, follower in enumerate(self.followers):
            if place % UNDER_WAY == 0:
                begun = self.followers[:place]
                wait_for(lambda: all(one.received for one in begun), 30, "they begin")  # noqa: B023
            follower.line = socket.create_connection(("127.0.0.1", port), timeout=30)
            follower.line.sendall(follower.reader.request().encode())
            follower.line.setblocking(False)
            self._selector.register(follower.line, selectors.EVENT_READ, follower)
        try:
            yield
        finally:
            self._is_over.set()
            self._thread.join()
            for follower in self.followers:
                assert follower.line is not None
                follower.line.close()
            self._selector.close()

    def _read(self) -> None:
        while not self._is_over.is_set():
            for key, _events in self._selector.select(0.1):
                follower: Follower = key.data
                assert follower.line is not None
                piece = follower.line.recv(65536)
                now = time.monotonic()
                if not piece:  # ended by the server: whoever waits for its events will say so
                    self._selector.unregister(follower.line)
                    continue
                follower.received += piece
                for wanted in [one for one in self.awaited if one[0] == follower.session]:
                    if follower.has(wanted[1]):
                        self.came[wanted] = now
                        self.awaited.discard(wanted)


class Committer:
    """Renames sessions from a process of its own."""

    def __init__(self, stage: Stage, **environment: str) -> None:
        process = stage.process("committing", **environment)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.durability.committing"],
            cwd=ROOT,
            env=process.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def rename(self, session: str, title: str) -> float:
        """Rename; return when that was committed."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([session, title]) + "\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


@contextmanager
def committer(stage: Stage, **environment: str) -> Iterator[Committer]:
    """A committer that ends with the block."""
    committing = Committer(stage, **environment)
    try:
        yield committing
    finally:
        committing.close()


def resident(pid: int) -> int:
    """Return the resident memory of a process in bytes."""
    return 1024 * int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(pid)]))
