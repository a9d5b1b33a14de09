"""The task; its name stands in queues and must not change."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import worker_ready
from django.db import connections

from django_chat_sessions.contrib.queued import answer, look_for_lost_replies

answer_reply: Any = shared_task(name="django_chat_sessions.answer_reply", ignore_result=True)(
    answer
)


def begin(**kwargs: Any) -> None:
    """A worker has started: deal with what dead ones left."""
    look_for_lost_replies()
    connections.close_all()  # the worker's main process may fork again


worker_ready.connect(begin)
