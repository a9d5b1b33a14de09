"""A site with the package's defaults; activity is written each time, so that it is measured."""

from __future__ import annotations

from typing import Any

from django_chat_sessions.limits import Limits
from tests.settings.default_models import *  # noqa: F403

# One owner does here in a second what a person does in an hour.
CHAT_SESSIONS: dict[str, Any] = {
    "ACTIVITY_RESOLUTION": 0,
    "LIMITS": Limits(messages_per_minute=None, replies_at_once=None),
}
