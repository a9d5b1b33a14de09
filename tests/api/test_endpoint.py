"""What all routes share: methods, headers, CSRF, cookies, and a database that is away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import (
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
    connection,
)
from django.http import HttpRequest
from django.test import AsyncClient, Client, RequestFactory

from django_chat_sessions import services
from django_chat_sessions.api import endpoint, views
from django_chat_sessions.api.endpoint import Endpoint
from django_chat_sessions.authentication import VISITOR_COOKIE
from tests.callers import SESSION, Caller, assert_error, assert_private, person, rows

READABLE = (
    "sessions/current",
    "sessions",
    "openapi.yaml",
    "sessions/{id}",
    "sessions/{id}/messages",
    "updates",
    "export",
    "sessions/{id}/export",
)
ROUTES = (
    *READABLE,
    "messages",
    "sessions/{id}/end",
    "sessions/{id}/reopen",
    "sessions/{id}/touch",
    "sessions/{id}/stop",
    "sessions/{id}/retry",
    "sessions/{id}/read",
)


def path_of(route: str, caller: Caller) -> str:
    """Return the route with the id of a chat that the caller has."""
    if "{id}" not in route:
        return route
    return route.format(id=caller.post("sessions").json()["session"]["id"])


# Who may ask


@pytest.fixture
def logins_demanded(settings: Any) -> None:
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]


@pytest.mark.parametrize("route", [*READABLE, "sessions/current/page", "sessions/{id}/page"])
def test_where_the_site_demands_logins_the_authenticators_say_who_may_ask(
    logins_demanded: None, caller: Caller, route: str
) -> None:
    assert caller.get(path_of(route, caller)).status_code == 200
    assert caller.say("Hello").status_code == 201


def test_and_a_stranger_gets_401_where_they_let_nobody_in(
    logins_demanded: None, db: None, settings: Any
) -> None:
    settings.CHAT_SESSIONS = {**settings.CHAT_SESSIONS, "AUTHENTICATORS": [SESSION]}
    assert_error(Client().get("/chat/sessions"), 401, "not_authenticated")
    assert_error(Client().get("/chat/nowhere"), 404, "not_found")


# Methods


@pytest.mark.parametrize("method", ["PUT", "TRACE", "CONNECT", "FOO", "get", "__INIT__"])
@pytest.mark.parametrize("route", ROUTES)
def test_methods_that_a_route_does_not_have_are_405_with_allow(
    caller: Caller, route: str, method: str
) -> None:
    path = path_of(route, caller)
    stored = rows()
    response = caller.call(method, path)
    if method == "get" and route in READABLE:  # Django reads method names without case
        assert response.status_code in (200, 405)
        return
    assert_error(response, 405, "method_not_allowed")
    assert "OPTIONS" in response.headers["Allow"]
    assert method not in response.headers["Allow"].split(", ")
    assert rows() == stored


@pytest.mark.parametrize("route", READABLE)
def test_head_is_get_without_a_body(caller: Caller, route: str) -> None:
    path = path_of(route, caller)
    got, headed = caller.get(path), caller.call("HEAD", path)
    assert (headed.status_code, headed.content) == (200, b"")
    assert headed.headers["Content-Type"] == got.headers["Content-Type"]
    assert_private(headed)


@pytest.mark.parametrize("route", ROUTES)
def test_options_names_the_methods_and_says_nothing_else(caller: Caller, route: str) -> None:
    response = caller.call("OPTIONS", path_of(route, caller))
    assert (response.status_code, response.content) == (200, b"")
    allowed = response.headers["Allow"].split(", ")
    assert "OPTIONS" in allowed
    assert ("GET" in allowed) is (route in READABLE)
    assert_private(response)


@pytest.mark.parametrize(
    "extra", [{"HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE"}, {"HTTP_X_METHOD_OVERRIDE": "DELETE"}]
)
def test_a_method_override_is_ignored(caller: Caller, extra: dict[str, str]) -> None:
    session = caller.say("Why?").json()["session"]["id"]
    stored = rows()
    assert caller.get(f"sessions/{session}?_method=DELETE", **extra).status_code == 200
    response = caller.raw(
        "POST", f"sessions/{session}", b"_method=DELETE", "application/x-www-form-urlencoded"
    )
    assert_error(response, 405, "method_not_allowed")
    assert rows() == stored


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
@pytest.mark.parametrize(
    "path", ["nothing", "sessions/", "sessions/x/y/z", "messages/", "a%0Ab", "a/%0A", "..", "%00"]
)
def test_addresses_without_a_route_answer_in_json_to_every_method(
    caller: Caller, method: str, path: str
) -> None:
    response = caller.call(method, path)
    if method == "HEAD":
        assert response.status_code == 404
    else:
        assert_error(response, 404, "not_found")


def test_an_unknown_address_needs_no_csrf_token_to_say_so(db: None) -> None:
    response = Client(enforce_csrf_checks=True).post("/chat/nothing")
    assert_error(response, 404, "not_found")


# CSRF


@pytest.fixture(params=["with", "without"])
def csrf_middleware(request: pytest.FixtureRequest, settings: Any) -> str:
    """A host with Django's CSRF middleware, and one that took it out."""
    if request.param == "without":
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Csrf" not in name]
    return str(request.param)


CHANGES = (
    ("POST", "sessions"),
    ("POST", "messages"),
    ("PATCH", "sessions/{id}"),
    ("DELETE", "sessions/{id}"),
    ("POST", "sessions/{id}/end"),
    ("POST", "sessions/{id}/reopen"),
    ("POST", "sessions/{id}/touch"),
    ("POST", "sessions/{id}/stop"),
    ("POST", "sessions/{id}/retry"),
    ("POST", "sessions/{id}/read"),
)


@pytest.mark.parametrize("kind", ["user", "visitor"])
def test_the_token_that_the_first_get_gives_allows_changes(
    db: None, csrf_middleware: str, kind: str
) -> None:
    caller = person(kind, csrf=True)
    caller.get("sessions/current")
    token = caller.client.cookies["csrftoken"].value
    message = {"content": "Why?", "key": "key-00000001"}
    response = caller.call("POST", "messages", message, HTTP_X_CSRFTOKEN=token)
    assert response.status_code == 201


@pytest.mark.parametrize("kind", ["user", "visitor"])
def test_a_later_get_renews_the_cookie_and_keeps_the_token(db: None, kind: str) -> None:
    caller = person(kind, csrf=True)
    caller.get("sessions/current")
    token = caller.client.cookies["csrftoken"].value
    again = caller.get("sessions/current")
    assert again.cookies["csrftoken"].value == token
    assert again.cookies["csrftoken"]["max-age"]


def test_a_host_may_call_the_header_of_its_own_pages_otherwise(db: None, settings: Any) -> None:
    settings.CSRF_HEADER_NAME = "HTTP_X_XSRF_TOKEN"
    caller = person("user", csrf=True)
    caller.call("GET", "sessions/current")
    token = caller.client.cookies["csrftoken"].value
    message = {"content": "Why?", "key": "key-00000001"}
    for header in ("HTTP_X_CSRFTOKEN", "HTTP_X_XSRF_TOKEN"):
        response = caller.call("POST", "messages", message, **{header: token})
        assert response.status_code in (200, 201), header
    assert_error(caller.call("POST", "messages", message), 403, "csrf_failed")


def test_a_token_in_a_header_needs_no_csrf_token(db: None, tokens_too: None) -> None:
    caller = person("token", csrf=True)
    assert caller.say("Why?").status_code == 201


def test_a_token_is_no_way_around_csrf_for_somebody_elses_cookie(
    db: None, tokens_too: None
) -> None:
    """A header that no authenticator accepts does not switch the check off for the cookie."""
    caller = person("user", csrf=True)
    for header in ("Bearer x", "Basic eDp5", "nonsense"):
        response = caller.call("POST", "sessions", {}, HTTP_AUTHORIZATION=header)
        assert_error(response, 403, "csrf_failed")


@pytest.mark.parametrize(
    ("secure", "extra", "sentence"),
    [
        (False, {}, "The CSRF token is missing or wrong"),
        (False, {"HTTP_ORIGIN": "http://localhost:5173"}, "This page's origin is not trusted"),
        (True, {}, "This page's origin is not trusted"),  # neither Origin nor Referer
    ],
)
def test_a_refused_change_tells_the_origin_from_the_token(
    db: None, secure: bool, extra: dict[str, str], sentence: str
) -> None:
    caller = person("user", csrf=True)
    response = caller.call("POST", "sessions", {}, secure=secure, **extra)
    assert_error(response, 403, "csrf_failed")
    assert response.json()["message"].startswith(sentence)
    assert ("CSRF_TRUSTED_ORIGINS" in response.json()["message"]) == ("origin" in sentence)


def test_a_browser_that_keeps_no_cookies_is_told_so(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    refused = client.post("/chat/messages", "{}", content_type="application/json")
    assert_error(refused, 403, "csrf_failed")
    assert "allow cookies" in refused.json()["message"]
    assert "reload" not in refused.json()["message"]


# Django's own HTML errors


@pytest.mark.parametrize("kind", ["user", "visitor", "token"])
@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "multipart/form-data; boundary=",
        "application/x-www-form-urlencoded; charset=utf-16",
    ],
)
@pytest.mark.parametrize("route", ["messages", "sessions", "sessions/{id}/end"])
def test_a_form_that_cannot_be_read_is_refused_in_json(
    db: None, tokens_too: None, kind: str, content_type: str, route: str
) -> None:
    caller = person(kind)
    path = path_of(route, caller)
    caller.client.handler.enforce_csrf_checks = True
    token = {"HTTP_X_CSRFTOKEN": "x" * 32}
    response = caller.raw("POST", path, b"--x\r\nbroken", content_type, **token)
    if route == "sessions/{id}/end" and kind == "token":
        assert response.status_code == 200
        return
    assert response.status_code in (400, 403, 415)
    assert_error(response, response.status_code, response.json()["code"])


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary="])
def test_b10_a_form_without_a_boundary_is_of_another_type_too(db: None, content_type: str) -> None:
    caller = person("user", csrf=True)
    caller.get("sessions/current")
    token = {"HTTP_X_CSRFTOKEN": caller.client.cookies["csrftoken"].value}
    refused = caller.raw("POST", "messages", b"x", content_type, **token)
    assert_error(refused, 415, "unsupported_media_type")


@pytest.mark.parametrize("kind", ["user", "visitor"])
@pytest.mark.parametrize(
    "body", [b"a=" + b"x" * 3_000_000, b"&".join([b"a=1"] * 1500)], ids=["large", "many"]
)
def test_a_form_beyond_djangos_limits_is_refused_in_json(db: None, kind: str, body: bytes) -> None:
    caller = person(kind, csrf=True)
    caller.get("sessions/current")
    token = {"HTTP_X_CSRFTOKEN": caller.client.cookies["csrftoken"].value}
    form = "application/x-www-form-urlencoded"
    response = caller.raw("POST", "messages", body, form, **token)
    assert response.status_code in (400, 413, 415)
    assert_error(response, response.status_code, response.json()["code"])


@pytest.mark.parametrize("route", ["sessions", "sessions/current", "sessions/{id}/messages"])
def test_too_many_parameters_in_the_address_are_refused_in_json(caller: Caller, route: str) -> None:
    path = path_of(route, caller)
    response = caller.get(f"{path}?{'&'.join(['a=1'] * 1500)}")
    assert_error(response, 400, "invalid")


def test_a_body_without_a_length_is_refused_where_the_server_does_not_hand_it_on(
    caller: Caller,
) -> None:
    """Under WSGI a chunked body reads as an empty one; that must not pass for a message."""
    stored = rows()
    response = caller.raw(
        "POST",
        "messages",
        b'{"content": "x", "key": "key-00000001"}',
        "application/json",
        CONTENT_LENGTH="",
        HTTP_TRANSFER_ENCODING="chunked",
    )
    assert_error(response, 400, "invalid_json")
    assert rows() == stored


# Cookies


def test_a_visitors_cookie_is_out_of_reach_of_scripts_and_other_sites(db: None) -> None:
    cookie = Client().get("/chat/sessions/current").cookies[VISITOR_COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert not cookie["secure"]


def test_a_visitors_cookie_over_https_stays_on_https(db: None) -> None:
    cookie = Client().get("/chat/sessions/current", secure=True).cookies[VISITOR_COOKIE]
    assert cookie["secure"]


def test_a_visitors_cookie_follows_the_sites_session_cookie(db: None, settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = True
    settings.SESSION_COOKIE_PATH = "/app/"
    settings.SESSION_COOKIE_DOMAIN = "example.org"
    browser = Client()
    cookie = browser.get("/chat/sessions/current").cookies[VISITOR_COOKIE]
    assert cookie["secure"]
    assert (cookie["path"], cookie["domain"]) == ("/app/", "example.org")
    gone = browser.delete("/chat/sessions").cookies[VISITOR_COOKIE]
    assert (gone.value, gone["path"], gone["domain"]) == ("", "/app/", "example.org")


def test_only_a_stranger_is_given_a_cookie(db: None, tokens_too: None) -> None:
    visitor = person("visitor")
    assert VISITOR_COOKIE not in visitor.get("sessions/current").cookies
    assert VISITOR_COOKIE not in person("user").get("sessions/current").cookies
    assert VISITOR_COOKIE not in person("token").get("sessions/current").cookies


def test_only_one_of_the_first_questions_makes_a_stranger_a_visitor(db: None) -> None:
    """Else the answer that comes last would take the cookie of a conversation begun meanwhile."""
    for route in ("sessions", "sessions/1", "sessions/1/messages", "updates"):
        assert VISITOR_COOKIE not in Client().get(f"/chat/{route}").cookies
    said = {"content": "Why?", "key": "6f0e5b4e-9c9c-4f0e-8a52-6a4b8f6a2a11"}
    sent = Client().post("/chat/messages", said, content_type="application/json")
    assert VISITOR_COOKIE in sent.cookies


def test_what_is_refused_makes_nobody_a_visitor(db: None) -> None:
    client = Client()
    json_type = "application/json"
    refused = [
        client.post("/chat/messages", "{", content_type=json_type),
        client.post("/chat/sessions/1/end"),
        client.put("/chat/sessions"),
        client.get("/chat/sessions/current?scope=%20"),
        Client(enforce_csrf_checks=True).post("/chat/sessions", "{}", content_type=json_type),
    ]
    assert [response.status_code for response in refused] == [400, 404, 405, 400, 403]
    assert not any(VISITOR_COOKIE in response.cookies for response in refused)


def test_a_visitors_retry_of_the_first_message_meets_the_first_try(
    db: None, answering: Any
) -> None:
    visitor = person("visitor")
    with answering():
        first = visitor.say("Why?")
    stored = rows()
    again = visitor.say("Why?")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["message"]["id"] == first.json()["message"]["id"]
    assert rows() == stored


def test_a_site_without_visitors_asks_for_a_login(db: None, settings: Any) -> None:
    settings.CHAT_SESSIONS = {
        **settings.CHAT_SESSIONS,
        "AUTHENTICATORS": ["django_chat_sessions.authentication.DjangoSession"],
    }
    client = Client()
    for method in ("GET", "POST", "DELETE"):
        response = client.generic(method, "/chat/sessions")
        assert_error(response, 401, "not_authenticated")
        assert VISITOR_COOKIE not in response.cookies


# A database that is away


class ReadOnly(InternalError):
    """As psycopg has it for a standby that is not in charge yet."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.__cause__ = Exception()
        self.__cause__.sqlstate = "25006"  # type: ignore[attr-defined]


@contextmanager
def database_down(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every statement and every new connection fails."""

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise error("the server closed the connection; SECRET-4711")

    with monkeypatch.context() as patch, connection.execute_wrapper(fail):
        patch.setattr(connection, "connect", fail)
        yield


@pytest.mark.parametrize("error", [OperationalError, InterfaceError, ReadOnly])
@pytest.mark.parametrize("operation", [*CHANGES, *[("GET", route) for route in READABLE]])
def test_without_a_database_every_route_says_503_and_when_to_come_back(
    caller: Caller,
    operation: tuple[str, str],
    error: type[Exception],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    method, route = operation
    path = path_of(route, caller)
    data = {"messages": {"content": "x", "key": "abcdefgh"}, "sessions/{id}": {"title": "x"}}
    with database_down(error, monkeypatch):
        response = caller.call(method, path, data.get(route, {}))
    if route == "openapi.yaml":
        assert response.status_code == 200
        return
    assert_error(response, 503, "unavailable")
    assert int(response.headers["Retry-After"]) > 0
    assert "SECRET" not in caplog.text
    assert error.__name__ in caplog.text


def refuse_to_send(monkeypatch: pytest.MonkeyPatch, refusal: Exception) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise refusal

    monkeypatch.setattr(services, "send", refuse)


@pytest.mark.parametrize(
    "refusal",
    [DataError("too long: SECRET-4711"), OperationalError(1366, "SECRET-4711")],
    ids=["text", "character"],
)
def test_a_text_that_the_database_refuses_is_the_senders_to_change(
    caller: Caller,
    refusal: Exception,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    refuse_to_send(monkeypatch, refusal)
    assert_error(caller.say("A long text"), 400, "invalid")
    assert "SECRET" not in caplog.text
    assert type(refusal).__name__ in caplog.text


ROW = "DETAIL:  Failing row contains (1, SECRET-4711)."
NO_RATING = 'null value in column "rating" of relation "m" violates not-null constraint'


@pytest.mark.parametrize(
    ("refusal", "cause"),
    [
        (IntegrityError(f"{NO_RATING}\n{ROW}"), NO_RATING),
        (IntegrityError(1048, "Column 'rating' cannot be null"), "Column 'rating' cannot be null"),
        (IntegrityError(1062, "Duplicate entry 'SECRET-4711' for key 'm.once'"), "IntegrityError"),
    ],
    ids=["postgres", "mysql", "duplicate"],
)
def test_p01_a_row_that_a_table_of_the_hosts_does_not_take_is_sent_again_and_in_no_log(
    caller: Caller,
    refusal: Exception,
    cause: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As while a deploy has added a column that the code before it does not know."""
    refuse_to_send(monkeypatch, refusal)
    response = caller.say("Why? SECRET-4711")
    assert_error(response, 503, "unavailable")
    assert int(response.headers["Retry-After"]) > 0
    assert "SECRET" not in caplog.text
    assert cause in caplog.text


@contextmanager
def answering_with(statement: str) -> Iterator[None]:
    """Every statement is this one."""

    def other(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        return execute(statement, (), False, context)

    with connection.execute_wrapper(other):
        yield


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("statement", "lacking"),
    [
        ("SELECT 'SECRET-4711' FROM no_such_table", "no_such_table"),
        ("SELECT 'SECRET-4711', no_such_column FROM django_content_type", "no_such_column"),
    ],
)
def test_a_database_that_is_not_migrated_is_503_and_the_log_says_what_to_do(
    method: str, statement: str, lacking: str, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = person("visitor")
    with answering_with(statement):
        path = "sessions" if method == "GET" else "messages"
        response = visitor.call(method, path, {"content": "SECRET-4711", "key": "abcdefgh"})
    assert_error(response, 503, "unavailable")
    [told] = [each.getMessage() for each in caplog.records if each.name == endpoint.__name__]
    assert told.startswith("The chat's database cannot be used: the database is not migrated: ")
    assert told.endswith("; run migrate")
    assert lacking in told
    assert "SECRET" not in caplog.text


@pytest.mark.django_db
def test_a_wrong_statement_is_no_outage() -> None:
    def fail(*args: Any) -> Any:
        raise ProgrammingError("no results to fetch")

    with connection.execute_wrapper(fail), pytest.raises(ProgrammingError):
        person("visitor").get("sessions")


def test_after_the_outage_everything_is_as_it_was(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, answering: Any
) -> None:
    with answering():
        session = caller.say("Why?").json()["session"]["id"]
    stored = rows()
    with database_down(OperationalError, monkeypatch):
        assert caller.say("How?", key="another-key").status_code == 503
    assert rows() == stored
    assert caller.say("How?", key="another-key").json()["session"]["id"] == session


# ATOMIC_REQUESTS


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["user", "visitor"])
def test_no_transaction_is_open_while_an_answer_is_computed_under_atomic_requests(
    kind: str, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    seen: list[bool] = []

    def responder(turn: Any) -> str:
        seen.append(connection.in_atomic_block)
        return "Because."

    settings.CHAT_SESSIONS = {**settings.CHAT_SESSIONS, "RESPONDER": responder}
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    assert person(kind).say("Why?").status_code == 201
    assert seen == [False]


def every_view() -> list[Any]:
    found = [view for view in vars(views).values() if isinstance(view, type)]
    return [view for view in found if issubclass(view, Endpoint)]


@pytest.mark.parametrize("view_class", every_view())
def test_every_view_is_exempt_from_the_hosts_csrf_check_and_from_atomic_requests(
    view_class: Any,
) -> None:
    view = view_class.as_view()
    assert view.csrf_exempt is True
    assert "default" in view._non_atomic_requests


# Async


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("threads_let_go")
async def test_under_asgi_the_same_answers_come() -> None:
    client = AsyncClient()
    look = await client.get("/chat/sessions/current")
    assert look.status_code == 200
    sent = await client.post(
        "/chat/messages",
        data=json.dumps({"content": "Why?", "key": "key-00000001"}),
        content_type="application/json",
    )
    assert sent.status_code == 201
    session = sent.json()["session"]["id"]
    page = await client.get(f"/chat/sessions/{session}/messages")
    assert [row["role"] for row in page.json()["messages"]] == ["user", "assistant"]
    assert_private(page)
    assert_error(await client.get("/chat/sessions/nothing"), 404, "not_found")
    big = await client.post(
        "/chat/messages", data=b"x" * 3_000_000, content_type="application/json"
    )
    assert_error(big, 413, "too_large")


def test_an_answer_opened_in_a_browser_is_json_and_not_guessed(caller: Caller) -> None:
    caller.say("<script>alert(1)</script>")
    response = caller.get("sessions", HTTP_ACCEPT="text/html")
    assert response.headers["Content-Type"] == "application/json"
    assert_private(response)


def test_a_request_without_a_user_is_a_visitors(db: None) -> None:
    """A host without AuthenticationMiddleware still has a chat."""
    request: HttpRequest = RequestFactory().get("/chat/sessions/current")
    response = views.CurrentSession.as_view()(request)
    assert response.status_code == 200
