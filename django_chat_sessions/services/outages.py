"""Errors of a database that is away, or lacks what a migration will add: told alike for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from django.db import Error as DatabaseTrouble
from django.db import IntegrityError, InterfaceError, OperationalError, connections, transaction

from django_chat_sessions.services.tables import database

# No such table, no such column: in PostgreSQL, in MariaDB and MySQL; SQLite has words only.
MISSING_CODES = frozenset({"42P01", "42703", 1146, 1054})
MISSING_WORDS = ("no such table", "no such column")
DUPLICATE = 1062  # MySQL quotes the value itself
READ_ONLY = "25006"  # a standby of PostgreSQL's that is not in charge yet, or no longer


@contextmanager
def sparing_transaction() -> Iterator[None]:
    """Let a caller's transaction go on, with its writes, where what is done here fails.

    PostgreSQL would refuse the caller's next statement, and roll back at COMMIT without a word. No
    statement outside of a transaction.
    """
    alias = database()
    connection: Any = connections[alias]
    is_needed = connection.in_atomic_block and connection.vendor == "postgresql"
    with transaction.atomic(using=alias) if is_needed else nullcontext():
        yield


def state_of(error: BaseException) -> str | None:
    """Return PostgreSQL's SQLSTATE; psycopg 2 calls it otherwise than psycopg 3."""
    cause = error.__cause__
    state: str | None = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return state


def is_away(error: DatabaseTrouble) -> bool:
    """Whether the database cannot be used now, and may be later."""
    is_trouble = isinstance(error, (OperationalError, InterfaceError))
    return is_trouble or state_of(error) == READ_ONLY


def what_is_missing(error: DatabaseTrouble) -> str:
    """Return what the database says of the table or column it lacks; "" for any other error."""
    codes = {state_of(error), *error.args[:1]}
    if not codes & MISSING_CODES and not str(error).startswith(MISSING_WORDS):
        return ""
    first = str(error.args[-1]).splitlines()[0]  # PostgreSQL shows the statement after it
    return first.rstrip(".")


def fit_for_log(error: DatabaseTrouble) -> str:
    """Return the cause for a log: the error's name, a rule of a table, or that migrate is missing.

    What a database says of anything else may have in it what people wrote.
    """
    missing = what_is_missing(error)
    if missing:
        return f"the database is not migrated: {missing}; run migrate"
    name = type(error).__name__
    if isinstance(error, IntegrityError) and error.args[:1] != (DUPLICATE,):
        rule, _end, _row = str(error).partition("\n")  # PostgreSQL shows the row after it
        return f"{name}: {rule}"
    return name
