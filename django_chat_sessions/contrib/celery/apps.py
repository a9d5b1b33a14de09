from __future__ import annotations

from django.apps import AppConfig


class CeleryRunnerConfig(AppConfig):
    """Where Celery finds the task that answers replies."""

    name = "django_chat_sessions.contrib.celery"
    label = "chat_sessions_celery"  # "celery" may be a host's own app
