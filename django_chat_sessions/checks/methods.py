"""System check of the names that our models need for themselves.

E011 a field of the host's has the name of a method of ours
"""

from __future__ import annotations

from collections.abc import Iterator
from types import FunctionType
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from django_chat_sessions.checks.tables import ID, models_in_use
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession


def methods_of(parent: type) -> list[str]:
    """Return the names that a field may not have: the methods of an abstract model."""
    own = vars(parent).items()
    return [name for name, it in own if isinstance(it, FunctionType) and name[0] != "_"]


@register(Tags.models)
def check_methods(**kwargs: Any) -> list[CheckMessage]:
    """Every method is there to be called: a column of that name would hide it in each row."""
    pair = zip(models_in_use() or (), (AbstractChatSession, AbstractChatMessage), strict=False)
    return [
        Error(
            f"{model._meta.label}.{name} takes the place of the method {parent.__name__}.{name}(), "
            "which the chat calls.",
            hint=_way_out(model, name),
            id=f"{ID}.E011",
        )
        for model, parent in pair
        if issubclass(model, parent)  # else it lacks them all, which E006 says
        for name in _hidden(model, parent)
    ]


def _hidden(model: Any, parent: type) -> Iterator[str]:
    # Beside a column Django leaves the class its method: the values in the rows are what hides it.
    columns = {field.attname for field in model._meta.concrete_fields}
    for name in methods_of(parent):
        if name in columns or not callable(getattr(model, name, None)):
            yield name


def _way_out(model: Any, name: str) -> str:
    for field in model._meta.concrete_fields:
        if name in (field.name, field.attname):
            kind, column = type(field).__name__, field.column
            return (
                "Give it another name in Python and keep its column: "
                f'old_{name} = models.{kind}(…, db_column="{column}").'
            )
    return "Give it another name, or the relation that makes it another related_name."
