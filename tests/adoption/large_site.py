"""A large site of shape C, adopted while people write; for the benchmark and its short form."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

BEGAN = datetime(2025, 1, 1, tzinfo=UTC)
SESSIONS, MESSAGES = "shape_c_chatsession", "shape_c_chatmessage"
AT_ONCE = 2000
MOST_TOLD = 5  # of a writer's errors


@dataclass(frozen=True)
class Stall:
    """What a writer met: the longest wait in seconds, how many rows it wrote, what went wrong."""

    longest: float
    where: str
    written: int
    errors: list[str]


def generate(user_key: Any, sessions: int, each: int) -> None:
    """Write so many old sessions of one user with so many messages each, in the old columns."""
    if connection.vendor == "postgresql":
        return _generate_on_postgres(user_key, sessions, each)
    user = user_key if connection.features.has_native_uuid_field else user_key.hex
    value = connection.ops.adapt_datetimefield_value
    with transaction.atomic(), connection.cursor() as cursor:
        for first in range(1, sessions + 1, AT_ONCE):
            keys = range(first, min(first + AT_ONCE, sessions + 1))
            moments = {key: BEGAN + timedelta(minutes=key) for key in keys}
            rows = [[key, value(moments[key]), user] for key in keys]
            sql = f"INSERT INTO {SESSIONS} (id, created_at, user_id) VALUES (%s, %s, %s)"  # noqa: S608
            cursor.executemany(sql, rows)
            said = [
                [
                    key,
                    f"Message {place} of {key}",
                    place % 2 == 0,
                    value(moments[key] + timedelta(seconds=place)),
                ]
                for key in keys
                for place in range(each)
            ]
            sql = (
                f"INSERT INTO {MESSAGES} (session_id, content, is_user, created_at) "  # noqa: S608
                "VALUES (%s, %s, %s, %s)"
            )
            cursor.executemany(sql, said)
    return None


def _generate_on_postgres(user_key: Any, sessions: int, each: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {SESSIONS} (created_at, user_id) "  # noqa: S608
            "SELECT %s + n * interval '1 minute', %s FROM generate_series(1, %s) n ORDER BY n",
            [BEGAN, user_key, sessions],
        )
        cursor.execute(
            f"INSERT INTO {MESSAGES} (session_id, content, is_user, created_at) "  # noqa: S608
            "SELECT s.id, 'Message ' || place || ' of ' || s.id, place %% 2 = 0, "
            f"s.created_at + place * interval '1 second' FROM {SESSIONS} s, "
            "generate_series(0, %s) place ORDER BY place, s.id",
            [each - 1],
        )
        cursor.execute("ANALYZE")


@contextmanager
def old_code_writing(user_key: Any, pause: float = 0.005) -> Iterator[list[Stall]]:
    """Let another process write as the old code does; the list gets what it met."""
    met: list[Stall] = []
    asked = {**connection.settings_dict, "USER_KEY": user_key.hex, "PAUSE": pause}
    words = {name: asked[name] for name in ("NAME", "USER_KEY", "PAUSE")}
    words["MOST_TOLD"] = MOST_TOLD
    writer = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.adoption.old_code", json.dumps(words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout
    writer.stdout.readline()  # it has written its first rows
    try:
        yield met
    finally:
        printed, _nothing = writer.communicate("stop\n")
        met.append(Stall(**json.loads(printed)))


def wrong_sessions() -> int:
    """Return how many sessions the history would show wrongly, as the database counts them."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(*) FROM {SESSIONS} s LEFT JOIN (SELECT session_id, COUNT(*) AS n, "  # noqa: S608
            "COUNT(DISTINCT position) AS places, MIN(position) AS low, MAX(position) AS high, "
            f"MAX(created_at) AS latest FROM {MESSAGES} GROUP BY session_id) m "
            "ON m.session_id = s.id WHERE s.last_message_at IS NULL "
            "OR s.message_count <> COALESCE(m.n, 0) OR (m.n > 0 AND (m.places <> m.n "
            "OR m.low <> 0 OR m.high <> m.n - 1 OR s.last_message_at < m.latest "
            "OR s.title = ''))"
        )
        return int(cursor.fetchone()[0])


def old_rows(largest: int) -> list[Any]:
    """Return the sums by which the old rows are told from others; the same before and after."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*), COUNT(DISTINCT session_id), SUM(LENGTH(content)), MIN(created_at), "  # noqa: S608
            "MAX(created_at), SUM(CASE WHEN is_user THEN 1 ELSE 0 END) "
            f"FROM {MESSAGES} WHERE session_id <= %s",
            [largest],
        )
        return list(cursor.fetchone())


def seconds(step: Any, *arguments: Any) -> float:
    """Return how long a step takes."""
    began = time.monotonic()
    step(*arguments)
    return time.monotonic() - began
