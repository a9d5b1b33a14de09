"""The role was a boolean."""

from __future__ import annotations

from typing import Any

from django.db import models

from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession


class ChatSession(AbstractChatSession):
    id = models.BigAutoField(primary_key=True)
    started_at = models.DateTimeField(null=True, editable=False, db_column="created_at")

    class Meta(AbstractChatSession.Meta):
        abstract = False

    @property
    def created_at(self) -> Any:
        return self.started_at

    @property
    def chatmessage_set(self) -> Any:
        return self.messages


class ChatMessage(AbstractChatMessage):
    id = models.BigAutoField(primary_key=True)
    session = models.ForeignKey(
        ChatSession, models.CASCADE, db_index=False, related_name="messages"
    )
    was_user = models.BooleanField(null=True, db_column="is_user")

    class Meta(AbstractChatMessage.Meta):
        abstract = False

    @property
    def is_user(self) -> bool:
        return self.role == "user"
