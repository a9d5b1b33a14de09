"""What a racer can do: one verb each, with arguments and results that fit into JSON."""

from __future__ import annotations

import json
from typing import Any

from django.dispatch import Signal

from django_chat_sessions import services as chat_sessions
from django_chat_sessions import signals
from django_chat_sessions.exceptions import NothingToRetry, TurnInProgress
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.replies.running import run

sent_signals: list[str] = []


def _note(name: str, signal: Signal) -> None:
    def note(sender: Any, **facts: Any) -> None:
        sent_signals.append(name)

    signal.connect(note, weak=False)


for _name in (
    *("session_started", "session_ended", "session_reopened"),
    *("message_added", "sessions_claimed", "turn_answered", "turn_failed"),
):
    _note(_name, getattr(signals, _name))


def _result(**facts: Any) -> dict[str, Any]:
    told, sent_signals[:] = list(sent_signals), []
    return {**facts, "signals": told}


def resume(visitor: str) -> dict[str, Any]:
    arrival = chat_sessions.resume_or_start(Owner.for_visitor(visitor))
    return _result(id=str(arrival.opened.pk), status=arrival.status)


def start(visitor: str) -> dict[str, Any]:
    arrival = chat_sessions.start(Owner.for_visitor(visitor))
    return _result(id=str(arrival.opened.pk), status=arrival.status)


def send(visitor: str, content: str, key: str) -> dict[str, Any]:
    try:
        sent = chat_sessions.send(Owner.for_visitor(visitor), content, key=key)
    except TurnInProgress:
        return _result(busy=True)
    return _result(
        busy=False,
        id=str(sent.session.pk),
        message=str(sent.message.pk),
        reply=str(sent.reply.pk) if sent.reply else None,
        arrival=[sent.arrival.status, sent.arrival.reason],
        created=sent.created,
    )


def add(visitor: str, session: str, content: str) -> dict[str, Any]:
    found = chat_sessions.find_session(Owner.for_visitor(visitor), session)
    message = chat_sessions.add_message(found, "user", content)
    return _result(position=message.position)


def end(visitor: str, session: str) -> dict[str, Any]:
    found = chat_sessions.find_session(Owner.for_visitor(visitor), session)
    ended = chat_sessions.end(found)
    return _result(ended_at=ended.ended_at.isoformat() if ended.ended_at else None)


def reopen(visitor: str, session: str) -> dict[str, Any]:
    found = chat_sessions.find_session(Owner.for_visitor(visitor), session)
    arrival = chat_sessions.reopen(found)
    return _result(id=str(arrival.opened.pk), status=arrival.status)


def work(reply: str) -> dict[str, Any]:
    """Do what a worker does with a reply that it was given."""
    run(reply)
    return _result()


def stop(visitor: str, session: str) -> dict[str, Any]:
    chat_sessions.stop(chat_sessions.find_session(Owner.for_visitor(visitor), session))
    return _result()


def retry(visitor: str, session: str) -> dict[str, Any]:
    found = chat_sessions.find_session(Owner.for_visitor(visitor), session)
    try:
        reply = chat_sessions.retry(found)
    except (NothingToRetry, TurnInProgress):
        return _result(retried=False)
    return _result(retried=True, attempt=reply.attempt)


def touch(visitor: str, session: str) -> dict[str, Any]:
    found = chat_sessions.find_session(Owner.for_visitor(visitor), session)
    return _result(touched=chat_sessions.touch(found))


def claim(visitor: str, user: int) -> dict[str, Any]:
    claimed = chat_sessions.claim(Owner.for_visitor(visitor), Owner(user_id=user))
    return _result(moved=claimed.moved, ended=len(claimed.ended))


def sweep() -> dict[str, Any]:
    return _result(swept=chat_sessions.sweep(batch_size=5))


def purge() -> dict[str, Any]:
    return _result(purged=chat_sessions.purge(older_than_days=1, batch_size=5))


def request(cookie: str, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
    """Ask the HTTP API as the user whose session cookie this is."""
    from django.conf import settings
    from django.test import Client

    client = Client(raise_request_exception=False)
    client.cookies[settings.SESSION_COOKIE_NAME] = cookie
    response = client.generic(
        method, f"/chat/{path}", json.dumps(body) if body is not None else "", "application/json"
    )
    answer = json.loads(response.content) if response.content else None
    return _result(status=response.status_code, body=answer, headers=dict(response.items()))
