"""What people see of their conversations: the list, one session, its transcript."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connections

from django_chat_sessions.conf import app_settings
from django_chat_sessions.exceptions import SessionNotFound
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession
from django_chat_sessions.owners import Owner
from django_chat_sessions.querysets import ChatMessageQuerySet, ChatSessionQuerySet
from django_chat_sessions.services import prepared
from django_chat_sessions.services.tables import messages, parts_of, sessions

MOST_ROWS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the history: the sessions after it come next.

    ``moment`` is when the session there was pinned, or had its last message if it is not.
    """

    moment: datetime
    pk: Any
    is_pinned: bool = False


@dataclass(frozen=True, slots=True)
class Transcript:
    """One page of a conversation, oldest message first; ``before`` asks for the page above it."""

    messages: list[AbstractChatMessage]
    before: int | None


def find_session(owner: Owner, session_id: Any) -> AbstractChatSession:
    """Return the owner's session of that id; 1 statement.

    Raises SessionNotFound for everybody else's, exactly as for one that does not exist.
    """
    return _the_one(_owned, owner, session_id)


def find_also_deleted(owner: Owner, session_id: Any) -> AbstractChatSession:
    """Return what ``find_session`` does, also what waits for the purge; 1 statement."""
    return _the_one(_belonging, owner, session_id)


def _the_one(build: prepared.Build, owner: Owner, session_id: Any) -> AbstractChatSession:
    whose = parts_of(owner)
    try:
        found = prepared.rows(build, sessions(), pk=session_id, **whose)
    except (ValidationError, ValueError, TypeError, OverflowError):  # not a key of this table
        found = []
    if not found:
        raise SessionNotFound("There is no such chat session.")
    session: AbstractChatSession = found[0]
    return session


def _owned(table: ChatSessionQuerySet, pk: Any, **whose: Any) -> ChatSessionQuerySet:
    return table.owned_by(Owner(**whose)).filter(pk=pk)


def _belonging(table: ChatSessionQuerySet, pk: Any, **whose: Any) -> ChatSessionQuerySet:
    return table.belonging_to(Owner(**whose)).filter(pk=pk)


def recent_sessions(
    owner: Owner, limit: int | None = None, *, scope: str | None = None
) -> list[AbstractChatSession]:
    """Return the owner's conversations, pinned ones first, then the latest; 1 statement.

    All scopes unless one is named. ``limit`` defaults to HISTORY_LIMIT. Everything a list shows
    is on the row. Raises ValueError for a limit that is no whole number above 0.
    """
    wanted = app_settings.HISTORY_LIMIT if limit is None else limit
    return history_page(owner, limit=wanted, scope=scope)[0]


def history_page(
    owner: Owner,
    *,
    limit: int,
    after: Place | None = None,
    scope: str | None = None,
    archived: bool = False,
) -> tuple[list[AbstractChatSession], Place | None]:
    """Return one page of the history and the place where the next begins; 1 statement.

    ``archived`` shows the archived sessions instead, in the order of their latest messages.
    Raises ValueError for a limit that is no whole number above 0.
    """
    refuse_limit(limit)
    if after is None and not archived:
        rows = _first_page(owner, scope, limit + 1)
        return _up_to(rows, limit, archived=False)
    listed = sessions().owned_by(owner).in_history(archived=archived)
    if scope is not None:
        listed = listed.about(scope)
    if after is None or archived:
        rows = _others(listed, after, limit + 1)
    else:
        rows = _later_page(listed, limit + 1, after)
    return _up_to(rows, limit, archived=archived)


def refuse_limit(limit: Any) -> None:
    """Say what is wrong; Django would raise what is none of its public errors."""
    if not isinstance(limit, int) or not 1 <= limit <= MOST_ROWS:
        raise ValueError(f"limit is {limit!r}; give a whole number from 1 to {MOST_ROWS}.")


def _up_to(
    rows: list[AbstractChatSession], limit: int, *, archived: bool
) -> tuple[list[AbstractChatSession], Place | None]:
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    is_pinned = last.pinned_at is not None and not archived
    moment: Any = last.pinned_at if is_pinned else last.last_message_at
    return rows[:limit], Place(moment, last.pk, is_pinned)


def pinned_and_newest(owner: Owner, most: int) -> list[AbstractChatSession]:
    """Return up to ``most`` pinned sessions, then up to ``most`` others; 1 statement.

    Archived ones and those without a message are among them.
    """
    table = sessions()
    found = prepared.rows(_pinned_and_newest, table, most, **parts_of(owner))
    return _in_order(found, table.db)


def _pinned_and_newest(table: ChatSessionQuerySet, most: int, **whose: Any) -> ChatSessionQuerySet:
    mine = table.owned_by(Owner(**whose))
    return _both(mine.pinned(), mine.filter(pinned_at=None).newest_first(), most)


def _later_page(listed: ChatSessionQuerySet, most: int, after: Place) -> list[AbstractChatSession]:
    others = listed.filter(pinned_at=None)
    if not after.is_pinned:
        return _others(others, after, most)
    pinned = listed.pinned().pinned_before(after.moment, after.pk)
    return _in_order(list(_both(pinned, others, most)), listed.db)


def _both(
    pinned: ChatSessionQuerySet, others: ChatSessionQuerySet, most: int
) -> ChatSessionQuerySet:
    """Each part comes in order from an index of its own; one sort of both would read them all.

    So neither the whole nor a part may get the order that a host's model has.
    """
    if connections[pinned.db].features.supports_slicing_ordering_in_compound:
        return pinned[:most].union(others[:most], all=True).order_by()
    # SQLite takes no LIMIT in a part of a union, but in a subquery, which has no order
    every = ChatSessionQuerySet(pinned.model, using=pinned.db).order_by()
    parts = [every.filter(pk__in=part[:most].values("pk")) for part in (pinned, others)]
    return parts[0].union(parts[1], all=True).order_by()


def _in_order(rows: list[AbstractChatSession], alias: str) -> list[AbstractChatSession]:
    if not connections[alias].features.supports_slicing_ordering_in_compound:
        rows.sort(key=lambda row: row.pk, reverse=True)
    # No more than that: ties keep the order of the database, which is the order of pages.
    rows.sort(
        key=lambda row: (row.pinned_at is not None, row.pinned_at or row.last_message_at),
        reverse=True,
    )
    return rows


def _first_page(owner: Owner, scope: str | None, most: int) -> list[AbstractChatSession]:
    """Return what every visit to the history begins with, by a statement compiled once."""
    table = sessions()
    named = parts_of(owner) if scope is None else {**parts_of(owner), "scope": scope}
    return _in_order(prepared.rows(_beginning, table, most, **named), table.db)


def _beginning(
    table: ChatSessionQuerySet, most: int, *, scope: Any = None, **whose: Any
) -> ChatSessionQuerySet:
    mine = table.owned_by(Owner(**whose)).in_history()
    if scope is not None:
        mine = mine.about(scope)
    return _both(mine.pinned(), mine.filter(pinned_at=None), most)


def _others(
    listed: ChatSessionQuerySet, after: Place | None, most: int
) -> list[AbstractChatSession]:
    if after is not None:
        listed = listed.before(after.moment, after.pk)
    return list(listed[:most])


def transcript(
    session: AbstractChatSession, limit: int = 50, before: int | None = None
) -> Transcript:
    """Return the newest messages, or the newest before a position; 1 statement, no COUNT.

    Raises ValueError for a limit that is no whole number above 0.
    """
    refuse_limit(limit)
    if before is None:
        rows = prepared.rows(_newest_of, messages(), limit + 1, session=session.pk)
    else:
        above = messages().filter(session=session.pk, position__lt=before)
        rows = list(above.order_by("-position")[: limit + 1])
    shown = rows[:limit][::-1]
    return Transcript(shown, shown[0].position if len(rows) > limit else None)


def _newest_of(table: ChatMessageQuerySet, most: int, *, session: Any) -> ChatMessageQuerySet:
    return table.filter(session=session).order_by("-position")[:most]
