"""What the database does for a block: its statements on our tables, each with its plan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection

from django_chat_sessions import get_message_model, get_session_model


@dataclass(frozen=True)
class Explained:
    """A statement and what its planner does for it."""

    sql: str
    plan: str

    def reads_all_of(self, model: Any) -> bool:
        """Whether it reads a table from one end to the other, in no order that an index gives."""
        table = model._meta.db_table
        if connection.vendor == "sqlite":
            lines = self.plan.splitlines()
            return any(f"SCAN {table}" in line and "USING" not in line for line in lines)
        if connection.vendor == "postgresql":
            return f"Seq Scan on {table}" in self.plan
        return f"'{table}', 'ALL'" in self.plan

    def sorts(self) -> bool:
        """Whether rows are sorted for it."""
        return any(word in self.plan for word in ("TEMP B-TREE", "Sort", "filesort"))


@contextmanager
def explained() -> Iterator[list[Explained]]:
    """Collect the SELECTs on our tables that a block sends; explained when it is left.

    With few rows PostgreSQL and MariaDB read a table rather than its index; here they may not, if
    it has one.
    """
    seen: list[tuple[str, Any]] = []
    found: list[Explained] = []
    ours = [model._meta.db_table for model in (get_session_model(), get_message_model())]

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT") and any(table in sql for table in ours):
            seen.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield found
    count_rows(ours)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        if connection.vendor == "mysql":
            cursor.execute("SET max_seeks_for_key = 1, join_cache_level = 0")
        for sql, params in seen:
            explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
            cursor.execute(f"{explain} {sql}", params)
            found.append(Explained(sql, "\n".join(str(row) for row in cursor.fetchall())))
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = on")
        if connection.vendor == "mysql":
            cursor.execute("SET max_seeks_for_key = DEFAULT, join_cache_level = DEFAULT")


def count_rows(tables: list[str]) -> None:
    """Tell the planner what is in the tables now."""
    is_mysql = connection.vendor == "mysql"
    # There it would commit: another connection, which InnoDB tells of what is not committed yet.
    counting = connection.copy() if is_mysql else connection
    with counting.cursor() as cursor:
        for table in tables:
            words = "ANALYZE TABLE" if is_mysql else "ANALYZE"
            cursor.execute(f"{words} {connection.ops.quote_name(table)}")
    if is_mysql:
        counting.close()
