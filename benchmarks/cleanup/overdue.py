"""A table of sessions that are all marked as open and have all expired."""

from __future__ import annotations

from django.db import connection

from benchmarks.progress import tell_share
from benchmarks.scale.filling import BATCH, ID
from django_chat_sessions import clock, get_session_model


def fill(sessions: int) -> None:
    """Fill the empty table with them; each is another visitor's."""
    table = get_session_model()._meta.db_table
    statement = f"""
        INSERT INTO {table} (id, visitor_key, open_key, started_at, opened_at, last_activity_at,
            last_message_at, expires_at, title, preview, message_count, unread, metadata)
        SELECT {ID.format(ms="ms")}, encode(sha256(n::text::bytea), 'hex'), gen_random_uuid(),
            began, began, began, began, began + interval '5 min', 'Conversation ' || n, 'Why?', 2,
            false, '{{}}'
        FROM (SELECT *, (extract(epoch FROM began) * 1000)::bigint AS ms FROM (SELECT n,
            %s - (%s - n) * interval '1 s' AS began FROM generate_series(%s, %s) n) one) two
    """  # noqa: S608  a table of ours
    with connection.cursor() as cursor:
        for first in range(0, sessions, BATCH):
            tell_share("overdue sessions", first, sessions)
            last = min(first + BATCH, sessions) - 1
            day_ago = clock.after(clock.now(), -86400)
            cursor.execute(statement, [day_ago, sessions, first, last])
        tell_share("overdue sessions", sessions, sessions)
        cursor.execute(f"VACUUM (ANALYZE) {table}")


def left() -> int:
    """Return how many are still marked as open."""
    return get_session_model().objects.filter(open_key__isnull=False).count()
