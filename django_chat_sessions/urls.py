"""``path("chat/", include("django_chat_sessions.urls"))``."""

from __future__ import annotations

from django_chat_sessions.api.urls import urlpatterns

app_name = "chat_sessions"

__all__ = ["app_name", "urlpatterns"]
