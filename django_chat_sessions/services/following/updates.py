"""What has changed for an owner since a cursor. Reading is enough: there is no table of events."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from itertools import groupby, islice
from operator import or_
from typing import Any
from uuid import UUID

from django.db.models import Q

from django_chat_sessions import clock
from django_chat_sessions.conf import app_settings
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.following.cursors import (
    NOTHING_SAID,
    Cursor,
    Known,
    digest_of,
    state_number,
)
from django_chat_sessions.services.history import pinned_and_newest
from django_chat_sessions.services.replies.asking import recover_session
from django_chat_sessions.services.tables import messages

LAST_TURN = 2  # messages
MOST_MESSAGES = 50  # of one session; whoever misses more reads the transcript
FEWEST = 30  # sessions that are looked at
MOST_OPEN = 60  # sessions that a cursor names singly: it must fit into an address


@dataclass(frozen=True, slots=True)
class Grown:
    """Text added to a reply at ``offset``, in code points."""

    reply: AbstractChatMessage
    offset: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Updates:
    """What a reader lacks, and the cursor of one that has it.

    ``changes_at`` is when something will have changed although nobody writes: an expiry, the end
    of a lease. ``open_keys`` are the open places in which news are expected. ``read_at`` is the
    moment for which all of it holds. ``is_empty`` says that the owner has no session, or none any
    more.
    """

    cursor: str
    is_news: bool
    sessions: list[AbstractChatSession]
    messages: list[AbstractChatMessage]
    grown: list[Grown]
    history_changed: bool
    changes_at: datetime | None
    open_keys: frozenset[UUID]
    read_at: datetime
    is_empty: bool = False


def updates(owner: Owner, since: str | None = None) -> Updates:
    """Return what has changed for the owner since a cursor; without one, all that is open.

    Looks at the HISTORY_LIMIT latest sessions, 30 at least, and as many pinned ones, so its cost
    does not grow with the history: 1 statement, 2 when an open session has changed or an answer is
    being written. Not an activity. A reply that a dead worker left behind is recovered on the way,
    by up to 4 statements and 1 more at the end: asked for again, which is an activity, or marked
    interrupted, which sends ``turn_failed``.

    Raises WrongCursor for a cursor that was never given out.
    """
    before = None if since is None else Cursor.decode(since)
    rows = _rows(owner)
    # One moment for all: a lease that passed in between would leave an answer that is to be asked
    # for again interrupted, until somebody looked once more.
    now = clock.now()
    left = [row for row in rows if row.running_until and not row.is_running(now)]
    if [row for row in left if row.open_key is not None and recover_session(row)]:
        rows = _rows(owner)
    return _Comparison(rows, before, now).result(since)


def _rows(owner: Owner) -> list[AbstractChatSession]:
    # However few a list shows: an answer that is awaited in one of them must be heard of.
    return pinned_and_newest(owner, max(app_settings.HISTORY_LIMIT, FEWEST))


class _Comparison:
    """The rows as they are, beside what a reader knows of them."""

    def __init__(
        self, rows: list[AbstractChatSession], before: Cursor | None, now: datetime
    ) -> None:
        self.now = now
        self.before = before or Cursor()
        self.rows = {digest_of(str(row.pk)): row for row in rows}
        self.digests = {key: _row_digest(row, now) for key, row in self.rows.items()}
        live = (key for key, row in self.rows.items() if self._is_live(row))
        self.live = set(islice(live, MOST_OPEN))
        self.changed = {
            key
            for key in self.live | (self.rows.keys() & self.before.open.keys())
            if key not in self.before.open or self.before.open[key].row != self.digests[key]
        }

    def _is_live(self, row: AbstractChatSession) -> bool:
        return row.is_active(self.now) or row.is_running(self.now)

    def result(self, since: str | None) -> Updates:
        whole, grown, known = self._read_messages()
        others = (key for key in self.rows if key not in self.live)
        listed = digest_of([self.digests[key] for key in others if not self.rows[key].archived_at])
        cursor = Cursor(listed, known).encode()
        open_rows = [row for key, row in self.rows.items() if key in self.live]
        return Updates(
            cursor,
            cursor != since,
            [row for key, row in self.rows.items() if key in self.changed],
            whole,
            grown,
            since is not None and (listed != self.before.listed or self._has_lost_one()),
            min((at for row in open_rows for at in self._turning_points(row)), default=None),
            frozenset(row.open_key for row in open_rows if row.open_key is not None),
            self.now,
            is_empty=not self.rows,
        )

    def _has_lost_one(self) -> bool:
        """Whether one that was open is deleted now, or far down in the list."""
        return not self.before.open.keys() <= self.rows.keys()

    def _turning_points(self, row: AbstractChatSession) -> list[datetime]:
        moments = (row.expires_at, row.running_until)
        return [moment for moment in moments if moment is not None and moment > self.now]

    def _read_messages(
        self,
    ) -> tuple[list[AbstractChatMessage], list[Grown], dict[bytes, Known]]:
        wanted = {
            key: Q(session=row.pk, position__gte=self._start(key))
            for key, row in self.rows.items()
            if key in self.changed or (key in self.live and row.is_running(self.now))
        }
        found: list[AbstractChatMessage] = []
        if wanted:
            lacking = messages().filter(reduce(or_, wanted.values()))
            # By the column: "session" alone would be the order that the host's model has.
            found = list(lacking.order_by("session_id", "position"))
        by_session = {pk: list(some) for pk, some in groupby(found, lambda m: m.session_id)}
        whole: list[AbstractChatMessage] = []
        grown: list[Grown] = []
        known = {key: self.before.open[key] for key in self.live if key not in wanted}
        for key in wanted:
            mine = by_session.get(self.rows[key].pk, [])
            for message in mine:
                self._sort_out(message, self.before.open.get(key), whole, grown)
            if key in self.live:
                known[key] = self._known_now(self.digests[key], mine)
        return whole, grown, known

    def _start(self, key: bytes) -> int:
        """Return the position of the first message that the reader may lack."""
        row, known = self.rows[key], self.before.open.get(key)
        if known is None or row.message_count - 1 - known.position > MOST_MESSAGES:
            return max(0, row.message_count - LAST_TURN)
        return max(0, known.position)

    def _sort_out(
        self,
        message: AbstractChatMessage,
        known: Known | None,
        whole: list[AbstractChatMessage],
        grown: list[Grown],
    ) -> None:
        state = state_number(message.reply_state(self.now))
        now = (message.position, message.attempt, state)
        if known is None or (known.position, known.attempt, known.state) != now:
            whole.append(message)
        elif len(message.content) > known.length:
            grown.append(Grown(message, known.length, message.content[known.length :]))

    def _known_now(self, row_digest: bytes, read: list[AbstractChatMessage]) -> Known:
        if not read:  # a session that was started, and nothing said yet
            return Known(row_digest, NOTHING_SAID, 0, 0, 0)
        last = read[-1]
        state = state_number(last.reply_state(self.now))
        return Known(row_digest, last.position or 0, last.attempt, state, len(last.content))


def _row_digest(row: AbstractChatSession, now: datetime) -> bytes:
    """Return a digest of all that a reader is shown of a session."""
    shown: tuple[Any, ...] = (
        *(str(row.pk), row.scope, row.state(now).value, row.is_running(now), row.unread),
        *(row.title, row.preview, row.message_count, row.final_reason(now), str(row.previous_id)),
    )
    moments = (
        *(row.started_at, row.last_activity_at, row.last_message_at, row.expires_at),
        *(row.final_moment(now), row.pinned_at, row.archived_at),
    )
    return digest_of(shown, [None if at is None else clock.aware(at).isoformat() for at in moments])
