"""Many rows in little memory and short transactions, and the report of what was done."""

from __future__ import annotations

import logging
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import (
    DatabaseError,
    IntegrityError,
    OperationalError,
    connections,
    transaction,
)
from django.db.models import CharField, Manager, Q, QuerySet, TextField

from django_chat_sessions.services.races import ATTEMPTS, is_refusal, is_transient, pause

logger = logging.getLogger(__name__)

Rows = Manager[Any] | QuerySet[Any]
T = TypeVar("T")
NAMED = 20  # skipped rows in a report; however many there are, it stays short


@dataclass(slots=True)
class Adopted:
    """What a step did. ``skipped`` says of the first 20 rows that it left alone why it did."""

    sessions: int = 0
    messages: int = 0
    skipped_count: int = 0
    skipped: dict[str, str] = field(default_factory=dict)

    def skip(self, row: str, why: str, count: int = 1) -> None:
        """Note rows that stay as they are."""
        self.skipped_count += count
        if len(self.skipped) < NAMED:
            self.skipped[row] = why

    def warn(self) -> None:
        """Log what was skipped, by key and without content."""
        if self.skipped_count:
            logger.warning(
                "%s rows were skipped; correct them and run the step again. %s",
                self.skipped_count,
                "; ".join(f"{row}: {why}" for row, why in self.skipped.items()),
            )


def messages_of(sessions: Rows) -> QuerySet[Any]:
    """Return the messages of these sessions' table, on the same database."""
    relation: Any = sessions.model._meta.get_field("messages")
    return QuerySet(relation.related_model, using=sessions.db)


# Every session of ours has both times; one that waits may have the first, from a host's own column.
WAITING = Q(last_activity_at=None) | Q(opened_at=None)


def is_empty(column: Any) -> Q:
    """Return the condition that a row has nothing in this column."""
    is_null = Q((f"{column.name}__isnull", True))
    return is_null | Q((column.name, "")) if isinstance(column, CharField | TextField) else is_null


def key_batches(rows: Rows, size: int, progress: str = "") -> Iterator[list[Any]]:
    """Yield keys in ascending order; ``progress`` is told on a terminal.

    It ends with the last row that was there when it began: who writes meanwhile may be as fast.
    """
    is_shown = bool(progress) and sys.stdout.isatty()
    total = rows.count() if is_shown else 0
    last = rows.order_by("-pk").values_list("pk", flat=True).first()
    done, after = 0, None
    while last is not None:
        page = rows.filter(pk__lte=last)
        if after is not None:
            page = page.filter(pk__gt=after)
        keys = list(page.order_by("pk").values_list("pk", flat=True)[:size])
        if is_shown:
            sys.stdout.write(f"\r  {progress}: {done} of {total}" + ("" if keys else "\n"))
            sys.stdout.flush()
        if not keys:
            return
        yield keys
        done, after = done + len(keys), keys[-1]


def lock(sessions: Rows, keys: list[Any]) -> list[Any]:
    """Keep other writers from these sessions until the transaction ends; return the rows' keys.

    On PostgreSQL messages can still be inserted meanwhile.
    """
    features: Any = connections[sessions.db].features
    locked = sessions.filter(pk__in=keys).select_for_update(
        no_key=features.has_select_for_no_key_update
    )
    return list(locked.order_by("pk").values_list("pk", flat=True))


def committed(alias: str, step: Callable[[], T]) -> T:
    """Take a step in a transaction; once more after a deadlock or a lock that others held."""
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic(using=alias):
                return step()
        except OperationalError as error:
            if not is_transient(error) or connections[alias].in_atomic_block:
                raise
            pause(attempt)
    with transaction.atomic(using=alias):
        return step()


def is_about_a_row(error: DatabaseError) -> bool:
    """Whether the database refuses what a row has: that one is skipped, the others go on."""
    return isinstance(error, IntegrityError) or is_refusal(error)


def write(rows: Rows, changes: Mapping[Any, Mapping[str, Any]]) -> None:
    """Write values into many rows, given by key; the rows that get the same columns go together.

    ``bulk_update`` builds one long CASE for each column, which takes ten times as long.
    """
    connection = connections[rows.db]
    meta, quoted = rows.model._meta, connection.ops.quote_name
    key: Any = meta.pk
    together: dict[tuple[str, ...], list[list[Any]]] = defaultdict(list)
    for pk, values in changes.items():
        fields: list[Any] = [meta.get_field(name) for name in values]
        row = [
            each.get_db_prep_save(value, connection)
            for each, value in zip(fields, values.values(), strict=True)
        ]
        columns = tuple(each.column for each in fields)
        together[columns].append([*row, key.get_db_prep_value(pk, connection)])
    for columns, parameters in together.items():
        assigned = ", ".join(f"{quoted(column)} = %s" for column in columns)
        where = f"{quoted(key.column)} = %s"
        with connection.cursor() as cursor:
            cursor.executemany(
                f"UPDATE {quoted(meta.db_table)} SET {assigned} WHERE {where}",  # noqa: S608
                parameters,
            )
