"""XP's tables. The chat is older than the package: its columns and keys have stayed."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.db import models
from django.urls import reverse

from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession

SCOPE = "subject:"


class Subject(models.Model):
    """What can be asked about."""

    name = models.CharField(max_length=100)
    slug = models.SlugField(unique=True)
    description = models.TextField(blank=True)
    questions = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("subject", args=[self.pk])

    @property
    def scope(self) -> str:
        """The chat's name for this subject; each has a conversation of its own."""
        return f"{SCOPE}{self.pk}"


class Passage(models.Model):
    """One idea, explained; answers cite it."""

    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="passages")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    text = models.TextField()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["subject", "number"], name="one_passage_per_number")
        ]

    def __str__(self) -> str:
        return self.title


class ChatSession(AbstractChatSession):
    """XP's own table, its keys and columns as they were; the package's columns beside them."""

    id = models.BigAutoField(primary_key=True)
    # XP's old code says user.chat_sessions; the package does not mind.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        db_index=False,
        related_name="chat_sessions",
    )
    subject = models.ForeignKey(
        Subject, on_delete=models.CASCADE, null=True, blank=True, related_name="chat_sessions"
    )
    started_at = models.DateTimeField(null=True, editable=False, db_column="created_at")

    class Meta(AbstractChatSession.Meta):
        abstract = False

    def save(self, *args: Any, **kwargs: Any) -> None:
        # The package knows the scope only; XP's own pages and reports join on the subject.
        if self.subject_id is None and self.scope.startswith(SCOPE):
            self.subject = subject_of(self.scope)
        super().save(*args, **kwargs)

    @property
    def created_at(self) -> Any:
        """The name that XP's old code uses."""
        return self.started_at

    @property
    def chat_messages(self) -> Any:
        """The name that XP's old code uses."""
        return self.messages


class ChatMessage(AbstractChatMessage):
    """XP's own table; `sender`, `text` and `sent_at` are still the names of its columns."""

    SENDERS = {"user": "student"}

    id = models.BigAutoField(primary_key=True)
    session = models.ForeignKey(
        ChatSession,
        on_delete=models.CASCADE,
        db_column="chat_session_id",
        db_index=False,  # the unique (session, position) begins with it
        related_name="messages",
    )
    role = models.CharField(max_length=10, db_column="sender", default="user", db_default="user")
    content = models.TextField(blank=True, default="", db_column="text")
    created_at = models.DateTimeField(null=True, editable=False, db_column="sent_at")

    class Meta(AbstractChatMessage.Meta):
        abstract = False

    @property
    def chat_session(self) -> ChatSession:
        """The name that XP's old code uses."""
        return self.session

    @property
    def sender(self) -> str:
        """What XP's old code expects: student or bot."""
        return self.SENDERS.get(self.role, "bot")

    @property
    def text(self) -> str:
        """The name that XP's old code uses."""
        return self.content

    @property
    def sent_at(self) -> Any:
        """The name that XP's old code uses."""
        return self.created_at


def subject_of(scope: str) -> Subject | None:
    """The subject that a scope names, if there is one."""
    number = scope.removeprefix(SCOPE)
    # A scope is what a browser sent: 19 digits may be more than a bigint holds.
    if not re.fullmatch(r"[0-9]{1,18}", number):
        return None
    return Subject.objects.filter(pk=int(number)).first()
