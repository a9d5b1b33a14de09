from __future__ import annotations

import json

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie

from subjects.models import Subject
from subjects.vite import bundle


def home(request: HttpRequest) -> HttpResponse:
    """Choose a subject."""
    subjects = Subject.objects.annotate(passage_count=Count("passages"))
    return render(request, "subjects/home.html", {"subjects": subjects})


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


@ensure_csrf_cookie
def plain(request: HttpRequest) -> HttpResponse:
    """The same chat from template tags alone, for a site without a build step."""
    subjects = list(Subject.objects.all())
    wanted = request.GET.get("subject", "")
    chosen = next((subject for subject in subjects if subject.slug == wanted), None)
    if chosen is None and subjects:
        chosen = subjects[0]
    return render(request, "subjects/plain.html", {"subjects": subjects, "subject": chosen})


def chat_url() -> str:
    """Where the package's API is included."""
    return reverse("chat_sessions:sessions").removesuffix("/sessions")
