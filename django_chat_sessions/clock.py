"""The one clock. All arithmetic is done on aware UTC times.

``now()`` and ``stored()`` give times in the form the database takes them (aware, or naive local
time under ``USE_TZ = False``); ``aware()`` turns such a time into UTC for rules and payloads.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo

from django.conf import settings
from django.utils import timezone


def now() -> datetime:
    """Return the present moment in the form the database takes it."""
    return timezone.now()


def today() -> date:
    """Return the present day in the current time zone."""
    return aware(now()).astimezone(timezone.get_current_timezone()).date()


def aware(moment: datetime) -> datetime:
    """Return a stored moment as aware UTC time."""
    if moment.tzinfo is UTC:  # as most are, and a page asks for hundreds
        return moment
    if timezone.is_naive(moment):
        moment = timezone.make_aware(moment, timezone.get_default_timezone())
    return in_zone(moment, UTC)


def in_zone(moment: datetime, zone: tzinfo | None) -> datetime:
    """Return an aware moment as clocks in ``zone`` show it, the system's if that is None.

    A host's row may say year 1 or 9999: what no clock there can show keeps its own day and time.
    """
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment.replace(tzinfo=zone or UTC)


def stored(moment: datetime) -> datetime:
    """Return an aware moment in the form the database takes it."""
    if settings.USE_TZ:
        return moment
    return timezone.make_naive(moment, timezone.get_default_timezone())


def after(moment: datetime, seconds: float) -> datetime:
    """Return the stored moment that many real seconds later, whatever the local clock does."""
    return stored(aware(moment) + timedelta(seconds=seconds))


def iso(moment: datetime) -> str:
    """Return a stored moment as it is told to others: UTC, ISO 8601, with microseconds and a Z."""
    # A list of 30 has 120 moments: strftime takes several times as long, the zone longer, too.
    return aware(moment).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def seconds_between(earlier: datetime, later: datetime) -> float:
    """Return the real seconds from one stored moment to another."""
    return (aware(later) - aware(earlier)).total_seconds()
