"""Search through what an owner has said and was told: by owner first, in bounded time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import OperationalError, connections, transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Left

from django_chat_sessions.models import AbstractChatSession
from django_chat_sessions.owners import Owner
from django_chat_sessions.querysets import ChatMessageQuerySet, ChatSessionQuerySet
from django_chat_sessions.services.excerpts import excerpt_around, storable
from django_chat_sessions.services.history import refuse_limit
from django_chat_sessions.services.tables import messages, sessions

LONGEST_QUERY = 200  # characters; more are ignored
MOST_SESSIONS = 1000  # whose messages are looked through, the latest first
MOST_CHARACTERS = 100_000  # of a message, on PostgreSQL: its vectors have room for a megabyte
MOST_SECONDS = 2  # on PostgreSQL and SQLite, which can be told so
STEPS = 100  # of SQLite's between two looks at the clock; a message takes some ten
CANCELLED = "57014"  # PostgreSQL's code for a statement that took too long


@dataclass(frozen=True, slots=True)
class Match:
    """A session in which something was found, and the piece of text where it was."""

    session: AbstractChatSession
    excerpt: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, the latest conversation first.

    ``is_complete`` is false when there are more matches than were asked for, or when the oldest
    messages were not looked through because there are too many.
    """

    matches: list[Match]
    is_complete: bool


def search(owner: Owner, text: str, limit: int = 30, *, scope: str | None = None) -> Found:
    """Find the owner's sessions by title and by what was said, archived ones too; 2 statements.

    Titles of all sessions, messages of the latest 1000, within 2 seconds on SQLite, and on
    PostgreSQL (1 statement more for each attempt there). PostgreSQL finds words in its default
    language, in the first 100,000 characters of a message, and knows ``"a phrase"``, ``or`` and
    ``-without``; elsewhere, and in titles, the text as it stands. Case does not count. The text is
    cut to 200 characters.
    Raises ValueError for a limit that is no whole number above 0.
    """
    refuse_limit(limit)
    wanted = " ".join(storable(text)[:LONGEST_QUERY].split())
    if not wanted:
        return Found([], is_complete=True)
    mine = sessions().owned_by(owner).filter(message_count__gt=0).newest_first()
    if scope is not None:
        mine = mine.filter(scope=scope)
    moments = mine.values_list("last_message_at", flat=True)
    oldest: datetime | None = next(iter(moments[MOST_SESSIONS - 1 : MOST_SESSIONS]), None)
    found = _search_in_time(mine, wanted, oldest, limit + 1)
    is_complete = found is not None and oldest is None
    rows = _titled(mine, wanted, limit + 1) if found is None else found
    words = wanted.lower().replace('"', " ").split()
    matches = [Match(row, excerpt_around(row.said or row.preview, words)) for row in rows[:limit]]
    return Found(matches, is_complete and len(rows) <= limit)


def _search_in_time(
    mine: ChatSessionQuerySet, wanted: str, oldest: datetime | None, most: int
) -> list[Any] | None:
    """Return the sessions found, or None when that takes too long."""
    said = _saying(wanted).filter(session=OuterRef("pk")).order_by("position")
    content = Subquery(said.values("content")[:1])
    # A scalar, not EXISTS: PostgreSQL could answer that by reading the messages of everybody.
    told = Q(said__isnull=False)
    if oldest is not None:
        told = Q(last_message_at__gte=oldest) & told
    found = mine.annotate(said=content).filter(Q(title__icontains=wanted) | told)[:most]
    vendor = connections[mine.db].vendor
    if vendor == "postgresql":
        return _in_time_on_postgresql(found)
    return _in_time_on_sqlite(found) if vendor == "sqlite" else list(found)


def _in_time_on_sqlite(found: ChatSessionQuerySet) -> list[Any] | None:
    connection = connections[found.db]
    connection.ensure_connection()
    until = time.monotonic() + MOST_SECONDS
    connection.connection.set_progress_handler(lambda: time.monotonic() > until, STEPS)
    try:
        return list(found)
    except OperationalError as error:
        if str(error) != "interrupted":
            raise
        return None
    finally:
        connection.connection.set_progress_handler(None, 0)


def _in_time_on_postgresql(found: ChatSessionQuerySet) -> list[Any] | None:
    connection = connections[found.db]
    try:
        with transaction.atomic(using=found.db):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('statement_timeout', %s, true)", [str(MOST_SECONDS * 1000)]
                )
            rows = list(found)
            # Nothing was written, and with this the caller's transaction has its own limit again.
            transaction.set_rollback(True, using=found.db)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != CANCELLED:
            raise
        return None
    return rows


def _titled(mine: ChatSessionQuerySet, wanted: str, most: int) -> list[Any]:
    return list(mine.filter(title__icontains=wanted).annotate(said=F("preview"))[:most])


def _saying(wanted: str) -> ChatMessageQuerySet:
    """Return the messages that say it, in the database's own way where it has one."""
    said = messages()
    if connections[said.db].vendor != "postgresql":
        return said.filter(content__icontains=wanted)
    from django.contrib.postgres.search import SearchQuery, SearchVector  # noqa: PLC0415  needs psycopg

    words = SearchQuery(wanted, search_type="websearch")
    told: ChatMessageQuerySet = said.annotate(
        words=SearchVector(Left("content", MOST_CHARACTERS))
    ).filter(words=words)
    return told
