"""Many primary keys in one statement, and in the next."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import F
from django.db.models.lookups import In


class Keys(list[Any]):
    """Keys that were read from the database just now, for the statements of one batch."""

    array: Any = None  # as PostgreSQL gets them, once it is known


class Among(In):
    """``IN``, but for PostgreSQL one value, written out once for all statements with these keys.

    Measured: to write a thousand places and fill each of them took longer than the statement.
    """

    rhs: Keys

    def __init__(self, name: str, keys: Keys) -> None:
        super().__init__(F(name), keys)

    def get_prep_lookup(self) -> Keys:
        """Leave the keys as they are; they are prepared for their database."""
        return self.rhs

    def get_db_prep_lookup(self, value: Any, connection: Any) -> Any:
        """Return the keys as this database takes them."""
        field: Any = self.lhs.output_field
        return "%s", [field.get_db_prep_value(key, connection) for key in value]

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """Compare with the elements of one value."""
        column, params = self.process_lhs(compiler, connection)
        if self.rhs.array is None:
            _place, prepared = self.get_db_prep_lookup(self.rhs, connection)
            self.rhs.array = _array(prepared)
        return f"{column} = ANY(%s)", [*params, self.rhs.array]


def _array(keys: list[Any]) -> Any:
    """Return what psycopg makes of a list; where nothing need be quoted, in half of its time."""
    if {*map(type, keys)} <= {int, UUID}:
        return "{" + ",".join(map(str, keys)) + "}"
    return keys
