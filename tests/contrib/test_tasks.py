"""The runner for Django's tasks, with a backend that notes what it is given."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils.module_loading import import_string

from django_chat_sessions import clock
from django_chat_sessions.contrib import queued
from django_chat_sessions.contrib.tasks import TasksRunner, framework, work
from django_chat_sessions.models import AbstractChatMessage
from django_chat_sessions.owners import Owner
from tests.contrib.queues import DUMMY, IMMEDIATE, NOTING, OnChatQueue, enqueued
from tests.conversations import configure, leave_replies, reply_of, stored, waiting

pytestmark = pytest.mark.django_db
PATH = "django_chat_sessions.contrib.tasks.work.answer_reply"


@pytest.fixture(autouse=True)
def queue(settings: Any) -> Iterator[list[Any]]:
    """What was enqueued; and a process in which no task has run yet."""
    settings.TASKS = {"chats": {"BACKEND": NOTING, "QUEUES": ["answers"]}}
    configure(settings, RUNNER="tests.contrib.queues.OnChatQueue")
    enqueued.clear()
    work._begin.cache_clear()
    yield enqueued
    work._begin.cache_clear()


def left_behind(owner: Owner, *, state: str = "running") -> AbstractChatMessage:
    """A reply whose worker died, with its lease run out."""
    reply = reply_of(waiting(owner))
    past = clock.now() - timedelta(seconds=1)
    type(reply)._base_manager.filter(pk=reply.pk).update(state=state, lease_until=past)
    type(reply.session)._base_manager.filter(pk=reply.session_id).update(running_until=past)
    return reply


def test_a_reply_goes_as_text_to_the_hosts_backend_and_queue(
    owner: Owner, answering: Any, queue: list[Any]
) -> None:
    with answering():
        reply = reply_of(waiting(owner))
    ((task, args, kwargs),) = queue
    assert (task.backend, task.queue_name) == ("chats", "answers")
    assert (list(args), kwargs) == ([str(reply.pk)], {})
    assert task.module_path == PATH
    assert stored(reply).state == "pending"


def test_a_reply_may_wait_for_a_worker_longer_than_a_lease(owner: Owner) -> None:
    reply = reply_of(waiting(owner))
    assert reply.lease_until is not None
    assert 50 < (reply.lease_until - clock.now()).total_seconds() <= 60


def test_a_worker_finds_the_task_by_its_path_and_answers(owner: Owner) -> None:
    reply = reply_of(waiting(owner))
    task = import_string(PATH)
    assert (task.backend, task.queue_name) == ("chats", "answers")
    task.call(str(reply.pk))
    assert stored(reply).content == "You asked: Hello"


def test_a_worker_finds_the_task_after_the_site_went_over_to_another_runner(settings: Any) -> None:
    settings.TASKS = {"default": {"BACKEND": NOTING}}
    leave_replies(settings)
    assert import_string(PATH).backend == "default"
    with pytest.raises(ImportError, match="nothing_else"):
        import_string(PATH.replace("answer_reply", "nothing_else"))


def test_the_first_task_of_a_process_looks_for_what_dead_workers_left(
    owner: Owner, queue: list[Any]
) -> None:
    first = left_behind(owner)
    other = Owner.for_visitor("another")
    work.work(str(reply_of(waiting(other)).pk))
    assert stored(first).state == "interrupted"

    later = left_behind(owner)
    work.work(str(reply_of(waiting(other, key="the-next-key")).pk))
    assert stored(later).state == "running"


@pytest.mark.parametrize("state", ["pending", "running"])
def test_a_task_that_comes_too_late_or_again_recovers_its_reply(owner: Owner, state: str) -> None:
    reply = left_behind(owner, state=state)
    queued.answer(str(reply.pk))
    assert stored(reply).state == "interrupted"


def test_what_is_recovered_is_enqueued_again(
    owner: Owner, settings: Any, answering: Any, queue: list[Any]
) -> None:
    configure(settings, REPLY_ATTEMPTS=2)
    reply = left_behind(owner)
    with answering():
        queued.answer(str(reply.pk))
    assert (stored(reply).state, stored(reply).attempt) == ("pending", 2)
    assert [list(args) for _task, args, _kwargs in queue] == [[str(reply.pk)]]


@pytest.mark.parametrize("what", ["run", "recover"])
def test_no_error_reaches_the_queue_and_no_text_the_log(
    what: str, owner: Owner, monkeypatch: Any, caplog: Any
) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError("a secret")

    closed: list[bool] = []

    class Connections:  # of this module only: the test's own is open
        def close_all(self) -> None:
            closed.append(True)

    monkeypatch.setattr(queued, what, broken)
    monkeypatch.setattr(queued, "connections", Connections())
    with caplog.at_level(logging.ERROR):
        work.work(str(reply_of(waiting(owner)).pk))
    (record,) = caplog.records
    assert "RuntimeError" in record.getMessage()
    assert "secret" not in caplog.text
    assert closed == [True]  # the next task does not meet a broken one


def test_a_backend_with_workers_passes_the_check() -> None:
    assert OnChatQueue.check() == []


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ({"chats": {"BACKEND": IMMEDIATE}}, "lets the request wait for the whole answer"),
        ({"chats": {"BACKEND": DUMMY}}, "never runs anything"),
        ({"chats": {"BACKEND": NOTING}}, "has no queue 'answers'"),
        ({"chats": {"BACKEND": "no.such.Backend"}}, "cannot be used"),
        ({"default": {"BACKEND": NOTING}}, "cannot be used"),
    ],
)
def test_a_backend_that_cannot_work_is_an_error_with_a_way_out(
    settings: Any, tasks: Any, said: str
) -> None:
    settings.TASKS = tasks
    (error,) = OnChatQueue.check()
    assert error.id == "django_chat_sessions.E007"
    assert error.msg.startswith("OnChatQueue cannot work: ")
    assert said in error.msg
    assert error.hint


def test_a_backend_without_a_list_of_queues_takes_every_queue(settings: Any) -> None:
    settings.TASKS = {"chats": {"BACKEND": NOTING, "QUEUES": []}}
    assert OnChatQueue.check() == []


def test_the_framework_is_djangos_own_or_the_backport(monkeypatch: Any) -> None:
    asked: list[str] = []

    def only_the_backport(name: str) -> Any:
        asked.append(name)
        if name == "django.tasks":
            raise ModuleNotFoundError(name)
        return name

    monkeypatch.setattr("django_chat_sessions.contrib.tasks.import_module", only_the_backport)
    assert framework() == "django_tasks"
    assert asked == ["django.tasks", "django_tasks"]


def test_without_a_framework_the_check_says_what_to_install(monkeypatch: Any) -> None:
    def nothing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("django_chat_sessions.contrib.tasks.import_module", nothing)
    (error,) = TasksRunner.check()
    assert error.id == "django_chat_sessions.E007"
    assert "pip install django-tasks" in str(error.hint)
