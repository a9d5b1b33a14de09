"""Tables of a host that had a chat before: own names, own columns, bigint keys, own extras."""

from __future__ import annotations

from django.db import models

from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession


class Conversation(AbstractChatSession):
    """The host's session: a bigint key and a column of its own."""

    id = models.BigAutoField(primary_key=True)
    started_at = models.DateTimeField(null=True, editable=False, db_column="created_on")
    language = models.CharField(max_length=8, default="en")

    class Meta(AbstractChatSession.Meta):
        abstract = False
        db_table = "legacy_conversation"


class Utterance(AbstractChatMessage):
    """The host's message, with its old column names."""

    id = models.BigAutoField(primary_key=True)
    session = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, db_index=False, related_name="messages"
    )
    role = models.CharField(max_length=10, db_column="sender", default="user")
    content = models.TextField(db_column="text", blank=True, default="")

    class Meta(AbstractChatMessage.Meta):
        abstract = False
        db_table = "legacy_utterance"
