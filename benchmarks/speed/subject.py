"""What is measured: a subject has tables of its own, filled alike, and clients that use them.

A subject runs in a process of its own for the whole run. It is a class that is made with a
`Place`; `fill` makes its tables, then `client` is called once in each thread that will work.
An operation that a subject does not have is a method that its client does not have.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

TIMEOUT = 300  # seconds without activity after which a session has expired
STEP = 2  # seconds between two visits of one owner: each must be written down
LISTED = 30
PAGE = 50
MESSAGES_OF_A_SESSION = 4  # in the histories whose number of sessions is what matters
QUESTION = "What happens to water when it freezes, and why does ice float on the lake in winter?"
ANSWER = "Water expands as it freezes: its molecules take up places in an open lattice. " * 6
OPERATIONS = ("resume", "first_message", "append", "turn", "recent", "page")
OF_A_CONVERSATION = ("append", "turn", "page")


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a subject keeps its tables: a database of its own, in Django's words."""

    kind: str  # postgres or sqlite
    settings: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Pool:
    """Owners who are alike: numbers `first` to `first + count - 1`."""

    first: int
    count: int
    sessions: int
    messages: int

    @property
    def owners(self) -> range:
        return range(self.first, self.first + self.count)


@dataclasses.dataclass(frozen=True)
class Sizes:
    """What every subject is filled with. The latest session of each owner in a pool is open.

    `histories`: owners by how many sessions they have. `conversations`: owners with one session,
    by how many messages it has; half of them are appended to, half are read, so that pages keep
    their size. `background`: ended sessions of ten messages, twenty for each owner nobody uses.
    """

    histories: tuple[Pool, ...]
    conversations: tuple[Pool, ...]
    background: int

    @property
    def pools(self) -> tuple[Pool, ...]:
        return self.histories + self.conversations

    def owners(self, operation: str, size: int) -> range:
        """Return the owners whom an operation is measured with."""
        if operation in OF_A_CONVERSATION:
            [pool] = [pool for pool in self.conversations if pool.messages == size]
            half = pool.count // 2
            return pool.owners[half:] if operation == "page" else pool.owners[:half]
        [pool] = [pool for pool in self.histories if pool.sessions == size]
        return pool.owners


def sizes(sessions: Mapping[int, int], messages: Mapping[int, int], background: int) -> Sizes:
    """Number the owners: how many there are with so many sessions, and with so many messages."""
    histories, conversations, first = [], [], 1
    for size, count in sessions.items():
        histories.append(Pool(first, count, size, MESSAGES_OF_A_SESSION))
        first += count
    for size, count in messages.items():
        conversations.append(Pool(first, count, 1, size))
        first += count
    return Sizes(tuple(histories), tuple(conversations), background)


class Clock:
    """The time of each owner, which moves with what the owner does and not with ours.

    So no open session expires while others are measured, and one can be let expire at no cost.
    """

    def __init__(self) -> None:
        self.start = datetime.now(UTC).replace(microsecond=0)
        self._of: dict[int, datetime] = {}
        self._here = threading.local()

    def later(self, owner: int, seconds: float) -> datetime:
        """Let an owner come back after so many seconds; return the moment."""
        moment = self._of.get(owner, self.start) + timedelta(seconds=seconds)
        self._of[owner] = self._here.moment = moment
        return moment

    def now(self) -> datetime:
        """Return the moment of the owner whom this thread works for."""
        moment: datetime = getattr(self._here, "moment", self.start)
        return moment


class Client(Protocol):
    """One connection, used by one thread. Owners are the numbers of `Sizes`.

    All results are read to the end, as a program would that shows them.
    """

    def resume(self, owner: int) -> None:
        """Find the owner's open session and write the activity down."""

    def first_message(self, owner: int) -> None:
        """Store a message of an owner whose open session has just expired: in a new session."""

    def append(self, owner: int) -> None:
        """Store a question and its answer at the end of the owner's open session, together."""

    def turn(self, owner: int) -> None:
        """Store them so that the question is safe, committed, before it is answered."""

    def recent(self, owner: int) -> int:
        """Read what a list of the latest 30 sessions shows; return how many there were."""

    def page(self, owner: int) -> int:
        """Read the latest 50 messages of the owner's open session; return how many there were."""


class Subject(Protocol):
    """Something that keeps conversations in a database."""

    def __init__(self, place: Place) -> None: ...

    def fill(self, sizes: Sizes) -> None:
        """Make the tables and what is in them."""

    def client(self) -> Any:
        """Return a `Client`, or what has some of its methods; called in the thread that uses it."""
