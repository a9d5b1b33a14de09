"""A session had several users, and one of them was the bot."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession


class ChatSession(AbstractChatSession):
    id = models.BigAutoField(primary_key=True)
    users = models.ManyToManyField(settings.AUTH_USER_MODEL)

    class Meta(AbstractChatSession.Meta):
        abstract = False

    @property
    def chatmessage_set(self) -> Any:
        return self.messages


class ChatMessage(AbstractChatMessage):
    id = models.BigAutoField(primary_key=True)
    session = models.ForeignKey(
        ChatSession, models.CASCADE, db_index=False, related_name="messages"
    )
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True)
    content = models.TextField(blank=True, default="", db_column="message")
    created_at = models.DateTimeField(null=True, editable=False, db_column="timestamp")

    class Meta(AbstractChatMessage.Meta):
        abstract = False

    @property
    def message(self) -> str:
        return self.content

    @property
    def timestamp(self) -> Any:
        return self.created_at
