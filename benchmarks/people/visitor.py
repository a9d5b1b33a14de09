"""Somebody's browser, what they believe, and what they see."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Any

from benchmarks.people.beliefs import Ledger, Place, Promises, Turn
from benchmarks.people.browser import Browser
from benchmarks.people.tab import Tab
from benchmarks.people.wire import LostError, Response, Wire

OK, CREATED = 200, 201
PAGE = 100
WAITS = 120.0  # seconds beyond its length that somebody waits for an answer
STREAM = 0.5  # the share of answers that are followed by a stream


@dataclass
class Town:
    """What everybody shares: the site, the promises, and how fast time goes there, in seconds."""

    wire: Wire
    promises: Promises
    idle: float
    longest: float
    ends_at: float
    delays: list[float] = field(default_factory=list)
    answered: int = 0
    sessions: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


class Visitor:
    """One person, who may log in later."""

    def __init__(self, name: str, town: Town, seed: int) -> None:
        self.name = name
        self.town = town
        self.dice = random.Random(seed)
        self.browser = Browser(town.wire, self.dice)
        self.ledger = Ledger(town.promises)
        self.place = Place(town.promises, town.idle)
        self.tab = Tab(town.promises, self.dice)

    def check(self, name: str, is_kept: bool, circumstances: object) -> None:
        """Look at one promise."""
        self.town.promises.check(name, is_kept, f"{self.name}: {circumstances}")

    async def read_all_again(self) -> None:
        """After everything: every session and every message, against what is believed."""
        try:
            rows = await self.all_sessions()
            self.ledger.compare_history(rows, is_all=True)
            for row in rows:
                await self.read(row["id"], "read again")
        except LostError as error:
            self.town.gone.append(f"{self.name}: {error}")

    async def wait_for(self, turn: Turn) -> None:
        """Follow an answer to its end, once, and check it."""
        if turn.is_heard:
            return
        turn.is_heard = True
        until = time.time() + turn.seconds + WAITS
        is_stream = self.dice.random() < STREAM

        def news() -> Any:
            return (
                self.browser.stream(self.tab.cursor) if is_stream else self.browser.poll(self.tab)
            )

        is_over = await self.tab.follow(turn.reply, news, self.see, until)
        reply = self.tab.messages.get(turn.reply, {"content": "", "state": "unknown"})
        self.check("whole", is_over and turn.is_complete(reply), f"{turn} {reply}")
        self.town.answered += 1
        if began_at := reply.get("metadata", {}).get("began_at"):
            self.town.delays.append(began_at - turn.created_at)

    def see(self, rows: list[dict[str, Any]], asked_at: float, heard_at: float) -> None:
        """Look at the session this person is in, where it is among these."""
        for row in rows:
            if row["id"] == self.place.id:
                self.place.see(row, asked_at, heard_at)

    async def read(self, session: str, kind: str) -> None:
        """Read a whole conversation, and compare it with what is believed."""
        messages: list[dict[str, Any]] = []
        before = ""
        while True:
            path = f"chat/sessions/{session}/messages{before}"
            page = await self.browser.ask(kind, "GET", path)
            if page.status != OK:
                self.check("kept", False, f"{session} cannot be read: {page.body}")
                return
            messages = [*page.body["messages"], *messages]
            self.see([page.body["session"]], page.asked_at, page.heard_at)
            if page.body["next_before"] is None:
                break
            before = f"?before={page.body['next_before']}"
        self.ledger.compare_transcript(session, messages)
        self.tab.know(*messages)

    async def all_sessions(self) -> list[dict[str, Any]]:
        """Read the whole history, page by page."""
        rows: list[dict[str, Any]] = []
        cursor = ""
        while True:
            path = f"chat/sessions?limit={PAGE}{cursor}"
            page = await self.browser.ask("read again", "GET", path)
            rows += page.body["sessions"]
            if page.body["next_cursor"] is None:
                return rows
            cursor = f"&cursor={page.body['next_cursor']}"

    async def do(self, kind: str, path: str, status: int = OK) -> Response:
        """Post something that must succeed, and see where that leads."""
        self.place.moved()
        response = await self.browser.ask(kind, "POST", f"chat/{path}", {})
        if response.status != status:
            raise LostError(f"{kind}: {response.status} {response.body}")
        return response

    async def sleep(self, seconds: float) -> None:
        """Sleep, but not beyond the end."""
        await asyncio.sleep(max(0.0, min(seconds, self.town.ends_at - time.time())))
