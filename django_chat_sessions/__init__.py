"""Chat sessions that nobody loses: a reusable Django app.

Add ``django_chat_sessions`` to ``INSTALLED_APPS``, and either
``django_chat_sessions.default_models`` for ready-made tables or
``CHAT_SESSIONS["SESSION_MODEL"]`` for your own.
"""

from __future__ import annotations

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
    from django.apps import apps  # noqa: PLC0415
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415

    from django_chat_sessions.conf import app_settings  # noqa: PLC0415

    name = app_settings.SESSION_MODEL
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
    from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured  # noqa: PLC0415

    session_model = get_session_model()
    try:
        # The abstract class cannot know it; the concrete message model declares it.
        relation = session_model._meta.get_field("messages")  # type: ignore[misc]
    except FieldDoesNotExist as error:
        raise ImproperlyConfigured(
            f"{session_model._meta.label} has no relation called 'messages'. Give the message "
            "model a ForeignKey to it with related_name='messages'."
        ) from error
    return cast("type[AbstractChatMessage]", relation.related_model)
