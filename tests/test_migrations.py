"""Migrations: none is missing, and there is a way back."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from django_chat_sessions import get_message_model, get_session_model, services
from django_chat_sessions.owners import Owner
from tests.callers import rows

APP = get_session_model()._meta.app_label


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    printed = StringIO()
    call_command("makemigrations", "--check", "--dry-run", APP, stdout=printed)
    assert "No changes" in printed.getvalue()


def migrate(target: str | None) -> None:
    """Go to a migration of the app that holds the tables, or back to nothing."""
    executor = MigrationExecutor(connection)
    leaf = [node for node in executor.loader.graph.leaf_nodes() if node[0] == APP]
    executor.migrate([(APP, None)] if target is None else leaf)


def tables() -> set[str]:
    names = {get_session_model()._meta.db_table, get_message_model()._meta.db_table}
    with connection.cursor() as cursor:
        return names & set(connection.introspection.table_names(cursor))


@pytest.mark.django_db(transaction=True)
def test_m05_back_to_nothing_and_forward_again_with_data() -> None:
    owner = Owner.for_visitor("a visitor's secret key")
    services.send(owner, "Why?", key="key-00000001")
    try:
        migrate(None)
        assert tables() == set()
    finally:
        migrate("latest")
    assert len(tables()) == 2
    assert not any(rows().values())
    assert services.send(owner, "Why?", key="key-00000001").created


@pytest.mark.django_db
def test_m07_names_in_the_database_are_short_enough_everywhere() -> None:
    """PostgreSQL cuts names at 63 bytes, MySQL refuses more than 64."""
    for table in tables():
        with connection.cursor() as cursor:
            constraints = connection.introspection.get_constraints(cursor, table)
        assert constraints
        assert max(len(name) for name in constraints) < 63


@pytest.mark.django_db
def test_no_index_holds_the_activity_so_that_a_touch_stays_cheap() -> None:
    table = get_session_model()._meta.db_table
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, table)
    indexed = {column for facts in constraints.values() for column in facts["columns"] or ()}
    assert {"open_key", "visitor_key"} <= indexed
    assert not {"last_activity_at", "expires_at"} & indexed
