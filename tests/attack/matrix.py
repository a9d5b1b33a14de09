"""Who gets which status from which route: one table, and what is called to hold it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection
from django.db.transaction import atomic, set_rollback
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from django_chat_sessions import get_session_model
from tests.callers import assert_private
from tests.conversations import opened, somebody_else

# Columns: the owner of the session that is named; somebody else whom we know; somebody we do not
# know, where visitors are welcome; and the same where they are not.
# A method without a row: HEAD is as GET, OPTIONS is 200, and every other is 405 (401 at the door).
TABLE = """
route                     method  owner  other  unknown  unwelcome
openapi.yaml              GET     200    200    200      200
messages                  POST    201    201    201      401
sessions                  GET     200    200    200      401
sessions                  POST    201    201    201      401
sessions                  DELETE  204    204    204      401
sessions/current          GET     200    200    200      401
sessions/search           GET     200    200    200      401
sessions/{id}             GET     200    404    404      401
sessions/{id}             PATCH   200    404    404      401
sessions/{id}             DELETE  204    404    404      401
sessions/{id}/messages    GET     200    404    404      401
sessions/{id}/end         POST    200    404    404      401
sessions/{id}/reopen      POST    200    404    404      401
sessions/{id}/restore     POST    200    404    404      401
sessions/{id}/stop        POST    200    404    404      401
sessions/{id}/retry       POST    409    404    404      401
sessions/{id}/read        POST    200    404    404      401
sessions/{id}/touch       POST    200    404    404      401
sessions/{id}/export      GET     200    404    404      401
sessions/{id}/page        GET     200    404    404      401
sessions/{id}/page        POST    303    404    404      401
sessions/current/page     GET     200    200    200      401
sessions/current/page     POST    303    303    303      401
updates                   GET     200    200    200      401
export                    GET     200    200    200      401
{anything else}           *       404    404    404      404
"""
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "FOO")
READING = ("GET", "HEAD", "OPTIONS")
GROUPS = ("owner", "other", "unknown", "unwelcome")
ELSEWHERE = "{anything else}"
NOT_FOUND, REFUSED, AT_THE_DOOR = 404, 405, 401
COUNTED = get_session_model()._meta.pk.get_internal_type() == "BigAutoField"
MISSING = "4711471147114711" if COUNTED else "0192f0c4-7a10-7c3e-8f6a-2b1d9c5e0a01"
FAR = 4_711_000_000
# Django ends a login by itself where the password has changed.
NOT_OURS = {"auth.Permission", "contenttypes.ContentType", "sessions.Session"}
SECRET = "SECRET-4711"  # what the owner of the named session has written

# A body that the owner could send; every other change takes an empty object.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("messages", "POST"): {"content": "Mine", "key": "key-of-a-stranger"},
    ("sessions/{id}", "PATCH"): {"title": "Taken over", "pinned": True, "archived": True},
}
FORMS = {
    ("sessions/current/page", "POST"): {"content": "Mine", "key": "key-of-a-stranger"},
    ("sessions/{id}/page", "POST"): {"reopen": "1", "content": "Mine", "key": "key-of-a-stranger"},
}
QUERIES = {"sessions/search": "?q=SECRET"}
FORM = "application/x-www-form-urlencoded"


def _rows() -> dict[tuple[str, str], dict[str, int]]:
    _head, *lines = TABLE.strip().splitlines()
    rows = {}
    for line in lines:
        *route, method, owner, other, unknown, unwelcome = line.split()
        expected = map(int, (owner, other, unknown, unwelcome))
        rows[" ".join(route), method] = dict(zip(GROUPS, expected, strict=True))
    return rows


ROWS = _rows()
ROUTES = list(dict.fromkeys(route for route, _method in ROWS))
NAMED = [(route, method) for route, method in ROWS if "{id}" in route]


def count_from_afar() -> None:
    """Let keys that are counted go on where nothing else has a number: an answer may say "200"."""
    if COUNTED:
        far: Any = opened(somebody_else())
        far.delete()
        far.pk = FAR
        far.save(force_insert=True)
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), [type(far)]):
                cursor.execute(statement)
        far.delete()


def expected(route: str, method: str, group: str) -> int:
    """Return the status that the table says, or the rule for methods without a row."""
    row = ROWS.get((route, "GET" if method == "HEAD" else method)) or ROWS.get((route, "*"))
    if row is not None:
        return row[group]
    if method == "OPTIONS":
        return 200
    at_the_door = group == "unwelcome" and (route, "GET") != ("openapi.yaml", "GET")
    return AT_THE_DOOR if at_the_door else REFUSED


def served(prefix: str = "chat/") -> dict[str, Any]:
    """Return the view behind each address below a prefix, as the URLconf has it."""
    found = {}
    for address, view in _walked(get_resolver().url_patterns):
        if address.startswith(prefix):
            route = address.removeprefix(prefix).replace("<str:session_id>", "{id}")
            found[ELSEWHERE if route.startswith("^") else route] = view
    return found


def _walked(patterns: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for each in patterns:
        address = f"{before}{each.pattern}"
        if isinstance(each, URLResolver):
            yield from _walked(each.url_patterns, address)
        elif isinstance(each, URLPattern):
            yield address, each.callback


def call(client: Client, route: str, method: str, pk: str, **extra: Any) -> Any:
    """Call a route with a body that it would take from its owner."""
    path = f"/chat/{'nowhere/at/all' if route == ELSEWHERE else route.format(id=pk)}"
    path += QUERIES.get(route, "")
    if (route, method) in FORMS:
        body, kind = urlencode(FORMS[route, method]).encode(), FORM
    else:
        body, kind = json.dumps(BODIES.get((route, method), {})).encode(), "application/json"
    return client.generic(method, path, body, kind, **extra)


@dataclass
class Answered:
    """An answer, and what the database held just after it."""

    response: Any
    stored: dict[str, Any]


def tried(
    client: Client, route: str, method: str, pk: str, *, look: bool = True, **extra: Any
) -> Answered:
    """Call a route and take everything back that it did, in the database and in the browser."""
    cookies = client.cookies.output()
    held = {name: morsel.value for name, morsel in client.cookies.items()}
    with atomic():
        response = call(client, route, method, pk, **extra)
        stored = everything() if look else {}
        set_rollback(True)
    if client.cookies.output() != cookies:
        client.cookies.clear()
        for name, value in held.items():
            client.cookies[name] = value
    return Answered(response, stored)


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, but of those that only Django fills."""
    kept = {}
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            if model._meta.label not in NOT_OURS:
                table = connection.ops.quote_name(model._meta.db_table)
                cursor.execute(f"SELECT * FROM {table}")  # noqa: S608
                kept[model._meta.label] = sorted(cursor.fetchall(), key=repr)
    return kept


def differences(
    secret: str, client: Client, group: str, methods: Sequence[str] = ("GET", "HEAD")
) -> list[str]:
    """Return what is not as the table says, a sentence each, for one of those who try.

    Every row is tried, and beyond them every route with these methods.
    """
    found = []
    before = everything()
    for route in ROUTES:
        for method in METHODS:
            if (route, method) not in ROWS and method not in methods:
                continue
            answered = tried(client, route, method, secret)
            status = expected(route, method, group)
            unchanged = status >= 400 or method in READING
            wrong = list(_wrong(answered, status, before if unchanged else None))
            if group != "owner":
                wrong += _leaked(answered, secret, before)
                if status == NOT_FOUND and "{id}" in route:
                    missing = tried(client, route, method, MISSING, look=False).response
                    wrong += _told_apart(answered.response, missing, secret)
            found += [f"{method} {route}: {each}" for each in wrong]
    return found


def _wrong(answered: Answered, status: int, before: dict[str, Any] | None) -> Iterator[str]:
    response = answered.response
    if response.status_code != status:
        yield f"{response.status_code}, not {status}"
    if before is not None and answered.stored != before:
        yield "something changed in the database"
    try:
        assert_private(response)
    except (AssertionError, KeyError) as error:
        yield f"not private: {error}"


def _leaked(answered: Answered, secret: str, before: dict[str, Any]) -> Iterator[str]:
    response = answered.response
    if b"SECRET" in response.content or f'"{secret}"'.encode() in response.content:
        yield "something of the owner's is in the answer"
    if response.headers.get("X-Chat-Session") == secret:
        yield "something of the owner's is in the headers"
    for model, rows in before.items():
        # What was there belongs to others; somebody's own login or token may be noted as used.
        if not {*map(repr, rows)} <= {*map(repr, answered.stored[model])}:
            yield f"something that was there has changed in {model}"


def _told_apart(theirs: Any, missing: Any, secret: str) -> Iterator[str]:
    """Yield how a session of somebody else's answers otherwise than one that does not exist."""
    ids = (secret.encode(), MISSING.encode())
    if theirs.headers["Content-Type"].startswith("text/html"):
        ids = (b"no id", b"no id")  # such a page names none; "1" is found anywhere
    if theirs.content.replace(ids[0], b"") != missing.content.replace(ids[1], b""):
        yield "the body tells it from one that does not exist"
    drop = {"Set-Cookie"}
    pair = [
        {name: value for name, value in one.headers.items() if name not in drop}
        for one in (theirs, missing)
    ]
    if pair[0] != pair[1] or set(theirs.cookies) != set(missing.cookies):
        yield "the headers tell it from one that does not exist"
