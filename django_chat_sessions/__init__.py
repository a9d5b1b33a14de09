"""Chat sessions that nobody loses: a reusable Django app.

Add ``django_chat_sessions`` to ``INSTALLED_APPS``, and either
``django_chat_sessions.default_models`` for ready-made tables or
``CHAT_SESSIONS["SESSION_MODEL"]`` for your own.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession

__version__ = "0.1.0"
__all__ = ["__version__", "get_message_model", "get_session_model"]


def get_session_model() -> type[AbstractChatSession]:
    """Return the host's chat session model, named by ``CHAT_SESSIONS["SESSION_MODEL"]``.

    Raises ImproperlyConfigured when the name is wrong or the model is not installed.
    """
    # Imported late: importing the package must not need configured settings.
    from django_chat_sessions.conf import app_settings  # noqa: PLC0415

    return _session_model(app_settings.SESSION_MODEL)


# Kept, as every statement asks for them: looking them up took a tenth of a message's time.
@lru_cache
def _session_model(name: str) -> type[AbstractChatSession]:
    from django.apps import apps  # noqa: PLC0415
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415

    try:
        model = apps.get_model(name, require_ready=False)
    except ValueError as error:
        raise ImproperlyConfigured(
            f'CHAT_SESSIONS["SESSION_MODEL"] is {name!r}; write it as "app_label.ModelName".'
        ) from error
    except LookupError as error:
        raise ImproperlyConfigured(
            f'CHAT_SESSIONS["SESSION_MODEL"] is {name!r}, which is not installed. Add '
            '"django_chat_sessions.default_models" to INSTALLED_APPS for ready-made tables, or '
            "name a model of yours that subclasses AbstractChatSession."
        ) from error
    return cast("type[AbstractChatSession]", model)


def get_message_model() -> type[AbstractChatMessage]:
    """Return the model at the other end of the session model's ``messages`` relation.

    Raises ImproperlyConfigured when there is no such relation.
    """
    return _message_model(get_session_model())


@lru_cache
def _message_model(session_model: type[AbstractChatSession]) -> type[AbstractChatMessage]:
    from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured  # noqa: PLC0415

    try:
        # The abstract class cannot know it; the concrete message model declares it.
        found = session_model._meta.get_field("messages").related_model  # type: ignore[misc]
    except FieldDoesNotExist:
        found = None
    if found is None:  # or a column of the host's has that name
        raise ImproperlyConfigured(
            f"{session_model._meta.label} has no relation called 'messages'. Give the message "
            "model a ForeignKey to it with related_name='messages', and a column of that name "
            "another one in Python."
        )
    return cast("type[AbstractChatMessage]", found)
