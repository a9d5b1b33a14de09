"""The API, and pages of a host."""

from __future__ import annotations

import time

from django.contrib.auth import get_user_model, login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import RequestContext, Template
from django.urls import path

from tests.urls import urlpatterns as usual

PAGE = """{% load chat_sessions %}<h1>News of the day</h1>
{% chat_session_status %}{% chat_history %}{% chat_widget %}{{ request.chat_session.title }}
<footer>The end</footer>"""


def page(request: HttpRequest) -> HttpResponse:
    """A page that is about something else, and has the chat on it."""
    return HttpResponse(Template(PAGE).render(RequestContext(request)))


def enter(request: HttpRequest) -> HttpResponse:
    """Log a new user in."""
    user = get_user_model().objects.create_user(f"user-{time.monotonic_ns()}")
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return JsonResponse({"user": user.pk})


urlpatterns = [*usual, path("page", page), path("enter", enter)]
