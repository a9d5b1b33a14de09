"""Settings of the study site XP. XP_* variables change them; every one has a default that works."""

from __future__ import annotations

import os
from pathlib import Path

from config.databases import database
from config.environment import seconds
from django_chat_sessions.policies import IdleTimeoutPolicy

HOME = Path(__file__).resolve().parent.parent
# The database and the collected files; another folder is another site.
VAR = Path(os.environ.get("XP_VAR") or HOME / "var")

# Public on purpose: whoever clones the repository can sign with it. A real site has its own.
SECRET_KEY = os.environ.get(
    "XP_SECRET_KEY", "xp-example-only-this-key-is-public-and-protects-nobody"
)
DEBUG = os.environ.get("XP_DEBUG", "") == "1"
ALLOWED_HOSTS = os.environ.get("XP_HOSTS", "localhost,127.0.0.1,[::1],testserver").split(",")
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("XP_ORIGINS", "").split(",") if origin]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "subjects",  # first, because its page takes the place of the package's
    "django_chat_sessions",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.csp.content_security_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_chat_sessions.middleware.ChatSessionMiddleware",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
WSGI_APPLICATION = "config.wsgi.application"
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

DATABASES = {"default": database(os.environ.get("DATABASE_URL", ""), VAR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The lines that make the chat remember, and one to try the timeout without waiting for it.
CHAT_SESSIONS = {
    "SESSION_MODEL": "subjects.ChatSession",
    "RESPONDER": "subjects.rag.respond",
    "TIMEOUT_POLICY": IdleTimeoutPolicy(timeout=seconds("XP_IDLE_SECONDS", 300)),
    # Nobody should wait long for an answer whose server is gone. To ask again by itself is free,
    # unless a language model is paid for it: then the reader decides.
    "REPLY_LEASE": 10,
    "REPLY_ATTEMPTS": 1 if os.environ.get("XP_LLM_URL") else 2,
}

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "home"
SESSION_COOKIE_NAME = "xp_session"

LANGUAGE_CODE = "en"
TIME_ZONE = os.environ.get("XP_TIME_ZONE") or "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
# Vite writes here; until it has, the pages say so in the place of the chat.
FRONTEND = HOME / "frontend" / "dist"
STATICFILES_DIRS = [("xp", FRONTEND)] if FRONTEND.is_dir() else []

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    # The level is the handler's: bm25s sets its own logger to DEBUG.
    "handlers": {"console": {"class": "logging.StreamHandler", "level": "WARNING"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
