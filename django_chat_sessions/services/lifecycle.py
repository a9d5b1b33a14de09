"""The life of a session: current, look, resume_or_start, start, touch, end, reopen."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from django.db import IntegrityError

from django_chat_sessions import clock
from django_chat_sessions.exceptions import SessionEnded, SessionNotFound
from django_chat_sessions.models import AbstractChatSession, EndReason
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.excerpts import fitting
from django_chat_sessions.services.limiting import refuse_starts
from django_chat_sessions.services.opening import (
    Arrival,
    ArrivalStatus,
    close,
    expiry,
    extend,
    followed,
    held_session,
    is_astray,
    is_begun,
    latest_activity,
    make_room,
    new_arrival,
    open_new,
)
from django_chat_sessions.services.races import (
    RaceLost,
    compare_and_set,
    read_again,
    survives_races,
    with_latest,
)
from django_chat_sessions.services.tables import announce, messages, short_transaction
from django_chat_sessions.signals import session_reopened, session_resumed


def current(owner: Owner, scope: str = "") -> AbstractChatSession | None:
    """Return the open, unexpired session, or None. Writes nothing; 1 statement."""
    held = held_session(owner, scope)
    return held if held is not None and held.is_active(clock.now()) else None


def look(owner: Owner, scope: str = "") -> Arrival:
    """Return what the owner's next message would meet; writes nothing.

    ``session`` is None when a message would start a new one; ``previous`` is what it would follow.
    1 statement, 2 when nothing is held open or nothing was said in it, 3 after a greeting only.
    """
    now = clock.now()
    held = held_session(owner, scope, with_previous=True)
    if held is not None and held.is_active(now):
        if not is_begun(held):
            return new_arrival(held, held.previous, now)
        return Arrival(held, ArrivalStatus.RESUMED, "open")
    previous = followed(owner, scope, held)
    if previous is not None and is_astray(previous, held, now):
        return Arrival(previous, ArrivalStatus.RESUMED, "open")  # as the next message will find it
    return new_arrival(None, previous, now)


@survives_races
def resume_or_start(owner: Owner, scope: str = "") -> Arrival:
    """Return the session to talk in: the open one, or a new one when that has expired.

    Counts as activity. Sends ``session_resumed``, or ``session_started`` and ``session_ended``.
    Raises ValueError for a scope that is longer than its column (100 characters). Resume: 2
    statements, 1 when the stored activity is younger than ACTIVITY_RESOLUTION seconds. A new one:
    as many as ``start`` without LIMITS.
    """
    now = clock.now()
    held = held_session(owner, scope)
    if held is None or not held.is_active(now):
        return open_new(owner, scope, held, now)
    extend(held, now)
    arrival = Arrival(held, ArrivalStatus.RESUMED, "open")
    announce(session_resumed, held, arrival=arrival)
    return arrival


@survives_races
def start(owner: Owner, scope: str = "") -> Arrival:
    """Start a new session because the owner asked; the open one ends with reason ``user``.

    An open session in which the owner has said nothing is new already and is returned as it is.
    Raises TooManyMessages (LIMITS), and ValueError for a scope that is longer than its column (100
    characters). Sends ``session_ended`` and ``session_started``. 3 statements; 4 after an expired
    session without messages, 5 after one with a greeting only; 1 more for LIMITS, if there are any.
    All that is written is 1 statement on PostgreSQL, outside of transactions.
    """
    now = clock.now()
    held = held_session(owner, scope, with_previous=True)
    if held is not None and held.is_active(now) and not is_begun(held):
        extend(held, now)
        return new_arrival(held, held.previous, now)
    refuse_starts(owner, now)
    return open_new(owner, scope, held, now)


@survives_races
def touch(session: AbstractChatSession) -> bool:
    """Note deliberate activity; return whether the session is still open. At most 1 statement.

    An expired session stays expired; 1 SELECT makes sure of it.
    """

    def step(known: AbstractChatSession) -> bool:
        now = clock.now()
        if not known.is_active(now):
            raise SessionEnded(known)
        extend(known, now)
        return True

    try:
        return with_latest(session, step)
    except SessionEnded:
        return False


@survives_races
def end(session: AbstractChatSession, reason: str = EndReason.USER.value) -> AbstractChatSession:
    """End the session; ending an ended one changes nothing. 1 statement.

    One that has expired already ends as expired. Raises ValueError for a reason that is longer
    than its column (20 characters). Sends ``session_ended`` once.
    """
    fitting(session.__class__, "end_reason", reason)

    def step(known: AbstractChatSession) -> None:
        if known.open_key is None:
            raise SessionEnded(known)
        close(known, reason, clock.now())

    with suppress(SessionEnded):  # ended already, as it should be
        with_latest(session, step)
    return session


@survives_races
def reopen(session: AbstractChatSession) -> Arrival:
    """Take an expired or ended session up again, with all its messages.

    The open one of its scope ends with reason ``replaced`` and is the arrival's ``previous``.
    An archived one comes back into the history. An active session is resumed, without a signal.
    Sends ``session_reopened``, and ``session_ended`` for the open one. Raises SessionNotFound when
    it was deleted, or is an old one whose messages were not adopted yet. 2 statements, 3 when
    another session was open.
    """

    def step(known: AbstractChatSession) -> Arrival:
        now = clock.now()
        if known.is_active(now) or known.deleted_at is not None:
            read_again(known)  # what is held may be old, and nothing need be written to find out
        if known.deleted_at is not None:
            raise SessionNotFound(f"Chat session {known.pk} was deleted.")
        if known.is_active(now):
            extend(known, now)
            return Arrival(known, ArrivalStatus.RESUMED, "open")
        return _take_up(known, now)

    return with_latest(session, step)


def _take_up(session: AbstractChatSession, now: datetime) -> Arrival:
    # What is said in it now would get the places of what was said before.
    if session.opened_at is None and messages().filter(session=session.pk, position=None).exists():
        raise SessionNotFound(f"Chat session {session.pk} is old; adopt it first.")
    owner = Owner.of(session)
    held = held_session(owner, session.scope)
    left = held if held is not None and held.pk != session.pk else None
    activity = latest_activity(session, now)
    pinned = max(activity, session.running_until or activity)
    try:
        with short_transaction(session):
            if left is not None:
                close(left, EndReason.REPLACED.value, now)
            compare_and_set(
                session,
                open_key=owner.open_key(session.scope),
                opened_at=now,
                last_activity_at=activity,
                last_message_at=max(now, session.last_message_at or now),
                expires_at=expiry(session, opened_at=now, last_activity_at=pinned),
                ended_at=None,
                end_reason="",
                archived_at=None,
            )
            arrival = Arrival(session, ArrivalStatus.REOPENED, EndReason.USER.value, left)
            announce(session_reopened, session, arrival=arrival)
    except IntegrityError as error:
        make_room(owner, session.scope)
        raise RaceLost("Another session was opened meanwhile.") from error
    return arrival
