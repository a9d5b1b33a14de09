"""What is said and heard on one channel of Redis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django_chat_sessions.services.following.hints import Hub
from django_chat_sessions.services.following.polling import Echo, HintingNotifier

PATIENCE = 5.0  # seconds that Redis may take to answer


class RedisChannel(HintingNotifier):
    """Publishes names, many in one message, and subscribes to them."""

    def __init__(self, url: str, channel: str) -> None:
        super().__init__()
        self.url = url
        self.channel = channel

    def publish(self, batches: Iterator[list[str]]) -> None:
        """Publish each batch as one message."""
        with self._client() as client:
            for names in batches:
                client.publish(self.channel, " ".join(names))

    def listen(self, hub: Hub) -> None:
        """Wake whoever a message names."""
        with self._client() as client, client.pubsub() as subscription:
            subscription.subscribe(self.channel)
            echo = Echo(self)
            while not hub.left.is_set():
                heard = subscription.get_message(timeout=0.5)
                if heard is not None and heard["type"] == "subscribe":
                    hub.wake_all()  # for what was said before
                elif heard is not None:
                    for name in heard["data"].split():
                        if not echo.heard(name):
                            hub.wake(name)
                echo.check()

    def _client(self) -> Any:
        from redis import Redis  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415

        return Redis.from_url(
            self.url,
            decode_responses=True,
            socket_connect_timeout=PATIENCE,
            socket_timeout=PATIENCE,
            # What was said while it connected again by itself would be lost, and nobody told.
            retry=Retry(NoBackoff(), 0),
        )
