"""A site that looks nothing like the others: accounts in one database and chats in another.

JWT instead of logins, users with UUIDs and e-mail addresses, chats with bigint keys in tables of
its own, a replica for reading, naive local times. Run by ``tests/test_second_host.py``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.settings import project
from tests.settings.project import *  # noqa: F403

USE_TZ = False
TIME_ZONE = "Europe/Berlin"
ROOT_URLCONF = "tests.second_host.urls"
AUTH_USER_MODEL = "members.Member"
DATABASE_ROUTERS = ["tests.second_host.routers.ChatsElsewhere"]


def _database(name: str, **test: Any) -> dict[str, Any]:
    """The same server, another database; beside those of the run that started this one."""
    server: dict[str, Any] = project.DATABASES["default"]
    own = f"{server['NAME']}_{name}"
    return {
        **server,
        "NAME": own,
        "TEST": {**server.get("TEST", {}), "NAME": f"{own}_test", **test},
    }


DATABASES = {
    "default": _database("accounts"),
    "chats": _database("chats"),
    "replica": _database("chats", MIRROR="chats"),
}
INSTALLED_APPS = [
    *(app for app in project.INSTALLED_APPS if app != "rest_framework.authtoken"),
    "rest_framework",
    "tests.second_host.members",
    "tests.second_host.talks",
]
_varied: Any = {
    "SESSION_MODEL": "talks.Talk",
    "AUTHENTICATORS": [
        "rest_framework_simplejwt.authentication.JWTAuthentication",
        "django_chat_sessions.authentication.DjangoSession",
    ],
}
CHAT_SESSIONS = {**project.CHAT_SESSIONS, **_varied}
SIMPLE_JWT = {"ACCESS_TOKEN_LIFETIME": timedelta(hours=1)}
SILENCED_SYSTEM_CHECKS = ["django_chat_sessions.W003"]  # naive times on purpose
