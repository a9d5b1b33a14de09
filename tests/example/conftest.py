"""The study site is tested under its own settings: `pytest tests/example --ds=config.settings`.

In any other run `test_own_settings.py` starts that one, and what needs it is not collected.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

IS_SITE = settings.SETTINGS_MODULE == "config.settings"
collect_ignore = (
    ["test_own_settings.py"]
    if IS_SITE
    else ["test_access.py", "test_adoption.py", "test_pages.py", "test_chat.py"]
)


@pytest.fixture
def site(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Any:
    """The site with its texts; answers are complete when the request returns. Its settings."""
    monkeypatch.setenv("XP_ANSWER_PACE", "0")
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.FRONTEND = tmp_path / "not built"
    settings.CHAT_SESSIONS = {
        **settings.CHAT_SESSIONS,
        "RUNNER": "django_chat_sessions.services.replies.runners.InlineRunner",
    }
    call_command("load_subjects", verbosity=0)
    return settings


@pytest.fixture
def physics(site: Any) -> Any:
    from subjects.models import Subject

    return Subject.objects.get(slug="physics")
