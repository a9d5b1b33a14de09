"""A day of somebody's: thinking, asking, reading, reloading, leaving and coming back."""

from __future__ import annotations

import asyncio
import time
from uuid import uuid4

from benchmarks.people.asking import Asker
from benchmarks.people.tab import Tab
from benchmarks.people.visitor import CREATED
from benchmarks.people.wire import LostError

NOT_FOUND = 404
# How often somebody does what.
AWAY, NEW_CHAT, TAKE_UP, LOG_IN, PRY = 0.3, 0.05, 0.15, 0.25, 0.05
TWO_TABS, TWICE, LOST = 0.05, 0.05, 0.05
LEAVE, STOP, AGAIN, TOUCH, RELOAD = 0.2, 0.04, 0.05, 0.3, 0.2
# How long somebody thinks, types before that, and is away, as shares of the idle timeout.
THINK, TYPE, GONE = (0.2, 0.75), (0.05, 0.2), (1.05, 4.0)


class Person(Asker):
    """Somebody who lives on the site until it is time."""

    is_known = False

    async def live(self, begins_in: float) -> None:
        """Come, chat until it is time, and see the last answer to its end."""
        await asyncio.sleep(begins_in)
        try:
            await self.open_page()
            while time.time() < self.town.ends_at:
                await self.turn()
                await self.pause()
        except LostError as error:
            self.town.gone.append(f"{self.name}: {error}")

    async def pause(self) -> None:
        """Think, touching the page now and then; or go away for longer than the chat waits."""
        idle = self.town.idle
        if self.does(AWAY):
            await self.sleep(self.dice.uniform(*GONE) * idle)
            await self.open_page()
            if self.does(TAKE_UP):
                await self.take_up()
            return
        if self.does(TOUCH):
            await self.sleep(self.dice.uniform(*TYPE) * idle)
            await self.touch()
        await self.sleep(self.dice.uniform(*THINK) * idle)
        if self.does(RELOAD):
            await self.open_page()

    async def turn(self) -> None:
        """Ask something, in one of the ways that people do, and read the answer."""
        if self.place.id and self.does(NEW_CHAT):
            await self.start()
        ways = [self.from_two_tabs, self.twice, self.with_a_lost_response, self.once]
        [way] = self.dice.choices(ways, [TWO_TABS, TWICE, LOST, 1 - TWO_TABS - TWICE - LOST])
        accepted = await way()
        if accepted is None:
            return
        if self.does(LEAVE):
            await asyncio.sleep(self.dice.uniform(0.2, 1.5) * accepted.seconds)
            await self.open_page()
        elif self.does(STOP):
            await asyncio.sleep(self.dice.uniform(0.2, 0.9) * accepted.seconds)
            await self.stop(accepted)
        await self.wait_for(accepted)
        if self.does(AGAIN):
            await self.again()

    def does(self, share: float) -> bool:
        """Whether this is one of the times that somebody does it."""
        return self.dice.random() < share

    async def open_page(self) -> None:
        """Load the page: what is open, the history, and the conversation."""
        if self.asked and not self.is_known and self.does(LOG_IN):
            await self.log_in()
        now = await self.browser.ask("open the page", "GET", "chat/sessions/current")
        session, named = now.body["session"], now.body["arrival"]["previous"]
        if session is not None:
            is_mine = session["id"] in self.ledger.sessions
            self.check("private", is_mine or bool(self.ledger.uncertain), now.body)
            self.see([session], now.asked_at, now.heard_at)
        elif self.place.id:
            is_named = named is not None and named["id"] == self.place.id
            self.check("new", is_named, f"{self.place}: {now.body}")
            self.see([named] if is_named else [], now.asked_at, now.heard_at)
        listed = await self.browser.ask("history of 30", "GET", "chat/sessions")
        self.see(listed.body["sessions"], listed.asked_at, listed.heard_at)
        self.ledger.compare_history(listed.body["sessions"], is_all=False)
        self.tab = Tab(self.town.promises, self.dice)
        if session is not None:
            await self.read(session["id"], "transcript")
            for turn in self.ledger.sessions[session["id"]][-1:]:
                await self.wait_for(turn)
        if self.town.sessions and self.does(PRY):
            await self.pry()

    async def start(self) -> None:
        """Begin a new chat on purpose."""
        started = await self.do("start", "sessions", CREATED)
        self.place.go(started.body["session"]["id"])
        self.ledger.sessions.setdefault(self.place.id, [])

    async def touch(self) -> None:
        """Type something: that keeps a session, unless it has expired."""
        before = self.place.until
        touched = await self.do("touch", f"sessions/{self.place.id}/touch")
        row = touched.body["session"]
        if before is not None and before > touched.heard_at:
            self.check("resumed", row["state"] == "active", f"until {before}: {touched}")
        self.see([row], touched.asked_at, touched.heard_at)

    async def log_in(self) -> None:
        """Become a user; what was said before is theirs."""
        before = await self.all_sessions()
        await self.browser.ask("log in", "GET", f"enter/{self.name}")
        self.is_known = True
        after = await self.all_sessions()
        ids = [[row["id"] for row in rows] for rows in (before, after)]
        self.check("claimed", ids[0] == ids[1], ids)

    async def take_up(self) -> None:
        """Reopen the session that has expired."""
        reopened = await self.do("reopen", f"sessions/{self.place.id}/reopen")
        body = reopened.body
        is_same = body["session"]["id"] == self.place.id and body["session"]["state"] == "active"
        is_said = body["arrival"]["status"] in ("reopened", "resumed")
        self.check("reopened", is_same and is_said, body)
        self.see([body["session"]], reopened.asked_at, reopened.heard_at)
        await self.read(self.place.id, "transcript")

    async def pry(self) -> None:
        """Try somebody else's session; it answers as one that does not exist."""
        other = self.dice.choice(self.town.sessions)
        if other in self.ledger.sessions:
            return
        theirs = await self.browser.ask("pry", "GET", f"chat/sessions/{other}/messages")
        nobodys = await self.browser.ask("pry", "GET", f"chat/sessions/{uuid4()}/messages")
        is_hidden = theirs.status == nobodys.status == NOT_FOUND and theirs.body == nobodys.body
        self.check("private", is_hidden, theirs.body)
