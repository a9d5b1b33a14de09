"""When an old session began, as far as its own columns say it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import DateTimeField

from django_chat_sessions.adoption.batches import Rows


def has_created(model: Any) -> bool:
    """Whether sessions of this model have a time called ``created``, ours or the host's."""
    fields = {field.name: field for field in model._meta.concrete_fields}
    return isinstance(fields.get("created"), DateTimeField)


@dataclass(frozen=True, slots=True)
class Created:
    """The sessions' column ``created``: the host's own, or one that its migration has added.

    AddField writes one moment into every old row, its own. A session whose messages are older was
    not created then.
    """

    is_there: bool
    added_at: datetime | None = None

    @classmethod
    def of(cls, waiting: Rows) -> Created:
        """Look at the first and the last session that waits; 2 statements, 0 without a column."""
        if not has_created(waiting.model):
            return NO_COLUMN
        moments = waiting.exclude(created=None).values_list("created", flat=True)
        first, last = moments.order_by("pk").first(), moments.order_by("-pk").first()
        return cls(is_there=True, added_at=first if first == last else None)

    def of_the_hosts(self, session: Any, first: datetime | None) -> datetime | None:
        """Return when old code created the session, whose first message this was, or None."""
        created: datetime | None = session.created if self.is_there else None
        if created is not None and created == self.added_at:
            return None if first is not None and created > first else created
        return created


NO_COLUMN = Created(is_there=False)
