"""Questions about sessions and messages. Every one that a person may ask starts with an owner."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Self

from django.db import connections, models
from django.db.models.functions import Length
from django.db.models.lookups import Exact

from django_chat_sessions import clock
from django_chat_sessions.owners import Owner

UNFINISHED = ("pending", "running")  # the states of a reply with more to come
BEFORE_ANY_CHAT = datetime(1970, 1, 2, tzinfo=UTC)


def is_compared(rows: models.QuerySet[Any], name: str) -> bool:
    """Whether the database can tell equal texts of a column: not where a host's field encrypts."""
    return not hasattr(rows.model._meta.get_field(name), "from_db_value")


def is_text(rows: models.QuerySet[Any], name: str) -> bool:
    """Whether the database can look into a column: many fields that encrypt store bytes."""
    return bool(rows.model._meta.get_field(name).get_internal_type() != "BinaryField")


class ChatSessionQuerySet(models.QuerySet[Any]):
    """The sessions; ``owned_by`` comes first in everything a person may reach."""

    def owned_by(self, owner: Owner) -> Self:
        """Only this owner's, and not those the owner deleted."""
        return self.belonging_to(owner).filter(deleted_at=None)

    def belonging_to(self, owner: Owner) -> Self:
        """All rows of this owner's, also those that wait for the purge."""
        if Owner.known(owner).user_id is not None:
            return self.filter(user_id=owner.user_id)
        # A row with a user is that user's, whatever else it says.
        return self.filter(visitor_key=owner.visitor_key, user_id=None)

    def held_open_by(self, owner: Owner, scope: str) -> Self:
        """The session that holds the owner's open place in a scope; expired or not."""
        return self.filter(open_key=Owner.known(owner).open_key(scope))

    def about(self, scope: Any) -> Self:
        """Those of exactly this scope, a text or what stands for one."""
        return self.filter(self.exactly("scope", scope))

    def exactly(self, name: str, text: Any) -> models.Q:
        """Return the condition that a column has this text, for all databases in the same way.

        By the collations of MariaDB and MySQL "a", "A" and "a " are equal.
        """
        same = models.Q((name, text))
        if connections[self.db].vendor != "mysql":
            return same
        given = models.Value(text) if isinstance(text, str) else text
        as_long = models.Q(Exact(Length(name), Length(given)))
        return same & models.Q((f"{name}__startswith", text)) & as_long

    def in_history(self, *, archived: bool = False) -> Self:
        """Those with something to read, the latest message first; or those put away."""
        shown = self.filter(message_count__gt=0, archived_at__isnull=not archived)
        return shown.newest_first()

    def newest_first(self) -> Self:
        """Order by latest message; the id decides ties, so that pages never skip or repeat.

        Rows without such a moment, as a table has them before its adoption is done, are left out.
        """
        # PostgreSQL would put them first, and asked to put them last it cannot use the index.
        return self.filter(last_message_at__isnull=False).order_by("-last_message_at", "-pk")

    def pinned(self) -> Self:
        """Those that their owner has pinned, the one pinned last first."""
        # A bound is taken from an index by every database, "is not null" only by some.
        pinned = self.filter(pinned_at__gt=clock.stored(BEFORE_ANY_CHAT))
        return pinned.order_by("-pinned_at", "-pk")

    def pinned_before(self, pinned_at: datetime, pk: Any) -> Self:
        """Those that come after this one in ``pinned`` order."""
        return self.filter(pinned_at__lte=pinned_at).filter(
            models.Q(pinned_at__lt=pinned_at) | models.Q(pk__lt=pk)
        )

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
        return self.filter(state__in=UNFINISHED)
