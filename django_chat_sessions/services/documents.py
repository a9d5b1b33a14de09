"""What a document to import may be. Read strictly; what is wrong is named by its place only."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from django.db.models import CharField

from django_chat_sessions import clock, get_session_model
from django_chat_sessions.exceptions import InvalidDocument
from django_chat_sessions.models import ReplyState, Role, SessionState
from django_chat_sessions.services.excerpts import is_storable, storable_data
from django_chat_sessions.services.formats import FORMAT, SCHEMA

Read = Callable[[Any, str], Any]
TIME = re.compile(r"[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
# Within these every time zone and every database can tell the time, and count a day more or less.
EARLIEST, AFTER_LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(9001, 1, 1, tzinfo=UTC)
LAST_ATTEMPT = 2**15 - 1
LAST_POSITION = 2**31 - 1


def _refuse(place: str, wanted: str) -> InvalidDocument:
    return InvalidDocument(f"{place} is wrong: give {wanted}.")


def _text(most: int | None = None) -> Read:
    def read(value: Any, place: str) -> str:
        if not isinstance(value, str) or not is_storable(value):
            raise _refuse(place, "a text without NUL and lone surrogates")
        if most is not None and len(value) > most:
            raise _refuse(place, f"up to {most} characters")
        return value

    return read


def _column(name: str) -> Read:
    """Return what reads a text for this column of the session, as long as the host's may be."""

    def read(value: Any, place: str) -> Any:
        column: Any = get_session_model()._meta.get_field(name)
        # The database holds a TextField to no length.
        most = column.max_length if isinstance(column, CharField) else None
        return _text(most)(value, place)

    return read


def _one_of(*choices: str) -> Read:
    def read(value: Any, place: str) -> str:
        if value not in choices or not isinstance(value, str):
            raise _refuse(place, "one of " + ", ".join(repr(choice) for choice in choices))
        return value

    return read


def _number(most: int) -> Read:
    def read(value: Any, place: str) -> int:
        if type(value) is not int or not 0 <= value <= most:
            raise _refuse(place, f"a whole number from 0 to {most}")
        return value

    return read


def _maybe(known: Read) -> Read:
    def read(value: Any, place: str) -> Any:
        return None if value is None else known(value, place)

    return read


def _boolean(value: Any, place: str) -> bool:
    if not isinstance(value, bool):
        raise _refuse(place, "true or false")
    return value


def _time(value: Any, place: str) -> datetime:
    try:
        if not isinstance(value, str) or not TIME.fullmatch(value):
            raise ValueError("not in the form that is given out")
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise _refuse(place, "a time like 2026-11-22T12:00:00.000000Z") from None
    if not EARLIEST <= moment < AFTER_LATEST:
        raise _refuse(place, "a time from 1970-01-02 to the end of the year 9000")
    return clock.stored(moment)


def _data(value: Any, place: str) -> dict[str, Any]:
    try:
        is_right = isinstance(value, dict) and storable_data(value) == value
    except (TypeError, ValueError):
        is_right = False
    if not is_right:
        raise _refuse(place, "an object of JSON")
    known: dict[str, Any] = value
    return known


def _list(value: Any, place: str) -> list[Any]:
    if not isinstance(value, list):
        raise _refuse(place, "a list")
    return value


_WHEN = _maybe(_time)
DOCUMENT: dict[str, Read] = {
    "format": _one_of(FORMAT),
    "version": _number(LAST_POSITION),
    "exported_at": _time,
    "sessions": _list,
}
SESSION: dict[str, Read] = {
    "id": _text(100),
    "scope": _column("scope"),
    "state": _one_of(*SessionState.values),
    "title": _column("title"),
    "preview": _column("preview"),
    "unread": _boolean,
    "started_at": _WHEN,
    "opened_at": _WHEN,
    "last_activity_at": _WHEN,
    "last_message_at": _WHEN,
    "expires_at": _WHEN,
    "ended_at": _WHEN,
    "end_reason": _column("end_reason"),
    "pinned_at": _WHEN,
    "archived_at": _WHEN,
    "previous": _maybe(_text(100)),
    "metadata": _data,
    "messages": _list,
}
MESSAGE: dict[str, Read] = {
    "id": _text(100),
    "role": _one_of(*Role.values),
    "content": _text(),
    "position": _maybe(_number(LAST_POSITION)),
    "state": _one_of("", *ReplyState.values),
    "attempt": _number(LAST_ATTEMPT),
    "created_at": _WHEN,
    "metadata": _data,
}


def read_document(value: Any) -> list[dict[str, Any]]:
    """Return the sessions of a document, each with its messages. Raises InvalidDocument."""
    document = _object(value, "The document", DOCUMENT)
    if document["version"] != SCHEMA:
        raise _refuse("version", f"{SCHEMA}, which is what this release reads")
    found = []
    for number, each in enumerate(document["sessions"]):
        place = f"sessions[{number}]"
        session = _object(each, place, SESSION)
        session["messages"] = [
            _object(message, f"{place}.messages[{position}]", MESSAGE)
            for position, message in enumerate(session["messages"])
        ]
        _rising(session["messages"], place)
        found.append(session)
    _different(found, "sessions")
    _different([message for each in found for message in each["messages"]], "messages")
    return found


def _object(value: Any, place: str, fields: dict[str, Read]) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != fields.keys():
        raise _refuse(place, f"an object with exactly {', '.join(fields)}")
    inner = "" if place == "The document" else f"{place}."
    return {name: read(value[name], f"{inner}{name}") for name, read in fields.items()}


def _rising(messages: list[dict[str, Any]], place: str) -> None:
    given = [message["position"] for message in messages if message["position"] is not None]
    if any(later <= earlier for earlier, later in pairwise(given)):
        raise _refuse(f"{place}.messages", "them in order, each position above the one before")


def _different(found: list[dict[str, Any]], place: str) -> None:
    if len({each["id"] for each in found}) != len(found):
        raise _refuse(f"The ids of {place}", "each only once")
