"""A disk that is full: said clearly, nothing spoiled, and all is well when there is room again.

A limit of the operating system on the size of files, set while everything runs, is what a full
disk is to a process: the write fails. It needs no rights and no disk.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.durability.kills import Asked
from tests.durability.processes import KIND, Database, Process, Stage
from tests.durability.readers import Person, Reader
from tests.durability.words import question
from tests.faults.own_postgres import OwnPostgres
from tests.faults.site import ATTEMPTS, LEASE, WITHIN
from tests.faults.tally import Tally

pytestmark = [pytest.mark.durability] if KIND == "postgres" else []  # the short form is SQLite's
NOT_A_BLOCK = 100  # bytes: the block that does not fit is cut off in the middle
LONG = " " + "x" * 8000  # makes a question that needs room
MOST = 60  # questions until it is full
# Beyond the size of the files of PostgreSQL's log, which must not be what meets the limit.
FILLED = """
    ALTER TABLE chat_sessions_chatmessage ALTER COLUMN content SET STORAGE EXTERNAL;
    INSERT INTO chat_sessions_chatsession (id, message_count) VALUES (gen_random_uuid(), 1200);
    INSERT INTO chat_sessions_chatmessage (id, session_id, position, content)
        SELECT gen_random_uuid(), s.id, n, repeat('x', 16000)
        FROM chat_sessions_chatsession s, generate_series(0, 1199) n WHERE s.message_count = 1200;
    SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE relname = 'chat_sessions_chatmessage'
"""


def test_a_disk_that_is_full(database: Database, stage: Stage, tally: Tally) -> None:
    """A full disk, while everything runs, and room again."""
    server = stage.server(lease=str(LEASE), attempts=str(ATTEMPTS)).start()
    person, numbers = Person(server.port), count()
    asked: list[Asked] = []
    with _no_room(database, server):
        while not tally.seen["503"]:
            assert len(asked) < MOST
            text = f"{question(10, 0.1)} ({next(numbers)}{LONG})"
            asked.append(Asked(Reader(person), text))
            if tally.send(asked[-1]):
                asked[-1].follow(WITHIN)
        assert person.call("GET", "sessions")[0] == 200  # what is there can be read
        status, page = person.call("GET", "/page")
        assert (status, "The end" in page) == (200, True)
    for one in asked[-1:]:
        tally.send_until_taken(one, WITHIN)
        one.follow(WITHIN)
    for one in asked:
        tally.settle(database, one)
    if KIND == "sqlite":
        assert database.query("PRAGMA integrity_check") == [("ok",)]
    tally.rounds += 1


@contextmanager
def _no_room(database: Database, server: Process) -> Iterator[None]:
    """Let no file of whoever writes the database grow any more."""
    pid, owner, size = server.pid, (os.geteuid(), os.getegid()), 0
    if isinstance(database, OwnPostgres):
        for statement in FILLED.split(";"):
            rows = database.administer(statement)
        home = database.home.stat()
        pid, owner, size = database.pid, (home.st_uid, home.st_gid), rows[0][0]
    else:
        size = Path(database.name).stat().st_size
    _limit(pid, owner, str(size + NOT_A_BLOCK))
    try:
        yield
    finally:
        _limit(pid, owner, "unlimited")


def _limit(pid: int, owner: tuple[int, int], size: str) -> None:
    """As the one whose process it is: in a container not even root may do it for others."""
    command = ["prlimit", "--pid", str(pid), f"--fsize={size}:"]
    account: dict[str, Any] = {}
    if owner[0] != os.geteuid():
        account = {"user": owner[0], "group": owner[1], "extra_groups": []}
    subprocess.run(command, **account, check=True)
