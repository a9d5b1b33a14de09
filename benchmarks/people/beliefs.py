"""What one person believes to have said and been told, compared with what the site says."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from benchmarks.people.answers import whole

UNFINISHED = ("pending", "running")
RESOLUTION = 1.0  # seconds; activity that is younger is not written again

PROMISES = {
    "one open": "an owner has at most one open session",
    "resumed": "before it expires, a session is open and takes the next message",
    "new": "from then on the next message starts a new one, which says why and what was before",
    "looking": "looking keeps no session open and leaves none behind",
    "pinned": "a session stays open while its answer is written, and idles only from its end",
    "kept": "every message that was accepted is in the history",
    "once": "sent again with its key, it is stored and answered once, and told the same",
    "whole": "every answer is complete, or stopped where somebody stopped it",
    "followed": "a reader misses no character and gets none twice",
    "one turn": "of two messages at once one is refused, with the answer that runs",
    "reopened": "an expired session is taken up again, with all that was said",
    "claimed": "what a visitor said is the user's after the login",
    "private": "nobody else's session is there",
    "order": "positions have no gap, and the history is in the order of its latest messages",
}


def moment(text: str) -> float:
    """Return a time of the API as seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()


class Promises:
    """How often each promise was looked at, and how often it was broken."""

    def __init__(self) -> None:
        self.checked: Counter[str] = Counter(dict.fromkeys(PROMISES, 0))
        self.broken: Counter[str] = Counter()
        self.examples: list[str] = []

    def check(self, name: str, is_kept: bool, circumstances: object = "") -> None:
        """Note one look; the circumstances of the first broken ones are kept."""
        self.checked[name] += 1
        if not is_kept:
            self.broken[name] += 1
            if len(self.examples) < 20:
                told = str(circumstances)
                short = told if len(told) < 1000 else f"{told[:500]} … {told[-500:]}"
                self.examples.append(f"{PROMISES[name]}: {short}")


@dataclass
class Turn:
    """A question that was accepted, and where its answer goes."""

    question: str
    key: str
    message: str = ""
    reply: str = ""
    session: str = ""
    seconds: float = 0.0
    position: int = 0
    created_at: float = 0.0
    is_stopped: bool = False
    is_heard: bool = False

    def is_complete(self, reply: dict[str, Any]) -> bool:
        """Whether this is what had to become of its reply."""
        content, state = reply["content"], reply["state"]
        if state == "stopped":
            return self.is_stopped and whole(self.question).startswith(content)
        return bool(state == "answered" and content == whole(self.question))


@dataclass
class Ledger:
    """All that one person has said, by session; in the order of saying it."""

    promises: Promises
    sessions: dict[str, list[Turn]] = field(default_factory=dict)
    # Sent, but never heard of again: they may be stored or not.
    uncertain: set[str] = field(default_factory=set)

    def note(self, turn: Turn) -> None:
        """Believe that a turn was accepted."""
        self.sessions.setdefault(turn.session, []).append(turn)

    def compare_history(self, rows: list[dict[str, Any]], *, is_all: bool) -> None:
        """Compare a list of sessions with what is believed."""
        check = self.promises.check
        found = {row["id"] for row in rows}
        mine = set(self.sessions)
        check("one open", sum(row["state"] == "active" for row in rows) <= 1, rows)
        if not self.uncertain:
            check("looking", found <= mine, f"{found - mine} of {rows}")
            check("looking", all(row["message_count"] for row in rows), rows)
        if is_all:
            check("kept", mine <= found, f"{mine - found} missing, {len(found)} there")
        latest = [(row["last_message_at"], row["id"]) for row in rows]
        check("order", latest == sorted(latest, reverse=True), latest)

    def compare_transcript(self, session: str, messages: list[dict[str, Any]]) -> None:
        """Compare all messages of a session with what is believed."""
        check = self.promises.check
        check("order", [m["position"] for m in messages] == list(range(len(messages))), messages)
        if any(message["content"] in self.uncertain for message in messages):
            return
        asked = [m for m in messages if m["role"] == "user"]
        turns = sorted(self.sessions.get(session, []), key=lambda turn: turn.position)
        believed = [(turn.message, turn.question) for turn in turns]
        stored = [(m["id"], m["content"]) for m in asked]
        check("kept", set(believed) <= set(stored), f"{believed} against {stored}")
        check("once", len(stored) <= len(believed), f"{believed} against {stored}")
        check("order", stored == believed, f"{believed} against {stored}")
        replies = {m["id"]: m for m in messages if m["role"] == "assistant"}
        check("once", set(replies) == {turn.reply for turn in turns}, f"{turns} against {replies}")
        for turn in turns:
            reply = replies.get(turn.reply)
            if reply is not None and reply["state"] not in UNFINISHED:
                check("whole", turn.is_complete(reply), f"{turn} against {reply}")


@dataclass
class Place:
    """The session that a person is in: when it expires, as far as they can know."""

    promises: Promises
    idle: float
    id: str = ""
    # When it expires; None while an answer runs, or something was done that moves it.
    until: float | None = None
    unfinished_at: float = 0.0

    def moved(self) -> None:
        """Something was done that keeps it open: what was known of its end no longer holds."""
        self.until = None

    def see(self, row: dict[str, Any], asked_at: float, heard_at: float) -> None:
        """Look at the session as it was between two moments."""
        check = self.promises.check
        is_active, until = row["state"] == "active", self.until
        if row["running"]:
            check("pinned", is_active, row)
            self.unfinished_at = max(self.unfinished_at, asked_at)
            self.until = None
            return
        if until is not None:
            if until > heard_at:
                check("resumed", is_active, f"until {until}, heard {heard_at}: {row}")
            elif until <= asked_at:
                check("new", not is_active, f"until {until}, asked {asked_at}: {row}")
        if not is_active:
            return
        ends, acted = moment(row["expires_at"]), moment(row["last_activity_at"])
        if until is not None:
            check("looking", ends == until, f"{until} became {ends}: {row}")
        check("pinned", acted >= self.unfinished_at - RESOLUTION, f"{self.unfinished_at}: {row}")
        check("resumed", abs(ends - acted - self.idle) <= RESOLUTION, row)
        self.until = ends

    def arrive(self, sent: dict[str, Any], asked_at: float, heard_at: float) -> None:
        """Look at what a message led to, and go where it went."""
        check = self.promises.check
        arrival, row = sent["arrival"], sent["session"]
        facts = f"{self.id} until {self.until}, asked {asked_at}, heard {heard_at}: {sent}"
        if not self.id:
            check("new", arrival["status"] == "new" and arrival["reason"] == "first", facts)
        elif self.until is not None and self.until > heard_at:
            is_same = row["id"] == self.id and arrival["status"] == "resumed"
            check("resumed", is_same, facts)
        elif self.until is not None and self.until <= asked_at:
            before = (arrival["previous"] or {}).get("id")
            is_said = arrival["status"] == "new" and arrival["reason"] == "idle"
            is_named = before == row["previous"] == self.id
            check("new", is_said and is_named and row["id"] != self.id, facts)
        self.go(row["id"])
        self.unfinished_at = asked_at

    def go(self, session: str) -> None:
        """Be in another session, or in this one after doing something."""
        self.id, self.until, self.unfinished_at = session, None, 0.0
