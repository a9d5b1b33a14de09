"""Building blocks: conversations, long tables, changed settings, a runner that never comes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections
from django.db.models.sql import InsertQuery
from django.db.transaction import atomic

from django_chat_sessions import clock, get_message_model, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.ids import new_primary_key
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession
from django_chat_sessions.owners import Owner


class LeavesReplies:
    """A runner whose worker never comes: every reply stays as it was asked for."""

    def submit(self, reply: AbstractChatMessage, session: AbstractChatSession) -> None:
        """Do nothing."""


def configure(settings: Any, **values: Any) -> None:
    """Change some of CHAT_SESSIONS for one test."""
    settings.CHAT_SESSIONS = {**settings.CHAT_SESSIONS, **values}


def listen_only(settings: Any) -> None:
    """Let nobody answer: messages are stored, and the session is never waiting."""
    configure(settings, RESPONDER=None)


def leave_replies(settings: Any) -> None:
    """Let replies be asked for, and nobody come to write them."""
    configure(settings, RUNNER="tests.conversations.LeavesReplies")


def opened(owner: Owner, scope: str = "") -> AbstractChatSession:
    """Return the open session, begun if there is none."""
    return chat_sessions.resume_or_start(owner, scope).opened


def talked(owner: Owner, text: str = "Hello", scope: str = "") -> AbstractChatSession:
    """Return the open session with one message more in it."""
    session = opened(owner, scope)
    chat_sessions.add_message(session, "user", text)
    return session


def waiting(owner: Owner, text: str = "Hello", key: str = "key-of-waiting") -> chat_sessions.Sent:
    """Send a message whose reply is pending; asks for ``leave_replies`` or an open transaction."""
    return chat_sessions.send(owner, text, key=key)


def meanwhile(
    monkeypatch: Any, module: Any, happens: Callable[[], Any], by: str = "short_transaction"
) -> None:
    """Let something happen between what a verb of this module has read and its first write.

    ``by`` names what the module writes with, or within.
    """
    real, due = getattr(module, by), [happens]

    def writes(*of: Any) -> Any:
        if due:
            due.pop()()
        return real(*of)

    monkeypatch.setattr(module, by, writes)


def reply_of(sent: chat_sessions.Sent) -> AbstractChatMessage:
    """Return the reply of a message that must have one."""
    assert sent.reply is not None
    return sent.reply


def stored(row: Any) -> Any:
    """Return the row as the database has it."""
    return type(row).objects.get(pk=row.pk)


def messages_of(session: AbstractChatSession) -> Any:
    """Return the queryset of its messages."""
    model: Any = get_message_model()
    return model.objects.filter(session=session.pk)


def rows(session: AbstractChatSession) -> list[AbstractChatMessage]:
    """Return the messages as the database has them, in order."""
    return list(messages_of(session).in_order())


def contents(session: AbstractChatSession) -> list[str]:
    """Return the texts of a session's messages."""
    return [row.content for row in rows(session)]


def open_sessions(owner: Owner, scope: str = "") -> list[AbstractChatSession]:
    """Return every row that claims the owner's open place; one at most may."""
    return list(get_session_model().objects.owned_by(owner).filter(scope=scope, ended_at=None))


def fail_at(kind: str) -> Any:
    """Let the database fail at the first statement of this kind."""

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(kind):
            raise DatabaseError("the disk is full")
        return execute(sql, params, many, context)

    return connection.execute_wrapper(note)


def refusing_to_read() -> AbstractContextManager[None]:
    """Let the database itself refuse every SELECT, as it does before it is migrated."""

    def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "SELECT" in sql:  # a history is a union of two
            sql, params = "SELECT 1 FROM not_migrated", ()
        return execute(sql, params, many, context)

    return connection.execute_wrapper(refuse)


def fill(session: AbstractChatSession, count: int) -> None:
    """Make the session as long as ``count`` messages."""
    model: Any = get_message_model()
    first = session.message_count
    insert(
        model(session=session, content="x", created_at=clock.now()),
        [{"position": position} for position in range(first, count)],
    )
    session.message_count, session.title = count, session.title or "x"
    stored = get_session_model().objects.filter(pk=session.pk)
    stored.update(message_count=count, title=session.title)


def fill_history(owner: Owner, count: int, scope: str = "") -> None:
    """Give the owner so many ended conversations, each a second older than the one before."""
    model = get_session_model()
    began = clock.now() - timedelta(hours=1)
    template = model(
        user_id=owner.user_id,
        visitor_key=owner.visitor_key,
        scope=scope,
        end_reason="idle",
        message_count=2,
    )
    times = ("started_at", "opened_at", "last_activity_at", "last_message_at")
    insert(
        template,
        [
            {
                **dict.fromkeys(times, began - timedelta(seconds=age)),
                "ended_at": began + timedelta(minutes=10, seconds=-age),
                "title": f"Conversation {age}",
            }
            for age in range(count)
        ],
    )


def in_sizes(**sizes: tuple[int, int]) -> pytest.MarkDecorator:
    """Run a test in the first size with both kinds of owner, and in the second with one of them."""
    first, second = zip(*sizes.values(), strict=True)
    runs = [("user", *first), ("visitor", *first), ("user", *second)]
    return pytest.mark.parametrize(("owner", *sizes), runs, indirect=["owner"])


def insert(template: Any, rows: list[dict[str, Any]]) -> None:
    """Store copies of a row that differ in these values: ten times as fast as ``bulk_create``."""
    meta = template._meta
    gives_key = new_primary_key(type(template)) is None  # the database does
    fields = [field for field in meta.local_concrete_fields if not (field is meta.pk and gives_key)]
    query = InsertQuery(type(template))
    query.insert_values(fields, [template])
    [(statement, values)] = query.get_compiler(connection=connection).as_sql()
    if not gives_key:
        rows = [{**row, meta.pk.name: new_primary_key(type(template))} for row in rows]
    if connection.vendor == "postgresql" and rows:
        _insert_there(meta.db_table, dict(zip(fields, values, strict=True)), rows)
        return
    columns = {field.name: (index, field) for index, field in enumerate(fields)}
    database = connections[DEFAULT_DB_ALIAS]  # itself: `connection` looks for it each time

    def of(row: dict[str, Any]) -> list[Any]:
        changed = list(values)
        for name, value in row.items():
            index, field = columns[name]
            changed[index] = field.get_db_prep_save(value, database)
        return changed

    with atomic(), connection.cursor() as cursor:  # or SQLite commits each of them
        cursor.executemany(statement, [of(row) for row in rows])


def _insert_there(table: str, values: dict[Any, Any], rows: list[dict[str, Any]]) -> None:
    """Send PostgreSQL what is the same in all of the rows once, not with each of them."""
    quote = connection.ops.quote_name
    differing = [field for field in values if field.name in rows[0]]
    same = [field for field in values if field not in differing]
    columns = ", ".join(quote(field.column) for field in same + differing)
    chosen = ", ".join(["%s"] * len(same) + [f"given.{quote(field.column)}" for field in differing])
    arrays = ", ".join(f"%s::{field.db_type(connection)}[]" for field in differing)
    names = ", ".join(quote(field.column) for field in differing)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(table)} ({columns}) "  # noqa: S608  names of our own tables
            f"SELECT {chosen} FROM unnest({arrays}) AS given ({names})",
            [values[field] for field in same]
            + [[row[field.name] for row in rows] for field in differing],
        )


def somebody_else() -> Owner:
    """Return an owner that has nothing yet."""
    return Owner.for_visitor(str(uuid4()))


def missing_id() -> Any:
    """Return an id of the right kind that no session has."""
    field = get_session_model()._meta.pk
    return uuid4() if field.get_internal_type() == "UUIDField" else 2**62


def is_uuid(value: Any) -> bool:
    """Whether the value is a UUID of version 7."""
    return isinstance(value, UUID) and value.version == 7
