"""There was no session table."""

from __future__ import annotations

from django.db import models

from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession


class ChatSession(AbstractChatSession):
    id = models.BigAutoField(primary_key=True)

    class Meta(AbstractChatSession.Meta):
        abstract = False


class ChatMessage(AbstractChatMessage):
    id = models.BigAutoField(primary_key=True)
    session = models.ForeignKey(
        ChatSession,
        models.CASCADE,
        db_index=False,
        related_name="messages",
        db_column="chat_session_id",
        null=True,
    )
    chat_id = models.CharField(max_length=64, null=True, db_index=True, db_column="session_id")
    old_sender = models.CharField(max_length=20, null=True, db_column="sender")
    content = models.TextField(blank=True, default="", db_column="message")
    created_at = models.DateTimeField(null=True, editable=False, db_column="timestamp")

    class Meta(AbstractChatMessage.Meta):
        abstract = False

    @property
    def sender(self) -> str:
        return "user" if self.role == "user" else "bot"

    @property
    def message(self) -> str:
        return self.content
