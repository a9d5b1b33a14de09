"""The rows that every subject is filled with, in no subject's own form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from benchmarks.speed.subject import ANSWER, QUESTION, Sizes

BACKGROUND_OWNERS = 1_000_000  # their numbers begin here
SESSIONS_OF_A_BACKGROUND_OWNER = 20
MESSAGES_OF_A_BACKGROUND_SESSION = 10


class SessionRow(NamedTuple):
    number: int
    owner: int
    messages: int
    moment: datetime  # of its latest activity
    is_open: bool


class MessageRow(NamedTuple):
    session: int
    position: int
    role: str
    content: str
    moment: datetime


def session_rows(sizes: Sizes, start: datetime) -> Iterator[SessionRow]:
    """Yield every session, ten minutes between two of one owner; the last is open."""
    number = 0
    for pool in sizes.pools:
        for owner in pool.owners:
            for age in reversed(range(pool.sessions)):
                number += 1
                moment = start - timedelta(minutes=10 * age)
                yield SessionRow(number, owner, pool.messages, moment, age == 0)
    for ended in range(sizes.background):
        number += 1
        owner = BACKGROUND_OWNERS + ended // SESSIONS_OF_A_BACKGROUND_OWNER
        moment = start - timedelta(days=30, minutes=10 * ended)
        yield SessionRow(number, owner, MESSAGES_OF_A_BACKGROUND_SESSION, moment, False)


def message_rows(sizes: Sizes, start: datetime) -> Iterator[MessageRow]:
    """Yield every message of every session: questions and answers in turn."""
    for session in session_rows(sizes, start):
        for position in range(session.messages):
            asked = position % 2 == 0
            said = ("user", QUESTION) if asked else ("assistant", ANSWER)
            yield MessageRow(session.number, position, *said, session.moment)


def owner_numbers(sizes: Sizes) -> Iterator[int]:
    """Yield every owner once."""
    for pool in sizes.pools:
        yield from pool.owners
    for block in range(-(-sizes.background // SESSIONS_OF_A_BACKGROUND_OWNER)):
        yield BACKGROUND_OWNERS + block
