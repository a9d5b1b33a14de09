"""Questions about sessions and messages. Every one that a person may ask starts with an owner."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models

if TYPE_CHECKING:
    from django_chat_sessions.owners import Owner


class ChatSessionQuerySet(models.QuerySet[Any]):
    """The sessions; ``owned_by`` comes first in everything a person may reach."""

    def owned_by(self, owner: Owner) -> Self:
        """Only this owner's, and not those the owner deleted."""
        if owner.user_id is not None:
            mine = self.filter(user_id=owner.user_id)
        else:
            mine = self.filter(visitor_key=owner.visitor_key)
        return mine.filter(deleted_at=None)

    def held_open_by(self, owner: Owner, scope: str) -> Self:
        """The session that holds the owner's open place in a scope; expired or not."""
        return self.filter(open_key=owner.open_key(scope))

    def in_history(self) -> Self:
        """Those with something to read, the latest message first."""
        return self.filter(message_count__gt=0, archived_at=None).newest_first()

    def newest_first(self) -> Self:
        """Order by latest message; the id decides ties, so that pages never skip or repeat."""
        return self.order_by("-last_message_at", "-pk")

    def before(self, last_message_at: datetime, pk: Any) -> Self:
        """Those that come after this one in ``newest_first`` order."""
        # The plain bound lets every database walk the history index from here.
        return self.filter(last_message_at__lte=last_message_at).filter(
            models.Q(last_message_at__lt=last_message_at) | models.Q(pk__lt=pk)
        )

    def left_behind(self, now: datetime, *, ended: bool = False) -> Self:
        """Open ones whose reply no living worker writes any more; with ``ended`` the others too.

        Open ones are few and have an index; with ``ended`` the whole table is read.
        """
        left = self.filter(running_until__lte=now)
        return left if ended else left.filter(open_key__isnull=False)

    def lapsed(self, now: datetime) -> Self:
        """Still marked open although their expiry has passed."""
        return self.filter(open_key__isnull=False, expires_at__lte=now)


class ChatMessageQuerySet(models.QuerySet[Any]):
    """The messages of sessions."""

    def in_order(self) -> Self:
        """In the order of the conversation."""
        return self.order_by("position")

    def replies_running(self) -> Self:
        """Replies whose answer is still to come."""
        return self.filter(state__in=["pending", "running"])
