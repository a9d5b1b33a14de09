from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import include, path
from rest_framework_simplejwt.views import TokenObtainPairView


def page(request: HttpRequest) -> HttpResponse:
    """A page with a chat in it."""
    return render(request, "second_host/page.html")


def where(request: HttpRequest) -> JsonResponse:
    """Which chat the middleware found."""
    session = request.chat_session  # type: ignore[attr-defined]
    return JsonResponse({"session": str(session.pk) if session else None})


urlpatterns = [
    path("admin/", admin.site.urls),
    path("chat/", include("django_chat_sessions.urls")),
    path("token/", TokenObtainPairView.as_view()),
    path("page/", page),
    path("where/", where),
]
