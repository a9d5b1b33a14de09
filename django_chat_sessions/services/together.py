"""Writes that belong together: a short transaction, or on PostgreSQL one statement.

Measured: BEGIN, COMMIT and a statement for each write took more than the writes. Both ways write
and raise the same; ``write`` alone decides which one is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError, DataError, IntegrityError, connections, transaction
from django.db.models import Model, QuerySet
from django.db.models.expressions import DatabaseDefault
from django.db.models.signals import post_save, pre_save

from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession
from django_chat_sessions.services import statements
from django_chat_sessions.services.combined import combined
from django_chat_sessions.services.outages import state_of
from django_chat_sessions.services.prepared import table_of
from django_chat_sessions.services.statements import Narrow, Shape

# A host's policy that looks for the session that the same statement makes; a trigger that changes
# the row that the same statement changes next. One by one, each sees what came before.
OF_ONE_STATEMENT = frozenset({"42501", "27000"})


@dataclass(slots=True)
class Change:
    """A row that is as ``where`` says gets ``values``; otherwise ``lost()`` is raised.

    ``narrow``, a function of a module, may say more about the row than what its fields are.
    """

    row: Model
    table: QuerySet[Any]
    where: dict[str, Any]
    values: dict[str, Any]
    lost: Callable[[], Exception]
    narrow: Narrow | None = None

    def fits_in_one(self) -> bool:
        """Whether it can be part of one statement."""
        return True

    def shape(self) -> tuple[Shape, list[Any]]:
        """Return what its SQL depends on, and the values that its SQL does not have."""
        return statements.change_shape(table_of(self.table), self.narrow, self.where, self.values)

    def make(self) -> None:
        """Write it by a statement of its own."""
        shape, given = self.shape()
        sql, places = statements.update(shape)
        alias = self.table.db
        # As QuerySet.update() does: a caller's transaction that met an error must be rolled back.
        careful = transaction.mark_for_rollback_on_error(using=alias)
        with careful, connections[alias].cursor() as cursor:
            cursor.execute(sql, statements.filled(places, given))
            changed = cursor.rowcount
        if not changed:
            raise self.lost()


@dataclass(slots=True)
class Addition:
    """New rows, in their order."""

    table: QuerySet[Any]
    rows: Sequence[Model]

    def fits_in_one(self) -> bool:
        """Whether they can be part of one statement."""
        model: Any = self.table.model
        return statements.is_insertable(model)

    def shape(self) -> tuple[Shape, list[Any]]:
        """Return what the SQL depends on, and the values that the SQL does not have."""
        return statements.rows_shape(table_of(self.table), self.rows)

    def make(self) -> None:
        """Write them by a statement of their own."""
        self.table.bulk_create(self.rows)


@dataclass(slots=True)
class Placing(Addition):
    """New messages of one session, each with a position."""

    rows: Sequence[AbstractChatMessage]

    def make(self) -> None:
        """Write them by a statement of their own; 1 more where the database tells no keys."""
        for row in self.rows:
            row.session = row.session  # a key that the database makes is known by now
        Addition.make(self)
        # Django 5.2 leaves a db_default of the host's in the place of the key that it has made.
        if any(isinstance(row.pk, NoneType | DatabaseDefault) for row in self.rows):
            self._ask_for_keys()

    def _ask_for_keys(self) -> None:
        """Learn the keys that MySQL, unlike MariaDB, does not tell of several rows."""
        by_position = {row.position: row for row in self.rows}
        stored = self.table.filter(session=self.rows[0].session, position__in=by_position)
        for position, key in stored.values_list("position", "pk"):
            row = by_position[position]
            row.pk = key
            row._state.adding, row._state.db = False, self.table.db


@dataclass(slots=True)
class Beginning(Addition):
    """A new session. A host may listen to its ``save()``, or have one of its own."""

    def fits_in_one(self) -> bool:
        """Whether it can be part of one statement."""
        model, [session] = self.table.model, self.rows
        return (
            session.pk is not None  # or its messages could not name it
            and model.save is AbstractChatSession.save
            and not pre_save.has_listeners(model)
            and not post_save.has_listeners(model)
            and Addition.fits_in_one(self)
        )

    def make(self) -> None:
        """Write it by a statement of its own. Raises IntegrityError where its place is taken."""
        for session in self.rows:
            try:
                session.save(using=self.table.db, force_insert=True)
            except ValidationError as error:
                # A host's save() may call full_clean(), which finds a rival before the index does.
                if "open_key" not in getattr(error, "error_dict", ()):
                    raise
                raise IntegrityError("The open place is taken.") from error


Step = Change | Addition


def write(*steps: Step) -> None:
    """Take all the steps or, raising what a change says is lost, none of them.

    All are changes, or only the first may be. On PostgreSQL, outside of any transaction, 1
    statement; otherwise 1 for each step.
    """
    if not (_fit_in_one(steps) and _as_one(steps)):
        _one_by_one(steps)  # which finds out what was lost
    for step in steps:
        if isinstance(step, Change):
            for name, value in step.values.items():
                setattr(step.row, name, value)


def _fit_in_one(steps: Sequence[Step]) -> bool:
    alias = steps[0].table.db
    connection = connections[alias]
    return (
        len(steps) > 1
        and connection.vendor == "postgresql"
        and connection.get_autocommit()  # outside of any transaction
        and all(step.table.db == alias and step.fits_in_one() for step in steps)
    )


def _one_by_one(steps: Sequence[Step]) -> None:
    # A caller's transaction must be able to go on after a row that could not be inserted.
    is_safe = isinstance(steps[0], Change) or connections[steps[0].table.db].get_autocommit()
    if len(steps) == 1 and is_safe:
        steps[0].make()
        return
    with transaction.atomic(using=steps[0].table.db):
        for step in steps:
            step.make()


def _as_one(steps: Sequence[Step]) -> bool:
    """Return whether all is written; otherwise nothing is."""
    shapes: list[Shape] = []
    values: list[Any] = []
    counts = []
    for step in steps:
        shape, given = step.shape()
        shapes.append(shape)
        counts.append(len(given))
        values += given
    statement = combined(tuple(shapes), tuple(counts))
    alias = steps[0].table.db
    with connections[alias].cursor() as cursor:
        try:
            cursor.execute(statement.sql, [values[number] for number in statement.numbers])
        except DatabaseError as error:
            # A row changed this very moment, or a value that is met again one by one.
            if isinstance(error, DataError) or state_of(error) in OF_ONE_STATEMENT:
                return False
            raise
        if not cursor.rowcount:
            return False
        keys = iter(cursor.fetchone() if statement.returns else ())
    for step in steps:
        if isinstance(step, Addition):
            for row in step.rows:
                if row.pk is None:
                    row.pk = next(keys)
                row._state.adding, row._state.db = False, alias
    return True
