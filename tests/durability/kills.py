"""Questions that are answered while something is killed, and what must become of them."""

from __future__ import annotations

import http.client
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.durability.processes import Database
from tests.durability.readers import Reader
from tests.durability.words import whole

LOOKS_EVERY = 0.05
GRACE = 2.0  # seconds beyond the lease in which a reader must know
COULD_NOT = (ConnectionError, http.client.HTTPException, TimeoutError)


@dataclass
class Asked:
    """One question in flight, and its reader."""

    reader: Reader
    question: str
    key: str = field(default_factory=lambda: uuid4().hex)
    at: float = 0.0
    session: str = ""
    taken_up_at: float | None = None

    def ask(self, within: float = 60.0) -> None:
        """Send the question; a server that dies meanwhile gets it again, under the same key."""
        until = time.monotonic() + within
        while True:
            self.at = time.monotonic()
            try:
                sent = self.reader.person.ask(self.question, self.key)
            except COULD_NOT:
                assert time.monotonic() < until
                time.sleep(LOOKS_EVERY)
            else:
                self.session = sent["session"]["id"]
                return

    def follow(self, within: float) -> None:
        """Look until the reply has ended; note when a new attempt or an end shows."""
        until = time.monotonic() + within
        while True:
            try:
                self.reader.look()
            except COULD_NOT:  # the server has not started again yet
                assert time.monotonic() < until
                time.sleep(LOOKS_EVERY)
                continue
            is_finished = self.reader.is_finished()
            if self.taken_up_at is None and (is_finished or self.reader.reply()["attempt"] > 1):
                self.taken_up_at = time.monotonic()
            if is_finished:
                return
            assert time.monotonic() < until, self.reader.reply()
            time.sleep(LOOKS_EVERY)

    def check(self, database: Database, attempts: int) -> dict[str, Any]:
        """The question is there, once; the answer is what it must be; the reader knows the same."""
        (question, *_), (content, state, attempt) = database.messages(self.session)
        assert question == self.question
        complete = whole(self.question, attempt)
        if state == "interrupted":
            assert attempt == attempts
            assert complete.startswith(content), (complete, content)
        else:
            assert (state, content) == ("answered", complete)
        read = self.reader.reply()
        assert (read["content"], read["state"]) == (content, state)
        return {"state": state, "attempt": attempt, "share": len(content) / len(complete)}


def follow_all(asked: list[Asked], within: float) -> None:
    """Let all readers look at the same time."""
    with ThreadPoolExecutor(len(asked)) as pool:
        list(pool.map(lambda one: one.follow(within), asked))
