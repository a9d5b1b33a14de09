"""The wire shapes, written here and nowhere else in Python; the contract is openapi.yaml."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from django_chat_sessions import clock
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession, ReplyState
from django_chat_sessions.services import Arrival, Erased, Found, Grown, Sent, Transcript, Updates
from django_chat_sessions.services.formats import moment

Payload = dict[str, Any]


def session(row: AbstractChatSession, now: datetime) -> Payload:
    """Return one session; the same before and after a sweep."""
    state = row.state(now)
    active = state == "active"
    started = row.started_at or now
    return {
        "id": str(row.pk),
        "scope": row.scope,
        "state": state.value,
        "running": row.is_running(now),
        "title": row.title,
        "preview": row.preview,
        "message_count": row.message_count,
        "unread": row.unread,
        "started_at": clock.iso(started),
        "last_activity_at": clock.iso(row.last_activity_at or started),
        "last_message_at": clock.iso(row.last_message_at or started),
        "expires_at": moment(row.expires_at) if active else None,
        "ended_at": None if active else moment(row.final_moment(now)),
        "end_reason": "" if active else row.final_reason(now),
        "previous": None if row.previous_id is None else str(row.previous_id),
        "pinned_at": moment(row.pinned_at),
        "archived_at": moment(row.archived_at),
    }


def message(row: AbstractChatMessage, now: datetime) -> Payload:
    """Return one message; of a failed reply's error the reader gets a sentence only."""
    state = row.reply_state(now)
    return {
        "id": str(row.pk),
        "session": str(row.session_id),
        "role": row.role,
        "content": row.content,
        "position": row.position or 0,
        "state": state,
        "attempt": row.attempt,
        "error": _reader_error(state),
        "created_at": clock.iso(row.created_at or now),
        "metadata": row.metadata or {},
    }


def _reader_error(state: str) -> str:
    if state == ReplyState.FAILED:
        return _("The answer could not be written. Your question is kept; ask it again.")
    if state == ReplyState.INTERRUPTED:
        return _("The answer was interrupted. Your question is kept; ask it again.")
    return ""


def arrival(value: Arrival, now: datetime) -> Payload:
    """Return what the owner met."""
    return {
        "status": value.status.value,
        "reason": value.reason,
        "previous": None if value.previous is None else session(value.previous, now),
    }


def current_session(value: Arrival, reader: str, now: datetime) -> Payload:
    """Return a look: the open session, or none and why; and who is asking."""
    return {**opened_session(value, now), "reader": reader}


def opened_session(value: Arrival, now: datetime) -> Payload:
    """Return what somebody met who asked for a session."""
    return {
        "arrival": arrival(value, now),
        "session": None if value.session is None else session(value.session, now),
        "server_time": clock.iso(now),
    }


def timed_session(row: AbstractChatSession, now: datetime) -> Payload:
    """Return one session with the server's time."""
    return {"session": session(row, now), "server_time": clock.iso(now)}


def session_reply(
    row: AbstractChatSession, reply: AbstractChatMessage | None, now: datetime
) -> Payload:
    """Return one session and its last reply."""
    return {
        "session": session(row, now),
        "reply": None if reply is None else message(reply, now),
        "server_time": clock.iso(now),
    }


def updates(found: Updates, now: datetime) -> Payload:
    """Return what has changed since a cursor, as it was when that was read."""
    return {
        "cursor": found.cursor,
        "sessions": [session(row, found.read_at) for row in found.sessions],
        "messages": [message(row, found.read_at) for row in found.messages],
        "deltas": [_delta(each) for each in found.grown],
        "history_changed": found.history_changed,
        "server_time": clock.iso(now),
    }


def _delta(grown: Grown) -> Payload:
    return {
        "session": str(grown.reply.session_id),
        "message": str(grown.reply.pk),
        "attempt": grown.reply.attempt,
        "offset": grown.offset,
        "text": grown.text,
    }


def sent_message(value: Sent, now: datetime) -> Payload:
    """Return what a message led to."""
    return {
        "arrival": arrival(value.arrival, now),
        "session": session(value.session, now),
        "message": message(value.message, now),
        "reply": None if value.reply is None else message(value.reply, now),
        "server_time": clock.iso(now),
    }


def history(rows: list[AbstractChatSession], cursor: str | None, now: datetime) -> Payload:
    """Return one page of the history; ``cursor`` asks for the next."""
    return {
        "sessions": [session(row, now) for row in rows],
        "next_cursor": cursor,
        "server_time": clock.iso(now),
    }


def found(value: Found, now: datetime) -> Payload:
    """Return what a search found."""
    return {
        "matches": [
            {"session": session(match.session, now), "excerpt": match.excerpt}
            for match in value.matches
        ],
        "complete": value.is_complete,
        "server_time": clock.iso(now),
    }


def transcript(row: AbstractChatSession, page: Transcript, now: datetime) -> Payload:
    """Return one page of a conversation."""
    return {
        "session": session(row, now),
        "messages": [message(each, now) for each in page.messages],
        "next_before": page.before,
        "server_time": clock.iso(now),
    }


def conflict(
    refused: AbstractChatSession,
    current: AbstractChatSession | None,
    running: AbstractChatMessage | None,
    now: datetime,
) -> Payload:
    """Return what a refused message met."""
    return {
        "session": session(refused, now),
        "current": None if current is None else session(current, now),
        "running": None if running is None else message(running, now),
    }


def held(count: int, done: Erased) -> Payload:
    """Return how much an erasure left, and how much it did not."""
    return {"held": count, "erased": done.sessions}
