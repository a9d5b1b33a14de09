"""Makes rows of what a compiled statement returned, which a queryset does for any statement.

Measured: most of what a list of conversations costs is building its objects, 24 columns each.
Which columns have to be converted is found out once, and a model that adds nothing to how Django
builds its rows gets them without the general way, which took a third of the whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from functools import lru_cache
from inspect import getattr_static
from typing import Any

from django.db import connections
from django.db.models import JSONField, Model
from django.db.models.base import ModelState
from django.db.models.query_utils import DeferredAttribute
from django.db.models.signals import post_init, pre_init

from django_chat_sessions.models import FillsPrimaryKey


def read_moments_quickly(cursor: Any, connection: Any) -> None:
    """Let psycopg alone make the moments that this cursor reads, where they come out the same.

    Measured: a list of 30 has 240 of them, and that Django sets the zone of each, which is the
    one it has, is a fifth of what the list costs in this process.
    """
    adapters = getattr(cursor, "adapters", None)
    if connection.vendor != "postgresql" or adapters is None:  # psycopg 2 has none
        return
    number, of_psycopg = _moments_of_psycopg()
    of_django = adapters.get_loader(number, 0)
    # What another zone or somebody's own loader would make of a moment stays as it is.
    if getattr(of_django, "timezone", None) is UTC and connection.connection.info.timezone is UTC:
        adapters.register_loader(number, of_psycopg)


@lru_cache
def _moments_of_psycopg() -> tuple[int, Any]:
    import psycopg  # noqa: PLC0415  only where the database is a PostgreSQL

    number = psycopg.adapters.types["timestamptz"].oid
    return number, psycopg.adapters.get_loader(number, psycopg.pq.Format.TEXT)


def loaded(model: type[Model], found: Iterable[tuple[Any, ...]], alias: str) -> list[Any]:
    """Return the rows whose values of all concrete fields were found, in the fields' order."""
    names = _names(model)
    rows = _converted(model, found, alias)
    if not is_plain(model) or pre_init.has_listeners(model) or post_init.has_listeners(model):
        return [model.from_db(alias, names, values) for values in rows]
    return [_plain(model, names, values, alias) for values in rows]


def _plain(model: type[Model], names: tuple[str, ...], values: Any, alias: str) -> Model:
    row = model.__new__(model)
    state = row._state = ModelState()
    # The cache too: a state without one makes one when it goes, which takes as long as the rest.
    state.adding, state.db, state.fields_cache = False, alias, {}
    row.__dict__.update(zip(names, values, strict=True))
    return row


@lru_cache
def is_plain(model: type[Model]) -> bool:
    """Whether its rows are what Django makes of their values, and nothing besides."""
    own: Any = model
    as_ever = own.__init__ is FillsPrimaryKey.__init__ and own.__new__ is object.__new__
    is_built_as_ever = as_ever and own.from_db.__func__ is Model.from_db.__func__  # type: ignore[attr-defined]
    attributes = (getattr_static(model, name) for name in _names(model))
    # Of an attribute that does something when it is set nothing is known.
    return is_built_as_ever and not any(
        hasattr(type(attribute), "__set__") and not isinstance(attribute, DeferredAttribute)
        for attribute in attributes
    )


@lru_cache
def _names(model: type[Model]) -> tuple[str, ...]:
    return tuple(field.attname for field in model._meta.concrete_fields)


def _converted(model: type[Model], found: Iterable[tuple[Any, ...]], alias: str) -> Iterable[Any]:
    connection = connections[alias]
    steps = [
        (place, step, column)
        for place, column in _to_convert(model, alias)
        for step in (
            *connection.ops.get_db_converters(column),
            *column.get_db_converters(connection),
        )
    ]
    rows = [list(values) for values in found]
    for place, step, column in steps:
        read = _but_for_empty(step) if _is_plain_json(step, column.target) else step
        for values in rows:
            values[place] = read(values[place], column, connection)
    return rows


def _but_for_empty(step: Any) -> Any:
    """Most rows' metadata is empty, and parsing that takes ten times as long as making it."""
    return lambda value, column, connection: (
        {} if value == "{}" else step(value, column, connection)
    )


def _is_plain_json(step: Any, field: Any) -> bool:
    is_usual = getattr(step, "__func__", None) is JSONField.from_db_value
    return is_usual and field.decoder is None


@lru_cache
def _to_convert(model: type[Model], alias: str) -> tuple[tuple[int, Any], ...]:
    """Return the columns that this database returns in another form, and their places."""
    connection = connections[alias]
    columns = [field.get_col(model._meta.db_table) for field in model._meta.concrete_fields]
    return tuple(
        (place, column)
        for place, column in enumerate(columns)
        if connection.ops.get_db_converters(column) or column.get_db_converters(connection)
    )
