from __future__ import annotations

from django.db import models

from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession


class ChatSession(AbstractChatSession):
    """The ready-made session."""

    class Meta(AbstractChatSession.Meta):
        abstract = False


class ChatMessage(AbstractChatMessage):
    """The ready-made message."""

    session = models.ForeignKey(
        ChatSession,
        on_delete=models.CASCADE,
        db_index=False,  # the unique (session, position) begins with it
        related_name="messages",
    )

    class Meta(AbstractChatMessage.Meta):
        abstract = False
