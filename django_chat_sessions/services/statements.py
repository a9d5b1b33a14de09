"""The SQL of writes, made once for each shape; the values that a write has are put into it.

A shape says which columns there are, and which of them are empty or one of a field's choices. Such
values are part of the SQL: a driver takes time for each that it puts in. What an UPDATE says is
still written by Django, so it fits every host's columns, keys and database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connections
from django.db.models import NOT_PROVIDED, DateTimeField, Field, Model, QuerySet
from django.db.models.sql import UpdateQuery

from django_chat_sessions.services.prepared import STATEMENTS, Compiled, Given, Table

Narrow = Callable[[Any], QuerySet[Any]]
# What a value leaves in a shape: itself, its class where it is empty, or that it varies.
VARIES = "(varies)"
EMPTY = frozenset({type(None), str, int, bool, dict, list})


class ChangeShape(NamedTuple):
    """What the SQL of an UPDATE depends on."""

    table: Table
    narrow: Narrow | None
    where: tuple[tuple[str, Any], ...]
    values: tuple[tuple[str, Any], ...]


class RowsShape(NamedTuple):
    """What the SQL of new rows depends on, each an INSERT of its own."""

    table: Table
    with_key: bool
    rows: tuple[tuple[Any, ...], ...]


Shape = ChangeShape | RowsShape


class Slot(Given):
    """Stands in a statement for the value with this number."""

    def __init__(self, field: Field[Any, Any], number: int) -> None:
        super().__init__(field, str(number))
        self.number = number


class Column(NamedTuple):
    """A field, and what is to be known of it when a value is written."""

    field: Any
    name: str
    is_plain: bool  # its pre_save() only looks the value up
    is_known: bool  # Django's own: equal values are stored alike
    is_moment: bool
    has_choices: bool


def change_shape(
    table: Table, narrow: Narrow | None, where: dict[str, Any], values: dict[str, Any]
) -> tuple[ChangeShape, list[Any]]:
    """Return the shape of an UPDATE, and the values that its SQL does not have."""
    fields, connection = _fields(table[1]), connections[table[2]]
    given: list[Any] = []

    def tokens(named: dict[str, Any], *, are_compared: bool = False) -> tuple[tuple[str, Any], ...]:
        found = []
        for name, value in named.items():
            column = fields[name]
            # In any column: nothing equals NULL, so that one is asked for in SQL of its own.
            is_null = are_compared and value is None
            token = type(None) if is_null else _token(column, value)
            if token is VARIES:
                given.append(_sent(column, value, connection))
            found.append((name, token))
        return tuple(found)

    return ChangeShape(table, narrow, tokens(where, are_compared=True), tokens(values)), given


def rows_shape(table: Table, rows: Iterable[Model]) -> tuple[RowsShape, list[Any]]:
    """Return the shape of new rows, and the values that their SQL does not have."""
    connection = connections[table[2]]
    given: list[Any] = []
    shapes = []
    with_key = True
    for row in rows:
        with_key = row.pk is not None
        tokens = []
        for column in columns(table[1], with_key):
            value = (
                getattr(row, column.name) if column.is_plain else column.field.pre_save(row, True)
            )
            token = _token(column, value)
            if token is VARIES:
                given.append(_sent(column, value, connection))
            tokens.append(token)
        shapes.append(tuple(tokens))
    return RowsShape(table, with_key, tuple(shapes)), given


def _sent(column: Column, value: Any, connection: Any) -> Any:
    """Return the value in the form in which the database takes it."""
    # Most of what is written are moments, and this database's driver takes them as they are.
    as_it_is = column.is_moment and value.__class__ is datetime and value.tzinfo is UTC
    if as_it_is and connection.vendor == "postgresql":
        return value
    return column.field.get_db_prep_save(value, connection)


def _token(column: Column, value: Any) -> Any:
    if column.is_known:
        if not value:
            kind = value.__class__
            return kind if kind in EMPTY else VARIES
        if value is True or column.has_choices:
            return value
    return VARIES


def valued(token: Any) -> Any:
    """Return the value that a token stands for."""
    return token() if isinstance(token, type) else token


@lru_cache
def is_insertable(model: Any) -> bool:
    """Whether a new row is one row of one table, given by us but for its key."""
    meta = model._meta
    fields: Any = meta.concrete_fields
    return not (
        meta.parents or meta.order_with_respect_to or any(_is_special(field) for field in fields)
    )


def _is_special(field: Any) -> bool:
    """Whether the database computes the value, or takes it in a form of its own."""
    only_there = field.db_default is not NOT_PROVIDED and not field.has_default()
    forms = ("get_placeholder", "get_placeholder_sql")
    return only_there or field.generated or any(hasattr(field, form) for form in forms)


def _column(field: Any) -> Column:
    asks = type(field).pre_save
    is_plain = asks is Field.pre_save or (
        asks is DateTimeField.pre_save and not (field.auto_now or field.auto_now_add)
    )
    is_known = type(field).__module__.startswith("django.db.models.")
    is_moment = type(field) is DateTimeField
    return Column(field, field.attname, is_plain, is_known, is_moment, bool(field.choices))


@lru_cache
def _fields(model: type[Model]) -> dict[str, Column]:
    fields = [_column(field) for field in model._meta.concrete_fields]
    named = {column.field.name: column for column in fields}
    return named | {column.name: column for column in fields} | {"pk": _column(model._meta.pk)}


@lru_cache
def columns(model: type[Model], with_key: bool) -> tuple[Column, ...]:
    """Return the columns of a new row; without the key where the database gives it."""
    fields: Any = model._meta.concrete_fields
    return tuple(_column(field) for field in fields if with_key or not field.primary_key)


@lru_cache(maxsize=STATEMENTS)
def update(shape: ChangeShape) -> Compiled:
    """Return the UPDATE."""
    rows, places = _asked(shape)
    fields = _fields(shape.table[1])
    first = sum(isinstance(place, Slot) for place in places.values())
    changes: dict[str, Any] = {}
    for name, token in shape.values:
        changes[name] = valued(token)
        if token is VARIES:
            changes[name] = Slot(fields[name].field, first)
            first += 1
    query: Any = rows.query.chain(UpdateQuery)
    query.add_update_values(changes)
    query.values = [
        (_as_it_is(field) if isinstance(value, Slot) else field, model, value)
        for field, model, value in query.values
    ]
    sql, params = query.get_compiler(shape.table[2]).as_sql()
    return sql, tuple(params)


def _as_it_is(field: Any) -> Any:
    """Return the field for a place: one that encrypts might encrypt that, and not the value."""
    stand_in = copy(field)
    stand_in.get_db_prep_save = lambda value, connection: value
    return stand_in


def as_read(shape: ChangeShape) -> Compiled:
    """Return a SELECT of the row that the UPDATE would change."""
    rows, _places = _asked(shape)
    sql, params = rows.order_by().values_list("pk").query.get_compiler(shape.table[2]).as_sql()
    return sql, tuple(params)


def _asked(shape: ChangeShape) -> tuple[Any, dict[str, Any]]:
    kind, model, alias = shape.table
    fields = _fields(model)
    asked: dict[str, Any] = {}
    number = 0
    for name, token in shape.where:
        asked[name] = valued(token)
        if token is VARIES:
            asked[name] = Slot(fields[name].field, number)
            number += 1
    every: Any = kind(model, using=alias)
    return (every if shape.narrow is None else shape.narrow(every)).filter(**asked), asked


def filled(places: Sequence[Any], given: Sequence[Any]) -> list[Any]:
    """Return what a statement is sent with."""
    return [given[place.number] if isinstance(place, Slot) else place for place in places]
