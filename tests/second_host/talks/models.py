"""Chats in a database of their own, where there are no accounts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.signals import post_delete
from django.dispatch import receiver

from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession


class Talk(AbstractChatSession):
    """A session with a bigint key and no times of model-utils; its user is in another database."""

    id = models.BigAutoField(primary_key=True)
    created = None  # type: ignore[assignment]
    modified = None  # type: ignore[assignment]
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,  # Django would look for chats where the accounts are
        db_constraint=False,
        db_index=False,
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta(AbstractChatSession.Meta):
        abstract = False
        db_table = "second_talk"


class Saying(AbstractChatMessage):
    """A message with a bigint key."""

    id = models.BigAutoField(primary_key=True)
    session = models.ForeignKey(
        Talk, on_delete=models.CASCADE, db_index=False, related_name="messages"
    )

    class Meta(AbstractChatMessage.Meta):
        abstract = False
        db_table = "second_saying"


class Rehearsal(AbstractChatSession):
    """Another model on the same base, which the package is not told of."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="%(app_label)s_%(class)s_set",
    )


class Line(AbstractChatMessage):
    """Its messages."""

    session = models.ForeignKey(Rehearsal, on_delete=models.CASCADE, related_name="messages")


@receiver(post_delete, sender=settings.AUTH_USER_MODEL)
def forget_talks(instance: Any, **facts: Any) -> None:
    """Delete a user's chats with the account, as the database cannot."""
    Talk.objects.filter(user_id=instance.pk).delete()
