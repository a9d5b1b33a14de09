"""What goes with sessions that staff purges, for the page that asks whether they should."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.admin.utils import NestedObjects
from django.db.models import CASCADE, PROTECT, RESTRICT, QuerySet

from django_chat_sessions import get_message_model


class PurgedWith(NestedObjects):
    """What a purge takes with it, but for messages, of which one session may have 50,000."""

    def related_objects(self, related_model: Any, related_fields: Any, objs: Any) -> QuerySet[Any]:
        related: QuerySet[Any] = super().related_objects(related_model, related_fields, objs)
        return related.none() if related_model is get_message_model() else related

    def collect_all(self, chosen: list[Any]) -> None:
        """Collect sessions, what hangs on them, and the host's rows that hang on their messages."""
        self.collect(chosen)
        for field in _pointing_at_messages():
            on_delete = field.remote_field.on_delete
            table = field.model._base_manager.using(self.using)
            rows = table.filter(**{f"{field.name}__session__in": chosen})
            if on_delete in (PROTECT, RESTRICT):  # a purge deletes messages by themselves
                self.protected |= set(rows)
            elif CASCADE in (on_delete, getattr(on_delete, "forced_collector", None)):
                self.collect(rows)


def _pointing_at_messages() -> Iterator[Any]:
    model: Any = get_message_model()
    for relation in model._meta.get_fields(include_hidden=True):
        is_key = relation.auto_created and (relation.one_to_one or relation.one_to_many)
        if is_key and not relation.concrete and not relation.field.remote_field.parent_link:
            yield relation.field
