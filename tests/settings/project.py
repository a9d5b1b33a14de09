"""What both model set-ups of the test project share."""

from __future__ import annotations

from django_chat_sessions.limits import Limits
from tests.databases import databases

SECRET_KEY = "only for tests, and long enough to sign tokens"
DEBUG = False
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
ROOT_URLCONF = "tests.urls"
STATIC_URL = "/static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = databases()
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.admin",
    "django.contrib.staticfiles",
    "rest_framework.authtoken",
    "django_chat_sessions",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_chat_sessions.middleware.ChatSessionMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CHAT_SESSIONS = {
    "RESPONDER": "tests.responders.echo",
    "RUNNER": "django_chat_sessions.services.replies.runners.InlineRunner",
    # Tests say more in one second than a person in a minute; those of the limits set them.
    "LIMITS": Limits(messages_per_minute=None, replies_at_once=None),
    # No thread of its own, which would keep a connection to a database that a test will drop.
    "NOTIFIER": "django_chat_sessions.services.following.polling.PollNotifier",
}
