"""The task itself, under the path that stands in a queue: ``answer_reply`` of this module.

It is made when it is asked for. A decorator would validate it as this module is imported, against
a backend and a queue that a host may not have.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django_chat_sessions.contrib.queued import answer, look_for_lost_replies
from django_chat_sessions.contrib.tasks import TasksRunner
from django_chat_sessions.services.replies.runners import get_runner

PATH = "answer_reply"


def work(reply_id: str) -> None:
    """Answer one reply; the first time in a process, look for what dead workers left."""
    _begin()
    answer(reply_id)


work.__qualname__ = PATH  # workers import the task by its function's name


@cache
def _begin() -> None:
    look_for_lost_replies()


def __getattr__(name: str) -> Any:
    if name != PATH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    runner = get_runner()
    # A worker may still find tasks after the site has gone over to another runner.
    return (runner if isinstance(runner, TasksRunner) else TasksRunner()).task()
