"""Rows as years of a busy site leave them, made in PostgreSQL by SQL.

Sessions are numbered as they began. Whose each one is depends on its number in a scattered order,
so that no owner's rows lie together; ids are made of time, as the package makes them.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from benchmarks.progress import tell_share
from django_chat_sessions import clock, get_message_model, get_session_model
from django_chat_sessions.owners import Owner

HEAVY = (30, 1_000, 10_000, 100_000)  # sessions of the owners that are measured
PER_OWNER = 20  # of everybody else, half of whom are visitors
BATCH = 20_000  # sessions in a statement
LONG_OWNER = 100  # has one session more, a long one
FIRST_OTHER = 1_000
SAID = (
    "Ice is lighter than water because its molecules stand in a lattice with room between them; "
    "light that enters bends, and a lake keeps its fish through the winter under a lid of ice. "
)
# A UUID of version 7: 48 bits of milliseconds, then chance.
ID = """(lpad(to_hex({ms}), 12, '0') || '7' || lpad(to_hex((random() * 4095)::int), 3, '0') || '8'
    || lpad(to_hex((random() * 1152921504606846975)::bigint), 15, '0'))::uuid"""


@dataclass(frozen=True)
class Size:
    """How many sessions, and how many messages in each."""

    sessions: int
    messages: int

    @property
    def name(self) -> str:
        """What a database of this size is called."""
        return f"scale_{self.sessions}_{self.messages}"

    @property
    def heavy(self) -> list[int]:
        """The owners that fit in without being most of it, by their number of sessions."""
        return [count for count in HEAVY if count * 8 <= self.sessions] or [self.sessions // 8]

    @property
    def long(self) -> int:
        """Messages of the long session."""
        return max(100, self.sessions * self.messages // 200)

    @property
    def stride(self) -> int:
        """The step, by the golden section, that scatters numbers and leaves out none."""
        near = int(self.sessions * 0.618)
        return next(step for step in itertools.count(near) if math.gcd(step, self.sessions) == 1)

    def owner_of(self, count: int) -> Owner:
        """Return the owner of so many sessions."""
        return Owner(user_id=1 + self.heavy.index(count))


def fill(size: Size) -> None:
    """Fill the empty tables of this database; constraints hold by construction."""
    with connection.cursor() as cursor:
        # The foreign keys of ten million rows are not looked up: each row is made from its parent.
        cursor.execute("SET session_replication_role = replica")
        _fill_owners(cursor, size)
        _plan_sessions(cursor, size)
        for what, statement in (("sessions", _SESSIONS), ("messages", _MESSAGES)):
            for first in range(0, size.sessions, BATCH):
                tell_share(what, first, size.sessions)
                values = {"first": first, "last": first + BATCH, "messages": size.messages}
                cursor.execute(_with_names(statement), {**values, **_values(size)})
            tell_share(what, size.sessions, size.sessions)
        _fill_long(cursor, size)
        cursor.execute("DROP TABLE planned")
        cursor.execute("SET session_replication_role = DEFAULT")
        for model in (get_session_model(), get_message_model()):
            cursor.execute(f"VACUUM (ANALYZE, FREEZE) {model._meta.db_table}")


def _values(size: Size) -> dict[str, Any]:
    return {"said": SAID * 4, "span": len(SAID), "open_from": size.sessions - size.sessions // 100}


def _with_names(statement: str) -> str:
    names = {"SESSION": get_session_model(), "MESSAGE": get_message_model()}
    for name, model in names.items():
        statement = statement.replace(name, model._meta.db_table)
    return statement


def _fill_owners(cursor: Any, size: Size) -> None:
    others = size.sessions // PER_OWNER // 2 + 1
    cursor.execute(
        "INSERT INTO auth_user (id, username, password, first_name, last_name, email, is_staff,"
        " is_active, is_superuser, date_joined) SELECT n, 'user-' || n, '!', '', '', '', false,"
        " true, false, now() FROM (SELECT generate_series(1, %s) UNION SELECT %s"
        " UNION SELECT generate_series(%s, %s)) numbers(n)",
        [len(size.heavy), LONG_OWNER, FIRST_OTHER, FIRST_OTHER + others],
    )


def _plan_sessions(cursor: Any, size: Size) -> None:
    """Say whose each session is, when it began and which one it follows."""
    owners, total = [], 0
    for number, count in enumerate(size.heavy, start=1):
        total += count
        owners.append(f"WHEN r < {total} THEN {number}")
    many = max(2, (size.sessions - total) // PER_OWNER)
    other = f"(r - {total}) % {many}"
    whose = f"CASE {' '.join(owners)} WHEN {other} % 2 = 0 THEN {FIRST_OTHER} + {other} / 2 END"
    visitor = f"CASE WHEN r >= {total} AND {other} % 2 = 1 THEN"
    key = f"encode(sha256(('visitor ' || {other})::bytea), 'hex')"
    cursor.execute(
        "CREATE UNLOGGED TABLE planned AS SELECT *, lag(id) OVER"
        " (PARTITION BY user_id, visitor_key ORDER BY n) AS previous_id FROM ("
        f" SELECT n, r, began, ms, {ID.format(ms='ms')} AS id, {whose} AS user_id,"
        f" {visitor} {key} END AS visitor_key FROM"
        f" (SELECT *, (extract(epoch FROM began) * 1000)::bigint AS ms FROM (SELECT n,"
        f" n::bigint * {size.stride} % {size.sessions} AS r, {_moment()}"
        f" - ({size.sessions} - n) * interval '1 year' / {size.sessions} AS began"
        f" FROM generate_series(0, {size.sessions - 1}) n) numbers) timed) numbered"
    )
    cursor.execute("CREATE INDEX ON planned (n)")
    cursor.execute("ANALYZE planned")


def _moment() -> str:
    now: datetime = clock.now()
    return f"'{now.isoformat()}'::timestamptz - interval '1 hour'"


# The newest hundredth is still marked as open, although it has expired: no sweep has come by.
_SESSIONS = """
INSERT INTO SESSION (id, user_id, visitor_key, scope, open_key, started_at, opened_at, created,
    modified, last_activity_at, last_message_at, expires_at, ended_at, end_reason, previous_id,
    title, preview, message_count, unread, pinned_at, archived_at, metadata)
SELECT id, user_id, visitor_key, '', CASE WHEN n >= %(open_from)s THEN gen_random_uuid() END,
    began, began, began, began, began + interval '2 min', began + interval '2 min',
    began + interval '7 min', CASE WHEN n < %(open_from)s THEN began + interval '7 min' END,
    CASE WHEN n < %(open_from)s THEN 'idle' ELSE '' END, previous_id, 'Conversation ' || n,
    substr(%(said)s, 1 + (n * 7 %% %(span)s)::int, 120), %(messages)s, n %% 3 = 0,
    CASE WHEN r %% 5000 = 7 THEN began END, CASE WHEN r %% 10 = 9 THEN began END, '{}'
FROM planned WHERE n >= %(first)s AND n < %(last)s ORDER BY n
"""
_MESSAGE_COLUMNS = """
INSERT INTO MESSAGE (id, session_id, role, content, client_key, position, state, error, attempt,
    created_at, metadata)
"""
_MESSAGE_VALUES = """
    CASE WHEN p %% 2 = 0 THEN 'user' ELSE 'assistant' END,
    substr(%(said)s, 1 + ((n + p) * 7 %% %(span)s)::int, 60 + 300 * (p %% 2)),
    CASE WHEN p %% 2 = 0 THEN gen_random_uuid() END, p,
    CASE WHEN p %% 2 = 0 THEN '' ELSE 'answered' END, '', p %% 2, began + p * interval '10 s', '{}'
"""
_MESSAGES = f"""{_MESSAGE_COLUMNS}
SELECT {ID.format(ms="ms + p * 10000")}, id, {_MESSAGE_VALUES}
FROM planned CROSS JOIN generate_series(0, %(messages)s - 1) p
WHERE n >= %(first)s AND n < %(last)s ORDER BY n, p
"""
_LONG_SESSION = f"""
INSERT INTO SESSION (id, user_id, scope, started_at, opened_at, created, modified, last_activity_at,
    last_message_at, expires_at, ended_at, end_reason, title, preview, message_count, unread,
    metadata)
SELECT {ID.format(ms="ms")}, %(owner)s, '', began, began, began, began, began, began,
    began, began, 'idle', 'A long conversation', 'Once more', %(long)s, false, '{{}}'
FROM planned ORDER BY n DESC LIMIT 1
"""
_LONG_MESSAGES = f"""{_MESSAGE_COLUMNS}
SELECT {ID.format(ms="ms + p")}, s.id, {_MESSAGE_VALUES}
FROM SESSION s, LATERAL (SELECT 0 AS n, s.started_at AS began,
    (extract(epoch FROM s.started_at) * 1000)::bigint AS ms) one,
    generate_series(0, %(long)s - 1) p WHERE s.user_id = %(owner)s ORDER BY p
"""


def _fill_long(cursor: Any, size: Size) -> None:
    values = {"owner": LONG_OWNER, "long": size.long, **_values(size)}
    cursor.execute(_with_names(_LONG_SESSION), values)
    cursor.execute(_with_names(_LONG_MESSAGES), values)
