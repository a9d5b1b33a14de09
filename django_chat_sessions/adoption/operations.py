"""A migration operation that changes a large table while others write into it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import NotSupportedError
from django.db.backends.utils import truncate_name
from django.db.migrations import AlterField
from django.db.migrations.operations.base import Operation
from django.db.models import ForeignKey

LONGEST_NAME = 63  # in PostgreSQL
TABLE = r'((?:"[^"]+"\.)?"[^"]+")'
INDEX = re.compile(rf'CREATE (UNIQUE )?INDEX ("[^"]+") ON {TABLE}(.*?);?$', re.DOTALL)
UNIQUE = re.compile(r'ALTER TABLE (.+?) ADD CONSTRAINT ("[^"]+") UNIQUE (\(.*\));?$', re.DOTALL)
COLUMN = re.compile(
    r'ALTER TABLE (.+?) ADD COLUMN ("[^"]+") (.+?)(?: (CHECK \(.+\)))?'
    r'(?: CONSTRAINT ("[^"]+") (REFERENCES .+?); SET CONSTRAINTS .+ IMMEDIATE)?;?$',
    re.DOTALL,
)
RULE = re.compile(
    r'ALTER TABLE (.+?) ADD CONSTRAINT ("[^"]+") ((?:FOREIGN KEY|CHECK) .+?);?$', re.DOTALL
)
GONE = re.compile(r'(ALTER TABLE .+? DROP COLUMN) ("[^"]+"(?: CASCADE)?);?$', re.DOTALL)
DROP = re.compile(r'(ALTER TABLE .+? DROP CONSTRAINT) ("[^"]+");?$', re.DOTALL)


class Concurrently(Operation):
    """Do an AddIndex, an AddConstraint, an AddField or an AlterField while others write.

    On PostgreSQL every index that ``operation`` needs, forwards or backwards, is built
    CONCURRENTLY; a foreign key and a check are added first, and the old rows held to them
    afterwards; a foreign key that an AlterField leaves as it is stays, where Django would make it
    anew. The migration needs ``atomic = False``. After an interrupted run it may be run again: a
    column or a unique constraint that is there stays, one that is gone is let be, everything else
    is made anew. On other databases it is the operation itself: InnoDB lets others write
    meanwhile, SQLite has one writer anyway.
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
        with (
            connection.schema_editor(collect_sql=True, atomic=False) as collecting,
            _untouched(_unchanged_key(self.operation, app_label, collecting, states)),
        ):
            change(app_label, collecting, *states)
        for statement in collecting.collected_sql:
            # sqlmigrate tells what to do, whatever this database has.
            if not editor.collect_sql and _is_done(connection, statement):
                continue
            for sql in _without_a_long_lock(statement, editor):
                editor.execute(sql, params=None)


@contextmanager
def _untouched(keys: list[Any]) -> Iterator[None]:
    """Let Django think that these have no constraint, so that it makes none anew."""
    for key in keys:
        key.db_constraint = False
    try:
        yield
    finally:
        for key in keys:
            key.db_constraint = True


def _unchanged_key(operation: Any, app_label: str, editor: Any, states: Any) -> list[Any]:
    """Return a foreign key as it was and as it will be, if its constraint is the same."""
    if not isinstance(operation, AlterField):
        return []
    models = [state.apps.get_model(app_label, operation.model_name) for state in states]
    fields: list[Any] = [model._meta.get_field(operation.name) for model in models]
    if not all(isinstance(field, ForeignKey) for field in fields):
        return []
    if not all(field.db_constraint for field in fields):
        return []
    constraints = {
        (field.db_type(editor.connection), str(editor._create_fk_sql(model, field, "_fk")))  # noqa: SLF001
        for model, field in zip(models, fields, strict=True)
    }
    return fields if len(constraints) == 1 else []


def _is_done(connection: Any, statement: str) -> bool:
    """Whether an interrupted run has made this constraint, whose index nobody could drop."""
    found = UNIQUE.match(statement)
    if found is None:
        return False
    asked = "SELECT 1 FROM pg_constraint WHERE conrelid = %s::regclass AND conname = %s"
    with connection.cursor() as cursor:
        cursor.execute(asked, [found[1], found[2].strip('"')])
        return cursor.fetchone() is not None


def _without_a_long_lock(statement: str, editor: Any) -> list[str]:
    """Return the statements that do the same and let others write."""
    if found := INDEX.match(statement):
        unique, name, table, rest = found[1] or "", found[2], found[3], found[4]
        return [
            _unfinished_dropped(editor, table, name),
            f"CREATE {unique}INDEX CONCURRENTLY {name} ON {table}{rest}",
        ]
    if found := UNIQUE.match(statement):
        table, name, columns = found[1], found[2], found[3]
        return [
            _unfinished_dropped(editor, table, name),
            f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} {columns}",
            f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}",
        ]
    if found := COLUMN.match(statement):
        return _column_added(found)
    if found := RULE.match(statement):
        return _checked_later(*found.groups())
    if found := GONE.match(statement) or DROP.match(statement):
        return [f"{found[1]} IF EXISTS {found[2]}"]
    return [statement]


def _unfinished_dropped(editor: Any, table: str, name: str) -> str:
    """Return what drops an index of this table's schema.

    Without it, that of another schema goes which the search path has, too: another tenant's.
    """
    if not editor.collect_sql:
        asked = "SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = %s::regclass"
        with editor.connection.cursor() as cursor:
            cursor.execute(asked, [table])
            name = f"{cursor.fetchone()[0]}.{name}"
    return f"DROP INDEX CONCURRENTLY IF EXISTS {name}"


def _column_added(found: re.Match[str]) -> list[str]:
    table, column, kind, check, key, referred = found.groups()
    statements = [f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column} {kind}"]
    if check is not None:
        # As PostgreSQL would have called it, unless that is too long.
        name = "_".join(word.strip('"') for word in (table.rpartition(".")[2], column, "check"))
        statements += _checked_later(table, f'"{truncate_name(name, LONGEST_NAME)}"', check)
    if key is not None:
        statements += _checked_later(table, key, f"FOREIGN KEY ({column}) {referred}")
    return statements


def _checked_later(table: str, name: str, constraint: str) -> list[str]:
    """Return what adds a constraint, and holds the rows that are there to it without a lock."""
    return [
        f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}",
        f"ALTER TABLE {table} ADD CONSTRAINT {name} {constraint} NOT VALID",
        f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}",
    ]
