"""Moments as a list shows them, in the reader's language and time zone."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format

from django_chat_sessions import clock
from django_chat_sessions.services.days import WEEK


def when_text(moment: datetime | None, now: datetime, *, is_under_day: bool = True) -> str:
    """Return the time if that was today, within a week the weekday, else the date.

    The time of yesterday, too, where it stands under a heading that says so. Nothing for a moment
    that is unknown. Days are counted in Django's current time zone.
    """
    if moment is None:
        return ""
    here, today = local(moment), local(now)
    age = (today.date() - here.date()).days
    if age <= int(is_under_day):
        style = "TIME_FORMAT"
    elif age <= WEEK:
        style = "D"
    else:
        style = "MONTH_DAY_FORMAT" if here.year == today.year else "SHORT_DATE_FORMAT"
    return date_format(here, style)


def deadline_text(moment: datetime | None, now: datetime) -> str:
    """Return the time if that is today, else the date and the time; "" for no deadline."""
    if moment is None:
        return ""
    here = local(moment)
    is_today = here.date() == local(now).date()
    return date_format(here, "TIME_FORMAT" if is_today else "DATETIME_FORMAT")


def as_stored(moment: datetime) -> datetime:
    """Return a page's moment in the form the database takes it; a naive one is the reader's."""
    return clock.stored(timezone.make_aware(moment) if timezone.is_naive(moment) else moment)


def local(moment: datetime) -> datetime:
    """Return a stored moment in the time zone that Django has for this reader."""
    return clock.in_zone(clock.aware(moment), timezone.get_current_timezone())
