"""Files with one's conversations: saved, never shown; long ones are sent while they are made."""

from __future__ import annotations

import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from django_chat_sessions import services
from django_chat_sessions.api import downloads
from django_chat_sessions.authentication import VISITOR_COOKIE
from django_chat_sessions.owners import Owner
from tests.callers import Caller, assert_error, assert_private, person, visitor_of
from tests.conversations import fill, talked

TYPES = {
    "json": "application/json",
    "markdown": "text/markdown; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
}
HOSTILE = "<script>alert(1)</script>"


@pytest.mark.parametrize("form", TYPES)
def test_x08_b19_an_export_is_saved_and_never_shown_as_a_page(
    caller: Caller, form: str, answering: Any
) -> None:
    with answering():
        session = caller.say(HOSTILE).json()["session"]["id"]
    for path in ("export", f"sessions/{session}/export"):
        response = caller.get(f"{path}?format={form}", HTTP_ACCEPT="text/html")
        assert response.status_code == 200
        assert response.headers["Content-Type"] == TYPES[form]
        name = response.headers["Content-Disposition"]
        assert name.startswith('attachment; filename="chat')
        assert_private(response)
        assert b"alert(1)" in response.content


def test_without_a_format_it_is_the_document_that_can_be_imported(caller: Caller) -> None:
    caller.say("Why?")
    document = caller.get("export").json()
    assert [each["title"] for each in document["sessions"]] == ["Why?"]
    assert services.import_sessions(Owner.for_visitor("v"), document).sessions == 1


@pytest.mark.parametrize("query", ["format=xml", "format=", "format=json&format=csv"])
def test_another_format_is_refused(caller: Caller, query: str) -> None:
    session = caller.post("sessions").json()["session"]["id"]
    for path in ("export", f"sessions/{session}/export"):
        assert_error(caller.get(f"{path}?{query}"), 400, "invalid", "format")


def test_a_long_one_is_sent_while_it_is_made(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(talked(caller.owner), 30)
    whole = caller.get("export").content
    monkeypatch.setattr(downloads, "AT_ONCE", 100)
    response = caller.get("export")
    assert response.streaming
    assert_private(response)
    assert len(json.loads(b"".join(response.streaming_content))["sessions"]) == 1
    assert len(whole) > 1_000


@pytest.mark.django_db(transaction=True)
async def test_also_where_the_server_is_async(
    monkeypatch: pytest.MonkeyPatch, threads_let_go: None
) -> None:
    client = AsyncClient()
    await client.get("/chat/sessions/current")
    visitor = visitor_of(client)  # type: ignore[arg-type]
    await sync_to_async(talked)(visitor)
    monkeypatch.setattr(downloads, "AT_ONCE", 100)
    response: Any = await client.get("/chat/export")
    text = b"".join([piece async for piece in response.streaming_content])
    assert [each["title"] for each in json.loads(text)["sessions"]] == ["Hello"]


# Erasing


def test_p09_a_visitor_erases_everything_with_the_cookie_alone(db: None) -> None:
    visitor, other = person("visitor"), person("visitor")
    other.say("Not yours")
    visitor.say("SECRET-4711")
    response = visitor.call("DELETE", "sessions")
    assert (response.status_code, response.content) == (204, b"")
    assert response.cookies[VISITOR_COOKIE]["max-age"] == 0
    assert services.recent_sessions(visitor.owner) == []
    assert len(services.recent_sessions(other.owner)) == 1
    visitor.get("sessions/current")
    assert visitor_of(visitor.client) != visitor.owner


def test_erasing_twice_is_no_error_and_a_user_stays_logged_in(caller: Caller) -> None:
    caller.say("Why?")
    for _ in range(2):
        assert caller.call("DELETE", "sessions").status_code == 204
        assert services.recent_sessions(caller.owner) == []
        if caller.kind == "visitor":
            break
    if caller.kind == "user":
        assert "sessionid" in caller.client.cookies


def test_z11_erasing_needs_the_token(db: None) -> None:
    user = person("user", csrf=True)
    talked(user.owner)
    assert_error(user.call("DELETE", "sessions"), 403, "csrf_failed")
    assert len(services.recent_sessions(user.owner)) == 1


def test_erasing_says_what_the_site_protects_and_leaves_a_visitor_the_cookie(
    caller: Caller, protects: Any
) -> None:
    kept = talked(caller.owner, scope="kept")
    talked(caller.owner, scope="gone")
    protects(kept)
    refused = caller.call("DELETE", "sessions")
    assert_error(refused, 409, "sessions_held")
    assert (refused.json()["held"], refused.json()["erased"]) == (1, 1)
    assert VISITOR_COOKIE not in refused.cookies
    listed = caller.get("sessions").json()["sessions"]
    assert [each["id"] for each in listed] == [str(kept.pk)]
