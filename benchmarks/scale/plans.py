"""How PostgreSQL goes about every hot statement; what it may not do at any size.

Each statement is explained twice: as it was sent, and prepared with a generic plan, which a driver
that prepares statements comes to use.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from django_chat_sessions import get_message_model, get_session_model

HOT = re.compile(r"[( ]*(SELECT|UPDATE|INSERT|WITH)")
SCANS = ("Index Scan", "Index Only Scan", "Bitmap Index Scan")


@dataclass(frozen=True)
class Planned:
    """A statement of a verb and its plan; ``kind`` is custom or generic."""

    verb: str
    kind: str
    sql: str
    plan: dict[str, Any]

    def faults(self, most_rows: float) -> list[str]:
        """Return what is wrong with the plan, as sentences without a subject."""
        found = []
        tables = {get_session_model()._meta.db_table, get_message_model()._meta.db_table}
        for node in nodes(self.plan):
            kind, rows = node["Node Type"], _rows(node)
            if kind == "Seq Scan" and node["Relation Name"] in tables:
                found.append(f"reads all of {node['Relation Name']}")
            if kind in SCANS and "Index Cond" not in node:
                found.append(f"walks the whole of {node['Index Name']}")
            if kind.endswith("Sort") and (taken := sum(map(_given, node["Plans"]))) > most_rows:
                found.append(f"sorts {taken:,.0f} rows")
            if rows > most_rows:
                found.append(f"{kind} reads {rows:,.0f} rows")
        return found

    @property
    def word(self) -> str:
        """What kind of statement it is."""
        return self.sql.lstrip("( ").split()[0]

    @property
    def how(self) -> str:
        """What the plan is made of, from the top."""
        steps = (
            f"{node['Node Type']} {node.get('Index Name', '')}".strip()
            for node in nodes(self.plan)
            if node["Node Type"] not in ("Limit", "Result", "ModifyTable", "Append", "LockRows")
        )
        return ", ".join(dict.fromkeys(steps)) or "Insert"


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every step of a plan."""
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def _given(node: dict[str, Any]) -> float:
    """Return how many rows a step has given to the one above; 0 where it was only planned."""
    return float(node.get("Actual Rows", 0) * node.get("Actual Loops", 1))


def _rows(node: dict[str, Any]) -> float:
    """Return how many rows a step has looked at."""
    dropped = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return _given(node) + float(dropped * node.get("Actual Loops", 1))


def plans_of(verb: str, run: Callable[[], Any]) -> list[Planned]:
    """Run a verb and return the plans of its statements on our tables, each of them twice."""
    found = []
    for sql, params in statements_of(run):
        for kind, plan in (("custom", _custom), ("generic", _generic)):
            with transaction.atomic(), connection.cursor() as cursor:
                found.append(Planned(verb, kind, sql, plan(cursor, sql, params)))
                transaction.set_rollback(True)
    return found


def statements_of(run: Callable[[], Any]) -> list[tuple[str, Any]]:
    """Run it and return its statements on our tables."""
    sent: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if HOT.match(sql) and get_session_model()._meta.app_label in sql:
            sent.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        run()
    return sent


def _explain(sql: str) -> str:
    # An INSERT of the same row would fail; its plan reads nothing anyway. One that follows an
    # UPDATE has nothing to do: the row is not as it was read any more.
    analyze = "" if sql.startswith(("INSERT", "WITH step1 AS (INSERT")) else "ANALYZE, "
    return f"EXPLAIN ({analyze}FORMAT JSON)"


def _custom(cursor: Any, sql: str, params: Any) -> Any:
    cursor.execute(f"{_explain(sql)} {sql}", params)
    return _plan(cursor)


def _generic(cursor: Any, sql: str, params: Any) -> Any:
    numbers = iter(range(1, len(params or ()) + 1))
    numbered = re.sub("%[%s]", lambda m: "%" if m[0] == "%%" else f"${next(numbers)}", sql)
    cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    cursor.execute(f"PREPARE hot AS {numbered}")
    values = ", ".join(["%s"] * len(params or ()))
    execute = f"EXECUTE hot({values})" if values else "EXECUTE hot"
    try:
        cursor.execute(f"{_explain(sql)} {execute}", params)
        return _plan(cursor)
    finally:
        if not connection.needs_rollback:
            cursor.execute("DEALLOCATE hot")


def _plan(cursor: Any) -> Any:
    [[found]] = cursor.fetchall()
    [explained] = json.loads(found) if isinstance(found, str) else found
    return explained["Plan"]
