"""One open page of somebody's: it follows what changes, by a stream or by asking now and then."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from benchmarks.people.beliefs import UNFINISHED, Promises
from benchmarks.people.wire import LostError

# As the npm client asks while an answer is written.
FIRST, GROWTH, LONGEST = 0.4, 1.35, 2.0  # seconds
CUT_OFF = 0.02  # the share of events after which the network fails


class Tab:
    """What one page was told since its cursor."""

    def __init__(self, promises: Promises, dice: random.Random) -> None:
        self.promises = promises
        self.dice = dice
        self.cursor: str | None = None
        self.messages: dict[str, dict[str, Any]] = {}

    def know(self, *messages: dict[str, Any] | None) -> None:
        """Take messages as another answer of the API showed them."""
        for message in messages:
            if message is not None:
                self.messages[message["id"]] = dict(message)

    def apply(self, update: dict[str, Any]) -> None:
        """Take an update: whole messages replace, text is added exactly where ours ends."""
        for message in update["messages"]:
            self.messages[message["id"]] = message
        for delta in update["deltas"]:
            message = self.messages.get(delta["message"])
            is_fitting = (
                message is not None
                and message["attempt"] == delta["attempt"]
                and len(message["content"]) == delta["offset"]
            )
            self.promises.check("followed", is_fitting, f"{message} and {delta}")
            if message is not None:
                message["content"] += delta["text"]
        self.cursor = update["cursor"]

    def is_finished(self, reply: str) -> bool:
        """Whether this page knows that a reply has ended."""
        known = self.messages.get(reply)
        return known is not None and known["state"] not in UNFINISHED

    async def follow(
        self, reply: str, news: Callable[[], AsyncGenerator[Any, None]], see: Any, until: float
    ) -> bool:
        """Take news until the reply has ended; False where it has not `until` then."""
        while not self.is_finished(reply):
            if time.time() > until:
                return False
            try:
                async with aclosing(news()) as some:
                    async for asked_at, heard_at, update in some:
                        self.apply(update)
                        see(update["sessions"], asked_at, heard_at)
                        if self.is_finished(reply) or self.dice.random() < CUT_OFF:
                            break
            except LostError:
                await asyncio.sleep(self.dice.uniform(0.5, 1.5))
        return True
