"""Z-11, Z-12: what another site can make a browser send changes nothing, and is framed nowhere."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from django_chat_sessions.api.readers import name_of
from django_chat_sessions.owners import Owner
from tests.attack.matrix import BODIES, FORM, METHODS, READING, ROWS, everything, tried
from tests.callers import COOKIE, Caller, assert_error, assert_private, person
from tests.conversations import configure, leave_replies

CHANGES = [(route, method) for route, method in ROWS if method not in (*READING, "*")]
JSON = "application/json"
MULTIPART = "multipart/form-data; boundary=x"
# What a form, a script or a link on another page can send with the reader's cookies.
FORGERIES: dict[str, dict[str, str]] = {
    "json": {"kind": JSON},
    "plain": {"kind": "text/plain"},
    "form": {"kind": FORM},
    "multipart": {"kind": MULTIPART},
    "nothing": {"kind": ""},
    "wrong token": {"kind": JSON, "HTTP_X_CSRFTOKEN": "x" * 32},
    "another site": {"kind": JSON, "token": "right", "HTTP_ORIGIN": "https://evil.example"},
    "a sandboxed frame": {"kind": JSON, "token": "right", "HTTP_ORIGIN": "null"},
    "a page before": {
        "kind": JSON,
        "token": "right",
        "wsgi.url_scheme": "https",
        "HTTP_REFERER": "https://evil.example/chat/",
    },
    "no page before": {"kind": JSON, "token": "right", "wsgi.url_scheme": "https"},
    "a method in a header": {"kind": JSON, "HTTP_X_HTTP_METHOD_OVERRIDE": "GET"},
}


@pytest.fixture(params=["user", "visitor"])
def caller(request: pytest.FixtureRequest, db: None) -> Caller:
    return person(request.param)


def body_of(route: str, method: str, kind: str) -> bytes:
    data = BODIES.get((route, method), {"content": "x", "key": "key-of-a-form"})
    if kind == FORM:
        return "&".join(f"{name}={value}" for name, value in data.items()).encode()
    if kind == MULTIPART:
        part = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
        return ("".join(part.format(*each) for each in data.items()) + "--x--\r\n").encode()
    return json.dumps(data).encode()


@pytest.mark.parametrize("middleware", ["with Django's middleware", "without"])
@pytest.mark.parametrize("forgery", FORGERIES)
def test_z11_no_change_is_made_by_what_another_site_sends(
    caller: Caller, settings: Any, forgery: str, middleware: str
) -> None:
    if middleware == "without":
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Csrf" not in name]
    session = caller.say("Why?").json()["session"]["id"]
    caller.get("sessions/current")
    caller.client.handler.enforce_csrf_checks = True
    extra = dict(FORGERIES[forgery])
    kind = extra.pop("kind")
    if extra.pop("token", "") == "right":
        extra["HTTP_X_CSRFTOKEN"] = caller.client.cookies["csrftoken"].value
    before = everything()
    for route, method in CHANGES:
        path = route.format(id=session)
        refused = caller.raw(method, path, body_of(route, method, kind), kind, **extra)
        assert refused.status_code == 403, (method, route)
        assert_private(refused)
        if not route.endswith("/page"):
            assert_error(refused, 403, "csrf_failed")
    assert everything() == before


BASIC = "rest_framework.authentication.BasicAuthentication"
REMOTE = "rest_framework.authentication.RemoteUserAuthentication"
PASSWORDS = {
    BASIC: {"HTTP_AUTHORIZATION": "Basic YWRhOnNlY3JldA=="},
    REMOTE: {"REMOTE_USER": "ada"},
}


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver:81"])
@pytest.mark.parametrize("way", PASSWORDS)
def test_z11_a_password_that_the_browser_sends_by_itself_changes_nothing_from_another_site(
    db: None, settings: Any, django_user_model: Any, way: str, origin: str
) -> None:
    """A browser keeps it, and sends it with what a form of any site posts."""
    configure(settings, AUTHENTICATORS=[way])
    user = django_user_model.objects.create_user("ada", password="secret")
    if way == REMOTE:  # its backend is asked for whoever the proxy names
        settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.RemoteUserBackend"]
    ada = Caller("password", Client(enforce_csrf_checks=True), Owner.for_user(user))
    ada.client.defaults.update(PASSWORDS[way])
    session = ada.say("Why?").json()["session"]["id"]  # a program names no origin
    before = everything()
    for route, method in CHANGES:
        path = route.format(id=session)
        for kind in (JSON, FORM, "text/plain"):
            body = body_of(route, method, kind)
            refused = ada.raw(method, path, body, kind, HTTP_ORIGIN=origin)
            assert refused.status_code == 403, (method, route)
            assert_private(refused)
    assert everything() == before
    assert ada.get("sessions", HTTP_ORIGIN=origin).status_code == 200
    again = {"content": "How?", "key": "key-00000002", "scope": "other"}
    assert ada.post("messages", again, HTTP_ORIGIN="http://testserver").status_code == 201


def test_z07_a_link_that_holds_its_writers_password_takes_no_visitors_chats(
    db: None, settings: Any, django_user_model: Any
) -> None:
    """``https://mallory:pw@site/``: a browser keeps that password, and sends it with the cookie."""
    configure(settings, AUTHENTICATORS=[BASIC, COOKIE])
    django_user_model.objects.create_user("mallory", password="secret")
    victim = person("visitor")
    victim.say("Why?")
    before = everything()
    led = {"HTTP_AUTHORIZATION": "Basic bWFsbG9yeTpzZWNyZXQ="}
    for path in ("sessions", "sessions/current", "sessions/current/page", "updates"):
        for method in READING:
            assert victim.raw(method, path, b"", JSON, **led).status_code == 200
    assert victim.call("DELETE", "sessions", **led).status_code == 204  # mallory's own, of none
    unsent = {"content": "And?", "key": "key-00000002", "reader": name_of(victim.owner)}
    assert_error(victim.post("messages", unsent, **led), 422, "other_reader", "reader")
    assert everything() == before
    assert len(victim.get("sessions").json()["sessions"]) == 1  # they are the visitor's still


def test_z11_a_session_that_has_expired_stays_as_it_is_while_it_is_read(
    caller: Caller, noon: Any, answering: Any
) -> None:
    """An expiry is written down by the next message or a sweep, never by a GET."""
    with answering():
        session = caller.say("Why?").json()["session"]["id"]
    noon.shift(timedelta(minutes=10))
    before = everything()
    for route, method in ROWS:
        if method == "GET":
            for reading in READING:
                assert tried(caller.client, route, reading, session).stored == before


@pytest.mark.parametrize("method", METHODS)
def test_z12_a_method_in_a_header_an_address_or_a_form_is_not_looked_at(
    caller: Caller, settings: Any, method: str
) -> None:
    leave_replies(settings)
    session = caller.say("Why?").json()["session"]["id"]
    before = everything()
    override = {
        f"HTTP_X_{name}": method for name in ("HTTP_METHOD_OVERRIDE", "HTTP_METHOD", "METHOD")
    }
    for address in (f"sessions/{session}", "sessions", "export", "updates"):
        path = f"{address}?_method={method}&method={method}"
        assert caller.get(path, **override).status_code == 200
    form = f"_method={method}".encode()
    assert caller.raw("POST", f"sessions/{session}", form, FORM, **override).status_code == 405
    assert everything() == before


@pytest.mark.parametrize("page", ["current_page", "session_page"])
def test_no_other_site_frames_the_pages_buttons(caller: Caller, settings: Any, page: str) -> None:
    session = caller.say("Why?").json()["session"]["id"]
    path = reverse(f"chat_sessions:{page}", args=[session] if page == "session_page" else [])
    missing = reverse("chat_sessions:session_page", args=["nowhere"])
    for response in (caller.client.get(path), caller.client.post(path), caller.client.get(missing)):
        assert response.headers["X-Frame-Options"] == "DENY"
    settings.X_FRAME_OPTIONS = "SAMEORIGIN"
    assert caller.client.get(path).headers["X-Frame-Options"] == "SAMEORIGIN"
