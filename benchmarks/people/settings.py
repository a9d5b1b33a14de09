"""The site that the people visit: the ready-made tables, Celery, Valkey, a pool of connections.

Started by `benchmarks.people.site`, which names its parts in PEOPLE_* variables.
"""

from __future__ import annotations

import os
from typing import Any

from django_chat_sessions.contrib.redis import RedisNotifier
from django_chat_sessions.policies import IdleTimeoutPolicy
from tests.databases import databases
from tests.durability.orphans import end_with_the_proof

end_with_the_proof()

BROKER = os.environ.get("PEOPLE_BROKER", "redis://localhost:6379/0")
# A process keeps so many connections to PostgreSQL; who finds none free waits for one.
POOL = int(os.environ.get("PEOPLE_POOL", "10"))

SECRET_KEY = "only for people who do not exist"  # noqa: S105  it protects nobody
DEBUG = False
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "benchmarks.people.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = databases()
DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
    "min_size": 2,
    "max_size": POOL,
    "timeout": 30,
}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django_chat_sessions",
    "django_chat_sessions.default_models",
    "django_chat_sessions.contrib.celery",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_chat_sessions.middleware.ChatSessionMiddleware",
]
CHAT_SESSIONS: dict[str, Any] = {
    "RESPONDER": "benchmarks.people.answers.respond",
    "RUNNER": "django_chat_sessions.contrib.celery.CeleryRunner",
    "NOTIFIER": RedisNotifier(BROKER, channel="people"),
    "TIMEOUT_POLICY": IdleTimeoutPolicy(timeout=float(os.environ.get("PEOPLE_IDLE", "120"))),
}
CELERY_BROKER_URL = BROKER
CELERY_WORKER_PREFETCH_MULTIPLIER = 1  # else one worker takes what the other has time for
__import__("benchmarks.people.celery_app")  # as a project's __init__.py does
