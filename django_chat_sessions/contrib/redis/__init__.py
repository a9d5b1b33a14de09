"""Hints by Redis or Valkey: ``CHAT_SESSIONS["NOTIFIER"]`` is ``RedisNotifier``, or one you made."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from django.core.checks import CheckMessage, Error

if TYPE_CHECKING:
    from django_chat_sessions.contrib.redis.channel import RedisChannel
    from django_chat_sessions.services.following.hints import Hub

SCHEMES = ("redis", "rediss", "unix")


class RedisNotifier:
    """One connection per process listens while somebody follows; another one publishes.

    Where Redis cannot be reached, polling takes over until it can. A settings file may make one:
    ``RedisNotifier("redis://cache.example:6379/0")``. Sites that share a Redis should differ in
    ``channel``: its databases do not keep them apart.

    Raises ValueError for an address that redis does not understand, such as one of Sentinel's.
    """

    def __init__(
        self, url: str = "redis://localhost:6379/0", *, channel: str = "django_chat_sessions"
    ) -> None:
        scheme, mark, _rest = url.partition("://")
        if not mark or scheme not in SCHEMES:  # redis would say so only to a thread, at each hint
            found = f"begins with {scheme}://" if mark else "has no scheme"  # the rest is secret
            raise ValueError(f"url {found}; give one with redis://, rediss:// or unix://.")
        self.url = url
        self.channel = channel

    @classmethod
    def check(cls) -> list[CheckMessage]:
        """Say that all hints would be lost."""
        try:
            import redis  # noqa: F401, PLC0415
        except ModuleNotFoundError:
            return [
                Error(
                    f"{cls.__name__} cannot work: redis is not installed.",
                    hint="pip install 'redis>=5'; it works with Valkey, too.",
                    id="django_chat_sessions.E018",
                )
            ]
        return []

    def tell(self, name: str) -> None:
        """Have the hint published soon."""
        self._redis.tell(name)

    def watch(self, hub: Hub) -> None:
        """Listen; where that fails, poll for a while."""
        self._redis.watch(hub)

    @cached_property
    def _redis(self) -> RedisChannel:
        # Imported late: settings are read before there are models, and before Redis is needed.
        from django_chat_sessions.contrib.redis.channel import RedisChannel  # noqa: PLC0415

        return RedisChannel(self.url, self.channel)
