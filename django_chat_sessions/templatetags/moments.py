"""Moments as a list shows them, in the reader's language and time zone."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format

from django_chat_sessions import clock
from django_chat_sessions.services.days import WEEK


def when_text(moment: datetime | None, now: datetime) -> str:
    """Return the time if that was today or yesterday, within a week the weekday, else the date.

    Nothing for a moment that is unknown. Days are counted in Django's current time zone.
    """
    if moment is None:
        return ""
    here, today = local(moment), local(now)
    age = (today.date() - here.date()).days
    if age <= 1:
        style = "TIME_FORMAT"
    elif age <= WEEK:
        style = "D"
    else:
        style = "MONTH_DAY_FORMAT" if here.year == today.year else "SHORT_DATE_FORMAT"
    return date_format(here, style)


def local(moment: datetime) -> datetime:
    """Return a stored moment in the time zone that Django has for this reader."""
    return timezone.localtime(clock.aware(moment))
