"""Replies by Django's tasks: ``CHAT_SESSIONS["RUNNER"]`` is ``TasksRunner`` here, or a subclass.

Django 6.0 has the framework; on 5.2 the ``django-tasks`` package is it.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession

ID = "django_chat_sessions.E007"
# The framework's own backends, which have no worker.
USELESS = {
    "immediate.ImmediateBackend": "lets the request wait for the whole answer",
    "dummy.DummyBackend": "never runs anything",
}
USE_A_WORKER = (
    "Put a backend with workers into TASKS, such as django_tasks_db.DatabaseBackend, and run its "
    "worker (manage.py db_worker); or use ThreadRunner."
)


def framework() -> Any:
    """Return ``django.tasks``, or the package that brings it to Django 5.2."""
    try:
        return import_module("django.tasks")
    except ModuleNotFoundError:
        return import_module("django_tasks")


class TasksRunner:
    """Enqueues each reply as a task; a worker of the tasks backend answers it.

    What a killed worker leaves is found by its lease, whether the backend delivers again or not.
    """

    backend = "default"
    """Alias in ``settings.TASKS``."""
    queue_name = "default"
    """One of that backend's queues."""
    patience: float | None = 60
    """Seconds a reply may wait for a worker."""

    def submit(self, reply: AbstractChatMessage, session: AbstractChatSession) -> None:
        """Enqueue the reply."""
        self.task().enqueue(str(reply.pk))

    def task(self) -> Any:
        """Return the task for this backend and queue: it is validated when it is made."""
        # Imported late: what it imports needs the models.
        from django_chat_sessions.contrib.tasks.work import work  # noqa: PLC0415

        return framework().task(backend=self.backend, queue_name=self.queue_name)(work)

    @classmethod
    def check(cls) -> list[CheckMessage]:
        """Say why replies would not be answered, or only inside of the request."""
        return list(cls._obstacles())

    @classmethod
    def _obstacles(cls) -> Iterator[CheckMessage]:
        try:
            backend = framework().task_backends[cls.backend]
        except ModuleNotFoundError:
            problem = "there is no tasks framework"
            way_out = "pip install django-tasks django-tasks-db, or use Django 6.0."
            yield _error(cls, problem, way_out)
            return
        except ImproperlyConfigured as error:
            problem = f"TASKS[{cls.backend!r}] cannot be used: {error}".rstrip(".")
            yield _error(cls, problem, USE_A_WORKER)
            return
        kinds = {_where(kind) for kind in type(backend).__mro__}
        useless = next((USELESS[kind] for kind in kinds & USELESS.keys()), None)
        if useless:
            yield _error(cls, f"{type(backend).__name__} {useless}", USE_A_WORKER)
        elif backend.queues and cls.queue_name not in backend.queues:
            problem = f"TASKS[{cls.backend!r}] has no queue {cls.queue_name!r}"
            yield _error(cls, problem, 'Add it to QUEUES, or set "queue_name" in a subclass.')


def _where(kind: type) -> str:
    """Return a class's name and the last part of its module's, the same in the backport."""
    return ".".join([kind.__module__.rpartition(".")[2], kind.__name__])


def _error(runner: type[TasksRunner], problem: str, hint: str) -> CheckMessage:
    return Error(f"{runner.__name__} cannot work: {problem}.", hint=hint, id=ID)
