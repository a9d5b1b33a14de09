"""The user was a text, and so was whoever spoke."""

from __future__ import annotations

from typing import Any

from django.db import models

from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession


class ChatSession(AbstractChatSession):
    id = models.BigAutoField(primary_key=True)
    user_name = models.CharField(max_length=100, null=True, db_column="user")
    started_at = models.DateTimeField(null=True, editable=False, db_column="created_at")

    class Meta(AbstractChatSession.Meta):
        abstract = False

    @property
    def message(self) -> Any:
        return self.messages


class Message(AbstractChatMessage):
    id = models.BigAutoField(primary_key=True)
    session = models.ForeignKey(
        ChatSession, models.CASCADE, db_index=False, related_name="messages"
    )
    content = models.TextField(blank=True, default="", db_column="message")
    created_at = models.DateTimeField(null=True, editable=False, db_column="timestamp")
    old_sender = models.CharField(max_length=50, null=True, db_column="sender")

    class Meta(AbstractChatMessage.Meta):
        abstract = False

    @property
    def sender(self) -> str:
        return self.old_sender or {"user": "user"}.get(self.role, "bot")

    @property
    def message(self) -> str:
        return self.content

    @property
    def timestamp(self) -> Any:
        return self.created_at
