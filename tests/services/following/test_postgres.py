"""LISTEN and NOTIFY between real connections, poolers and restarts."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from django_chat_sessions.owners import Owner
from django_chat_sessions.services.following import postgres
from django_chat_sessions.services.following.hints import Hub, name_of
from django_chat_sessions.services.following.polling import Echo
from django_chat_sessions.services.following.postgres import (
    CHANNEL,
    MOST_AT_ONCE,
    PostgresNotifier,
    can_listen,
)
from tests.conversations import talked
from tests.databases import NAME
from tests.services.following.waiting import leave, waits
from tests.threads import threads, until

ADA = Owner.for_visitor("ada")
EVE = Owner.for_visitor("eve")
HINTS = "chat-sessions-hints"
IS_POSTGRES = connection.vendor == "postgresql"


class Quick(PostgresNotifier):
    """Tries again soon, and lets go of its publishing connection soon."""

    idle = 0.05
    again = 0.05
    every = 0.01


@pytest.fixture
def notifier() -> Iterator[Quick]:
    notifier = Quick()
    yield notifier
    until(lambda: not threads(HINTS))


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    yield hub
    leave(hub)


@pytest.fixture
def watched(transactional_db: None, notifier: Quick, hub: Hub) -> Iterator[Any]:
    """Ada's news, while a thread listens for them."""
    _reader, news = waits(hub, ADA, ADA.open_key(""))
    thread = threading.Thread(target=watch, args=[notifier, hub])
    thread.start()
    until(lambda: news.times)  # it listens, and looked for what was before
    yield news
    leave(hub)
    thread.join(10)
    assert not thread.is_alive()


def watch(notifier: PostgresNotifier, hub: Hub) -> None:
    while not hub.left.is_set():
        notifier.watch(hub)


def notify(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, name])


def backends() -> list[int]:
    """Return the other connections of this process that listen."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE query = %s AND datname = current_database()",
            [f"LISTEN {CHANNEL}"],
        )
        return [pid for (pid,) in cursor.fetchall()]


def test_only_postgresql_with_psycopg_3_can_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert can_listen() is IS_POSTGRES
    if IS_POSTGRES:
        from django.db.backends.postgresql import psycopg_any

        monkeypatch.setattr(psycopg_any, "is_psycopg3", False)
        assert can_listen() is False


class Replicated:
    """Reads elsewhere, where nobody can listen: a replica."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "a replica"


def test_it_is_the_database_that_is_written_to(settings: Any) -> None:
    settings.DATABASE_ROUTERS = [Replicated()]
    assert can_listen() is IS_POSTGRES


class TestWithPostgreSQL:
    """Not collected elsewhere: a test that is skipped proves nothing."""

    __test__ = IS_POSTGRES

    def test_a_notification_wakes_its_readers_at_once(self, watched: Any, hub: Hub) -> None:
        _eve, theirs = waits(hub, EVE)
        before = watched.times
        notify(name_of(ADA))
        until(lambda: watched.times == before + 1)
        assert theirs.times == 0

    def test_what_another_process_commits_is_heard(
        self, watched: Any, hub: Hub, notifier: Quick
    ) -> None:
        until(lambda: notifier._thread is None)  # its own first word is said
        before = watched.times
        program = (
            "import django; django.setup();"
            "from django.conf import settings;"
            f"settings.CHAT_SESSIONS['NOTIFIER'] = '{__name__}.Quick';"
            "from django_chat_sessions.owners import Owner;"
            "from django_chat_sessions.services.following.hints import get_notifier;"
            "from tests.conversations import talked;"
            "talked(Owner.for_visitor('ada'));"
            "get_notifier()._thread.join(30)"
        )
        environment = {**os.environ, NAME: str(connection.settings_dict["NAME"])}
        subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=60)
        until(lambda: watched.times > before)

    def test_more_names_than_go_at_once_arrive_all_the_same(
        self, watched: Any, hub: Hub, notifier: Quick
    ) -> None:
        owners = [Owner.for_visitor(f"v{number}") for number in range(2 * MOST_AT_ONCE + 1)]
        news = [waits(hub, owner)[1] for owner in owners]
        notifier.publish(iter([[name_of(owner) for owner in owners]]))
        until(lambda: all(each.times == 1 for each in news))

    def test_it_hears_itself_and_nobody_is_woken_by_that(
        self, transactional_db: None, notifier: Quick, hub: Hub
    ) -> None:
        notifier.pause = notifier.longest
        _reader, news = waits(hub, EVE)
        thread = threading.Thread(target=watch, args=[notifier, hub])
        thread.start()
        until(lambda: notifier.pause == notifier.again)
        leave(hub)
        thread.join(10)
        assert news.times == 1  # when it began to listen

    def test_where_nothing_is_heard_it_waits_and_looks_seldom(
        self, watched: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import psycopg  # only where it is the driver

        asked: list[float] = []
        real = psycopg.Connection.notifies

        def noted(raw: Any, *, timeout: float, **how: Any) -> Any:
            asked.append(timeout)
            return real(raw, timeout=timeout, **how)

        monkeypatch.setattr(psycopg.Connection, "notifies", noted)
        until(lambda: asked)
        assert asked[0] == 0.5

    def test_a_connection_that_is_ended_is_made_anew_and_nothing_is_lost(
        self, watched: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        [backend] = backends()
        before = watched.times
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [backend])
        talked(ADA)  # told by nobody, since this test's own notifier only polls
        until(lambda: watched.times > before)
        until(lambda: backends() not in ([], [backend]))
        before = watched.times
        notify(name_of(ADA))
        until(lambda: watched.times > before)
        assert "Hints cannot be heard" in caplog.text

    def test_behind_a_pooler_nothing_is_heard_and_it_polls(
        self,
        transactional_db: None,
        notifier: Quick,
        hub: Hub,
        monkeypatch: pytest.MonkeyPatch,
        caplog: Any,
    ) -> None:
        monkeypatch.setattr(Echo, "within", 0.01)
        monkeypatch.setattr(notifier, "publish", list)  # arrives nowhere
        monkeypatch.setattr(notifier, "pause", 30.0)
        _reader, news = waits(hub, ADA, ADA.open_key(""))
        thread = threading.Thread(target=watch, args=[notifier, hub])
        thread.start()
        until(lambda: "Hints cannot be heard" in caplog.text)
        before = news.times
        talked(ADA)
        until(lambda: news.times > before)
        leave(hub)
        thread.join(10)
        assert not thread.is_alive()

    def test_its_connections_are_outside_of_a_pool_and_closed_after_use(
        self, watched: Any, notifier: Quick, hub: Hub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "pool", True)
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "application_name", "site")
        own = postgres._own_connection()
        assert "pool" not in own.settings_dict["OPTIONS"]
        assert own.settings_dict["OPTIONS"]["application_name"] == "site"
        assert connection.settings_dict["OPTIONS"]["pool"] is True
        monkeypatch.undo()
        leave(hub)
        until(lambda: not backends())
