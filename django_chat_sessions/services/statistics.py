"""Figures for operators: how chats begin, go on and are answered. No content, and no owner."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import (
    Case,
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    FilteredRelation,
    IntegerField,
    Q,
    Value,
    When,
)
from django.db.models.functions import Greatest
from django.utils import timezone

from django_chat_sessions import clock
from django_chat_sessions.models import ReplyState, Role
from django_chat_sessions.querysets import UNFINISHED
from django_chat_sessions.services.tables import sessions

MOST_DAYS = 366
CALENDAR = (date(1970, 1, 1), date(9000, 1, 1))  # every time zone and database knows these days
# Where the classes of answer times end, in seconds: each is a quarter wider than the one before.
TIME_CLASSES = [round(0.25 * 1.25**step, 3) for step in range(43)]
REOPENED = Q(opened_at__gt=F("started_at"))
OVER = (ReplyState.ANSWERED, ReplyState.FAILED, ReplyState.STOPPED, ReplyState.INTERRUPTED)
# In the order in which a person reads them.
COLUMNS = (
    *("started", "resumed", "reopened", "resumption_rate"),
    *("replies", "answered", "failed", "stopped", "interrupted", "running", "lost", "retried"),
    *("timed", "median_seconds", "p95_seconds"),
)


@dataclass(slots=True)
class Figures:
    """What is counted of the sessions that started on one day, or on all of them.

    ``new`` has the sessions by why they began: ``first``, or why the one before had ended.
    ``resumed`` are those in which their owner wrote again after the first message, ``reopened``
    those that were continued after they had been over. ``lost`` replies have no living worker and
    wait to be recovered; ``retried`` ones needed more than one attempt.
    """

    day: date | None = None
    new: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    reopened: int = 0
    returned: int = 0
    replies: int = 0
    answered: int = 0
    failed: int = 0
    stopped: int = 0
    interrupted: int = 0
    running: int = 0
    lost: int = 0
    retried: int = 0
    times: Counter[int] = field(default_factory=Counter)

    @property
    def started(self) -> int:
        """How many sessions started."""
        return self.new.total()

    @property
    def resumption_rate(self) -> float | None:
        """The share of sessions that their owner came back to, 0 to 1; None without sessions."""
        return round(self.returned / self.started, 3) if self.started else None

    @property
    def timed(self) -> int:
        """How many answers the times are of: the last one of each session, at first attempt."""
        return self.times.total()

    @property
    def median_seconds(self) -> float | None:
        """Half of the answers came within this time; to about a tenth."""
        return self._seconds_for(0.5)

    @property
    def p95_seconds(self) -> float | None:
        """Nineteen of twenty answers came within this time; to about a tenth."""
        return self._seconds_for(0.95)

    def _seconds_for(self, share: float) -> float | None:
        wanted, below = share * self.timed, 0
        for place in sorted(self.times):
            count = self.times[place]
            if below + count >= wanted:
                low, high = _class_of(place)
                return round(low + (high - low) * (wanted - below) / count, 2)
            below += count
        return None

    def as_dict(self) -> dict[str, Any]:
        """Return all figures by name, for JSON; ``new`` by reason."""
        return {"new": dict(self.new), **{name: getattr(self, name) for name in COLUMNS}}

    def __add__(self, other: Figures) -> Figures:
        """Return both together."""
        names = [one.name for one in fields(self) if one.name != "day"]
        return Figures(None, *(getattr(self, name) + getattr(other, name) for name in names))


@dataclass(frozen=True, slots=True)
class Statistics:
    """The figures of each day from ``since`` to ``until``, and of all of them together."""

    since: date
    until: date
    total: Figures
    days: list[Figures]


def statistics(since: date, until: date) -> Statistics:
    """Count the sessions that started on these days, both included, and the replies in them.

    Days are those of the current time zone. At most 366 of them. Raises TypeError for a datetime,
    and ValueError for days that cannot be counted.
    Reads what is stored: a session that was purged is not counted, and one whose predecessor was
    purged counts as ``first``. 3 statements.
    """
    for day in (since, until):
        if isinstance(day, datetime):  # which is a date, too, and has no place among days
            raise TypeError(f"{day!r} is a moment; give its day, a date.")
    count = (until - since).days + 1
    if count < 1:
        raise ValueError(f"The last day, {until}, is before the first, {since}.")
    for day in (until, since):  # the last one first: the command counts back from it
        if day < CALENDAR[0]:
            raise ValueError(f"{day} is too long ago; ask for days from 1970 on.")
        if day > CALENDAR[1]:
            raise ValueError(f"{day} is too far away; ask for days up to {CALENDAR[1]}.")
    if count > MOST_DAYS:
        raise ValueError(f"{since} to {until} is {count} days; ask for {MOST_DAYS} at most.")
    moments = [_midnight(since + timedelta(days=number)) for number in range(count + 1)]
    days = [Figures(since + timedelta(days=number)) for number in range(count)]
    _count_sessions(days, moments)
    _count_messages(days, moments)
    _count_times(days, moments)
    return Statistics(since, until, sum(days, Figures()), days)


def _midnight(day: date) -> datetime:
    zone = timezone.get_current_timezone()
    return clock.stored(datetime.combine(day, time.min, tzinfo=zone))


def _place(name: str, bounds: list[Any], first: int = 0) -> Any:
    """Return SQL for how many of the rising bounds a value has reached, found by halving.

    Days and classes are cut here and not by the database's functions, which need its time zone
    tables and differ on each.
    """
    if not bounds:
        return Value(first, output_field=IntegerField())
    middle = len(bounds) // 2
    below: dict[str, Any] = {f"{name}__lt": bounds[middle]}
    return Case(
        When(**below, then=_place(name, bounds[:middle], first)),
        default=_place(name, bounds[middle + 1 :], first + middle + 1),
    )


def _class_of(place: int) -> tuple[float, float]:
    """Return where a class of answer times begins and ends; the last has no width."""
    low = TIME_CLASSES[place - 1] if place else 0.0
    return low, TIME_CLASSES[min(place, len(TIME_CLASSES) - 1)]


def _by_day(moments: list[datetime]) -> Any:
    """Return the sessions of the range. Messages are joined to them: never read for themselves."""
    in_range = sessions().filter(started_at__gte=moments[0], started_at__lt=moments[-1])
    return in_range.order_by().annotate(stats_day=_place("started_at", moments[1:-1]))


def _count_sessions(days: list[Figures], moments: list[datetime]) -> None:
    why = Case(
        When(previous=None, then=Value("first")),
        When(previous__end_reason="", then=Value("reopened")),  # taken up again since
        default=F("previous__end_reason"),
    )
    rows = _by_day(moments).annotate(stats_why=why).values_list("stats_day", "stats_why")
    counted = rows.annotate(Count("pk"), stats_again=Count("pk", filter=REOPENED))
    for number, reason, started, reopened in counted:
        days[number].new[reason] += started
        days[number].reopened += reopened


def _count_messages(days: list[Figures], moments: list[datetime]) -> None:
    alive = Q(messages__lease_until__gt=clock.now())
    waiting = Q(messages__state__in=UNFINISHED)
    spoke_again = Q(messages__role=Role.USER, messages__position__gt=0)
    messages = {
        "replies": Q(messages__state__gt=""),
        **{state.value: Q(messages__state=state) for state in OVER},
        "running": waiting & alive,
        "lost": waiting & ~alive,
        "retried": Q(messages__attempt__gt=1),
    }
    came_back = {"resumed": spoke_again, "returned": spoke_again | REOPENED}
    counts = {name: Count("messages", filter=which) for name, which in messages.items()}
    counts |= {name: Count("pk", filter=which, distinct=True) for name, which in came_back.items()}
    named = {f"stats_{name}": count for name, count in counts.items()}
    for number, *found in _by_day(moments).values_list("stats_day").annotate(**named):
        for name, value in zip(counts, found, strict=True):
            setattr(days[number], name, value)


def _count_times(days: list[Figures], moments: list[datetime]) -> None:
    """Count answers by the class of their time.

    No column holds when an answer was complete; the session's last message does, for its last
    answer, unless a reopening has moved it since. Later attempts waited for their reader.
    """
    as_it_ended = Q(last_message_at__gt=F("opened_at")) | Q(opened_at=F("started_at"))
    # MariaDB refuses an unsigned number below zero, whether the row counts or not.
    place = Greatest(F("message_count"), Value(1)) - Value(1)
    last = FilteredRelation("messages", condition=Q(messages__position=place))
    taken = ExpressionWrapper(
        F("last_message_at") - F("stats_last__created_at"), output_field=DurationField()
    )
    bounds = [timedelta(seconds=end) for end in TIME_CLASSES]
    rows = _by_day(moments).annotate(stats_last=last)
    rows = rows.filter(as_it_ended, stats_last__state=ReplyState.ANSWERED, stats_last__attempt=1)
    rows = rows.annotate(stats_taken=taken).annotate(stats_class=_place("stats_taken", bounds))
    counted = rows.values_list("stats_day", "stats_class").annotate(Count("pk"))
    for number, place, count in counted:
        days[number].times[place] += count
