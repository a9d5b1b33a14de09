"""Roles were in upper case."""

from __future__ import annotations

from typing import Any

from django.db import models

from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession


class ChatSession(AbstractChatSession):
    id = models.BigAutoField(primary_key=True)
    created = None  # the site has such times under other names
    modified = None
    started_at = models.DateTimeField(null=True, editable=False, db_column="created_at")
    updated_at = models.DateTimeField(auto_now=True, null=True)

    class Meta(AbstractChatSession.Meta):
        abstract = False

    @property
    def created_at(self) -> Any:
        return self.started_at


class ChatMessage(AbstractChatMessage):
    id = models.BigAutoField(primary_key=True)
    session = models.ForeignKey(
        ChatSession, models.CASCADE, db_index=False, related_name="messages"
    )
    content = models.TextField(blank=True, default="", db_column="message")
    role = models.CharField(max_length=10, default="user", db_default="user", db_column="type")
    created_at = models.DateTimeField(null=True, editable=False, db_column="timestamp")

    class Meta(AbstractChatMessage.Meta):
        abstract = False

    @property
    def type(self) -> str:
        return self.role.upper()

    @property
    def message(self) -> str:
        return self.content
