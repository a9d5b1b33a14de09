"""A tasks backend and two runners, so that the tests see what is enqueued without a worker."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from asgiref.local import Local
from django.core.signals import setting_changed

from django_chat_sessions.contrib.tasks import TasksRunner, framework

_FRAMEWORK: Any = framework()
_BACKENDS = f"{_FRAMEWORK.__name__}.backends"
_Backend: Any = import_module(f"{_BACKENDS}.base").BaseTaskBackend
IMMEDIATE = f"{_BACKENDS}.immediate.ImmediateBackend"
DUMMY = f"{_BACKENDS}.dummy.DummyBackend"
NOTING = "tests.contrib.queues.Noting"


def _forget(*, setting: str, **kwargs: Any) -> None:
    """Django does this for its own tests; the backport leaves what it read first."""
    if setting == "TASKS":
        handler = _FRAMEWORK.task_backends
        handler.settings = handler._settings = handler.configure_settings(None)
        handler._connections = Local()


setting_changed.connect(_forget)

enqueued: list[tuple[Any, Any, Any]] = []


class Noting(_Backend):  # type: ignore[misc]
    """Notes what is enqueued."""

    def enqueue(self, task: Any, args: Any, kwargs: Any) -> None:
        self.validate_task(task)
        enqueued.append((task, args, kwargs))


class OnChatQueue(TasksRunner):
    """A host's own backend and queue."""

    backend = "chats"
    queue_name = "answers"
