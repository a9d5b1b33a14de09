"""The settings: ``settings.CHAT_SESSIONS``, read here and nowhere else, when they are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from collections.abc import Callable

    from django_chat_sessions.limits import Limits
    from django_chat_sessions.policies import TimeoutPolicy

DEFAULTS: dict[str, Any] = {
    "SESSION_MODEL": "chat_sessions.ChatSession",
    "TIMEOUT_POLICY": "django_chat_sessions.policies.IdleTimeoutPolicy",
    "ACTIVITY_RESOLUTION": 1,
    "HISTORY_LIMIT": 30,
    "RETENTION_DAYS": None,
    "LIMITS": "django_chat_sessions.limits.Limits",
    "AUTHENTICATORS": [
        "django_chat_sessions.authentication.DjangoSession",
        "django_chat_sessions.authentication.AnonymousCookie",
    ],
    "RESPONDER": None,
    "RUNNER": "django_chat_sessions.services.replies.runners.ThreadRunner",
    "REPLY_LEASE": 30,
    "REPLY_ATTEMPTS": 1,
    "NOTIFIER": None,
}


def given() -> Any:
    """Return the setting as the host wrote it, right or wrong."""
    return getattr(settings, "CHAT_SESSIONS", {})


class AppSettings:
    """Typed access; each attribute is read from the settings at the moment of the call."""

    def _get(self, key: str) -> Any:
        return given().get(key, DEFAULTS[key])

    def _object(self, key: str) -> Any:
        value = self._get(key)
        if isinstance(value, str):
            value = import_string(value)
        return value() if isinstance(value, type) else value

    @property
    def SESSION_MODEL(self) -> str:
        """The session model, ``app_label.ModelName``."""
        return cast(str, self._get("SESSION_MODEL"))

    @property
    def TIMEOUT_POLICY(self) -> TimeoutPolicy:
        """The timeout policy: an instance, or the dotted path of a class or an instance."""
        return cast("TimeoutPolicy", self._object("TIMEOUT_POLICY"))

    @property
    def ACTIVITY_RESOLUTION(self) -> float:
        """Seconds; stored activity younger than this is not written again (0 writes each time)."""
        return cast(float, self._get("ACTIVITY_RESOLUTION"))

    @property
    def HISTORY_LIMIT(self) -> int:
        """How many sessions a history shows unless it is told otherwise."""
        return cast(int, self._get("HISTORY_LIMIT"))

    @property
    def RETENTION_DAYS(self) -> float | None:
        """Days an ended session is kept after its last activity; None keeps it for ever."""
        return cast("float | None", self._get("RETENTION_DAYS"))

    @property
    def LIMITS(self) -> Limits:
        """How much one owner may ask for: an instance, or the path of a class or an instance."""
        return cast("Limits", self._object("LIMITS"))

    @property
    def AUTHENTICATORS(self) -> tuple[str, ...]:
        """Dotted paths of the ways a caller may be recognised, tried in order."""
        return tuple(self._get("AUTHENTICATORS"))

    @property
    def RESPONDER(self) -> Callable[..., Any] | None:
        """The host's answering function, or None when the host answers in its own view."""
        value = self._get("RESPONDER")
        return cast(
            "Callable[..., Any] | None", import_string(value) if isinstance(value, str) else value
        )

    @property
    def RUNNER(self) -> str:
        """The dotted path of the runner that calls the responder outside the request."""
        return cast(str, self._get("RUNNER"))

    @property
    def REPLY_LEASE(self) -> float:
        """Seconds after which a reply whose worker went silent counts as interrupted."""
        return cast(float, self._get("REPLY_LEASE"))

    @property
    def REPLY_ATTEMPTS(self) -> int:
        """How often a reply is asked for automatically; 1 leaves it to its reader to ask again."""
        return cast(int, self._get("REPLY_ATTEMPTS"))

    @property
    def NOTIFIER(self) -> Any:
        """A notifier, or its class's dotted path; None takes what suits the database."""
        return self._get("NOTIFIER")


app_settings = AppSettings()
