"""The settings of the measured site: as `startproject` makes them, on a PostgreSQL with a pool."""

from __future__ import annotations

from typing import Any

from django_chat_sessions.limits import Limits
from tests.databases import databases
from tests.durability.orphans import end_with_the_proof

end_with_the_proof()
SECRET_KEY = "only measured, but as long as a key that keeps secrets"  # noqa: S105  it keeps none
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
USE_TZ = True
ROOT_URLCONF = "benchmarks.http.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = databases()
# A connection for each request, which ASGI would have without a pool, costs more than an answer.
DATABASES["default"]["OPTIONS"] = {"pool": True}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django_chat_sessions",
    "django_chat_sessions.default_models",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_chat_sessions.middleware.ChatSessionMiddleware",
]
# Every activity is written, however short the pause before it.
# One owner does here in a second what a person does in an hour.
CHAT_SESSIONS: dict[str, Any] = {
    "ACTIVITY_RESOLUTION": 0,
    "LIMITS": Limits(messages_per_minute=None, replies_at_once=None),
}
