"""Nobody owns the old rows: staff alone sees them."""

from __future__ import annotations

from typing import Any

from django.db import models

from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession


class Conversation(AbstractChatSession):
    id = models.BigAutoField(primary_key=True)
    started_at = models.DateTimeField(null=True, editable=False, db_column="created_at")
    updated_at = models.DateTimeField(auto_now=True, null=True)

    class Meta(AbstractChatSession.Meta):
        abstract = False

    @property
    def created_at(self) -> Any:
        return self.started_at


class Message(AbstractChatMessage):
    id = models.BigAutoField(primary_key=True)
    session = models.ForeignKey(
        Conversation,
        models.CASCADE,
        db_index=False,
        related_name="messages",
        db_column="conversation_id",
    )
    role = models.CharField(max_length=20, default="user", db_default="user")

    class Meta(AbstractChatMessage.Meta):
        abstract = False

    @property
    def conversation(self) -> Any:
        return self.session
