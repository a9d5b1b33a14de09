"""A question and its answer shared a row."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession


class ChatSession(AbstractChatSession):
    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        db_column="user_id_id",
        db_index=False,
        related_name="shape_e_sessions",
    )
    started_at = models.DateTimeField(null=True, editable=False, db_column="created_at")

    class Meta(AbstractChatSession.Meta):
        abstract = False

    @property
    def created_at(self) -> Any:
        return self.started_at


class ChatMessage(AbstractChatMessage):
    id = models.BigAutoField(primary_key=True)
    session = models.ForeignKey(
        ChatSession,
        models.CASCADE,
        db_index=False,
        related_name="messages",
        db_column="session_id_id",
    )
    content = models.TextField(blank=True, default="", db_column="user_message")
    chatbot_message = models.TextField(null=True)
    modified_at = models.DateTimeField(auto_now=True, null=True)

    class Meta(AbstractChatMessage.Meta):
        abstract = False

    @property
    def user_message(self) -> str:
        return self.content if self.role == "user" else ""
