"""A host's own tables, which existed before the package."""

from __future__ import annotations

from tests.settings.project import *  # noqa: F403
from tests.settings.project import CHAT_SESSIONS, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.host"]
CHAT_SESSIONS = {**CHAT_SESSIONS, "SESSION_MODEL": "host.Conversation"}
