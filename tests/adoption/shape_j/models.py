"""The site's models had a base of their own, UUIDs as keys, and JSON as content."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models

from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession


class TimestampedModel(models.Model):
    """The base of every model of the site."""

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class Chat(AbstractChatSession, TimestampedModel):  # noqa: DJ008  inherited
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = None
    started_at = models.DateTimeField(null=True, editable=False, db_column="created_at")

    class Meta(AbstractChatSession.Meta):
        abstract = False


class Message(AbstractChatMessage, TimestampedModel):  # noqa: DJ008  inherited
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(null=True, editable=False)
    session = models.ForeignKey(
        Chat, models.CASCADE, db_index=False, related_name="messages", db_column="chat_id"
    )
    role = models.CharField(max_length=20, default="user", db_default="user")
    body = models.JSONField(null=True, db_column="content")
    content = models.TextField(null=True, blank=True, default="", db_column="content_text")

    class Meta(AbstractChatMessage.Meta):
        abstract = False

    @property
    def chat(self) -> Any:
        return self.session
