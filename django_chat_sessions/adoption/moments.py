"""When an old session began and its messages were said, as far as the old columns tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import DateTimeField, IntegerField, Min, QuerySet

from django_chat_sessions import clock
from django_chat_sessions.adoption.batches import Rows, write


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


def give_times(sessions: Rows, messages: QuerySet[Any], created: Created) -> dict[Any, str]:
    """Give each of these messages that has neither place nor time the one that fits its key.

    ``messages`` are all of these sessions. Returns the sessions whose times cannot be compared,
    and why. 1 statement, 3 more if there are such messages, and one UPDATE for each of them.
    """
    lacking = messages.filter(position=None, created_at=None)
    homes = list(lacking.order_by().values_list("session", flat=True).distinct())
    if not homes:
        return {}
    timed = messages.filter(session__in=homes).exclude(created_at=None).order_by()
    firsts = dict(timed.values_list("session_id").annotate(Min("created_at")))
    starts, failed = {}, {}
    columns = ("started_at", "created") if created.is_there else ("started_at",)
    for session in sessions.filter(pk__in=homes).only(*columns):
        try:
            starts[session.pk] = _start(session, firsts.get(session.pk), created)
        except TypeError as error:  # with and without a time zone
            failed[session.pk] = f"its columns cannot be used ({type(error).__name__})"
    # Random keys do not say what came before.
    said = messages if isinstance(messages.model._meta.pk, IntegerField) else lacking
    write(messages, _times(said.filter(session__in=list(starts)), starts))
    return failed


def _start(session: Any, first: datetime | None, created: Created) -> datetime:
    """Return when a session began, as its first messages have it: none of them came later."""
    began = session.started_at or created.of_the_hosts(session, first)
    return min((each for each in (began, first) if each is not None), default=clock.now())


def _times(said: QuerySet[Any], starts: dict[Any, datetime]) -> dict[Any, dict[str, Any]]:
    """Return the time of the message before, for each that has none; first that of the start."""
    changes: dict[Any, dict[str, Any]] = {}
    home, given = None, {}  # one dict for all who get the same: there may be a million
    rows = said.order_by("session_id", "pk").values_list(
        "session_id", "pk", "created_at", "position"
    )
    for session, pk, moment, position in rows.iterator():
        if session != home:
            home, given = session, {"created_at": starts[session]}
        if moment is not None:
            given = {"created_at": moment}
        elif position is None:
            changes[pk] = given
    return changes
