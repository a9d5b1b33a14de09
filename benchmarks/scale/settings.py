"""A site with the package's defaults; activity is written each time, so that it is measured."""

from __future__ import annotations

from typing import Any

from tests.settings.default_models import *  # noqa: F403

CHAT_SESSIONS: dict[str, Any] = {"ACTIVITY_RESOLUTION": 0}
