"""The ready-made tables."""

from __future__ import annotations

from tests.settings.project import *  # noqa: F403
from tests.settings.project import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "django_chat_sessions.default_models"]
