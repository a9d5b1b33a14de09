"""Text made fit for a row: storable, and short where a list shows it."""

from __future__ import annotations

import math
import sys
from typing import Any

from django.db.models import Model

from django_chat_sessions.policies import UNSTORABLE

TITLE_LENGTH = 80
PREVIEW_LENGTH = 140
DEEPEST = 30  # levels of JSON; MariaDB stores hardly more
# The largest that every reader of JSON takes; longer ones Python itself soon refuses to write.
LARGEST = int(sys.float_info.max)


def is_storable(text: str) -> bool:
    """Whether every database takes the text: no NUL and no lone surrogate is in it."""
    return UNSTORABLE.search(text) is None


def storable(text: str) -> str:
    """Return text that every database takes; NUL and lone surrogates become U+FFFD."""
    if not isinstance(text, str):
        raise TypeError(f"A text is expected, not {text!r}.")
    return UNSTORABLE.sub("\ufffd", text)


def fitting(model: type[Model], name: str, text: str) -> str:
    """Return the text if the model's column takes it; 0 statements.

    Raises ValueError for what PostgreSQL would refuse, and SQLite store all the same.
    """
    longest = getattr(model._meta.get_field(name), "max_length", None)
    if longest is not None and len(text) > longest:
        raise ValueError(f"{name} has {len(text)} characters; give up to {longest}.")
    if not is_storable(text):
        raise ValueError(f"{name} is {text!r}; give a text without NUL and lone surrogates.")
    return text


def storable_data(value: Any, depth: int = 1) -> Any:
    """Return JSON data that every database takes, its texts made storable.

    Raises TypeError for what JSON does not know, ValueError for NaN, infinity, a larger integer
    than any float and what is nested too deeply.
    """
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict | list | tuple) and depth > DEEPEST:
        raise ValueError(f"There are more than {DEEPEST} levels in it.")
    if isinstance(value, dict):
        return {storable(name): storable_data(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [storable_data(inner, depth + 1) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} has no place in JSON.")
    if isinstance(value, int) and abs(value) > LARGEST:  # which no message can name
        raise ValueError("An integer beyond ±1.8e308 has no place in JSON; give it as text.")
    if value is not None and not isinstance(value, bool | int | float):
        raise TypeError(f"A {type(value).__name__} has no place in JSON.")
    return value


def excerpt(text: str, length: int) -> str:
    """Return the beginning in one line, cut at a word where one ends near the limit."""
    # A head far longer than the limit is enough: a book pasted as a message is not split whole.
    line = " ".join(text[: length * 20].split())
    if len(line) <= length:
        return line
    head = line[: length - 1]
    cut = head.rfind(" ")
    return (head[:cut] if cut > length * 2 // 3 else head).rstrip() + "…"


def title_from(text: str) -> str:
    """Return the title of a conversation that begins with this message."""
    return excerpt(text, TITLE_LENGTH)


def preview_of(text: str) -> str:
    """Return what a history shows of this message."""
    return excerpt(text, PREVIEW_LENGTH)


def excerpt_around(text: str, words: list[str]) -> str:
    """Return what a search shows of this text: the piece around the first of the words in it."""
    line = " ".join(text.split())
    low = line.lower()
    # Where one letter becomes two in lower case, a place in the one is none in the other.
    found = [low.find(word) for word in words if word in low] if len(low) == len(line) else []
    start = max(0, min(found, default=0) - PREVIEW_LENGTH // 3)
    if start == 0:
        return preview_of(line)
    start = line.find(" ", start) + 1 or start
    return "…" + excerpt(line[start:], PREVIEW_LENGTH - 1)
