"""The facts: abstract models only, so that this app has no tables of its own.

A host installs ``django_chat_sessions.default_models`` or subclasses both classes, declares the
message's ``session`` foreign key with ``related_name="messages"`` and names the session model in
``CHAT_SESSIONS["SESSION_MODEL"]``. Columns may be renamed with ``db_column``, attributes not.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from model_utils.fields import AutoCreatedField, AutoLastModifiedField
from model_utils.models import TimeStampedModel

from django_chat_sessions import clock, ids
from django_chat_sessions.policies import Activity, Deadline, deadline_for
from django_chat_sessions.querysets import UNFINISHED, ChatMessageQuerySet, ChatSessionQuerySet


class EndReason(models.TextChoices):
    """Why a session ended. A policy may add its own reasons of up to 20 characters."""

    USER = "user", _("ended by its owner")
    IDLE = "idle", _("no activity")
    MAX_AGE = "max_age", _("open too long")
    DAY = "day", _("the day was over")
    REPLACED = "replaced", _("another chat was continued")
    MERGED = "merged", _("joined with another chat")
    STAFF = "staff", _("ended by staff")
    DELETED = "deleted", _("deleted by its owner")


# These end a session on purpose; every other reason is a timeout of some kind.
DELIBERATE_REASONS = frozenset({"user", "replaced", "merged", "staff", "deleted"})


class SessionState(models.TextChoices):
    """Derived when it is asked for, so that it is never out of date."""

    # With a context: the catalogue of django.contrib.auth, often before ours, has accounts in mind.
    ACTIVE = "active", pgettext_lazy("chat session", "active")
    EXPIRED = "expired", _("expired")
    ENDED = "ended", _("ended")


class Role(models.TextChoices):
    """Who speaks."""

    USER = "user", _("user")
    ASSISTANT = "assistant", _("assistant")
    SYSTEM = "system", _("system")
    TOOL = "tool", _("tool")

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:
        raise ValueError(f"{value!r} is not a role; give one of {', '.join(cls.values)}.")


class ReplyState(models.TextChoices):
    """How far a reply has come; empty for a message that is not a reply."""

    PENDING = "pending", _("waiting")
    RUNNING = "running", _("being written")
    ANSWERED = "answered", _("answered")
    FAILED = "failed", _("failed")
    STOPPED = "stopped", _("stopped")
    INTERRUPTED = "interrupted", _("interrupted")


class FillsPrimaryKey(models.Model):
    """Gives a row its time-ordered id: a default would freeze our path into hosts' migrations."""

    class Meta:
        abstract = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.pk is None:
            self.pk = ids.new_primary_key(type(self))


class AbstractChatSession(FillsPrimaryKey, TimeStampedModel):
    """One conversation, bounded by inactivity.

    ``open_key`` is set while the session holds its owner's one open place in its scope, NULL
    afterwards; its unique index is both the lookup and the guarantee. ``modified`` is not the
    activity clock: ``last_activity_at`` is, and only the services move it.
    """

    id: models.Field[Any, Any] = models.UUIDField(primary_key=True, editable=False)
    # Nullable, unlike theirs, so that a host's old code can go on inserting while it deploys.
    created = AutoCreatedField(_("created"), null=True)  # type: ignore[misc]
    modified = AutoLastModifiedField(_("modified"), null=True)  # type: ignore[misc]

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        db_index=False,  # the history index begins with it
        related_name="%(app_label)s_%(class)s_set",
    )
    visitor_key = models.CharField(
        _("visitor key"), max_length=64, null=True, blank=True, editable=False
    )
    scope = models.CharField(_("scope"), max_length=100, blank=True, default="", db_default="")
    open_key = models.UUIDField(null=True, blank=True, unique=True, editable=False)

    started_at = models.DateTimeField(_("started at"), null=True, editable=False)
    opened_at = models.DateTimeField(null=True, editable=False)
    last_activity_at = models.DateTimeField(_("last activity"), null=True, editable=False)
    last_message_at = models.DateTimeField(_("last message"), null=True, editable=False)
    expires_at = models.DateTimeField(_("expires at"), null=True, editable=False)
    running_until = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(_("ended at"), null=True, editable=False)
    end_reason = models.CharField(
        _("end reason"), max_length=20, blank=True, default="", db_default="", editable=False
    )
    previous = models.ForeignKey(
        "self",
        verbose_name=_("previous session"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )

    title = models.CharField(_("title"), max_length=200, blank=True, default="", db_default="")
    preview = models.CharField(
        max_length=200, blank=True, default="", db_default="", editable=False
    )
    message_count = models.PositiveIntegerField(
        _("messages"), default=0, db_default=0, editable=False
    )
    unread = models.BooleanField(_("unread"), default=False, db_default=False, editable=False)
    pinned_at = models.DateTimeField(null=True, blank=True, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    metadata = models.JSONField(default=dict, null=True, blank=True)

    objects = ChatSessionQuerySet.as_manager()

    if TYPE_CHECKING:
        messages: Any  # the manager that the concrete message's foreign key gives
        user_id: Any
        previous_id: Any

    class Meta:
        abstract = True
        verbose_name = _("chat session")
        verbose_name_plural = _("chat sessions")
        # No index holds last_activity_at or expires_at: a touch stays a HOT update on PostgreSQL.
        indexes = [
            models.Index(fields=["user", "last_message_at"]),
            models.Index(fields=["visitor_key", "last_message_at"]),
            models.Index(fields=["user", "pinned_at"]),
            models.Index(fields=["visitor_key", "pinned_at"]),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    @classmethod
    def check(cls, **kwargs: Any) -> list[CheckMessage]:
        """Say also that the core app is missing: without it no other check of ours is there."""
        found: list[CheckMessage] = super().check(**kwargs)
        if not apps.is_installed("django_chat_sessions"):
            found.append(
                Error(
                    "INSTALLED_APPS has no 'django_chat_sessions': there are no templates, no "
                    "commands and no other checks, and no visitor's chats move at login.",
                    hint="Add 'django_chat_sessions' to INSTALLED_APPS.",
                    id="django_chat_sessions.E009",
                )
            )
        return found

    def activity(self) -> Activity:
        """Return what a timeout policy may know; a running answer counts until its lease ends."""
        last = self.last_activity_at or self.started_at or clock.now()
        if self.running_until is not None:
            last = max(last, self.running_until)
        return Activity(
            opened_at=clock.aware(self.opened_at or self.started_at or last),
            last_activity_at=clock.aware(last),
            scope=self.scope,
            user_id=self.user_id,
            visitor_key=self.visitor_key,
        )

    def deadline(self) -> Deadline | None:
        """Return when the policy would end this session as its activity stands, or None."""
        return deadline_for(self.activity())

    def is_lapsed(self, now: datetime) -> bool:
        """Whether the expiry has passed; at the very moment of expiry it has."""
        return self.open_key is not None and self.expires_at is not None and self.expires_at <= now

    def is_active(self, now: datetime) -> bool:
        """Whether the session takes messages."""
        return self.open_key is not None and self.deleted_at is None and not self.is_lapsed(now)

    def is_running(self, now: datetime) -> bool:
        """Whether an answer is being written by a worker that is alive."""
        return self.running_until is not None and self.running_until > now

    def state(self, now: datetime) -> SessionState:
        """Return the state; the same whether or not a sweep has passed over the row."""
        if self.is_active(now):
            return SessionState.ACTIVE
        if self.final_reason(now) in DELIBERATE_REASONS:
            return SessionState.ENDED
        return SessionState.EXPIRED

    def final_reason(self, now: datetime) -> str:
        """Return why the session is over: what was stored, or what a sweep would store."""
        if self.end_reason or not self.is_lapsed(now):
            return self.end_reason
        deadline = self.deadline()
        return deadline.reason if deadline is not None else EndReason.IDLE.value

    def final_moment(self, now: datetime) -> datetime | None:
        """Return when the session was over: what was stored, or what a sweep would store."""
        return self.expires_at if self.is_lapsed(now) else self.ended_at


class AbstractChatMessage(FillsPrimaryKey, models.Model):
    """One utterance. A concrete class declares the foreign key ``session``.

    A reply is a message too: ``state`` says how far it has come, ``lease_until`` and ``token``
    which worker may write it.
    """

    id: models.Field[Any, Any] = models.UUIDField(primary_key=True, editable=False)
    role = models.CharField(
        _("role"), max_length=10, choices=Role, default=Role.USER, db_default="user"
    )
    content = models.TextField(_("content"), blank=True, default="")
    client_key = models.UUIDField(null=True, unique=True, editable=False)
    position = models.PositiveIntegerField(null=True, editable=False)
    state = models.CharField(
        _("state"), max_length=12, blank=True, choices=ReplyState, default="", db_default=""
    )
    error = models.TextField(_("error"), blank=True, null=True, default="", editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    token = models.UUIDField(null=True, editable=False)
    attempt = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    created_at = models.DateTimeField(_("created at"), null=True, editable=False)
    metadata = models.JSONField(default=dict, null=True, blank=True)

    objects = ChatMessageQuerySet.as_manager()

    if TYPE_CHECKING:
        session: models.ForeignKey[Any, Any]
        session_id: Any

    class Meta:
        abstract = True
        verbose_name = _("chat message")
        verbose_name_plural = _("chat messages")
        constraints = [
            models.UniqueConstraint(
                fields=["session", "position"], name="%(app_label)s_%(class)s_position"
            ),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    def reply_state(self, now: datetime) -> str:
        """Return the reply's state; one that a dead worker left behind is interrupted."""
        waiting = self.state in UNFINISHED
        if waiting and (self.lease_until is None or self.lease_until <= now):
            return ReplyState.INTERRUPTED.value
        return self.state
