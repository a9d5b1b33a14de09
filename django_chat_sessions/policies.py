"""When a session expires: small, pure, replaceable objects. No database, no HTTP, no clock."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any

from django_chat_sessions.conf import app_settings

logger = logging.getLogger(__name__)

LONGEST_REASON = 20  # characters, as the end_reason column has them
LATEST = datetime(9000, 1, 1, tzinfo=UTC)  # datetime.max is out of range in most time zones
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # NUL and lone surrogates, in some databases


@dataclass(frozen=True, slots=True)
class Activity:
    """What a policy may know about a session. Times are aware.

    ``opened_at`` is the start or the latest reopening; ``last_activity_at`` the latest activity,
    or, while an answer is being written, the end of that answer's lease.
    """

    opened_at: datetime
    last_activity_at: datetime
    scope: str = ""
    user_id: Any = None
    visitor_key: str | None = None


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment a session expires unless there is activity before, and the rule that says so."""

    at: datetime
    reason: str


class TimeoutPolicy:
    """Decides when a session expires. Subclass it and name it in ``TIMEOUT_POLICY``."""

    def deadline(self, activity: Activity) -> Deadline | None:
        """Return when the session expires, or None for never.

        The session can be resumed while ``now < deadline.at`` and not a moment longer.
        ``reason`` becomes the session's ``end_reason`` (at most 20 characters, without NUL and lone
        surrogates; anything more is left out). A moment after the year 9000 counts as that year.
        """
        raise NotImplementedError("A TimeoutPolicy must define deadline(activity).")


class IdleTimeoutPolicy(TimeoutPolicy):
    """Expire after a time without activity; optionally also by age and at local midnight.

    ``timeout``: seconds without activity (reason ``idle``); 300, as Amazon Lex has it.
    ``max_age``: seconds since the session was opened (reason ``max_age``).
    ``day_ends_in``: a time zone; the session expires at the first midnight there after its last
    activity (reason ``day``).
    """

    def __init__(
        self,
        timeout: float | None = 300,
        *,
        max_age: float | None = None,
        day_ends_in: tzinfo | None = None,
    ) -> None:
        for name, value in (("timeout", timeout), ("max_age", max_age)):
            if value is not None:
                _refuse_what_is_no_time(f"{name} is", value, "above 0, or None for never")
        self.timeout = timeout
        self.max_age = max_age
        self.day_ends_in = day_ends_in

    def timeout_for(self, activity: Activity) -> float | None:
        """Return the idle timeout in seconds for this owner and scope; None for never."""
        return self.timeout

    def deadline(self, activity: Activity) -> Deadline | None:
        """Return the earliest of the configured limits, or None when there is none."""
        limits = []
        timeout = self.timeout_for(activity)
        if timeout is not None:
            _refuse_what_is_no_time("timeout_for() returned", timeout, "above 0")
            limits.append(Deadline(activity.last_activity_at + timedelta(seconds=timeout), "idle"))
        if self.max_age is not None:
            limits.append(Deadline(activity.opened_at + timedelta(seconds=self.max_age), "max_age"))
        if self.day_ends_in is not None:
            limits.append(Deadline(self._next_midnight(activity.last_activity_at), "day"))
        return min(limits, key=lambda limit: limit.at, default=None)

    def _next_midnight(self, moment: datetime) -> datetime:
        day = moment.astimezone(self.day_ends_in).date() + timedelta(days=1)
        # A midnight that daylight saving skips reads as the day's first instant once in UTC.
        return datetime.combine(day, time.min, self.day_ends_in).astimezone(moment.tzinfo)


def _refuse_what_is_no_time(what: str, seconds: Any, wanted: str) -> None:
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):  # such as a timedelta
        wanted = "as a number, such as 300"
    elif seconds > 0:
        return
    raise ValueError(f"{what} {seconds!r}; give seconds {wanted}.")


def deadline_for(activity: Activity) -> Deadline | None:
    """Return the configured policy's deadline as every database takes it.

    It is never before the activity itself, and never after the year 9000.
    A policy that raises or returns nonsense must not take the chat away: it is logged, and the
    default of 300 idle seconds holds.
    """
    try:
        deadline = app_settings.TIMEOUT_POLICY.deadline(activity)
        if deadline is None:
            return None
        if deadline.at.utcoffset() is None:
            raise ValueError("deadline.at is naive; return an aware datetime.")
        at = max(min(deadline.at, LATEST), activity.last_activity_at).astimezone(UTC)
        reason = UNSTORABLE.sub("", deadline.reason[:LONGEST_REASON])
        return Deadline(at, reason or "idle")
    except Exception:  # a host's own code: whatever it raises, people keep their chat
        logger.exception("The timeout policy failed; 300 seconds are used instead.")
        return IdleTimeoutPolicy().deadline(activity)
