"""Everything could be missing, and was."""

from __future__ import annotations

from typing import Any

from django.db import models

from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession


class ChatSession(AbstractChatSession):
    id = models.BigAutoField(primary_key=True)
    title = models.CharField(max_length=300, null=True, blank=True, default="", db_column="topic")
    started_at = models.DateTimeField(null=True, editable=False, db_column="created_at")

    class Meta(AbstractChatSession.Meta):
        abstract = False

    @property
    def topic(self) -> Any:
        return self.title


class ChatMessage(AbstractChatMessage):
    id = models.BigAutoField(primary_key=True)
    session = models.ForeignKey(
        ChatSession, models.CASCADE, db_index=False, related_name="messages", null=True
    )
    old_sender = models.CharField(max_length=20, null=True, db_column="sender")
    content = models.TextField(null=True, blank=True, default="", db_column="text")
    created_at = models.DateTimeField(null=True, editable=False, db_column="sent_at")

    class Meta(AbstractChatMessage.Meta):
        abstract = False

    @property
    def sender(self) -> str:
        return self.old_sender or ("user" if self.role == "user" else "bot")

    @property
    def text(self) -> str:
        return self.content
