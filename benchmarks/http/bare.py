"""A bare view: the statements of an endpoint by a cursor, then as much JSON. The limit over HTTP.

What the package sends for a route is recorded when its bare view is called first, so both send the
same SQL whatever the package is made of. Moments, new ids and what was read before are put in
anew at each call: a replayed write changes rows as the recorded one did.
"""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client
from django.utils import timezone

from benchmarks.http.endpoints import MANY
from django_chat_sessions import get_message_model, get_session_model, services
from django_chat_sessions.owners import Owner


@dataclass(frozen=True, slots=True)
class Read:
    """A value of the row that was read before, and what is added to it."""

    column: str
    more: int = 0


@dataclass(frozen=True, slots=True)
class Later:
    """A moment so long after the request."""

    after: datetime.timedelta


@dataclass(frozen=True, slots=True)
class NewId:
    """An id that no row has."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, with what is put in; whether a transaction is open around it."""

    sql: str
    values: Any
    together: bool


@dataclass(frozen=True)
class Recording:
    """What one request of the package sent and answered."""

    statements: tuple[Statement, ...]
    payload: Any
    status: int


RECORDED: dict[str, Recording] = {}


def bare(request: HttpRequest, route: str) -> HttpResponse:
    """Answer as the package does, without being it."""
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    if request.body:
        json.loads(request.body)
    place = f"{request.method} {route}"
    if place not in RECORDED:
        RECORDED[place] = record(request)
    recording = RECORDED[place]
    replay(recording.statements)
    return JsonResponse(recording.payload, status=recording.status)


def replay(statements: tuple[Statement, ...]) -> None:
    """Send the statements again; those of one transaction in one."""
    row: dict[str, Any] = {}
    now = timezone.now()
    with connection.cursor() as cursor:
        alone = [each for each in statements if not each.together]
        for statement in alone:
            row = _send(cursor, statement, row, now)
        if len(alone) < len(statements):
            with transaction.atomic():
                for statement in statements[len(alone) :]:
                    row = _send(cursor, statement, row, now)


def _send(cursor: Any, statement: Statement, row: dict[str, Any], now: Any) -> dict[str, Any]:
    cursor.execute(statement.sql, filled(statement.values, row, now))
    if cursor.description is None:
        assert cursor.rowcount, "a replayed write has met no row"
        return row
    names = [column[0] for column in cursor.description]
    return next((dict(zip(names, found, strict=True)) for found in cursor.fetchall()), row)


def filled(value: Any, row: dict[str, Any], now: datetime.datetime) -> Any:
    """Return a value of a statement as it is this time."""
    match value:
        case list() | tuple():
            return [filled(each, row, now) for each in value]
        case Read():
            read = row[value.column]
            return read + value.more if value.more else read
        case Later():
            return now + value.after
        case NewId():
            return uuid4()
    return value


def record(request: HttpRequest) -> Recording:
    """Let the package answer the same request in this process, and note its statements."""
    client = Client(headers=dict(request.headers))
    client.cookies.load(request.headers.get("Cookie", ""))
    known = _known(request)
    began = timezone.now()
    seen: list[Statement] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if any(table in sql for table in _tables()):
            values = _anew(params, known, began, "INSERT INTO" in sql)
            seen.append(Statement(sql, values, connection.in_atomic_block))
        return execute(sql, params, many, context)

    address = request.get_full_path().replace("/bare/", "/chat/", 1)
    method, kind = str(request.method), request.content_type or ""
    with connection.execute_wrapper(note):
        response = client.generic(method, address, request.body, kind)
    if response.status_code >= HttpResponse.status_code + 100:
        raise RuntimeError(f"The package answered {method} {address} with {response.status_code}.")
    return Recording(tuple(seen), response.json(), response.status_code)


def _tables() -> tuple[str, str]:
    return get_session_model()._meta.db_table, get_message_model()._meta.db_table


def _known(request: HttpRequest) -> dict[str, Any]:
    session = services.current(Owner.for_user(request.user))
    assert session is not None, "somebody must be talking"
    return {str(each.column): getattr(session, each.attname) for each in session._meta.fields}


def _anew(value: Any, known: dict[str, Any], began: datetime.datetime, inserted: bool) -> Any:
    """Return what stands for a recorded value: itself, or where it comes from each time."""
    match value:
        case list() | tuple():
            return [_anew(each, known, began, inserted) for each in value]
        case datetime.datetime():
            if value == known["last_activity_at"]:
                return Read("last_activity_at")
            return Later(value - began)
        case int() if MANY <= value < 2 * MANY:  # a table's keys may have grown beyond
            return Read("message_count", value - known["message_count"])
        case UUID() if inserted and value not in known.values():
            return NewId()
    return value
