"""Whoever knew the id was the owner."""

from __future__ import annotations

from typing import Any

from django.db import models

from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession


class ChatSession(AbstractChatSession):
    id = models.BigAutoField(primary_key=True)
    old_id = models.CharField(max_length=100, null=True, unique=True, db_column="session_id")
    started_at = models.DateTimeField(null=True, editable=False, db_column="created_at")

    class Meta(AbstractChatSession.Meta):
        abstract = False

    @property
    def session_id(self) -> Any:
        return self.old_id


class Message(AbstractChatMessage):
    id = models.BigAutoField(primary_key=True)
    session = models.ForeignKey(
        ChatSession,
        models.CASCADE,
        db_index=False,
        related_name="messages",
        db_column="chat_session_id",
    )
    content = models.TextField(blank=True, default="", db_column="message_text")
    created_at = models.DateTimeField(null=True, editable=False, db_column="timestamp")
    was_user = models.BooleanField(null=True, db_column="is_user")

    class Meta(AbstractChatMessage.Meta):
        abstract = False

    @property
    def is_user(self) -> bool:
        return self.role == "user"

    @property
    def message_text(self) -> str:
        return self.content

    @property
    def chat_session(self) -> Any:
        return self.session
