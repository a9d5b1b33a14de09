"""Replies by Celery: ``CHAT_SESSIONS["RUNNER"]`` is ``CeleryRunner`` here, or a subclass.

Add ``django_chat_sessions.contrib.celery`` to INSTALLED_APPS; Celery's ``autodiscover_tasks`` then
finds the task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import apps as registry  # `apps` is a module of this package
from django.core.checks import CheckMessage, Error

if TYPE_CHECKING:  # an app is imported before there are models
    from collections.abc import Iterator

    from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession

ID = "django_chat_sessions.E008"


class CeleryRunner:
    """Sends each reply's id to Celery; a worker answers it.

    Celery's own redelivery is not needed: what a killed worker leaves is found by its lease.
    """

    queue_name: str | None = None
    """The queue; None leaves it to Celery's routes."""
    patience: float | None = 60
    """Seconds a reply may wait for a worker."""

    def submit(self, reply: AbstractChatMessage, session: AbstractChatSession) -> None:
        """Send the reply's id."""
        # Imported late: Celery may not be installed, and what the task imports needs the models.
        from django_chat_sessions.contrib.celery.tasks import answer_reply  # noqa: PLC0415

        answer_reply.apply_async([str(reply.pk)], queue=self.queue_name)

    @classmethod
    def check(cls) -> list[CheckMessage]:
        """Say why replies would not be answered, or only inside of the request."""
        return list(cls._obstacles())

    @classmethod
    def _obstacles(cls) -> Iterator[CheckMessage]:
        try:
            from celery import current_app  # noqa: PLC0415
        except ModuleNotFoundError:
            way_out = "pip install 'celery>=5.5'."
            yield _error(cls, "Celery is not installed", way_out)
            return
        if not registry.is_installed(__name__):
            yield _error(
                cls,
                "no worker would find its task",
                f"Add {__name__!r} to INSTALLED_APPS; autodiscover_tasks() looks there.",
            )
        if current_app.main == "default" and not current_app.conf.broker_url:
            yield _error(
                cls,
                "there is no Celery app, so nobody knows the broker",
                "Make one, and import it in your project's __init__.py, as Celery's guide shows.",
            )
        if current_app.conf.task_always_eager:
            yield _error(
                cls,
                "task_always_eager lets the request wait for the whole answer",
                "Set it to False; for tests there is InlineRunner.",
            )


def _error(runner: type[CeleryRunner], problem: str, hint: str) -> CheckMessage:
    return Error(f"{runner.__name__} cannot work: {problem}.", hint=hint, id=ID)
