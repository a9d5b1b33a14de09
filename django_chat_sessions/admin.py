"""Admin classes to register or subclass; this module registers nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_chat_sessions import clock
from django_chat_sessions.models import AbstractChatSession

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = admin.ModelAdmin


class ChatSessionAdmin(_Admin):
    """Sessions as staff sees them: who, when and how long; what was said stays with its owner."""

    list_display = ("id", "user", "scope", "session_state", "message_count", "last_message_at")
    list_select_related = ()  # no join: the accounts may be in another database
    search_fields = ("=id", "=user__pk")
    ordering = ("-pk",)
    show_full_result_count = False
    fields = (
        "id",
        "user",
        "scope",
        "session_state",
        "started_at",
        "last_activity_at",
        "last_message_at",
        "expires_at",
        "ended_at",
        "end_reason",
        "message_count",
    )
    readonly_fields = fields

    @admin.display(description=_("state"))
    def session_state(self, session: AbstractChatSession) -> str:
        """The state in words, derived."""
        return str(session.state(clock.now()).label)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("user")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
