"""Hints by PostgreSQL's LISTEN and NOTIFY: nothing to install, heard within milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connections

from django_chat_sessions.services.following.hints import Hub
from django_chat_sessions.services.following.polling import Echo, HintingNotifier
from django_chat_sessions.services.tables import database

CHANNEL = "django_chat_sessions"
MOST_AT_ONCE = 200


def can_listen() -> bool:
    """Whether the sessions are in a PostgreSQL that psycopg 3 talks to."""
    connection: Any = connections[database()]
    if connection.vendor != "postgresql":
        return False
    from django.db.backends.postgresql.psycopg_any import is_psycopg3  # noqa: PLC0415

    return bool(is_psycopg3)


class PostgresNotifier(HintingNotifier):
    """One connection per process listens while somebody follows; another one notifies.

    A pooler that hands each transaction another connection (PgBouncer) lets nobody listen. That is
    noticed, because we do not hear ourselves, and polling takes over.
    """

    def publish(self, batches: Iterator[list[str]]) -> None:
        """Notify; many names in one statement."""
        connection = _own_connection()
        try:
            with connection.cursor() as cursor:
                for names in batches:
                    for start in range(0, len(names), MOST_AT_ONCE):
                        some = names[start : start + MOST_AT_ONCE]
                        cursor.execute("SELECT pg_notify(%s, unnest(%s::text[]))", [CHANNEL, some])
        finally:
            connection.close()

    def listen(self, hub: Hub) -> None:
        """Wake whoever a notification names."""
        connection = _own_connection()
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {CHANNEL}")
            hub.wake_all()  # for what was committed before
            self._hear(connection.connection, hub)
        finally:
            connection.close()

    def _hear(self, raw: Any, hub: Hub) -> None:
        echo = Echo(self)
        while not hub.left.is_set():
            # One at a time: a stream of them must not keep us from looking up.
            for note in raw.notifies(timeout=0.5, stop_after=1):
                if not echo.heard(note.payload):
                    hub.wake(note.payload)
            echo.check()


def _own_connection() -> Any:
    """Return a connection outside of any pool: one that listens is kept for long."""
    connection: Any = connections[database()].copy()
    connection.settings_dict["OPTIONS"] = {
        name: value for name, value in connection.settings_dict["OPTIONS"].items() if name != "pool"
    }
    return connection
