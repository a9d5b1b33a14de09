"""Owners and sessions that an old table knows by a text only."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import lru_cache, partial
from itertools import groupby
from typing import Any

from django.db.models import Q

from django_chat_sessions import ids
from django_chat_sessions.adoption.batches import Adopted, Rows, in_transaction, key_batches
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
    fill: Callable[[str], Mapping[str, Any]] | None = None,
    batch: int = 100,
) -> Adopted:
    """Make the sessions of messages that share a text in the column ``text``; before ``adopt``.

    ``gap``: a pause after which the same text is another session; None for never.
    ``fill``: gets the text, returns columns of its sessions, such as ``visitor_key``.

    Messages without a text are skipped and reported. Give the column an index first. 2 statements
    for each ``batch`` texts, and 2 for each session.
    """
    report = Adopted()
    model = messages.model._meta.get_field("session").related_model
    sessions = model._base_manager.using(messages.db)

    def make(texts: list[str]) -> int:
        rows = messages.filter(**{f"{text}__in": texts}).only("pk", text, "session", "created_at")
        # Grouped here: to some databases "abc" and "ABC" are the same text.
        ordered = sorted(rows, key=lambda row: (getattr(row, text), row.created_at, row.pk))
        made = 0
        for name, said in groupby(ordered, lambda row: getattr(row, text)):
            made += _divide(sessions, messages, list(said), gap, fill(name) if fill else {})
        return made

    for texts in _texts_without_session(messages, text, batch):
        report.sessions += in_transaction(messages.db, partial(make, texts))
    nameless = messages.filter(Q((text, None)) | Q((text, "")), session=None)
    for keys in key_batches(nameless, batch):
        for key in keys:
            report.skip(f"{messages.model._meta.label} {key}", f"its {text} is empty")
    report.warn()
    return report


def _texts_without_session(messages: Rows, text: str, batch: int) -> Iterator[list[str]]:
    after = ""
    while True:
        homeless = messages.filter(session=None, **{f"{text}__gt": after})
        texts = list(homeless.order_by(text).values_list(text, flat=True).distinct()[:batch])
        if not texts:
            return
        yield texts
        after = texts[-1]


def _divide(
    sessions: Rows,
    messages: Rows,
    said: list[Any],
    gap: timedelta | None,
    values: Mapping[str, Any],
) -> int:
    """Give the messages of one text their sessions; those of an earlier run keep theirs."""
    made, current, before = 0, None, None
    homes: dict[Any, list[Any]] = {}
    for row in said:
        if row.session_id is not None:
            current = row.session_id
        else:
            if current is None or (gap is not None and row.created_at - before > gap):
                key = ids.new_primary_key(sessions.model)
                made += 1
                new = sessions.model(pk=key, started_at=row.created_at, **values)
                new.save(using=sessions.db, force_insert=True)
                current = new.pk
            homes.setdefault(current, []).append(row.pk)
        before = row.created_at
    for home, keys in homes.items():
        messages.filter(pk__in=keys).update(session=home)
    return made
