"""The statistics page: figures in tables, with bars beside them that need no script or style."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from django_chat_sessions import clock, services
from django_chat_sessions.admin.crumbs import crumbs
from django_chat_sessions.models import EndReason

SPANS = (7, 30, 90, 365)  # days
USUAL_SPAN = 30
WIDTH, HEIGHT = 1000, 100  # of the drawing; the page stretches it
HEADINGS = {
    "started": _("sessions started"),
    "resumed": _("resumed"),
    "reopened": _("reopened"),
    "resumption_rate": _("resumption rate"),
    "replies": _("replies"),
    "answered": _("answered"),
    "failed": _("failed"),
    "stopped": _("stopped"),
    "interrupted": _("interrupted"),
    "running": _("being written"),
    "lost": _("lost"),
    "retried": _("more than one attempt"),
    "timed": _("answers timed"),
    "median_seconds": _("median, seconds"),
    "p95_seconds": _("95 of 100 within, seconds"),
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One day's bar in a drawing."""

    day: date | None
    count: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars from left to right."""

    title: Any
    most: int
    bars: list[Bar]


def chart(title: Any, days: list[services.Figures], value: Callable[[Any], int]) -> Chart:
    """Return a bar for each day, the highest as high as the drawing."""
    counts = [value(figures) for figures in days]
    most = max(counts)
    step = WIDTH / len(days)
    bars = []
    for number, (figures, count) in enumerate(zip(days, counts, strict=True)):
        height = round(HEIGHT * count / most, 2) if count else 0
        place = round(number * step, 2), HEIGHT - height
        bars.append(Bar(figures.day, count, *place, round(step * 0.8, 2), height))
    return Chart(title, most, bars)


def reason_labels(total: services.Figures) -> list[tuple[Any, int]]:
    """Return why sessions began, in words, the most frequent first."""
    words: dict[str, Any] = {
        **dict(EndReason.choices),
        "first": _("first chat here"),
        "reopened": _("the one before was reopened since"),
    }
    return [(words.get(reason, reason), count) for reason, count in total.new.most_common()]


def table(found: services.Statistics) -> list[list[Any]]:
    """Return the total, then each day on which something began, the latest first."""
    busy: list[Any] = [figures for figures in reversed(found.days) if figures.started]
    days = [(date_format(figures.day, "SHORT_DATE_FORMAT"), figures) for figures in busy]
    return [
        [name, *(_shown(getattr(figures, column)) for column in HEADINGS)]
        for name, figures in [(_("in all"), found.total), *days]
    ]


def _shown(value: Any) -> Any:
    return "-" if value is None else value


def _broken(figures: services.Figures) -> int:
    return figures.failed + figures.interrupted + figures.lost


def statistics_page(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Return the page for whoever may view sessions; the fixed number of statements of the verb."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    wanted = request.GET.get("days", "")
    span = next((span for span in SPANS if str(span) == wanted), USUAL_SPAN)
    today = clock.today()
    found = services.statistics(today - timedelta(days=span - 1), today)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Statistics"),
        "opts": model_admin.model._meta,
        **crumbs(),
        "statistics": found,
        "headings": [_("day"), *HEADINGS.values()],
        "table": table(found),
        "reasons": reason_labels(found.total),
        "charts": [
            chart(_("Sessions started"), found.days, lambda day: day.started),
            chart(_("Replies failed, interrupted or lost"), found.days, _broken),
        ],
        "width": WIDTH,
        "height": HEIGHT,
        "span": span,
        "spans": SPANS,
    }
    return TemplateResponse(request, "django_chat_sessions/admin/statistics.html", context)
