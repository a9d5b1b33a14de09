"""What `makemigrations` would write into each of the shapes' migrations, without its 300 lines.

`test_shapes.py` sees that no migration is missing, so it is the same.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import migrations, models

from django_chat_sessions.adoption import Concurrently

Operations = list[Any]
UNIQUE = ("open_key", "client_key")


def one_by_one(operations: Operations) -> Operations:
    """Let each hold its table for a moment only; the migration needs ``atomic = False``."""
    return [Concurrently(operation) for operation in operations]


class Table:
    """A model as the site has it today; each operation leads to it."""

    def __init__(self, label: str, name: str) -> None:
        self.model = apps.get_model(label, name)
        self.name = name

    def as_today(self, name: str, **changed: Any) -> Any:
        """Return a copy of a field, with some of its options changed."""
        field: Any = self.model._meta.get_field(name)
        *_names, arguments, options = field.deconstruct()
        return type(field)(*arguments, **{**options, **changed})

    def kept(self, *names: str) -> Operations:
        """Change old fields that keep their name; the index of a foreign key goes later."""
        return [migrations.AlterField(self.name, name, self._still_indexed(name)) for name in names]

    def renamed(self, **names: str) -> Operations:
        """Give old fields a new name in Python; their columns stay."""
        operations: Operations = []
        for old, new in names.items():
            operations.append(migrations.AlterField(self.name, old, self._still_indexed(new)))
            operations.append(migrations.RenameField(self.name, old, new))
        return operations

    def _still_indexed(self, name: str) -> Any:
        is_key = isinstance(self.model._meta.get_field(name), models.ForeignKey)
        return self.as_today(name, **({"db_index": True} if is_key else {}))

    def added(self, *old: str) -> Operations:
        """Add every field that is not among the old ones, without an index yet."""
        new = [field for field in self.model._meta.local_fields if field.name not in ("id", *old)]
        return [
            migrations.AddField(
                self.name,
                field.name,
                self.as_today(field.name, **({"unique": False} if field.name in UNIQUE else {})),
            )
            for field in new
        ]

    def guaranteed(self, *keys: str) -> Operations:
        """Add what the database guarantees and what makes it fast; old indexes go."""
        names = [name for name in UNIQUE if hasattr(self.model, name)]
        operations: Operations = [
            Concurrently(migrations.AlterField(self.name, name, self.as_today(name)))
            for name in names
        ]
        meta = self.model._meta
        operations += [Concurrently(migrations.AddIndex(self.name, each)) for each in meta.indexes]
        operations += [
            Concurrently(migrations.AddConstraint(self.name, each)) for each in meta.constraints
        ]
        operations += [
            Concurrently(migrations.AlterField(self.name, key, self.as_today(key))) for key in keys
        ]
        words = {"verbose_name": meta.verbose_name, "verbose_name_plural": meta.verbose_name_plural}
        return [*operations, migrations.AlterModelOptions(self.name, words)]
