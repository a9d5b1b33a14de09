"""What the package shows, as the plain values that the model gives; and what it has stored."""

from __future__ import annotations

from typing import Any

from django_chat_sessions import clock, get_message_model, get_session_model
from django_chat_sessions.owners import Owner
from tests.model.comparing import ticks
from tests.model.reference import Refused

View = dict[str, Any]
UNSAID = ("server_time", "error", "metadata")  # what the model knows nothing of


def session_view(row: Any) -> View:
    """Return what can be seen of a session, read from its attributes and rules."""
    now = clock.now()
    active = row.is_active(now)
    seen: View = {
        "id": str(row.pk),
        "state": str(row.state(now)),
        "running": row.is_running(now),
        "expires_at": ticks(row.expires_at) if active else None,
        "ended_at": None if active else ticks(row.final_moment(now)),
        "end_reason": "" if active else row.final_reason(now),
        "previous": None if row.previous_id is None else str(row.previous_id),
    }
    for name in ("scope", "title", "preview", "message_count", "unread"):
        seen[name] = getattr(row, name)
    for name in ("started_at", "last_activity_at", "last_message_at", "pinned_at", "archived_at"):
        seen[name] = ticks(getattr(row, name))
    return seen


def message_view(row: Any) -> View:
    """Return what can be seen of a message."""
    return {
        "id": str(row.pk),
        "session": str(row.session_id),
        "role": row.role,
        "content": row.content,
        "position": row.position,
        "state": str(row.reply_state(clock.now())),
        "attempt": row.attempt,
        "created_at": ticks(row.created_at),
    }


def arrival_view(arrival: Any) -> View:
    """Return what an arrival says."""
    return {
        "status": str(arrival.status),
        "reason": str(arrival.reason),
        "session": None if arrival.session is None else session_view(arrival.session),
        "previous": None if arrival.previous is None else session_view(arrival.previous),
    }


def from_json(value: Any) -> Any:
    """Return what a response says in the model's terms."""
    if isinstance(value, list):
        return [from_json(each) for each in value]
    if not isinstance(value, dict):
        return value
    said = {name: from_json(inner) for name, inner in value.items() if name not in UNSAID}
    return {
        name: ticks(inner) if name.endswith("_at") and name != "changes_at" else inner
        for name, inner in said.items()
    }


def refused(code: str, facts: View) -> Refused:
    """Return a refusal with the facts that belong to its code."""
    wanted = {
        "session_ended": ("session", "current"),
        "turn_in_progress": ("session", "running"),
        "nothing_to_retry": ("session",),
    }
    return Refused(code, **{name: facts[name] for name in wanted.get(code, ())})


def stored(owners: dict[str, Owner]) -> dict[str, list[View]]:
    """Return every row there is, whoever's it is and whatever has become of it; 2 statements."""
    names = {owner.identity: name for name, owner in owners.items()}
    sessions: Any = get_session_model()
    messages: Any = get_message_model()
    return {
        "sessions": [_stored_session(row, names) for row in sessions.objects.order_by("pk")],
        "messages": [
            _stored_message(row) for row in messages.objects.order_by("session", "position")
        ],
    }


def _stored_session(row: Any, names: dict[str, str]) -> View:
    owner = Owner.of(row)
    held = row.open_key is not None
    assert not held or row.open_key == owner.open_key(row.scope)
    return {
        "id": str(row.pk),
        "owner": names.get(owner.identity, "somebody"),
        "open": held,
        "expires_at": ticks(row.expires_at) if held else None,
        "previous": None if row.previous_id is None else str(row.previous_id),
        "unread": row.unread,
        "end_reason": row.end_reason,
        "message_count": row.message_count,
        **{name: getattr(row, name) for name in ("scope", "title", "preview")},
        **{name: ticks(getattr(row, name)) for name in MOMENTS},
    }


MOMENTS = (
    *("started_at", "last_activity_at", "last_message_at", "ended_at"),
    *("pinned_at", "archived_at", "deleted_at"),
)


def _stored_message(row: Any) -> View:
    return {
        "id": str(row.pk),
        "session": str(row.session_id),
        "position": row.position,
        "keyed": row.client_key is not None,
        "created_at": ticks(row.created_at),
        **{name: getattr(row, name) for name in ("role", "content", "state", "attempt")},
    }
