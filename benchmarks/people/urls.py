"""The chat, and a door through which a visitor becomes a user."""

from __future__ import annotations

from django.contrib.auth import get_user_model, login
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def enter(request: HttpRequest, name: str) -> HttpResponse:
    """Log somebody in, as a password would; the first time they are given an account."""
    user, _is_new = get_user_model()._default_manager.get_or_create(username=name)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponse(status=204)


urlpatterns = [
    path("enter/<str:name>", enter),
    path("chat/", include("django_chat_sessions.urls")),
]
