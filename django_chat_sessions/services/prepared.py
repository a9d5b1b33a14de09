"""Statements that Django compiles once, for the verbs that every message and every visit needs.

Measured: compiling took most of what such a verb took, more than the database. What a statement
says is still written with querysets, so it fits every host's columns, keys and database; only the
SQL they lead to is kept, and the values are put into it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.db import connections
from django.db.models import Expression, Field, IntegerField, Model, QuerySet

from django_chat_sessions.services.loading import loaded, read_moments_quickly

STATEMENTS = 512  # shapes that are kept; a site has a few dozen
Build = Callable[..., QuerySet[Any]]
# A queryset's class, its model and its database: what SQL depends on besides the shape.
Table = tuple[type[QuerySet[Any]], type[Model], str]
# SQL, and what is put into it: a Given, or a value that it always has.
Compiled = tuple[str, tuple[Any, ...]]


def table_of(rows: QuerySet[Any]) -> Table:
    """Return the table that a queryset is about."""
    return (type(rows), rows.model, rows.db)


class Given(Expression):
    """Stands in a compiled statement for a value that is only known when it runs."""

    def __init__(self, field: Field[Any, Any], name: str) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """Return a place for the value, and this in the value's stead."""
        return "%s", (self,)

    def prepared(self, values: dict[str, Any], connection: Any) -> Any:
        """Return the value in the form in which this database takes it.

        Raises OverflowError for a number that the column cannot hold: no row has it.
        """
        value = self.output_field.get_db_prep_value(values[self.name], connection)
        if isinstance(self.output_field, IntegerField):
            kind = self.output_field.get_internal_type()
            least, most = connection.ops.integer_field_range(kind)
            if not (least is None or least <= value) or not (most is None or value <= most):
                raise OverflowError(self.name)
        return value


def rows(build: Build, table: QuerySet[Any], *shape: Any, **values: Any) -> list[Any]:
    """Return the rows of ``build(table, *shape, **values)``; 1 SELECT.

    ``build`` is a function of a module. Each of ``values`` is named like the field that it is
    compared with, and is not None; what else the SQL depends on is in ``shape``.
    """
    sql, places = _select(build, table_of(table), shape, tuple(values))
    params = _filled(places, values, table.db)
    connection = connections[table.db]
    with connection.cursor() as cursor:
        read_moments_quickly(cursor, connection)
        cursor.execute(sql, params)
        return loaded(table.model, cursor.fetchall(), table.db)


def _filled(places: tuple[Any, ...], values: dict[str, Any], alias: str) -> tuple[Any, ...]:
    connection = connections[alias]
    return tuple(
        place.prepared(values, connection) if isinstance(place, Given) else place
        for place in places
    )


def _given(model: type[Model], name: str) -> Given:
    field: Any = model._meta.pk if name == "pk" else model._meta.get_field(name)
    return Given(field, name)


@lru_cache(maxsize=STATEMENTS)
def _select(build: Build, table: Table, shape: tuple[Any, ...], names: tuple[str, ...]) -> Compiled:
    kind, model, alias = table
    given = {name: _given(model, name) for name in names}
    query = build(kind(model, using=alias), *shape, **given).query
    sql, params = query.get_compiler(alias).as_sql()
    return sql, tuple(params)
