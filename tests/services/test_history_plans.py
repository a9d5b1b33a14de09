"""How the databases find what the history shows: by an index, and without reading the rest.

PostgreSQL and MariaDB are asked how many rows they have read; SQLite tells only how it looks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from django_chat_sessions import clock, get_message_model, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.exceptions import TooManyMessages
from django_chat_sessions.limits import Limits
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.limiting import refuse_excess
from tests.conversations import configure, fill, fill_history, insert, opened, somebody_else

pytestmark = pytest.mark.django_db(transaction=True)  # MariaDB commits when it analyses

MANY = 300  # sessions of the owner; others have ten times as many
PAGE = 10


def filled(owner: Owner) -> Any:
    """Give the owner a long history, some of it pinned or archived; return a long session."""
    fill_history(somebody_else(), 10 * MANY)
    fill_history(owner, MANY)
    session = opened(owner)
    fill(session, MANY)
    model = get_session_model()
    mine = list(model.objects.owned_by(owner).newest_first().values_list("pk", flat=True))
    now = clock.now()
    for number in range(3):
        pinned = model.objects.filter(pk=mine[MANY // 2 + number])
        pinned.update(pinned_at=now - timedelta(days=number))
    messages: Any = get_message_model()
    everybodys = model.objects.exclude(pk=session.pk).values_list("pk", flat=True)
    insert(messages(content="Ice is light", position=0), [{"session": pk} for pk in everybodys])
    with connection.cursor() as cursor:
        if connection.vendor == "mysql":
            # Rows that other tests have deleted are counted until they are purged.
            cursor.execute("SET GLOBAL innodb_max_purge_lag_wait = 0")
        for name in (model._meta.db_table, messages._meta.db_table):
            table = connection.ops.quote_name(name)
            cursor.execute(f"ANALYZE {'TABLE' if connection.vendor == 'mysql' else ''} {table}")
    return session


def plans(verb: Callable[[], Any]) -> list[Any]:
    """Return how the database goes about each statement of a verb."""
    asked: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip("( ").startswith("SELECT") and "set_config" not in sql:
            asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        verb()
    explain = {
        "postgresql": "EXPLAIN (ANALYZE, FORMAT JSON)",
        # With ANSI_QUOTES MariaDB puts names in quotes into its JSON, and does not escape them.
        "mysql": "SET STATEMENT sql_mode = REPLACE(@@sql_mode, 'ANSI_QUOTES', '') FOR "
        "ANALYZE FORMAT=JSON",
        "sqlite": "EXPLAIN QUERY PLAN",
    }[connection.vendor]
    found = []
    with connection.cursor() as cursor:
        for sql, params in asked:
            cursor.execute(f"{explain} {sql}", params)
            rows = cursor.fetchall()
            if connection.vendor == "sqlite":
                found.append([row[3] for row in rows])
            else:
                [[plan]] = rows
                found.append(json.loads(plan) if isinstance(plan, str) else plan)
    return found


def nodes(plan: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in a plan."""
    if isinstance(plan, dict):
        yield plan
    for inner in plan.values() if isinstance(plan, dict) else plan:
        if isinstance(inner, dict | list):
            yield from nodes(inner)


def looks_through(plan: Any) -> list[str]:
    """Return which tables a plan reads from beginning to end, or sorts as a whole."""
    if connection.vendor == "sqlite":
        # Only the pinned ones, few and read by an index, may need their ids looked up in order.
        bad = ("SCAN legacy_", "SCAN chat_sessions_", "USE TEMP B-TREE FOR ORDER BY")
        return [line for line in plan if line.startswith(bad) and "USING" not in line]
    whole = []
    for node in nodes(plan):
        if node.get("Node Type") == "Seq Scan":
            whole.append(node["Relation Name"])
        if node.get("access_type") == "ALL" and not node["table_name"].startswith("<"):
            whole.append(node["table_name"])
    return whole


def rows_read(plan: Any) -> float:
    """Return how many rows the busiest part of a plan has read; 0 where the database is silent."""
    most = 0.0
    for node in nodes(plan):
        if "Actual Rows" in node:
            dropped = node.get("Rows Removed by Filter", 0)
            most = max(most, (node["Actual Rows"] + dropped) * node["Actual Loops"])
        if node.get("r_rows") is not None:
            most = max(most, node["r_rows"] * node.get("r_loops", 1))
    return most


def test_s01_every_page_comes_from_an_index_and_reads_little_more_than_it_shows(
    owner: Owner,
) -> None:
    session = filled(owner)
    place = None
    for _ in range(4):
        _rows, place = chat_sessions.history_page(owner, limit=30, after=place)
    verbs: dict[str, Callable[[], Any]] = {
        "first": lambda: chat_sessions.recent_sessions(owner),
        "later": lambda: chat_sessions.history_page(owner, limit=PAGE, after=place),
        "find": lambda: chat_sessions.find_session(owner, session.pk),
        "transcript": lambda: chat_sessions.transcript(session, PAGE),
        "above": lambda: chat_sessions.transcript(session, PAGE, before=MANY // 2),
        "updates": lambda: chat_sessions.updates(owner),
    }
    for name, verb in verbs.items():
        for plan in plans(verb):
            assert looks_through(plan) == [], (name, plan)
            assert rows_read(plan) <= 4 * PAGE, (name, plan)


def test_what_may_read_all_of_an_owners_reads_nobody_elses(owner: Owner) -> None:
    filled(owner)
    for verb in (
        lambda: chat_sessions.search(owner, "glacier"),
        lambda: chat_sessions.search(owner, "ice"),
        lambda: chat_sessions.history_page(owner, limit=PAGE, archived=True),
    ):
        for plan in plans(verb):
            assert looks_through(plan) == [], plan
            assert rows_read(plan) <= 2.1 * MANY, plan


def test_counting_the_last_minute_reads_the_end_of_a_long_session_only(
    owner: Owner, settings: Any
) -> None:
    session = filled(owner)
    configure(settings, LIMITS=Limits(messages_per_minute=PAGE))

    def count() -> None:
        with pytest.raises(TooManyMessages):
            refuse_excess(Owner.of(session), clock.now(), asks=True)

    sessions, messages = plans(count)
    assert looks_through(sessions) == [], sessions
    assert rows_read(sessions) <= 4 * PAGE, sessions
    # The few that are read are sorted by their time.
    assert {*looks_through(messages)} <= {"USE TEMP B-TREE FOR ORDER BY"}, messages
    assert rows_read(messages) <= 4 * PAGE, messages
    if connection.vendor == "sqlite":
        assert "(session_id=? AND position>?)" in messages[0]
