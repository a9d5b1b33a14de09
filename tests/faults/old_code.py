"""A process that still runs the old code: it knows the columns of the first release only.

Frozen: the statements are those that the first code sent, whatever the package does today. Adds
turns to one conversation until it is told to stop; says how many it wrote and what went wrong.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import uuid
from typing import Any

READ = """
    SELECT message_count, last_activity_at FROM chat_sessions_chatsession
    WHERE id = %s AND open_key IS NOT NULL
"""
# The compare-and-set by which two writers of one conversation get on with each other.
COUNTED = """
    UPDATE chat_sessions_chatsession SET message_count = %s, last_activity_at = %s,
        last_message_at = %s, expires_at = %s + interval '300 seconds', preview = %s
    WHERE id = %s AND message_count = %s AND last_activity_at = %s AND running_until IS NULL
"""
SAID = """
    INSERT INTO chat_sessions_chatmessage (id, session_id, role, content, client_key, position,
        state, error, lease_until, token, attempt, created_at, metadata)
    VALUES (%s, %s, %s, %s, NULL, %s, '', '', NULL, NULL, 0, %s, '{}')
"""
LISTED = """
    SELECT id, scope, title, preview, message_count, started_at, last_message_at, expires_at,
        ended_at, end_reason, unread, metadata, previous_id, user_id, visitor_key
    FROM chat_sessions_chatsession WHERE id = %s
"""


def main(session: str) -> None:
    """Write, read, report."""
    import django

    django.setup()
    told = threading.Event()

    def wait() -> None:
        sys.stdin.readline()
        told.set()

    threading.Thread(target=wait, daemon=True).start()
    written: list[str] = []
    while not told.is_set():
        if _turn(session, f"the old code's {len(written)}"):
            written.append(f"the old code's {len(written)}")
        time.sleep(0.05)
    sys.stdout.write(json.dumps(written))


def _turn(session: str, text: str) -> bool:
    """Store a question and its answer, unless somebody else was faster."""
    from django.db import connection, transaction
    from django.utils import timezone

    now = timezone.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LISTED, [session])
        assert cursor.fetchone()
        cursor.execute(READ, [session])
        row: Any = cursor.fetchone()
        if row is None:
            return False
        count, activity = row
        moment = max(now, activity)
        values = [count + 2, moment, moment, moment, text, session, count, activity]
        cursor.execute(COUNTED, values)
        if not cursor.rowcount:
            return False
        for number, role in enumerate(("user", "assistant")):
            said = [uuid.uuid4(), session, role, text, count + number, now]
            cursor.execute(SAID, said)
    return True


if __name__ == "__main__":
    main(sys.argv[1])
