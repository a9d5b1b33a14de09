"""Search through what an owner has said and was told: by owner first, in bounded time."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import and_
from typing import Any

from django.db import DataError, OperationalError, connections, transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Left

from django_chat_sessions.models import AbstractChatSession
from django_chat_sessions.owners import Owner
from django_chat_sessions.querysets import ChatMessageQuerySet, ChatSessionQuerySet, is_text
from django_chat_sessions.services.excerpts import excerpt_around, storable
from django_chat_sessions.services.history import refuse_limit
from django_chat_sessions.services.outages import state_of
from django_chat_sessions.services.tables import messages, sessions

LONGEST_QUERY = 200  # characters; more are ignored
MOST_TERMS = 10  # that are looked for in each text; more are ignored
TERM = re.compile(r'"\s*([^"\s][^"]*?)\s*"|([^\s"]+)')  # "a phrase", or a word
MOST_SESSIONS = 1000  # whose messages are looked through, the latest first
MOST_CHARACTERS = 100_000  # of a message, on PostgreSQL: its vectors have room for a megabyte
MOST_SECONDS = 2  # for databases that can be told so: all but MySQL
STEPS = 100  # of SQLite's between two looks at the clock; a message takes some ten
# MySQL's and PostgreSQL's, for a text with characters that a host's column or database (utf8mb3,
# latin1) cannot hold.
NO_SUCH_CHARACTERS = frozenset({1267, "22P05"})
TOO_LONG = frozenset({"57014", 1969, "interrupted"})  # PostgreSQL's, MariaDB's and SQLite's word


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

    Titles of all sessions, messages of the latest 1000, within 2 seconds except on MySQL
    (PostgreSQL needs 1 statement more for each attempt). A match is a title or a message that has
    all the words in it, or ``"a phrase"`` as it stands. PostgreSQL finds words in the forms of its
    default language, in the first 100,000 characters of a message, and knows ``or`` and
    ``-without``; elsewhere, and in titles, also parts of words. Case does not count, except that
    SQLite knows it of ASCII letters only: there "über" does not find "Über". On MariaDB and MySQL
    the collation decides, of accents too. The text is cut to 200 characters, 10 words. Raises
    ValueError for a limit that is no whole number above 0.
    """
    refuse_limit(limit)
    wanted = " ".join(storable(text)[:LONGEST_QUERY].split())
    if not wanted:
        return Found([], is_complete=True)
    mine = sessions().owned_by(owner).filter(message_count__gt=0).newest_first()
    if scope is not None:
        mine = mine.about(scope)
    moments = mine.values_list("last_message_at", flat=True)
    oldest: datetime | None = next(iter(moments[MOST_SESSIONS - 1 : MOST_SESSIONS]), None)
    found = _search_in_time(mine, wanted, oldest, limit + 1)
    is_complete = found is not None and oldest is None
    rows = _titled(mine, wanted, limit) if found is None else found
    words = wanted.lower().replace('"', " ").split()
    matches = [
        Match(row, excerpt_around(row.chat_said or row.preview, words)) for row in rows[:limit]
    ]
    return Found(matches, is_complete and len(rows) <= limit)


def _search_in_time(
    mine: ChatSessionQuerySet, wanted: str, oldest: datetime | None, most: int
) -> list[Any] | None:
    """Return the sessions found, or None when that takes too long."""
    said = _saying(wanted).filter(session=OuterRef("pk")).order_by("position")
    content = Subquery(said.values("content")[:1])
    # A scalar, not EXISTS: PostgreSQL could answer that by reading the messages of everybody.
    told = Q(chat_said__isnull=False)
    if oldest is not None:
        told = Q(last_message_at__gte=oldest) & told
    found = mine.annotate(chat_said=content).filter(_has_all(mine, "title", wanted) | told)[:most]
    try:
        return _read(found)
    except (OperationalError, DataError) as error:
        codes = {state_of(error), *error.args}
        if not NO_SUCH_CHARACTERS.isdisjoint(codes):
            return []
        if TOO_LONG.isdisjoint(codes):
            raise
        return None


def _read(found: ChatSessionQuerySet) -> list[Any]:
    """Return the rows, in the time there is. Raises OperationalError when it is over."""
    connection: Any = connections[found.db]
    if connection.vendor == "postgresql":
        return _read_on_postgresql(found, connection)
    if connection.vendor == "sqlite":
        return _read_on_sqlite(found, connection)
    is_mariadb = getattr(connection, "mysql_is_mariadb", False)
    return _read_on_mariadb(found, connection) if is_mariadb else list(found)


def _read_on_postgresql(found: ChatSessionQuerySet, connection: Any) -> list[Any]:
    milliseconds = str(MOST_SECONDS * 1000)
    with transaction.atomic(using=found.db):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [milliseconds])
        rows = list(found)
        # Nothing was written, and with this the caller's transaction has its own limit again.
        transaction.set_rollback(True, using=found.db)
    return rows


def _read_on_sqlite(found: ChatSessionQuerySet, connection: Any) -> list[Any]:
    connection.ensure_connection()
    until = time.monotonic() + MOST_SECONDS
    connection.connection.set_progress_handler(lambda: time.monotonic() > until, STEPS)
    try:
        return list(found)
    finally:
        connection.connection.set_progress_handler(None, 0)


def _read_on_mariadb(found: ChatSessionQuerySet, connection: Any) -> list[Any]:
    def in_time(execute: Any, sql: str, *rest: Any) -> Any:
        return execute(f"SET STATEMENT max_statement_time={MOST_SECONDS} FOR {sql}", *rest)

    with connection.execute_wrapper(in_time):
        return list(found)


def _titled(mine: ChatSessionQuerySet, wanted: str, most: int) -> list[Any]:
    titled = mine.filter(_has_all(mine, "title", wanted)).annotate(chat_said=F("preview"))
    return list(titled[:most])


def _has_all(rows: QuerySet[Any], column: str, wanted: str) -> Q:
    """Return the condition that a text has all the words in it, in whichever order."""
    if not is_text(rows, column):
        return Q(pk__in=())
    terms = [phrase or word for phrase, word in TERM.findall(wanted)][:MOST_TERMS]
    parts = [Q((f"{column}__icontains", term)) for term in terms or [wanted]]
    return reduce(and_, parts)


def _saying(wanted: str) -> ChatMessageQuerySet:
    """Return the messages that say it, in the database's own way where it has one."""
    said = messages()
    if connections[said.db].vendor != "postgresql" or not is_text(said, "content"):
        return said.filter(_has_all(said, "content", wanted))
    from django.contrib.postgres.search import SearchQuery, SearchVector  # noqa: PLC0415  needs psycopg

    words = SearchQuery(wanted, search_type="websearch")
    told: ChatMessageQuerySet = said.annotate(
        chat_words=SearchVector(Left("content", MOST_CHARACTERS))
    ).filter(chat_words=words)
    return told
