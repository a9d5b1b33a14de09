"""Several writes as one statement of PostgreSQL: each happens if the one before it has.

That statement is a transaction by itself, and one round trip.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connections

from django_chat_sessions.services import statements
from django_chat_sessions.services.prepared import STATEMENTS, Compiled
from django_chat_sessions.services.statements import VARIES, ChangeShape, RowsShape, Shape, Slot

MARK = re.compile(r"(?<!%)%s")


class Combined(NamedTuple):
    """A statement, and the numbers of the values that are put into it.

    It counts one row when all is written, and none when nothing is. It is a DataError, and nothing
    is written, when a later row was changed in the very moment in which the first was as read.
    """

    sql: str
    numbers: tuple[int, ...]
    returns: bool  # the keys of what was inserted


@lru_cache(maxsize=STATEMENTS)
def combined(shapes: tuple[Shape, ...], counts: tuple[int, ...]) -> Combined:
    """Return the statement for these steps, which have so many values each.

    All of them are changes, or only the first may be.
    """
    numbers: list[int] = []
    parts: list[str] = []
    firsts = [sum(counts[:place]) for place in range(len(counts))]
    for place, (shape, first) in enumerate(zip(shapes, firsts, strict=True)):
        if isinstance(shape, RowsShape):
            parts += _inserts(shape, iter(range(first, first + counts[place])), numbers, len(parts))
            continue
        sql = _literal(shape, statements.update(shape), first, numbers)
        if place:
            sql += f" AND EXISTS (SELECT 1 FROM step{place})"  # noqa: S608  names of ours
        for later, after in zip(shapes[place + 1 :], firsts[place + 1 :], strict=True):
            if isinstance(later, ChangeShape):
                seen = _literal(later, statements.as_read(later), after, numbers)
                sql += f" AND EXISTS ({seen})"
        parts.append(f"{sql} RETURNING 1")
    keyless = [shape for shape in shapes if isinstance(shape, RowsShape) and not shape.with_key]
    main = _main(parts, shapes, sum(len(shape.rows) for shape in keyless))
    named = ", ".join(f"step{place} AS ({part})" for place, part in enumerate(parts, 1))
    return Combined(f"WITH {named} {main}", tuple(numbers), bool(keyless))


def _main(parts: list[str], shapes: tuple[Shape, ...], keys: int) -> str:
    """Return what follows the steps; it may be the last of them, which is taken out then."""
    last = len(parts)
    if keys:
        places = range(last - keys + 1, last + 1)
        named = ", ".join(f"step{place}.key" for place in places)
        return f"SELECT {named} FROM {', '.join(f'step{place}' for place in places)}"  # noqa: S608
    if isinstance(shapes[-1], ChangeShape):
        # Nothing may be half written: a last step that found no row divides by 0.
        counted = f"SELECT 1 / (SELECT count(*) FROM step{last})"  # noqa: S608  names of ours
        return f"{counted} WHERE EXISTS (SELECT 1 FROM step1)"  # noqa: S608  names of ours
    return parts.pop().removesuffix(" RETURNING 1")


def _inserts(
    shape: RowsShape, given: Iterator[int], numbers: list[int], before: int
) -> Iterator[str]:
    """Yield an INSERT for each row: one for all would have to be told the types of values."""
    _kind, model, alias = shape.table
    name = connections[alias].ops.quote_name
    columns = statements.columns(model, shape.with_key)
    names = ", ".join(name(column.field.column) for column in columns)
    key = "1" if shape.with_key else f"{name(str(model._meta.pk.column))} AS key"
    for place, row in enumerate(shape.rows, before):
        values = []
        for column, token in zip(columns, row, strict=True):
            if token is VARIES:
                numbers.append(next(given))
                values.append("%s")
            else:
                value = statements.valued(token)
                values.append(
                    _quoted(alias, column.field.get_db_prep_save(value, connections[alias]))
                )
        source = f" FROM step{place}" if place else ""
        yield (
            f"INSERT INTO {name(model._meta.db_table)} ({names}) "
            f"SELECT {', '.join(values)}{source} RETURNING {key}"
        )


def _literal(shape: Shape, sql: Compiled, first: int, numbers: list[int]) -> str:
    """Return the SQL with what it always has in it, and note the numbers of what varies."""
    places = iter(sql[1])

    def put(mark: re.Match[str]) -> str:
        place = next(places)
        if isinstance(place, Slot):
            numbers.append(first + place.number)
            return "%s"
        return _quoted(shape.table[2], place)

    return MARK.sub(put, sql[0])


def _quoted(alias: str, value: Any) -> str:
    connection: Any = connections[alias]
    return str(connection.ops.compose_sql("%s", [value])).replace("%", "%%")
