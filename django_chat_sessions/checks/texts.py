"""System checks of the texts that a host declares: whether they are kept as they are written.

E013 a column that is too short
E021 a field that makes NULL of an empty text
W017 a text that may have any length, in a column that holds so many characters
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.db.models import CharField, TextField

from django_chat_sessions.checks.tables import ID


def check_texts(model: Any, parent: Any) -> Iterator[CheckMessage]:
    """Yield what is wrong with the columns that take a text of ours."""
    theirs = {field.name: field for field in model._meta.concrete_fields}
    for field in parent._meta.fields:
        own = theirs.get(field.name)
        if own is None or not isinstance(field, CharField | TextField):
            continue
        # The database holds a TextField to no length, whatever its forms are told.
        if isinstance(own, CharField) and own.max_length is not None:
            yield from _short(field, own, own.max_length)
        if not field.null and _makes_null(own):
            yield Error(
                f"{own} makes NULL of an empty text, with which a reply begins: no message is "
                "taken, or the chat fails while an answer is written.",
                hint='Subclass its field, with a get_prep_value() that gives "" for "".',
                id=f"{ID}.E021",
            )


def _short(field: Any, own: Any, given: int) -> Iterator[CheckMessage]:
    lengths = (len(value) for value, _label in field.choices or ())
    needed = max(lengths, default=field.max_length)
    if needed is None:
        yield CheckWarning(
            f"{own} holds {given} characters, and the chat writes texts of any length: a "
            "longer message is refused, and a longer answer fails.",
            hint="Let it be a TextField, then makemigrations and migrate.",
            id=f"{ID}.W017",
        )
    elif given < needed:
        yield Error(
            f"{own} holds {given} characters, and the chat writes up to {needed}.",
            hint=f"Give it max_length={needed}, then makemigrations and migrate.",
            id=f"{ID}.E013",
        )


def _makes_null(own: Any) -> bool:
    """Whether an empty text comes back as None, as from some fields that encrypt."""
    read = getattr(own, "from_db_value", lambda value, *_more: value)
    try:
        return own.get_prep_value("") is None and (not own.null or read(None, None, None) is None)
    except Exception:  # noqa: BLE001  a host's own field, which may lack its key here
        return False
