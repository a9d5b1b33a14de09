from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DefaultModelsConfig(AppConfig):
    """The tables behind the default of ``CHAT_SESSIONS["SESSION_MODEL"]``."""

    name = "django_chat_sessions.default_models"
    label = "chat_sessions"
    verbose_name = _("Chat sessions")
    default_auto_field = "django.db.models.BigAutoField"
