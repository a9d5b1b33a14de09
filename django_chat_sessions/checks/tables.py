"""System checks of tables that are not ours: what is still missing in a half-adopted host.

W011 what the database must guarantee
W012 columns that are missing (--database)
W013 rows that are not adopted (--database)
W018 tables without transactions (--database)
W019 a history that reads all rows
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Tags, register
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections, router
from django.db.models import Index, OrderBy, Q

from django_chat_sessions import get_message_model, get_session_model

ID = "django_chat_sessions"
# What adoption fills; a host may have a column of its own called last_activity_at.
FILLED = (("last_activity_at", "opened_at"), ("position",))
WITHOUT_TRANSACTIONS = frozenset({"MyISAM", "Aria", "MEMORY"})


def models_in_use() -> tuple[Any, Any] | None:
    """Return the models of sessions and messages; None where another check tells why not."""
    try:
        return get_session_model(), get_message_model()
    except (ImproperlyConfigured, AttributeError, TypeError):
        return None  # reported by check_models or check_settings


@register(Tags.models)
def check_guarantees(**kwargs: Any) -> list[CheckMessage]:
    """What a host declares itself still has what our promises rest on."""
    pair = models_in_use()
    if pair is None:
        return []
    missing = [
        f"{model._meta.label}.{name} unique"
        for model, name in zip(pair, ("open_key", "client_key"), strict=True)
        if name in {field.name for field in model._meta.fields} and not _is_unique(model, name)
    ]
    if not _is_unique(pair[1], "session", "position"):
        missing.append(f"session and position of {pair[1]._meta.label} unique together")
    return [
        CheckWarning(
            f"The database does not guarantee what the chat relies on: make {each}.",
            hint="Do not declare that field again, and let Meta subclass the abstract one's Meta.",
            id=f"{ID}.W011",
        )
        for each in missing
    ]


def _is_unique(model: Any, *names: str) -> bool:
    """Whether no two rows have the same there, in whichever way the host says so."""
    return {*names} in [*unique_together(model)]


def unique_together(model: Any) -> Iterator[set[str]]:
    """Yield the names of what must be unique, where that holds for every row."""
    meta = model._meta
    yield from ({field.name} for field in meta.concrete_fields if field.unique)
    constraints = (constraint.fields for constraint in meta.total_unique_constraints)
    yield from map(set, (*meta.unique_together, *constraints))


@register(Tags.models)
def check_history_index(**kwargs: Any) -> list[CheckMessage]:
    """Indexes in a host's Meta take the place of ours, by which a user's sessions are found."""
    pair = models_in_use()
    if pair is None or _is_indexed(pair[0], "user"):
        return []
    label = pair[0]._meta.label
    return [
        CheckWarning(
            f"No index of {label} begins with user: each look at a history reads all its rows.",
            hint="Write indexes = [*AbstractChatSession.Meta.indexes, …] in its Meta, "
            "then makemigrations and migrate.",
            id=f"{ID}.W019",
        )
    ]


def _is_indexed(model: Any, name: str) -> bool:
    meta = model._meta
    if any(each.name == name and (each.db_index or each.unique) for each in meta.fields):
        return True
    declared = [each.fields for each in (*meta.indexes, *meta.total_unique_constraints)]
    first = {fields[0] for fields in (*declared, *meta.unique_together) if fields}
    first |= {_first_column(each) for each in meta.indexes if each.expressions}
    return not first.isdisjoint({name, f"-{name}"})


def _first_column(index: Index) -> str:
    """Return the column that an index over expressions begins with; empty for another one."""
    [first, *_rest] = index.expressions
    return getattr(first.expression if isinstance(first, OrderBy) else first, "name", "")


@register(Tags.database)
def check_adoption(databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """The tables have columns and transactions, and no old row waits; at most 6 queries."""
    pair = models_in_use()
    if pair is None:
        return []
    alias = router.db_for_write(pair[0])
    if alias not in (databases or ()):
        return []
    found: list[CheckMessage] = []
    lacking = []
    for model, columns in zip(pair, FILLED, strict=True):
        there = _columns(model, alias)
        missing = [each.column for each in model._meta.local_concrete_fields]
        missing = [each for each in missing if each not in there]
        if missing and there:
            lacking.append(f"{model._meta.db_table} has no column {', '.join(missing)}")
        if there and not missing:
            found.extend(_waiting(model, columns, alias))
    if lacking:  # told once, as migrate shows it right before it adds them
        migrate = "migrate" if alias == DEFAULT_DB_ALIAS else f"migrate --database {alias}"
        found.append(
            CheckWarning(
                f"The table {'; the table '.join(lacking)}.",
                hint=f"Run {migrate}, which adds what a migration has; "
                f"before it makemigrations {pair[0]._meta.app_label}, if none has.",
                id=f"{ID}.W012",
            )
        )
    return [*found, *(each for model in pair for each in _unsafe(model, alias))]


def _unsafe(model: Any, alias: str) -> Iterator[CheckMessage]:
    """MySQL alone has a choice of storage engines."""
    connection, table = connections[alias], model._meta.db_table
    engine_of = getattr(connection.introspection, "get_storage_engine", None)
    if engine_of is None:
        return
    with connection.cursor() as cursor:
        engine = engine_of(cursor, table)
    if engine in WITHOUT_TRANSACTIONS:
        yield CheckWarning(
            f"The table {table} is one of {engine}'s, which has no transactions: a message that is "
            "sent twice leaves a wrong count, and a chat that takes nothing for a while.",
            hint=f"ALTER TABLE {table} ENGINE = InnoDB.",
            id=f"{ID}.W018",
        )


def _columns(model: Any, alias: str) -> set[str]:
    """Return the table's columns; none before its first migration."""
    connection, table = connections[alias], model._meta.db_table
    if connection.vendor == "postgresql" and table.startswith('"'):
        # Only here: a process that asks no database needs no services yet.
        from django_chat_sessions.services.tables import columns_elsewhere  # noqa: PLC0415

        return columns_elsewhere(table, alias)
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return set()
        return {row.name for row in connection.introspection.get_table_description(cursor, table)}


def _waiting(model: Any, columns: tuple[str, ...], alias: str) -> Iterator[CheckMessage]:
    names = " or ".join(columns)
    waits = Q(*((column, None) for column in columns), _connector=Q.OR)
    rows = model._base_manager.using(alias).filter(waits).values_list("pk", flat=True)
    for pk in rows[:1]:
        yield CheckWarning(
            f"{model._meta.label} has rows without {names}, the first found is {pk}: they are "
            "not adopted, and no history or transcript shows them rightly.",
            hint="Run your migration's data step again (django_chat_sessions.adoption.adopt). What "
            "it reports as skipped, such as a message without a session, stays until that row is "
            "corrected or deleted.",
            id=f"{ID}.W013",
        )
