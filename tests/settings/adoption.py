"""Sites that had a chat before the package, one of each shape, and a user model of their own."""

from __future__ import annotations

from tests.settings.project import *  # noqa: F403
from tests.settings.project import CHAT_SESSIONS

SHAPES = "abcdefghijk"
AUTH_USER_MODEL = "people.Person"
# No more than that: each step of a migration takes time for every model that the user is tied to.
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django_chat_sessions",
    "tests.adoption.people",
    *(f"tests.adoption.shape_{letter}" for letter in SHAPES),
]
ROOT_URLCONF = "django_chat_sessions.urls"
# Each test asks for the migrations of the one site that it is about: they know nothing of others.
MIGRATION_MODULES = dict.fromkeys(["people", *(f"shape_{each}" for each in SHAPES)])
CHAT_SESSIONS = {**CHAT_SESSIONS, "SESSION_MODEL": "shape_c.ChatSession"}
