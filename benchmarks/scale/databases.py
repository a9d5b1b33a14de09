"""PostgreSQL for a measurement: a server of its own, many databases in it, and what they weigh."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command
from django.db import connection, connections

from tests import databases
from tests.database_servers import DURABLE, FOLDER

SAFE = ("fsync", "synchronous_commit", "full_page_writes")


def serve(folder: str | None) -> None:
    """Start a server that ends with this process, and set Django up; data stays in ``folder``.

    Always a server of our own, whatever DATABASE_URL says: settings of the server are changed.
    """
    os.environ.pop("DATABASE_URL", None)
    os.environ[databases.KIND] = "postgres"
    os.environ[DURABLE] = "1"
    if folder is not None:
        os.environ[FOLDER] = str(Path(folder).absolute())
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.scale.settings"
    django.setup()


def keep_safe(on: bool) -> None:
    """Let the server survive a loss of power, as a site's must, or not, while it is filled."""
    with connection.cursor() as cursor:
        for name in SAFE:
            cursor.execute(f"ALTER SYSTEM SET {name} = {'on' if on else 'off'}")
        cursor.execute("SELECT pg_reload_conf()")
        cursor.execute("CHECKPOINT")


@contextmanager
def within(name: str) -> Iterator[Any]:
    """Let Django's default connection be one to this database, closed at the end."""
    usual = connections["default"]
    opened = connection_to(name)
    connections["default"] = opened
    try:
        yield opened
    finally:
        connections["default"] = usual
        opened.close()


def connection_to(name: str) -> Any:
    """Return a connection to the database of that name, not yet opened."""
    opened = connections["default"].copy()
    opened.settings_dict = {**opened.settings_dict, "NAME": name}
    return opened


def make(name: str, fill: Callable[[], None]) -> bool:
    """Make and fill the database unless it is there; return whether it was made.

    It gets its name when it is whole, so that a half-filled one is never measured.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone() is not None:
            return False
        cursor.execute("DROP DATABASE IF EXISTS half_filled")
        cursor.execute("CREATE DATABASE half_filled")
    with within("half_filled"):
        call_command("migrate", verbosity=0)
        fill()
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER DATABASE half_filled RENAME TO "{name}"')
    return True


def copy(name: str, of: str) -> None:
    """Make a database that is the same as another, which nobody may be connected to."""
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{of}"')


def drop(name: str) -> None:
    """Let go of a database, so that no autovacuum of it disturbs what is measured next."""
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{name}"')


def sizes(tables: list[str]) -> list[tuple[str, str, str]]:
    """Return what each table and each of its indexes weighs: name, rows, megabytes."""
    found = []
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(
                "SELECT c.relname, c.reltuples::bigint, pg_table_size(c.oid),"
                " substring(pg_get_indexdef(c.oid) FROM '\\(.*\\)') FROM pg_class c"
                " LEFT JOIN pg_index i ON i.indexrelid = c.oid"
                " WHERE coalesce(i.indrelid, c.oid) = %s::regclass"
                " ORDER BY i.indexrelid NULLS FIRST",
                [table],
            )
            for name, rows, size, columns in cursor.fetchall():
                label = name if columns is None else f"index {name} {columns}"
                found.append((label, f"{rows:,}", f"{size / 2**20:,.0f} MB"))
    return found
