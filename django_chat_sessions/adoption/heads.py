"""The beginnings of the texts of which a title and a preview are made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.functions import Left

HEAD = 3000  # characters of a text that a title or a preview may need


def head_of(messages: QuerySet[Any]) -> F | Left:
    """Return what is asked of a message: its beginning, or its key, by which it is read later.

    A field of the host's may have its text encrypted, which the database cannot cut.
    """
    return Left("content", HEAD) if _is_plain(messages) else F("pk")


def read_heads(sessions: Iterable[Any], messages: QuerySet[Any]) -> None:
    """Put the text where these have the key of a message; 1 statement, 0 where none has."""
    if _is_plain(messages):
        return
    names = ("adopted_first", "adopted_last")
    keys = {getattr(session, name) for session in sessions for name in names}
    texts = dict(messages.filter(pk__in=keys - {None}).values_list("pk", "content"))
    for session in sessions:
        for name in names:
            setattr(session, name, texts.get(getattr(session, name)))


def _is_plain(messages: QuerySet[Any]) -> bool:
    """Whether what the database has is the text."""
    content = messages.model._meta.get_field("content")
    return type(content).__module__.startswith("django.db.models.")
