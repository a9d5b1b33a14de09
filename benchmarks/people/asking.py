"""The ways in which people ask: once, twice by mistake, from two tabs, through a bad network."""

from __future__ import annotations

import asyncio
import math
from typing import Any
from uuid import uuid4

from benchmarks.people.answers import question
from benchmarks.people.beliefs import Turn, moment
from benchmarks.people.visitor import CREATED, OK, Visitor
from benchmarks.people.wire import LostError, Response

MIDDLE, SPREAD = 5 / 60, 0.8  # of the lengths of answers: the middle one, as a share of the longest
CONFLICT = 409


class Asker(Visitor):
    """Somebody who asks, and checks what that led to."""

    asked = 0

    def new_turn(self, at_least: float = 1 / 60) -> Turn:
        """Think of a question; answers are as long as those of language models."""
        self.asked += 1
        longest = self.town.longest
        drawn = self.dice.lognormvariate(math.log(MIDDLE), SPREAD)
        seconds = longest * min(1.0, max(at_least, drawn))
        asked = question(self.name, self.asked, seconds)
        return Turn(asked, uuid4().hex, session=self.place.id, seconds=seconds)

    async def send(self, turn: Turn, cut_after: float | None = None) -> Response:
        """Send a question, until there is a response."""
        body = {"content": turn.question, "key": turn.key}
        if turn.session:
            body["session"] = turn.session
        try:
            return await self.browser.ask(
                "send", "POST", "chat/messages", body, cut_after=cut_after
            )
        except LostError:
            self.ledger.uncertain.add(turn.question)
            raise

    async def once(self) -> Turn | None:
        """Send one message."""
        turn = self.new_turn()
        return self.accept(turn, await self.send(turn))

    async def with_a_lost_response(self) -> Turn | None:
        """Send one message, hear nothing, and send it again."""
        turn = self.new_turn()
        return self.accept(turn, await self.send(turn, self.dice.uniform(0.0, 0.1)))

    async def twice(self) -> Turn | None:
        """Send one message twice at the same time: a double click that nobody caught."""
        turn = self.new_turn()
        first, second = await asyncio.gather(self.send(turn), self.send(turn))
        if first.status == OK:
            first, second = second, first
        same = [_led_to(response.body) for response in (first, second)]
        statuses = [first.status, second.status]
        self.check("once", same[0] == same[1] and statuses == [CREATED, OK], f"{statuses} {same}")
        return self.accept(turn, first)

    async def from_two_tabs(self) -> Turn | None:
        """Send two messages at the same time: one is refused while the other is answered."""
        turns = [self.new_turn(at_least=MIDDLE) for _ in range(2)]
        responses = await asyncio.gather(*map(self.send, turns))
        pairs = list(zip(turns, responses, strict=True))
        accepted = [pair for pair in pairs if pair[1].status in (OK, CREATED)]
        # Where a response took longer than an answer, both may be: one after the other. Which was
        # the second its id says, made as it was stored; its request may have begun before.
        accepted.sort(key=lambda pair: str(pair[1].body["message"]["id"]))
        took = max(each.heard_at for each in responses) - min(each.asked_at for each in responses)
        if took < min(turn.seconds for turn in turns):
            refused = [response.body for turn, response in pairs if response.status == CONFLICT]
            is_said = len(accepted) == len(refused) == 1 and self._is_named(
                refused[0], accepted[0][1].body
            )
            self.check("one turn", is_said, [(each.status, each.body) for each in responses])
        told = [self.accept(*pair) for pair in accepted]
        return told[-1] if told else None

    def _is_named(self, refusal: dict[str, Any], sent: dict[str, Any]) -> bool:
        """Whether a refusal names what came first: its answer, or the session that it opened."""
        if refusal["code"] == "turn_in_progress":
            return bool(refusal["running"]["id"] == sent["reply"]["id"])
        current = (refusal["current"] or {}).get("id")
        return bool(refusal["code"] == "session_ended" and current == sent["session"]["id"])

    async def again(self) -> None:
        """Send an old message again, as a browser does that was closed before it heard."""
        turn = self.dice.choice([turn for turns in self.ledger.sessions.values() for turn in turns])
        response = await self.send(turn)
        led = _led_to(response.body) if response.status == OK else response.body
        self.check("once", led == (turn.session, turn.message, turn.reply), f"{turn}: {led}")

    async def stop(self, turn: Turn) -> None:
        """Stop an answer."""
        turn.is_stopped = True
        stopped = await self.do("stop", f"sessions/{turn.session}/stop")
        self.tab.know(stopped.body["reply"])
        self.see([stopped.body["session"]], stopped.asked_at, stopped.heard_at)

    def accept(self, turn: Turn, response: Response) -> Turn | None:
        """Believe what a response says of a message."""
        if response.status not in (OK, CREATED):
            self.check("kept", False, f"{turn} refused: {response.status} {response.body}")
            return None
        sent = response.body
        turn.session, turn.message, turn.reply = _led_to(sent)
        turn.position, turn.created_at = (
            sent["message"]["position"],
            moment(sent["message"]["created_at"]),
        )
        self.place.arrive(sent, response.asked_at, response.heard_at)
        if turn.session not in self.ledger.sessions:
            self.town.sessions.append(turn.session)
        self.ledger.note(turn)
        self.tab.know(sent["message"], sent["reply"])
        return turn


def _led_to(sent: dict[str, Any]) -> tuple[str, str, str]:
    return sent["session"]["id"], sent["message"]["id"], sent["reply"]["id"]
