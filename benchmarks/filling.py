"""Fills the tables as a busy owner would in years, by SQL that makes the rows in the database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection

from benchmarks.progress import tell
from django_chat_sessions import clock, get_message_model, get_session_model
from django_chat_sessions.owners import Owner

NEW_ID = {
    "postgresql": "gen_random_uuid()",
    "mysql": "UUID()",
    "sqlite": "lower(hex(randomblob(16)))",
}
# In every message; the title of its session follows.
SAID = "Message about ice, light and water; what was asked before is answered at some length here, "


def fill(sessions: int, messages: int) -> Owner:
    """Give a new user so many ended sessions of so many messages each, a minute between two."""
    owner = Owner.for_user(get_user_model()._default_manager.create(username="busy"))
    model: Any = get_session_model()
    now = clock.now()
    ages = (timedelta(minutes=number + 60) for number in range(sessions))
    model.objects.bulk_create(
        [
            model(
                user_id=owner.user_id,
                started_at=now - age,
                opened_at=now - age,
                last_activity_at=now - age,
                last_message_at=now - age,
                ended_at=now - age + timedelta(minutes=5),
                end_reason="idle",
                message_count=messages,
                title=f"Conversation {number}",
                preview=SAID,
                pinned_at=now if number % 2000 == 1999 else None,
                archived_at=now if number % 10 == 9 else None,
            )
            for number, age in enumerate(ages)
        ],
        batch_size=500,
    )
    _fill_messages(messages)
    with connection.cursor() as cursor:
        for filled in (model, get_message_model()):
            table = connection.ops.quote_name(filled._meta.db_table)
            cursor.execute(f"ANALYZE {'TABLE' if connection.vendor == 'mysql' else ''} {table}")
    return owner


def _fill_messages(count: int) -> None:
    session, message = get_session_model()._meta.db_table, get_message_model()._meta.db_table
    numbers = " UNION ALL ".join(f"SELECT {number} AS n" for number in range(count))
    word = "CONCAT(%s, s.title)" if connection.vendor == "mysql" else "%s || s.title"
    statement = f"""
        INSERT INTO {message} (id, session_id, role, content, position, state, error, attempt,
                               created_at, metadata)
        SELECT {NEW_ID[connection.vendor]}, s.id,
               CASE WHEN numbers.n % 2 = 0 THEN 'user' ELSE 'assistant' END,
               {word}, numbers.n, '', '', 0, s.started_at, '{{}}'
        FROM {session} s CROSS JOIN ({numbers}) numbers
    """  # noqa: S608  names and numbers of ours
    with connection.cursor() as cursor:
        cursor.execute(statement.replace("n % 2", "n %% 2"), [SAID])


def open_sessions(count: int) -> list[str]:
    """Make so many visitors with an open session of an hour each; return their keys."""
    model: Any = get_session_model()
    names = [f"visitor {number}" for number in range(count)]
    now = clock.now()
    moments: Any = dict.fromkeys(
        ("started_at", "opened_at", "last_activity_at", "last_message_at"), now
    )
    for place in range(0, count, 2000):
        owners = [Owner.for_visitor(name) for name in names[place : place + 2000]]
        model.objects.bulk_create(
            model(
                visitor_key=owner.visitor_key,
                open_key=owner.open_key(""),
                expires_at=now + timedelta(seconds=3600),
                title="A conversation about something",
                preview="The answer to what was asked last, as it stands in the list",
                **moments,
            )
            for owner in owners
        )
        tell(f"{place:,} of {count:,} sessions")
    return names
