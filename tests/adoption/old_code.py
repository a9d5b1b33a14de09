"""A process of the site that still runs the old code: it knows the old columns only.

Writes a session and two messages again and again until it is told to stop; says how long the
longest statement took, how many rows it wrote, and what went wrong.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import uuid
from typing import Any


def main(words: dict[str, Any]) -> None:
    """Write, measure, report."""
    os.environ["CHAT_SESSIONS_TEST_DB_NAME"] = words["NAME"]
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings.adoption"
    import django

    django.setup()
    from django.db import DatabaseError, connection, transaction
    from django.utils import timezone

    told = threading.Event()

    def wait() -> None:
        sys.stdin.readline()
        told.set()

    threading.Thread(target=wait, daemon=True).start()
    key = uuid.UUID(words["USER_KEY"])
    user = key if connection.features.has_native_uuid_field else key.hex
    longest, where, written, errors = 0.0, "", 0, []
    with connection.cursor() as cursor:
        while not told.is_set():
            moment = connection.ops.adapt_datetimefield_value(timezone.now())
            began = time.monotonic()
            try:
                with transaction.atomic():
                    cursor.execute(
                        "INSERT INTO shape_c_chatsession (created_at, user_id) VALUES (%s, %s)",
                        [moment, user],
                    )
                    cursor.execute("SELECT MAX(id) FROM shape_c_chatsession")
                    session = cursor.fetchone()[0]
                middle = time.monotonic()
                for is_user in (True, False):
                    cursor.execute(
                        "INSERT INTO shape_c_chatmessage (session_id, content, is_user, "
                        "created_at) VALUES (%s, %s, %s, %s)",
                        [session, "Meanwhile", is_user, moment],
                    )
                written += 3
            except DatabaseError as error:
                errors.append(str(error))
                middle = time.monotonic()
            for table, took in (
                ("sessions", middle - began),
                ("messages", time.monotonic() - middle),
            ):
                if took > longest:
                    longest, where = took, f"{table} at {timezone.now():%H:%M:%S}"
            if written == 3:
                sys.stdout.write("begun\n")
                sys.stdout.flush()
            time.sleep(words["PAUSE"])
    report = {
        "longest": longest,
        "where": where,
        "written": written,
        "errors": errors[: words["MOST_TOLD"]],
    }
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
