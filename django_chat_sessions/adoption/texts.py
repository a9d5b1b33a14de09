"""Owners and sessions that an old table knows by a text, or another value, only."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache, partial
from itertools import groupby
from typing import Any

from django.db import DatabaseError, connections
from django.db.models import QuerySet

from django_chat_sessions import ids
from django_chat_sessions.adoption.batches import (
    Adopted,
    Rows,
    committed,
    is_about_a_row,
    is_empty,
    key_batches,
)
from django_chat_sessions.adoption.moments import has_created
from django_chat_sessions.owners import Owner

SHORTEST_SECRET = 20
FEWEST_CHARACTERS = 8
RANDOM_UUID = 4


def lookup(rows: Rows, field: str) -> Callable[[Any], Any]:
    """Return a function that finds the key of the one row with this text in ``field``.

    It returns None for an empty text, for one that nobody has and for one that two have: a
    conversation is never given to somebody on a guess. Upper and lower case differ, on every
    database. 1 statement for a text, none for the last 10,000 that were asked for.
    """

    @lru_cache(maxsize=10_000)
    def found(text: Any) -> Any:
        same = rows.filter(**{field: text}).values_list("pk", field) if text else ()
        keys = [pk for pk, value in same if value == text]
        return keys[0] if len(keys) == 1 else None

    return found


def visitor_key(secret: str | None) -> str | None:
    """Return the ``visitor_key`` of the visitor who holds this old id, or None if it is guessable.

    An id that a stranger might guess must not open a conversation: a text below 20 characters,
    with fewer than 8 different ones, or a UUID that is not random. Such a session stays without
    an owner, for staff only. Whoever knows better uses ``Owner.for_visitor(secret).visitor_key``.
    """
    if not secret or len(secret) < SHORTEST_SECRET or len(set(secret)) < FEWEST_CHARACTERS:
        return None
    try:
        version = uuid.UUID(secret).version
    except ValueError:
        version = RANDOM_UUID
    return Owner.for_visitor(secret).visitor_key if version == RANDOM_UUID else None


def make_sessions(
    messages: Rows,
    text: str,
    *,
    gap: timedelta | None = None,
    fill: Callable[[Any], Mapping[str, Any]] | None = None,
    batch: int = 100,
) -> Adopted:
    """Make the sessions of messages that share a value in the column ``text``; before ``adopt``.

    The column may hold a text, a UUID, a number or, as ``"user_id"``, whose the message is.
    ``gap``: a pause after which the same value is another session; None for never.
    ``fill``: gets the value, returns columns of its sessions, such as ``visitor_key``.

    Messages without a value are skipped and reported, and so are those for which ``fill`` raises
    or the database refuses what it gives. Those without a time begin a session. Give the column an
    index first. 2 statements for each ``batch`` values, and 2 for each session.
    """
    making = _Making(messages, text, gap, fill)
    for values in _values_without_session(messages, text, batch):
        making.make(values)
    report, label = making.report, messages.model._meta.label
    nameless = messages.filter(is_empty(messages.model._meta.get_field(text)), session=None)
    for keys in key_batches(nameless, batch):
        for key in keys:
            report.skip(f"{label} {key}", f"its {text} is empty")
    report.warn()
    return report


def _values_without_session(messages: Rows, text: str, batch: int) -> Iterator[list[Any]]:
    homeless = messages.filter(session=None).exclude(is_empty(messages.model._meta.get_field(text)))
    following = homeless
    while True:
        values = following.order_by(text).values_list(text, flat=True).distinct()[:batch]
        found = list(values)
        if not found:
            return
        yield found
        following = homeless.filter(**{f"{text}__gt": found[-1]})


class _Making:
    """One run of ``make_sessions``."""

    def __init__(
        self,
        messages: Rows,
        text: str,
        gap: timedelta | None,
        fill: Callable[[Any], Mapping[str, Any]] | None,
    ) -> None:
        self.messages, self.text, self.gap, self.fill = messages, text, gap, fill
        model = messages.model._meta.get_field("session").related_model
        self.sessions: Rows = model._base_manager.using(messages.db)
        self.report = Adopted()

    def make(self, values: list[Any]) -> None:
        """Make their sessions; when the database refuses some, find out which one at a time."""
        try:
            made, failed = committed(self.messages.db, partial(self._divide_all, values))
        except DatabaseError as error:
            if not is_about_a_row(error):
                raise
            if len(values) > 1:
                for value in values:
                    self.make([value])
                return
            refusal = f"the database refuses its session ({type(error).__name__})"
            made, failed = 0, [(list(self._said(values)), refusal)]
        self.report.sessions += made
        for said, why in failed:
            self.report.skip(f"{self.messages.model._meta.label} {said[0].pk}", why, len(said))

    def _said(self, values: list[Any]) -> QuerySet[Any]:
        rows = self.messages.filter(**{f"{self.text}__in": values})
        return rows.only("pk", self.text, "session", "created_at").order_by("pk")

    def _divide_all(self, values: list[Any]) -> tuple[int, list[tuple[list[Any], str]]]:
        def value_of(row: Any) -> Any:
            return getattr(row, self.text)

        def place(row: Any) -> tuple[Any, ...]:
            return value_of(row), row.created_at is not None, row.created_at, row.pk

        made, failed = 0, []
        features: Any = connections[self.messages.db].features
        # Another run at the same time, on a second server, would make each session once more.
        locked = self._said(values).select_for_update(
            of=("self",) if features.has_select_for_update_of else (),
            no_key=features.has_select_for_no_key_update,
        )
        # Grouped here: to some databases "abc" and "ABC" are the same text.
        for value, rows in groupby(sorted(locked, key=place), value_of):
            said = list(rows)
            try:
                facts = self.fill(value) if self.fill is not None else {}
            except Exception as error:  # noqa: BLE001  a host's function: its rows are skipped
                failed.append((said, f"fill fails ({type(error).__name__})"))
                continue
            made += self._divide(said, facts)
        return made, failed

    def _divide(self, said: list[Any], facts: Mapping[str, Any]) -> int:
        """Give the messages of one value their sessions; those of an earlier run keep theirs."""
        made, current, before = 0, None, None
        homes: dict[Any, list[Any]] = {}
        first = next((row.created_at for row in said if row.created_at is not None), None)
        for row in said:
            if row.session_id is not None:
                current = row.session_id
            else:
                if current is None or self._is_pause(before, row.created_at):
                    current = self._new_session(row.created_at or first, facts)
                    made += 1
                homes.setdefault(current, []).append(row.pk)
            before = row.created_at
        for home, keys in homes.items():
            self.messages.filter(pk__in=keys).update(session=home)
        return made

    def _is_pause(self, before: datetime | None, after: datetime | None) -> bool:
        if self.gap is None or before is None or after is None:
            return False
        return after - before > self.gap

    def _new_session(self, started: datetime | None, facts: Mapping[str, Any]) -> Any:
        key = ids.new_primary_key(self.sessions.model)
        if started is not None and has_created(self.sessions.model):
            facts = {"created": started, **facts}
        new = self.sessions.model(pk=key, started_at=started, **facts)
        new.save(using=self.sessions.db, force_insert=True)
        return new.pk
