"""What peers' subjects share: rows put into tables of theirs, and coroutines run to their end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from datetime import UTC, datetime
from typing import Any

import psycopg

from benchmarks.speed.subject import Place


def connect(place: Place) -> psycopg.Connection[tuple[Any, ...]]:
    known = place.settings
    return psycopg.connect(
        dbname=known["NAME"], user=known["USER"], host=known["HOST"], autocommit=True
    )


def address(place: Place) -> str:
    """Return where SQLAlchemy finds the place, by asyncpg."""
    known = place.settings
    return f"postgresql+asyncpg://{known['USER']}@/{known['NAME']}?host={known['HOST']}"


def copy(place: Place, table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Put rows into a table."""
    with connect(place) as connection, connection.cursor() as cursor:
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copied:
            for row in rows:
                copied.write_row(row)
        cursor.execute(f"ANALYZE {table}")


def run_sql(place: Place, *statements: str) -> None:
    with connect(place) as connection:
        for statement in statements:
            connection.execute(statement)


def naive(moment: datetime) -> datetime:
    """Return UTC as columns without a time zone take it."""
    return moment.astimezone(UTC).replace(tzinfo=None)


class Awaiting:
    """A client in a thread with an event loop of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(work)

    def close(self) -> None:
        self.wait(self.leave())
        self._loop.close()

    async def leave(self) -> None:
        """Close what is open."""
