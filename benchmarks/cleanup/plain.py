"""The rival: the same rows deleted in the same batches, by the fewest statements that do it.

A program of its own, run as cron runs the command: ``python -m benchmarks.cleanup.plain BEFORE
SESSION MESSAGE``, a moment and the names of the two tables. psycopg alone, without Django.
"""

from __future__ import annotations

import json
import os
import sys

import psycopg

from tests import databases

BATCH = 1_000
FIND = """
    SELECT id FROM {session} WHERE last_message_at < %s AND open_key IS NULL AND id < %s
    ORDER BY id DESC LIMIT %s FOR UPDATE"""
DELETE = (
    "DELETE FROM {message} WHERE session_id = ANY(%(ids)s)",
    # What ON DELETE SET NULL would do, and of fewer rows: not of those that are deleted next.
    """UPDATE {session} SET previous_id = NULL
    WHERE previous_id = ANY(%(ids)s) AND NOT id = ANY(%(ids)s)""",
    "DELETE FROM {session} WHERE id = ANY(%(ids)s)",
)


def main(before: str, session: str, message: str) -> None:
    """Delete what had its last message before a moment; tell after each batch, and at the end."""
    find, *deletions = (
        statement.format(session=session, message=message) for statement in (FIND, *DELETE)
    )
    deleted, last = 0, "ffffffff-ffff-ffff-ffff-ffffffffffff"
    with _connection() as connection:
        while True:
            with connection.transaction(), connection.cursor() as cursor:
                ids = [row[0] for row in cursor.execute(find, [before, last, BATCH])]
                if not ids:
                    break
                for statement in deletions:
                    cursor.execute(statement, {"ids": ids})
            deleted, last = deleted + len(ids), ids[-1]
            sys.stderr.write(f"{deleted} purged …\n")
    sys.stdout.write(json.dumps({"purged": deleted}))


def _connection() -> psycopg.Connection:
    place = json.loads(os.environ[databases.CONNECTION])["settings"]
    return psycopg.connect(
        dbname=os.environ[databases.NAME],
        host=place["HOST"],
        port=place.get("PORT"),
        user=place.get("USER"),
        password=place.get("PASSWORD"),
        autocommit=True,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
