"""The steps that open and close rows; the verbs in lifecycle and turns are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import IntegrityError
from django.db.models import Exists, F, OuterRef, Q

from django_chat_sessions import clock, get_session_model
from django_chat_sessions.conf import app_settings
from django_chat_sessions.ids import digest
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession, EndReason, Role
from django_chat_sessions.owners import Owner
from django_chat_sessions.policies import Activity, deadline_for
from django_chat_sessions.querysets import ChatSessionQuerySet, is_compared
from django_chat_sessions.services import prepared
from django_chat_sessions.services.excerpts import fitting
from django_chat_sessions.services.keys import Among, Keys
from django_chat_sessions.services.races import RaceLost, compare_and_set, moving
from django_chat_sessions.services.tables import announce, messages, sessions, tell_readers
from django_chat_sessions.services.together import Beginning, Change, Placing, Step, write
from django_chat_sessions.signals import message_added, session_ended, session_started


class ArrivalStatus(StrEnum):
    """What happened when the owner came."""

    NEW = "new"
    RESUMED = "resumed"
    REOPENED = "reopened"


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the owner met on coming back.

    ``reason``: for ``new`` it is ``first`` or why ``previous`` ended; for ``resumed`` ``open``;
    for ``reopened`` ``user``. ``session`` is None only after a look that found nothing open.
    """

    session: AbstractChatSession | None
    status: ArrivalStatus
    reason: str
    previous: AbstractChatSession | None = None

    @property
    def opened(self) -> AbstractChatSession:
        """The session, where there must be one."""
        if self.session is None:
            raise ValueError("This arrival is a look that found no open session.")
        return self.session


def held_session(
    owner: Owner, scope: str, *, with_previous: bool = False
) -> AbstractChatSession | None:
    """Return the session in the owner's open place, expired or not; one SELECT.

    What is there and somebody else's, as after a dump that gave users other keys, is not told of.
    """
    if with_previous:
        found = list(sessions().held_open_by(owner, scope).select_related("previous")[:1])
    else:
        found = prepared.rows(_holding, sessions(), open_key=Owner.known(owner).open_key(scope))
    return found[0] if found and owner.has(found[0]) else None


def _holding(table: ChatSessionQuerySet, open_key: Any) -> ChatSessionQuerySet:
    return table.filter(open_key=open_key)[:1]


def displace(session: AbstractChatSession) -> None:
    """Move an open session out of a place that is not its owner's, into one of its own; one UPDATE.

    Its owner's next message finds it there: ``is_astray``.
    """
    compare_and_set(session, open_key=digest("displaced", str(session.pk)))


def is_astray(latest: AbstractChatSession, held: AbstractChatSession | None, now: datetime) -> bool:
    """Whether this is open although nothing holds its owner's place; it is what goes on, then."""
    if held is not None or not latest.is_active(now):
        return False
    return latest.open_key != Owner.of(latest).open_key(latest.scope)


def make_room(owner: Owner, scope: str) -> None:
    """Free the owner's open place of what is somebody else's; one SELECT, and one UPDATE if so."""
    for session in sessions().held_open_by(owner, scope):
        if not owner.has(session):
            displace(session)


def is_begun(session: AbstractChatSession) -> bool:
    """Whether its owner has said something in it: with the host's greeting nothing has begun.

    One SELECT where there are messages and no title, which the owner's first message gives.
    """
    if session.message_count == 0 or session.title:
        return session.message_count > 0
    return messages().filter(session=session.pk, role=Role.USER.value).exists()


def latest_session(owner: Owner, scope: str) -> AbstractChatSession | None:
    """Return the last conversation in this scope, so that it can be continued; one SELECT."""
    said = messages().filter(session=OuterRef("pk"), role=Role.USER.value)
    latest = sessions().owned_by(owner).about(scope).filter(message_count__gt=0)
    titled = Q(title__gt="") if is_compared(latest, "title") else Q()
    begun = latest.filter(titled | Exists(said))
    return begun.newest_first().first()


def followed(
    owner: Owner, scope: str, held: AbstractChatSession | None
) -> AbstractChatSession | None:
    """Return what a new session follows: what is held, or the last one in which something was said.

    Nobody is led back to an empty one while there is a conversation. No statement where the owner
    has spoken in what is held.
    """
    if held is not None and is_begun(held):
        return held
    return latest_session(owner, scope) or held


def previous_of(session: AbstractChatSession) -> AbstractChatSession | None:
    """Return what the session follows; one SELECT, none when it follows nothing."""
    if session.previous_id is None:
        return None
    return sessions().filter(pk=session.previous_id).first()


def new_arrival(
    session: AbstractChatSession | None, previous: AbstractChatSession | None, now: datetime
) -> Arrival:
    """Return the arrival in a new session after ``previous``; what was deleted is not told of."""
    if previous is not None and previous.deleted_at is not None:
        previous = None
    reason = (previous.final_reason(now) if previous is not None else "") or "first"
    return Arrival(session, ArrivalStatus.NEW, reason, previous)


def expiry(session: AbstractChatSession, **changed: datetime) -> datetime | None:
    """Return ``expires_at`` for the session with some of its activity changed."""
    aware: dict[str, Any] = {name: clock.aware(value) for name, value in changed.items()}
    return expiry_of(replace(session.activity(), **aware))


def expiry_of(activity: Activity) -> datetime | None:
    """Return ``expires_at`` for a session with this activity."""
    deadline = deadline_for(activity)
    return None if deadline is None else clock.stored(deadline.at)


def latest_activity(session: AbstractChatSession, moment: datetime) -> datetime:
    """Return the moment, or the session's activity where that is later: it never moves back."""
    return max(moment, session.last_activity_at or moment)


def extend(session: AbstractChatSession, now: datetime) -> None:
    """Write activity down, if the stored one is old enough to matter; at most one UPDATE."""
    last = session.last_activity_at or session.started_at or now
    if clock.seconds_between(last, now) < app_settings.ACTIVITY_RESOLUTION:
        return
    pinned = max(now, session.running_until) if session.running_until else now
    compare_and_set(
        session, last_activity_at=now, expires_at=expiry(session, last_activity_at=pinned)
    )


def close(session: AbstractChatSession, reason: str, now: datetime) -> None:
    """Free the owner's open place; one UPDATE. An expired session ends when it expired."""
    write(closing(session, reason, now))
    tell_readers(session)
    announce(session_ended, session, reason=session.end_reason)


def closing(session: AbstractChatSession, reason: str, now: datetime) -> Change:
    """Return the change that frees the owner's open place."""
    moment: datetime | None = now
    if session.is_lapsed(now):
        reason, moment = session.final_reason(now), session.final_moment(now)
    return moving(session, open_key=None, ended_at=moment, end_reason=reason)


def close_expired(expired: list[AbstractChatSession], reason: str) -> None:
    """Free the open places of sessions that have expired, read and locked just now; one UPDATE."""
    rows = sessions().filter(Among("pk", Keys(session.pk for session in expired)))
    if rows.update(open_key=None, ended_at=F("expires_at"), end_reason=reason) != len(expired):
        raise RaceLost("Chat sessions changed although they were locked.")
    for session in expired:
        session.open_key, session.ended_at = None, session.expires_at
        session.end_reason = reason
        tell_readers(session)
        announce(session_ended, session, reason=reason)


def _new_session(
    owner: Owner,
    scope: str,
    previous: AbstractChatSession | None,
    now: datetime,
    **first: Any,
) -> AbstractChatSession:
    first["previous"] = previous
    session = get_session_model()(
        user_id=owner.user_id,
        visitor_key=owner.visitor_key,
        scope=scope,
        open_key=owner.open_key(scope),
        started_at=now,
        opened_at=now,
        last_activity_at=now,
        last_message_at=now,
        **first,
    )
    session.expires_at = expiry(session)
    return session


def open_new(
    owner: Owner,
    scope: str,
    held: AbstractChatSession | None,
    now: datetime,
    rows: Sequence[AbstractChatMessage] = (),
    **first: Any,
) -> Arrival:
    """Close what is held and open a new session with its first messages, together.

    Raises RaceLost or IntegrityError when another process was faster, ValueError for a scope that
    is longer than its column (100 characters).
    """
    fitting(get_session_model(), "scope", scope)
    previous = followed(owner, scope, held)
    if previous is not None and is_astray(previous, held, now):
        make_room(owner, scope)
        compare_and_set(previous, open_key=owner.open_key(scope))
        raise RaceLost("A session was open, and not in its owner's place.")
    session = _new_session(owner, scope, previous, now, **first)
    steps: list[Step] = [] if held is None else [closing(held, EndReason.USER.value, now)]
    steps.append(Beginning(sessions(), [session]))
    if rows:
        steps.append(placed(session, rows, 0))
    try:
        write(*steps)
    except IntegrityError:
        make_room(owner, scope)
        raise
    if held is not None:
        announce(session_ended, held, reason=held.end_reason)
    tell_readers(session)  # of the one that ended, too: they are the same
    arrival = new_arrival(session, previous, now)
    announce(session_started, session, arrival=arrival)
    tell_placed(session, rows)
    return arrival


def placed(
    session: AbstractChatSession, rows: Sequence[AbstractChatMessage], first: int
) -> Placing:
    """Return the addition of messages to a session, from this position on."""
    for position, row in enumerate(rows, start=first):
        row.session = session
        row.position = position
    return Placing(messages(), rows)


def tell_placed(session: AbstractChatSession, rows: Sequence[AbstractChatMessage]) -> None:
    """Send ``message_added`` for what is no reply."""
    for row in rows:
        if not row.state:
            announce(message_added, session, message=row)
