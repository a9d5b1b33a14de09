"""Days as their reader counts them: the twin of frontend/src/ui/historyGroups.ts, word for word."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from django_chat_sessions import clock
from django_chat_sessions.models import AbstractChatSession

LABELS = {
    "today": _("Today"),
    "yesterday": _("Yesterday"),
    "week": _("Previous 7 days"),
    "older": _("Older"),
}
WEEK = 7  # days
# A time today or yesterday, a weekday within the week, else a date; in the reader's language.
FORMATS = {
    "today": "TIME_FORMAT",
    "yesterday": "TIME_FORMAT",
    "week": "D",
    "older": "MONTH_DAY_FORMAT",
}


@dataclass(frozen=True, slots=True)
class DayGroup:
    """The sessions of one stretch of days, in the order in which they were given."""

    key: str
    sessions: list[AbstractChatSession] = field(default_factory=list)

    @property
    def label(self) -> str:
        """The heading, in the reader's language."""
        return str(LABELS[self.key])


def grouped_by_day(sessions: Iterable[AbstractChatSession], now: datetime) -> list[DayGroup]:
    """Return the sessions by calendar days of Django's current time zone; empty groups left out.

    Days are counted by the calendar, for not all of them have 24 hours.
    """
    groups: dict[str, DayGroup] = {}
    for session in sessions:
        key = day_of(session.last_message_at, now)
        groups.setdefault(key, DayGroup(key)).sessions.append(session)
    return list(groups.values())


def day_of(moment: datetime | None, now: datetime) -> str:
    """Return the key of the group that a moment belongs to; one that is unknown is old."""
    if moment is None:
        return "older"
    days = (local(now).date() - local(moment).date()).days
    if days <= 1:
        return "yesterday" if days == 1 else "today"
    return "week" if days <= WEEK else "older"


def when_text(moment: datetime | None, now: datetime) -> str:
    """Return a moment as a list shows it; nothing for one that is unknown."""
    if moment is None:
        return ""
    here, style = local(moment), FORMATS[day_of(moment, now)]
    of_another_year = style == "MONTH_DAY_FORMAT" and here.year != local(now).year
    return date_format(here, "SHORT_DATE_FORMAT" if of_another_year else style)


def local(moment: datetime) -> datetime:
    """Return a stored moment in the time zone that Django has for this reader."""
    return timezone.localtime(clock.aware(moment))
