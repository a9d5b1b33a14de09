"""Turns: a person's message and its reply. Stored together, before anything is answered."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import IntegrityError

from django_chat_sessions import clock, get_message_model
from django_chat_sessions.conf import app_settings
from django_chat_sessions.exceptions import (
    KeyReused,
    SessionEnded,
    SessionNotFound,
    TooManyMessages,
    TurnInProgress,
)
from django_chat_sessions.models import (
    DELIBERATE_REASONS,
    AbstractChatMessage,
    AbstractChatSession,
    ReplyState,
    Role,
)
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.excerpts import preview_of, storable, title_from
from django_chat_sessions.services.history import find_session
from django_chat_sessions.services.limiting import refuse_excess
from django_chat_sessions.services.opening import (
    Arrival,
    ArrivalStatus,
    expiry,
    held_session,
    is_begun,
    latest_activity,
    new_arrival,
    open_new,
    placed,
    previous_of,
    tell_placed,
)
from django_chat_sessions.services.races import moving, survives_races, with_latest
from django_chat_sessions.services.replies.control import mark_interrupted
from django_chat_sessions.services.replies.runners import first_lease, hand_over
from django_chat_sessions.services.tables import (
    after_commit,
    messages,
    short_transaction,
    tell_readers,
)
from django_chat_sessions.services.together import write


@dataclass(frozen=True, slots=True)
class Sent:
    """What a message led to; ``created`` is false when its key had been stored before."""

    arrival: Arrival
    session: AbstractChatSession
    message: AbstractChatMessage
    reply: AbstractChatMessage | None
    created: bool


@survives_races
def send(owner: Owner, content: str, *, key: str, scope: str = "", session_id: Any = None) -> Sent:
    """Store an owner's message and ask the RESPONDER, if there is one, for the reply.

    The message goes to the open session of ``scope``, or a new one when that has expired.
    ``session_id`` names the session the person is looking at; its scope wins. The same ``key``
    again stores nothing and returns what it led to.

    Raises SessionEnded (the named one was ended on purpose, or expired and another is open),
    TurnInProgress, KeyReused, SessionNotFound, TooManyMessages (LIMITS); ValueError for a scope
    that is longer than its column (100 characters). Sends ``message_added``, ``session_started``
    where one starts, and ``session_ended`` where that takes the place of an expired one.
    3 statements in an open session: 1 SELECT, 1 UPDATE, 1 INSERT; another SELECT for the first
    message after ``start``, which tells what was before, and one more after a greeting. 4 where one
    starts, up to 6 after an expired one in which the owner said nothing; 1 more where
    ``session_id`` names an expired one that LIMITS have not read. 2 or 3 more for a repeated
    ``key``. What LIMITS read is that SELECT if the session had a message within the hour, and 1
    more otherwise; 1 more near the limit.
    All that is written is 1 statement on PostgreSQL, outside of transactions. Where a dead worker
    left a reply behind, ``turn_failed`` is sent for it, by 2 statements more, and each is its own.
    """
    content = storable(content)
    client_key = Owner.known(owner).client_key(key)
    try:
        sent = _send(owner, content, client_key, scope, session_id)
    except (IntegrityError, TurnInProgress, SessionEnded, SessionNotFound, TooManyMessages):
        known = sent_before(owner, client_key, content)
        if known is not None:
            return known
        raise
    if sent.reply is not None:
        after_commit(partial(hand_over, sent.reply, sent.session))
    return sent


def _send(owner: Owner, content: str, client_key: Any, scope: str, session_id: Any) -> Sent:
    now = clock.now()
    responds = app_settings.RESPONDER is not None
    lately = refuse_excess(owner, now, asks=responds)
    held, scope = _addressee(owner, scope, session_id, now, lately)
    rows = [new_message(Role.USER, content, now, client_key=client_key)]
    if responds:
        rows.append(new_reply(now, ReplyState.PENDING, first_lease()))
    if held is not None and held.is_active(now):
        arrival = Arrival(held, ArrivalStatus.RESUMED, "open")
        if not is_begun(held):
            arrival = new_arrival(held, previous_of(held), now)
        append(held, rows, now)
    else:
        arrival = open_new(owner, scope, held, now, rows, **_first_counters(rows))
    return Sent(arrival, arrival.opened, rows[0], rows[1] if responds else None, created=True)


def _addressee(
    owner: Owner, scope: str, session_id: Any, now: datetime, lately: list[AbstractChatSession]
) -> tuple[AbstractChatSession | None, str]:
    """Return what holds the open place that the message goes to, expired or not, and its scope.

    ``lately`` are sessions of the owner's that have been read just now; others are looked for.
    """
    if session_id is None:
        return _held(owner, scope, lately), scope
    named = _named(owner, session_id, lately)
    if named.is_active(now):
        return named, named.scope
    held = _held(owner, named.scope, lately)
    active = held if held is not None and held.is_active(now) else None
    if active is not None or named.final_reason(now) in DELIBERATE_REASONS:
        raise SessionEnded(named, active)
    return held, named.scope


def _held(
    owner: Owner, scope: str, lately: list[AbstractChatSession]
) -> AbstractChatSession | None:
    open_key = owner.open_key(scope)
    known = [session for session in lately if session.open_key == open_key]
    return known[0] if known else held_session(owner, scope)


def _named(owner: Owner, session_id: Any, lately: list[AbstractChatSession]) -> AbstractChatSession:
    for session in lately:
        if str(session.pk) == str(session_id) and session.deleted_at is None:
            return session
    return find_session(owner, session_id)


def sent_before(owner: Owner, client_key: Any, content: str) -> Sent | None:
    """Return what this key of the owner's led to; up to 3 statements, none without a key."""
    if client_key is None:
        return None
    same = messages().filter(client_key=client_key)
    message = same.select_related("session__previous").first()
    if message is None:
        return None
    session = message.session
    is_mine = Owner.of(session).identity == owner.identity
    if is_mine and message.content != content:
        raise KeyReused("This key belongs to another message; use a new key for a new text.")
    if not is_mine or session.deleted_at is not None:
        raise SessionNotFound("There is no such chat session.")
    following = messages().filter(session=session.pk, position=message.position + 1)
    reply = following.exclude(state="").first()
    arrival = Arrival(session, ArrivalStatus.RESUMED, "open")
    earlier = messages().filter(session=session.pk, position__lt=message.position)
    if message.position == 0 or not earlier.filter(role=Role.USER.value).exists():
        arrival = new_arrival(session, session.previous, clock.now())
    return Sent(arrival, session, message, reply, created=False)


def new_message(role: Role, content: str, now: datetime, **values: Any) -> AbstractChatMessage:
    """Return a message that is not stored yet."""
    model = get_message_model()
    return model(role=role.value, content=content, created_at=now, **values)


def new_reply(now: datetime, state: ReplyState, lease_seconds: float) -> AbstractChatMessage:
    """Return the place of an answer to come, with its first lease; not stored yet.

    ``running`` makes it ours to write, ``pending`` is for a runner.
    """
    token = uuid.uuid4() if state == ReplyState.RUNNING else None
    lease = clock.after(now, lease_seconds)
    facts = {"state": state.value, "token": token, "lease_until": lease, "attempt": 1}
    return new_message(Role.ASSISTANT, "", now, **facts)


def _first_counters(rows: list[AbstractChatMessage]) -> dict[str, Any]:
    return {
        "message_count": len(rows),
        "title": title_from(rows[0].content),
        "preview": preview_of(rows[0].content),
        "running_until": rows[-1].lease_until,
    }


def append(session: AbstractChatSession, rows: list[AbstractChatMessage], now: datetime) -> None:
    """Put messages at the end of an open session; 2 statements together, 1 on PostgreSQL.

    4 on every database where a reply was left behind, which is marked first.
    Raises TurnInProgress while an answer is being written, RaceLost when the session changed.
    """
    if session.is_running(now):
        running = messages().filter(session=session.pk).replies_running()
        raise TurnInProgress(session, running.order_by("-position").first())
    first = session.message_count
    lease = rows[-1].lease_until
    activity = latest_activity(session, now)
    changes: dict[str, Any] = {
        "message_count": first + len(rows),
        "last_activity_at": activity,
        "last_message_at": max(now, session.last_message_at or now),
        "running_until": lease,
        "expires_at": expiry(session, last_activity_at=max(activity, lease or activity)),
        "preview": preview_of(rows[-1].content or rows[0].content),
    }
    if rows[0].role == Role.USER:
        changes["unread"] = False  # whoever writes has seen what was answered before
        if not session.title:
            changes["title"] = title_from(rows[0].content)
    if session.running_until is None:
        write(moving(session, **changes), placed(session, rows, first))
    else:
        with short_transaction(session):
            mark_interrupted(session, now)
            write(moving(session, **changes), placed(session, rows, first))
    tell_readers(session)
    tell_placed(session, rows)


@survives_races
def add_message(
    session: AbstractChatSession, role: str, content: str, key: str | None = None
) -> AbstractChatMessage:
    """Add one message to an open session and return it; the same key returns the same message.

    Raises SessionEnded, TurnInProgress, KeyReused; ValueError for a role that does not exist. Sends
    ``message_added``. 2 statements, 1 on PostgreSQL outside of transactions; 2 or 3 more for a
    repeated ``key``; 4, and ``turn_failed`` first, where a dead worker left a reply behind.
    """
    content = storable(content)

    def step(known: AbstractChatSession) -> AbstractChatMessage:
        now = clock.now()
        row = new_message(Role(role), content, now)
        before = append_once(known, [row], now, key)
        return row if before is None else before.message

    return with_latest(session, step)


def append_once(
    session: AbstractChatSession,
    rows: list[AbstractChatMessage],
    now: datetime,
    key: str | None = None,
) -> Sent | None:
    """Append to an active session; or return what this key of the first message has led to.

    Raises SessionEnded, TurnInProgress, RaceLost, KeyReused.
    """
    owner = Owner.of(session)  # a login may have moved it meanwhile, and its keys with it
    rows[0].client_key = None if key is None else owner.client_key(key)
    try:
        if not session.is_active(now):
            raise SessionEnded(session)
        append(session, rows, now)
    except (IntegrityError, SessionEnded, TurnInProgress):
        before = sent_before(owner, rows[0].client_key, rows[0].content)
        if before is None:
            raise
        return before
    return None
