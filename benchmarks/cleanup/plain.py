"""The rival: the same rows deleted in the same batches, by the fewest statements that do it."""

from __future__ import annotations

import time
from datetime import datetime

from django.db import transaction

from benchmarks.scale.databases import within
from django_chat_sessions import get_message_model, get_session_model

BATCH = 1_000


def delete(database: str, before: datetime) -> tuple[float, int]:
    """Delete what had its last message before a moment; return the seconds and the sessions."""
    session, message = get_session_model()._meta.db_table, get_message_model()._meta.db_table
    find = (
        f"SELECT id FROM {session} WHERE last_message_at < %s AND open_key IS NULL AND id < %s"  # noqa: S608
        " ORDER BY id DESC LIMIT %s FOR UPDATE"
    )
    statements = (
        f"DELETE FROM {message} WHERE session_id = ANY(%s)",  # noqa: S608
        # Those that follow a deleted one: the database's own ON DELETE SET NULL would do the same.
        f"UPDATE {session} SET previous_id = NULL WHERE previous_id = ANY(%s)",  # noqa: S608
        f"DELETE FROM {session} WHERE id = ANY(%s)",  # noqa: S608
    )
    began, deleted, last = time.monotonic(), 0, "ffffffff-ffff-ffff-ffff-ffffffffffff"
    with within(database) as connection, connection.cursor() as cursor:
        while True:
            with transaction.atomic():
                cursor.execute(find, [before, last, BATCH])
                ids = [row[0] for row in cursor.fetchall()]
                if not ids:
                    return time.monotonic() - began, deleted
                for statement in statements:
                    cursor.execute(statement, [ids])
            deleted, last = deleted + len(ids), ids[-1]
