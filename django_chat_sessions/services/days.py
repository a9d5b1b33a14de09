"""The history in groups, by the reader's calendar days. No query: a list becomes groups."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from django.utils.translation import gettext_lazy as _

from django_chat_sessions import clock
from django_chat_sessions.models import AbstractChatSession

# The client has the same, in historyGroups.ts.
LABELS: dict[str, Any] = {
    "pinned": _("Pinned"),
    "today": _("Today"),
    "yesterday": _("Yesterday"),
    "week": _("Previous 7 days"),
    "older": _("Older"),
}
WEEK = 7  # days


@dataclass(frozen=True, slots=True)
class Day:
    """Some sessions of the history under one heading: a day, some days, or those pinned.

    ``key`` is ``pinned``, ``today``, ``yesterday``, ``week`` or ``older``; ``label`` the heading
    in the reader's language.
    """

    key: str
    label: Any
    sessions: list[AbstractChatSession]


def grouped_by_day(
    sessions: Iterable[AbstractChatSession], now: datetime, tz: tzinfo | None
) -> list[Day]:
    """Return the sessions under the days of their latest messages, as ``tz`` has them.

    Days are counted by the calendar there, for not all of them have 24 hours. Groups without a
    session are left out; within a group the order stays. 0 statements.
    """
    today = clock.aware(now).astimezone(tz).date()
    groups: dict[str, list[AbstractChatSession]] = {key: [] for key in LABELS}
    for session in sessions:
        moment = clock.aware(session.last_message_at or session.started_at or now)
        age = today - clock.in_zone(moment, tz).date()
        groups["pinned" if session.pinned_at is not None else _key(age)].append(session)
    return [Day(key, LABELS[key], rows) for key, rows in groups.items() if rows]


def _key(age: timedelta) -> str:
    if age.days <= 0:
        return "today"
    if age.days == 1:
        return "yesterday"
    return "week" if age.days <= WEEK else "older"
