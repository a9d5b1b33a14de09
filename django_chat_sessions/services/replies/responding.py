"""Calls the host's responder, whatever kind of callable it is."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django_chat_sessions import clock
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession, Role
from django_chat_sessions.services.context import (
    CONTEXT_MESSAGES,
    carried_over,
    carry_over,
    context,
)
from django_chat_sessions.services.excerpts import storable
from django_chat_sessions.services.opening import Arrival, ArrivalStatus, new_arrival
from django_chat_sessions.services.replies.growing import Growth
from django_chat_sessions.services.replies.stepping import outside, stepped
from django_chat_sessions.services.tables import borrowed_connection


@dataclass(frozen=True)
class ReplyTurn:
    """What a responder gets: the question, what was said before it, and how the owner arrived.

    What costs a statement has a twin for async responders, which is awaited. It takes a connection
    for that statement only.
    """

    session: AbstractChatSession
    message: AbstractChatMessage
    reply: AbstractChatMessage
    growth: Growth = field(repr=False)

    @property
    def question(self) -> str:
        """The text of the person's message."""
        return self.message.content

    @property
    def stopped(self) -> bool:
        """Whether nobody waits for this answer any more; known within a second of a write."""
        return self.growth.is_lost

    @cached_property
    def context(self) -> list[AbstractChatMessage]:
        """The messages before the question, oldest first, 20 at most; 1 statement when used."""
        with borrowed_connection():
            return context(self.session, before=self.message.position)

    async def acontext(self) -> list[AbstractChatMessage]:
        """Return ``context``."""
        return await outside(lambda: self.context)

    def context_within(
        self, max_tokens: int, count_tokens: Callable[[str], int]
    ) -> list[AbstractChatMessage]:
        """Return as many messages before the question as fit, oldest first; 1 statement."""
        with borrowed_connection():
            return context(
                self.session,
                before=self.message.position,
                max_tokens=max_tokens,
                count_tokens=count_tokens,
            )

    async def acontext_within(
        self, max_tokens: int, count_tokens: Callable[[str], int]
    ) -> list[AbstractChatMessage]:
        """Do what ``context_within`` does."""
        return await outside(lambda: self.context_within(max_tokens, count_tokens))

    @cached_property
    def previous_context(self) -> list[AbstractChatMessage]:
        """The last messages of the session this one follows, 20 at most; 1 statement when used.

        Empty when there is none, or its owner has deleted it.
        """
        previous = self.session.previous
        if previous is None or previous.deleted_at is not None:
            return []
        with borrowed_connection():
            return context(previous)

    async def aprevious_context(self) -> list[AbstractChatMessage]:
        """Return ``previous_context``."""
        return await outside(lambda: self.previous_context)

    @property
    def carried_over(self) -> str:
        """What ``carry_over`` kept with this session; empty before."""
        return carried_over(self.session)

    def carry_over(self, text: str) -> None:
        """Keep a text, such as a summary of the previous session, for every turn of this one.

        2 statements.
        """
        with borrowed_connection():
            carry_over(self.session, storable(text))

    async def acarry_over(self, text: str) -> None:
        """Do what ``carry_over`` does."""
        await outside(lambda: self.carry_over(text))

    @cached_property
    def arrival(self) -> Arrival:
        """How the owner came to this message, so that a model knows what was left behind."""
        if self._is_first():
            return new_arrival(self.session, self.session.previous, clock.now())
        opened, before = self.session.opened_at, self.context[-1:]
        if opened and before and before[0].created_at and before[0].created_at < opened:
            return Arrival(self.session, ArrivalStatus.REOPENED, "user")
        return Arrival(self.session, ArrivalStatus.RESUMED, "open")

    def _is_first(self) -> bool:
        """Whether the owner has said nothing before: a greeting is the host's."""
        before = self.message.position or 0
        return before <= CONTEXT_MESSAGES and all(said.role != Role.USER for said in self.context)

    async def aarrival(self) -> Arrival:
        """Return ``arrival``."""
        return await outside(lambda: self.arrival)


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
    if inspect.isawaitable(result) or isinstance(result, AsyncIterator):
        return _stepped(result)
    if isinstance(result, str | dict):
        return (result,)
    if isinstance(result, Iterable):
        return result
    return (result,)


def _stepped(result: Any) -> Iterator[Any]:
    awaited = yield from stepped(result)
    yield from _given(awaited)
