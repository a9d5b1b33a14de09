"""Counts what an owner has done lately, in the rows themselves: it holds across processes."""

from __future__ import annotations

from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q

from django_chat_sessions import clock
from django_chat_sessions.conf import app_settings
from django_chat_sessions.exceptions import TooManyMessages
from django_chat_sessions.models import AbstractChatSession, Role
from django_chat_sessions.owners import Owner
from django_chat_sessions.querysets import ChatSessionQuerySet
from django_chat_sessions.services import prepared
from django_chat_sessions.services.tables import messages, parts_of, sessions

MINUTE = 60
HOUR = 3600  # an answer that takes longer does not count
LOOKED_AT = 400  # sessions; SQLite takes 999 values, of which each may need two
A_MOMENT = 5  # seconds in which one of several answers may have ended


def refuse_excess(owner: Owner, now: datetime, *, asks: bool) -> list[AbstractChatSession]:
    """Raise TooManyMessages where another message would be more than the owner may send.

    ``asks`` says whether a reply would be asked for. Deleted sessions count; erased ones are gone.
    Those who come at the same instant do not see each other.
    1 statement, 2 when sessions of the last minute are as long as the limit; none without limits.
    Returns what it has read: the owner's sessions of the last hour that are open, or still count.
    """
    limits = app_settings.LIMITS
    most_replies = limits.replies_at_once if asks else None
    if limits.messages_per_minute is None and most_replies is None:
        return []
    a_minute_ago = clock.after(now, -MINUTE)
    since = {"last_message_at": clock.after(now, -HOUR), "ended_at": a_minute_ago}
    recent = prepared.rows(_lately, sessions(), **parts_of(owner), **since, running_until=now)
    if most_replies is not None and most_replies <= sum(one.is_running(now) for one in recent):
        raise TooManyMessages(A_MOMENT)
    most = limits.messages_per_minute
    in_it = [one for one in recent if one.last_message_at > a_minute_ago]
    # Never more messages of a minute than all of the sessions that had one in it.
    if most is not None and most <= sum(one.message_count for one in in_it):
        _refuse_from(most, _messages_of_a_minute(in_it, now, most), now)
    return recent


def refuse_starts(owner: Owner, now: datetime) -> None:
    """Raise TooManyMessages where the owner has begun as many sessions as messages are allowed.

    1 statement; none without that limit.
    """
    most = app_settings.LIMITS.messages_per_minute
    if most is not None:
        a_minute_ago = clock.after(now, -MINUTE)
        mine = sessions().belonging_to(owner).filter(last_message_at__gt=a_minute_ago)
        begun = mine.newest_first().filter(**_lately_by("started_at", now))
        _refuse_from(most, begun.values_list("last_message_at", flat=True), now)


def _lately(
    table: ChatSessionQuerySet,
    last_message_at: Any,
    ended_at: Any,
    running_until: Any,
    **whose: Any,
) -> ChatSessionQuerySet:
    """An owner's latest sessions that count: for most people one row, by the history's index."""
    mine = table.belonging_to(Owner(**whose)).filter(last_message_at__gt=last_message_at)
    # None ends before its last message.
    lately = Q(ended_at=None) | Q(ended_at__gt=ended_at) | Q(running_until__gt=running_until)
    return mine.filter(lately).newest_first()[:LOOKED_AT]


def _messages_of_a_minute(found: list[AbstractChatSession], now: datetime, most: int) -> Any:
    """Return when the owner's messages of the last minute were sent, the latest first."""
    # Of a session that may be long only the end is read: by position, which has an index. Where a
    # joined row has to give that position, SQLite and MariaDB read the whole session.
    ends = (Q(session=one.pk, position__gte=max(0, one.message_count - 2 * most)) for one in found)
    late = messages().filter(reduce(or_, ends), role=Role.USER, **_lately_by("created_at", now))
    return late.order_by("-created_at").values_list("created_at", flat=True)


def _lately_by(field: str, now: datetime) -> dict[str, datetime]:
    # Another server's clock may be ahead; what is later still is from before a clock was set back.
    return {f"{field}__gt": clock.after(now, -MINUTE), f"{field}__lte": clock.after(now, MINUTE)}


def _refuse_from(most: int, moments: Any, now: datetime) -> None:
    """Raise where there are ``most`` of these, the latest first; until one is a minute old."""
    oldest = next(iter(moments[most - 1 : most]), None)
    if oldest is not None:
        # Without time zones one from before the clock went back seems more than an hour old.
        raise TooManyMessages(max(1, MINUTE - int(clock.seconds_between(oldest, now))))
