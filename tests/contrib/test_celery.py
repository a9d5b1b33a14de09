"""The runner for Celery, with a broker in memory and no worker."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery import Celery
from celery.signals import worker_ready
from django.apps import apps
from django.test import override_settings

from django_chat_sessions import clock
from django_chat_sessions.contrib.celery import CeleryRunner
from django_chat_sessions.contrib.celery.tasks import answer_reply
from django_chat_sessions.owners import Owner
from tests.conversations import configure, reply_of, stored, waiting

pytestmark = pytest.mark.django_db
APP = "django_chat_sessions.contrib.celery"


class OnAnswers(CeleryRunner):
    """A host's own queue."""

    queue_name = "answers"


@pytest.fixture(autouse=True)
def celery(settings: Any) -> Iterator[Any]:
    """A host's Celery."""
    configure(settings, RUNNER="tests.contrib.test_celery.OnAnswers")
    app = Celery("a host's", broker="memory://", set_as_current=False)
    app.set_current()
    with app.connection_for_write() as connection:
        yield app
        connection.default_channel.queue_delete("answers")
    app.close()


def delivered(app: Any) -> list[Any]:
    """Take what waits in the queue."""
    found: list[Any] = []
    with app.connection_for_read() as connection, connection.SimpleQueue("answers") as queue:
        while True:
            try:
                message = queue.get_nowait()
            except queue.Empty:
                return found
            message.ack()
            found.append(message)


def test_a_reply_goes_as_text_under_a_stable_name(
    owner: Owner, answering: Any, celery: Any
) -> None:
    with answering():
        reply = reply_of(waiting(owner))
    (message,) = delivered(celery)
    assert message.headers["task"] == "django_chat_sessions.answer_reply"
    assert message.headers["ignore_result"] is True
    assert message.payload[0] == [str(reply.pk)]
    assert stored(reply).state == "pending"


def test_a_reply_may_wait_for_a_worker_longer_than_a_lease(owner: Owner) -> None:
    reply = reply_of(waiting(owner))
    assert reply.lease_until is not None
    assert 50 < (reply.lease_until - clock.now()).total_seconds() <= 60


def test_a_worker_answers(owner: Owner) -> None:
    reply = reply_of(waiting(owner))
    answer_reply(str(reply.pk))
    assert stored(reply).content == "You asked: Hello"


def test_a_worker_that_starts_looks_for_what_dead_ones_left(owner: Owner, monkeypatch: Any) -> None:
    closed: list[bool] = []

    class Connections:  # of this module only: the thread that keeps leases closes its own, too
        def close_all(self) -> None:
            closed.append(True)

    monkeypatch.setattr("django_chat_sessions.contrib.celery.tasks.connections", Connections())
    reply = reply_of(waiting(owner))
    past = clock.now() - timedelta(seconds=1)
    type(reply)._base_manager.filter(pk=reply.pk).update(lease_until=past)
    type(reply.session)._base_manager.filter(pk=reply.session_id).update(running_until=past)
    worker_ready.send(sender=None)
    assert stored(reply).state == "interrupted"
    assert closed == [True]


def test_a_broker_that_is_away_fails_the_reply_and_says_so(
    owner: Owner, answering: Any, monkeypatch: Any
) -> None:
    def away(*args: Any, **options: Any) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(answer_reply, "apply_async", away)
    with answering():
        reply = reply_of(waiting(owner))
    assert stored(reply).state == "failed"
    assert "no broker" in stored(reply).error


def test_the_task_is_found_where_the_app_is_installed(celery: Any, settings: Any) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, APP]
    assert apps.get_app_config("chat_sessions_celery").name == APP
    assert CeleryRunner.check() == []


def test_without_the_app_no_worker_finds_the_task() -> None:
    (error,) = CeleryRunner.check()
    assert error.id == "django_chat_sessions.E008"
    assert "INSTALLED_APPS" in str(error.hint)


def test_without_a_celery_app_of_the_hosts_own_nobody_knows_the_broker(
    celery: Any, monkeypatch: Any, settings: Any
) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, APP]
    Celery("default", set_as_current=False).set_current()  # what Celery falls back to
    (error,) = CeleryRunner.check()
    assert error.id == "django_chat_sessions.E008"
    assert "__init__.py" in str(error.hint)
    for its_own in (
        celery,
        Celery("a host's", set_as_current=False),  # a broker at localhost, as Celery has it
        Celery("default", broker="memory://", set_as_current=False),
    ):
        its_own.set_current()
        assert CeleryRunner.check() == []


def test_an_eager_celery_is_an_error(celery: Any) -> None:
    celery.conf.task_always_eager = True
    with override_settings(INSTALLED_APPS=["django.contrib.contenttypes", APP]):
        (error,) = OnAnswers.check()
    assert error.msg.startswith("OnAnswers cannot work: task_always_eager ")
    assert error.id == "django_chat_sessions.E008"


def test_without_celery_the_check_says_what_to_install(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "celery", None)
    (error,) = CeleryRunner.check()
    assert error.id == "django_chat_sessions.E008"
    assert "pip install 'celery>=5.5'" in str(error.hint)
