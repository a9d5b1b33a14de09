from __future__ import annotations

from django.urls import include, path

from benchmarks.http.bare import bare

urlpatterns = [
    path("chat/", include("django_chat_sessions.urls")),
    path("bare/<path:route>", bare),
]
