"""The study site in public: behind a proxy that speaks TLS, with a secret key of its own.

DJANGO_SETTINGS_MODULE=config.production, and XP_SECRET_KEY, XP_HOSTS and XP_ORIGINS.
"""

from __future__ import annotations

import os

from config.settings import *  # noqa: F403

# No default: without a key of its own a site in public must not start.
SECRET_KEY = os.environ["XP_SECRET_KEY"]
DEBUG = False

# As in docs/how-to/deploy.md.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True

# Answers by threads of the web process: to ask for one again costs this site nothing.
SILENCED_SYSTEM_CHECKS = ["django_chat_sessions.W004"]
