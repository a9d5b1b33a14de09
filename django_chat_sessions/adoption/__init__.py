"""Steps by which a host makes the rows it already has what the package would have written.

For RunPython in a host's migrations, and for its shell. Every step takes rows as a manager or a
queryset on the database to be written (``.using(alias)``), works in batches that are short
transactions of their own (``atomic = False`` in the migration), can be interrupted and run again,
and finds nothing to do the second time.
"""

from __future__ import annotations

from django_chat_sessions.adoption.batches import Adopted
from django_chat_sessions.adoption.operations import Concurrently
from django_chat_sessions.adoption.return_ticket import give_back, give_back_texts
from django_chat_sessions.adoption.rows import adopt
from django_chat_sessions.adoption.texts import lookup, make_sessions, visitor_key

__all__ = [
    "Adopted",
    "Concurrently",
    "adopt",
    "give_back",
    "give_back_texts",
    "lookup",
    "make_sessions",
    "visitor_key",
]
