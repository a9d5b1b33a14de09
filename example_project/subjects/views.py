from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import LogoutView
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers, patch_cache_control, patch_vary_headers
from django.views.decorators.csrf import ensure_csrf_cookie

from subjects.models import Subject
from subjects.vite import GALLERY, bundle


def personal(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorator for pages that show what somebody has said.

    After a logout the back button must not bring them back, so no browser keeps them; a visitor
    has no logout, and gets the page as it was left.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if request.user.is_authenticated:
            add_never_cache_headers(response)
        else:
            patch_cache_control(response, private=True, no_cache=True)
        patch_vary_headers(response, ("Cookie",))
        return response

    return guarded


class LogOut(LogoutView):
    """Log out, and take what the chat has stored in the browser along: the reader's drafts."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        if request.method == "POST":
            response.headers["Clear-Site-Data"] = '"storage"'
        return response


@personal
def home(request: HttpRequest) -> HttpResponse:
    """Choose a subject."""
    subjects = Subject.objects.annotate(passage_count=Count("passages"))
    return render(request, "subjects/home.html", {"subjects": subjects})


@personal
@ensure_csrf_cookie
def subject(request: HttpRequest, pk: int) -> HttpResponse:
    """Read a subject and ask about it; the chat is XP's own React app."""
    chosen = get_object_or_404(Subject.objects.prefetch_related("passages"), pk=pk)
    context = {
        "subject": chosen,
        "questions": json.dumps(chosen.questions),
        "bundle": bundle(),
        "chat_url": chat_url(),
    }
    return render(request, "subjects/subject.html", context)


@personal
@ensure_csrf_cookie
def plain(request: HttpRequest) -> HttpResponse:
    """The same chat from template tags alone, for a site without a build step."""
    subjects = list(Subject.objects.all())
    wanted = request.GET.get("subject", "")
    chosen = next((subject for subject in subjects if subject.slug == wanted), None)
    if chosen is None and subjects:
        chosen = subjects[0]
    layout = "floating" if request.GET.get("layout") == "floating" else "panel"
    facts = {"subjects": subjects, "subject": chosen, "layout": layout}
    return render(request, "subjects/plain.html", facts)


@personal
def gallery(request: HttpRequest) -> HttpResponse:
    """Show the chat's components in every state; the page brings what they show along."""
    return render(request, "subjects/gallery.html", {"bundle": bundle(GALLERY)})


def chat_url() -> str:
    """Where the package's API is included."""
    return reverse("chat_sessions:sessions").removesuffix("/sessions")
