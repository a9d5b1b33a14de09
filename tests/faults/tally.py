"""What a fault did: how often it was tried, what its people saw, what was lost or doubled."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.durability.kills import COULD_NOT, LOOKS_EVERY, Asked
from tests.durability.processes import KIND, Database
from tests.durability.readers import Person
from tests.durability.words import whole

SEEN = "CHAT_SESSIONS_FAULTS_SEEN"  # a file that gets one line of JSON for each fault
TAKEN = ("201", "200")
TURN = """
    SELECT r.content, r.state, r.attempt FROM chat_sessions_chatmessage q
    LEFT JOIN chat_sessions_chatmessage r
        ON r.session_id = q.session_id AND r.position = q.position + 1
    WHERE q.content = %s
"""
# Rows of one transaction without each other: a count that is not true, a question without a reply.
HALF_WRITTEN = """
    SELECT s.id FROM chat_sessions_chatsession s
    LEFT JOIN chat_sessions_chatmessage m ON m.session_id = s.id
    GROUP BY s.id, s.message_count
    HAVING s.message_count <> count(m.id) OR coalesce(max(m.position) + 1, 0) <> count(m.id)
        OR mod(count(m.id), 2) <> 0
"""


@dataclass
class Tally:
    """One row of the figures."""

    fault: str
    rounds: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    doubled: int = 0

    def send(self, asked: Asked) -> bool:
        """Send a question once and note what its sender sees; return whether it was taken."""
        outcome, body = sent_once(asked.reader.person, asked)
        self.seen[outcome] += 1
        if outcome in TAKEN:
            asked.session = body["session"]["id"]
        return outcome in TAKEN

    def send_until_taken(self, asked: Asked, within: float) -> None:
        """Send the question again, under the same key, until the site takes it."""
        until = time.monotonic() + within
        while not self.send(asked):
            assert time.monotonic() < until, self
            time.sleep(LOOKS_EVERY)

    def settle(self, database: Database, asked: Asked) -> None:
        """The question is there once; the answer, and what its reader was told, are right."""
        turns = database.query(TURN, asked.question)
        self.lost += not turns
        self.doubled += len(turns) > 1
        for content, state, attempt in turns:
            complete = whole(asked.question, attempt)
            is_right = content == complete if state == "answered" else state == "interrupted"
            assert is_right, (asked.question, state, content)
            assert complete.startswith(content), (asked.question, state, content)
            read = asked.reader.reply()
            assert (read["content"], read["state"]) == (content, state)
            self.seen[f"{state} by attempt {attempt}"] += 1

    def close(self, database: Database) -> None:
        """Nothing is half-written anywhere; tell what was seen."""
        assert database.query(HALF_WRITTEN) == []
        assert self.lost == self.doubled == 0, self
        line = {"fault": self.fault, "database": KIND, "rounds": self.rounds}
        line |= {"seen": dict(self.seen), "lost": self.lost, "doubled": self.doubled}
        sys.stdout.write(f"\n{json.dumps(line)}\n")
        if file := os.environ.get(SEEN):
            with Path(file).open("a", encoding="utf-8") as seen:
                seen.write(json.dumps(line) + "\n")


def sent_once(person: Person, asked: Asked) -> tuple[str, dict[str, dict[str, str]]]:
    """Send a question; return what a sender sees. Anything but a true answer is an error here."""
    try:
        sent = {"content": asked.question, "key": asked.key}
        status, body = person.call("POST", "messages", sent)
    except COULD_NOT:
        return "cut off", {}
    if status == 503:
        assert body["code"] == "unavailable", body
        assert int(person.headers["Retry-After"]) > 0
    else:
        assert status in (200, 201), (status, body)
        assert body["message"]["content"] == asked.question
    return str(status), body
