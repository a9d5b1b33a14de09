"""Visitors were known by Django's session key."""

from __future__ import annotations

from typing import Any

from django.db import models

from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession


class ChatSession(AbstractChatSession):
    id = models.BigAutoField(primary_key=True)
    session_key = models.CharField(max_length=40, null=True, unique=True)
    ip_address = models.GenericIPAddressField(null=True)
    user_agent = models.TextField(null=True)
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

    class Meta(AbstractChatMessage.Meta):
        abstract = False
