"""Calls the host's responder, whatever kind of callable it is."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django_chat_sessions import clock
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession
from django_chat_sessions.services.opening import Arrival, ArrivalStatus, new_arrival
from django_chat_sessions.services.tables import messages

CONTEXT_MESSAGES = 20


@dataclass(frozen=True)
class ReplyTurn:
    """What a responder gets: the question, what was said before it, and how the owner arrived."""

    session: AbstractChatSession
    message: AbstractChatMessage
    reply: AbstractChatMessage

    @property
    def question(self) -> str:
        """The text of the person's message."""
        return self.message.content

    @cached_property
    def context(self) -> list[AbstractChatMessage]:
        """The messages before the question, oldest first, 20 at most; 1 statement when used."""
        earlier = messages().filter(session=self.session.pk, position__lt=self.message.position)
        return list(earlier.order_by("-position")[:CONTEXT_MESSAGES])[::-1]

    @cached_property
    def arrival(self) -> Arrival:
        """How the owner came to this message, so that a model knows what was left behind."""
        if self.message.position == 0:
            return new_arrival(self.session, self.session.previous, clock.now())
        opened, before = self.session.opened_at, self.context[-1:]
        if opened and before and before[0].created_at and before[0].created_at < opened:
            return Arrival(self.session, ArrivalStatus.REOPENED, "user")
        return Arrival(self.session, ArrivalStatus.RESUMED, "open")


def pieces(
    responder: Callable[[ReplyTurn], Any], turn: ReplyTurn
) -> Iterator[str | dict[str, Any]]:
    """Yield the text and metadata a responder gives; sync or async, returned or yielded.

    Raises TypeError when it gives anything else.
    """
    for piece in _given(responder(turn)):
        if not isinstance(piece, str | dict):
            raise TypeError(
                f"The RESPONDER gave a {type(piece).__name__}; give text, or a dict of metadata."
            )
        yield piece


def _given(result: Any) -> Iterable[Any]:
    if inspect.isawaitable(result):
        return _given(asyncio.run(_awaited(result)))
    if isinstance(result, AsyncIterator):
        return _stepped(result)
    if isinstance(result, str | dict):
        return (result,)
    if isinstance(result, Iterable):
        return result
    return (result,)


async def _awaited(result: Any) -> Any:
    return await result


def _stepped(result: AsyncIterator[Any]) -> Iterator[Any]:
    with asyncio.Runner() as runner:
        while True:
            try:
                yield runner.run(_next(result))
            except StopAsyncIteration:
                return


async def _next(result: AsyncIterator[Any]) -> Any:
    return await anext(result)
