"""A migration operation that builds indexes while others write."""

from __future__ import annotations

import re
from typing import Any

from django.db import NotSupportedError
from django.db.migrations.operations.base import Operation

INDEX = re.compile(r'CREATE (UNIQUE )?INDEX ("[^"]+") ON (.*?);?$', re.DOTALL)
UNIQUE = re.compile(r'ALTER TABLE (.+?) ADD CONSTRAINT ("[^"]+") UNIQUE (\(.*\));?$', re.DOTALL)

DROP = re.compile(r'(ALTER TABLE .+? DROP CONSTRAINT) ("[^"]+");?$', re.DOTALL)


class Concurrently(Operation):
    """Do an AddIndex, an AddConstraint or an AlterField without keeping others from writing.

    On PostgreSQL every index that ``operation`` needs, forwards or backwards, is built
    CONCURRENTLY; the migration needs ``atomic = False``. After an interrupted run it may be run
    again: a constraint that is there stays, one that is gone is let be, an index is built anew. On
    other databases it is the operation itself: InnoDB lets others write meanwhile, SQLite has one
    writer anyway.
    """

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.reversible = operation.reversible  # type: ignore[misc]  # Django's do the same

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """Return what writes this operation down again."""
        return (self.__class__.__name__, [self.operation], {})

    def state_forwards(self, app_label: str, state: Any) -> None:
        self.operation.state_forwards(app_label, state)

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        self._perform(
            self.operation.database_forwards, app_label, schema_editor, from_state, to_state
        )

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        change = self.operation.database_backwards
        self._perform(change, app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        return f"{self.operation.describe()} while others write"

    @property
    def migration_name_fragment(self) -> str:
        return str(self.operation.migration_name_fragment)

    def references_model(self, name: str, app_label: str) -> bool:
        return self.operation.references_model(name, app_label)

    def _perform(self, change: Any, app_label: str, editor: Any, *states: Any) -> None:
        connection = editor.connection
        if connection.vendor != "postgresql":
            change(app_label, editor, *states)
            return
        if connection.in_atomic_block:
            raise NotSupportedError(
                "Concurrently cannot work inside a transaction: the migration needs atomic = False."
            )
        with connection.schema_editor(collect_sql=True, atomic=False) as collecting:
            change(app_label, collecting, *states)
        for statement in collecting.collected_sql:
            if _is_done(connection, statement):
                continue
            for sql in _without_a_long_lock(statement):
                editor.execute(sql, params=None)


def _is_done(connection: Any, statement: str) -> bool:
    """Whether an interrupted run has made this constraint, whose index nobody could drop."""
    found = UNIQUE.match(statement)
    if found is None:
        return False
    asked = "SELECT 1 FROM pg_constraint WHERE conrelid = %s::regclass AND conname = %s"
    with connection.cursor() as cursor:
        cursor.execute(asked, [found[1], found[2].strip('"')])
        return cursor.fetchone() is not None


def _without_a_long_lock(statement: str) -> list[str]:
    """Return the statements that do the same and let others write."""
    if found := INDEX.match(statement):
        unique, name, rest = found[1] or "", found[2], found[3]
        return [
            f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
            f"CREATE {unique}INDEX CONCURRENTLY {name} ON {rest}",
        ]
    if found := UNIQUE.match(statement):
        table, name, columns = found[1], found[2], found[3]
        return [
            f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
            f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} {columns}",
            f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}",
        ]
    if found := DROP.match(statement):
        return [f"{found[1]} IF EXISTS {found[2]}"]
    return [statement]
