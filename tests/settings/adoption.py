"""Sites that had a chat before the package, one of each shape, and a user model of their own."""

from __future__ import annotations

from tests.settings.project import *  # noqa: F403
from tests.settings.project import CHAT_SESSIONS, INSTALLED_APPS

SHAPES = "abcdefghijk"
AUTH_USER_MODEL = "people.Person"
INSTALLED_APPS = [
    *(app for app in INSTALLED_APPS if app != "rest_framework.authtoken"),
    "tests.adoption.people",
    *(f"tests.adoption.shape_{letter}" for letter in SHAPES),
]
# Each test asks for the migrations of the one site that it is about: they know nothing of others.
MIGRATION_MODULES = {f"shape_{letter}": None for letter in SHAPES}
CHAT_SESSIONS = {**CHAT_SESSIONS, "SESSION_MODEL": "shape_c.ChatSession"}
