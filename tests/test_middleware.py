"""``request.chat_session``: there when it is used, free when it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction, sync_to_async
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection, transaction
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template import Context, Template
from django.test import RequestFactory
from django.urls import include, path, resolve
from django.views.decorators.cache import cache_page
from django.views.decorators.csrf import csrf_exempt
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request

from django_chat_sessions import get_session_model, services, signals
from django_chat_sessions.authentication import VISITOR_COOKIE
from django_chat_sessions.exceptions import SessionNotFound
from django_chat_sessions.middleware import ChatSessionMiddleware, chat_session_required
from django_chat_sessions.owners import Owner, owner_from_request
from tests.callers import Caller, person, rows
from tests.conversations import missing_id, refusing_to_read, talked

Statements = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture(params=["user", "visitor"])
def reader(request: pytest.FixtureRequest, db: None) -> Caller:
    return person(request.param)


def request_of(reader: Caller, **headers: str) -> Any:
    request: Any = RequestFactory().get("/", headers=headers or None)
    if reader.kind == "visitor":
        request.COOKIES[VISITOR_COOKIE] = reader.client.cookies[VISITOR_COOKIE].value
    else:
        from django.contrib.auth import get_user_model

        request.user = get_user_model().objects.get(pk=reader.owner.user_id)
    return request


def passed(request: HttpRequest) -> Any:
    """Return the request as a view behind the middleware gets it."""
    seen: list[HttpRequest] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return HttpResponse("the view's")

    response: Any = ChatSessionMiddleware(view)(request)
    assert response.content == b"the view's"
    return seen[0]


def session_of(request: HttpRequest) -> Any:
    """Return the session that the request may speak in, or None."""
    return passed(request).chat_session or None


def test_a_request_that_does_not_use_it_costs_nothing(
    reader: Caller, statements: Statements
) -> None:
    services.start(reader.owner)
    request, stored = request_of(reader), rows()
    with statements() as sent:
        passed(request)
    assert sent == []
    assert rows() == stored


def test_the_open_session_is_looked_up_once_when_it_is_used(
    reader: Caller, statements: Statements
) -> None:
    session = services.start(reader.owner).session
    request, stored = passed(request_of(reader)), rows()
    with statements() as sent:
        assert request.chat_session == session
        assert request.chat_session.pk == session.pk  # type: ignore[union-attr]
    assert len(sent) == 1
    assert rows() == stored


def test_without_an_open_session_it_is_false(reader: Caller) -> None:
    assert not passed(request_of(reader)).chat_session


def test_a_stranger_has_none_and_costs_nothing(db: None, statements: Statements) -> None:
    request: Any = passed(RequestFactory().get("/"))
    with statements() as sent:
        assert not request.chat_session
    assert sent == []


def test_bad_credentials_mean_none(db: None, tokens_too: None) -> None:
    request = RequestFactory().get("/", headers={"Authorization": "Token of-nobody"})
    assert session_of(request) is None


def test_the_scope_header_chooses_the_scope(reader: Caller) -> None:
    services.start(reader.owner)
    other = services.start(reader.owner, "subject:1").session
    assert session_of(request_of(reader, **{"X-Chat-Scope": "subject:1"})) == other
    assert session_of(request_of(reader, **{"X-Chat-Scope": "subject:2"})) is None


def test_the_session_header_names_one_of_the_readers_own(reader: Caller) -> None:
    services.start(reader.owner)
    named = services.start(reader.owner, "subject:1").opened
    request = request_of(reader, **{"X-Chat-Session": str(named.pk)})
    assert session_of(request) == named


def test_an_expired_or_ended_session_is_none(reader: Caller, noon: Any) -> None:
    named = services.start(reader.owner).opened
    request = request_of(reader, **{"X-Chat-Session": str(named.pk)})
    noon.shift(300)
    assert session_of(request) is None
    assert session_of(request_of(reader)) is None
    services.reopen(named)
    assert session_of(request) == named
    services.end(named)
    assert session_of(request) is None


@pytest.mark.parametrize(
    "name", ["", "x", "0", "-1", "1 ", "\uff11", str(2**63), "9" * 5000, "a\x00", "\xff", "None"]
)
def test_a_header_that_names_nothing_means_none(reader: Caller, name: str) -> None:
    services.start(reader.owner)
    assert session_of(request_of(reader, **{"X-Chat-Session": name})) is None
    if name:
        assert session_of(request_of(reader, **{"X-Chat-Scope": name})) is None


def test_somebody_elses_session_is_none(reader: Caller) -> None:
    theirs = services.start(Owner.for_visitor("somebody else")).opened
    request = request_of(reader, **{"X-Chat-Session": str(theirs.pk)})
    assert session_of(request) is None


def test_every_request_of_the_site_goes_through_it_without_a_statement_more(
    reader: Caller, statements: Statements, settings: Any
) -> None:
    with statements() as with_it:
        reader.get("sessions")
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "chat_sessions" not in name]
    with statements() as without_it:
        reader.get("sessions")
    assert len(with_it) == len(without_it)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("threads_let_go")
async def test_an_async_view_awaits_it() -> None:
    reader = await sync_to_async(person)("visitor")
    session = (await services.astart(reader.owner)).session
    seen: list[Any] = []

    async def view(request: HttpRequest) -> HttpResponse:
        seen.append(await request.achat_session())  # type: ignore[attr-defined]
        return HttpResponse("the view's")

    middleware = ChatSessionMiddleware(view)
    assert iscoroutinefunction(middleware)
    response = await middleware(request_of(reader))
    assert response.content == b"the view's"
    assert seen == [session]


def test_a_sync_view_is_not_made_async() -> None:
    assert not iscoroutinefunction(ChatSessionMiddleware(lambda request: HttpResponse()))


def answered(request: Any, view: Callable[..., Any]) -> Any:
    """Return the response of a view behind the middleware."""
    return ChatSessionMiddleware(view)(request)


def using(request: Any) -> HttpResponse:
    return HttpResponse(str(request.chat_session.pk if request.chat_session else "none"))


def test_the_session_that_was_used_is_in_the_headers(reader: Caller, noon: Any) -> None:
    session = services.start(reader.owner).opened
    response = answered(request_of(reader), using)
    assert response.headers["X-Chat-Session"] == str(session.pk) == response.text
    assert response.headers["X-Chat-Session-State"] == "active"
    assert response.headers["X-Chat-Session-Expires"] == "2026-11-22T12:05:00.000000Z"
    noon.shift(300)
    response = answered(request_of(reader, **{"X-Chat-Session": str(session.pk)}), using)
    assert response.text == "none"
    assert response.headers["X-Chat-Session"] == str(session.pk)
    assert response.headers["X-Chat-Session-State"] == "expired"


def test_what_the_view_did_to_the_session_is_in_the_headers_and_what_it_said_stays(
    reader: Caller, settings: Any, noon: Any
) -> None:
    session = services.start(reader.owner).opened
    noon.shift(200)

    def view(request: Any) -> HttpResponse:
        services.touch(request.chat_session)
        return HttpResponse(headers={"X-Chat-Session": "mine"})

    response = answered(request_of(reader), view)
    assert response.headers["X-Chat-Session-Expires"] == "2026-11-22T12:08:20.000000Z"
    assert response.headers["X-Chat-Session"] == "mine"
    get_session_model()._base_manager.filter(pk=session.pk).update(expires_at=None)
    assert "X-Chat-Session-Expires" not in answered(request_of(reader), using).headers


def test_where_it_was_not_used_the_response_is_the_views(reader: Caller) -> None:
    services.start(reader.owner)
    response = answered(request_of(reader), lambda request: HttpResponse())
    assert set(response.headers) == {"Content-Type"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (None, {"private", "no-store"}),
        ("max-age=60, public", {"max-age=60", "private", "no-store"}),
        ("private, no-cache", {"private", "no-cache"}),
        ("No-Store", {"No-Store"}),
    ],
)
def test_z13_what_was_made_for_one_reader_stays_out_of_caches(
    reader: Caller, said: str | None, expected: set[str]
) -> None:
    """Whatever asked for the reader: the session, a template tag, or the host itself."""
    services.send(reader.owner, "SECRET-4711", key="key-00000001")
    page = Template("{% load chat_sessions %}{% chat_history %}")
    headers = {} if said is None else {"Cache-Control": said}

    def tags(request: Any) -> HttpResponse:
        return HttpResponse(page.render(Context({"request": request})), headers=headers)

    def asks(request: Any) -> HttpResponse:
        return HttpResponse(str(owner_from_request(request)), headers=headers)

    for view in (tags, asks):
        response = answered(request_of(reader), view)
        assert set(response.headers["Cache-Control"].split(", ")) == expected
        assert {"Cookie", "Authorization"} <= set(response.headers["Vary"].split(", "))
        unknown = answered(RequestFactory().get("/"), view)
        assert unknown.headers.get("Cache-Control") == said
        assert "Cookie" in unknown.headers["Vary"]


def test_z13_no_page_of_a_readers_own_is_in_the_cache_of_its_view(reader: Caller) -> None:
    """It stores what the view returns, whatever a middleware says of it afterwards."""
    cache.clear()
    services.send(reader.owner, "SECRET-4711", key="key-00000001")
    page = Template("{% load chat_sessions %}{% chat_history %}")

    @cache_page(60)
    def tags(request: Any) -> HttpResponse:
        return HttpResponse(page.render(Context({"request": request})))

    @cache_page(60)
    def wrapping(request: Any) -> HttpResponse:
        wrapped: Any = Request(request, authenticators=[SessionAuthentication()])
        return HttpResponse(repr(owner_from_request(wrapped)))

    for view, own in ((tags, b"SECRET-4711"), (wrapping, b"Owner(")):
        assert own in answered(request_of(reader), view).content
        assert own not in answered(RequestFactory().get("/"), view).content
        cache.clear()


def test_a_streamed_body_is_left_alone(reader: Caller) -> None:
    services.start(reader.owner)
    begun: list[int] = []

    def body() -> Iterator[bytes]:
        begun.append(1)
        yield b"piece"

    def view(request: Any) -> StreamingHttpResponse:
        assert request.chat_session
        return StreamingHttpResponse(body())

    response = answered(request_of(reader), view)
    assert begun == []
    assert response.headers["X-Chat-Session-State"] == "active"
    assert response.headers["Cache-Control"] == "private, no-store"
    assert b"".join(response.streaming_content) == b"piece"


def record_turn(session: Any) -> None:
    with services.record_turn(session, "And?") as turn:
        turn.answer = "So."


VERBS: dict[str, Callable[[Any], Any]] = {
    "touch": services.touch,
    "end": services.end,
    "rename": lambda session: services.rename(session, "Physics"),
    "suggest_title": lambda session: services.suggest_title(session, "Physics"),
    "pin": services.pin,
    "archive": services.archive,
    "delete": services.delete,
    "mark_read": services.mark_read,
    "stop": services.stop,
    "reopen": services.reopen,
    "add_message": lambda session: services.add_message(session, "user", "And?"),
    "add_turn": lambda session: services.add_turn(session, "And?", "So."),
    "record_turn": record_turn,
}
SENT = {
    "end": [signals.session_ended],
    "archive": [signals.session_ended],
    "delete": [signals.session_ended],
    "add_message": [signals.message_added],
    "add_turn": [signals.message_added],
    "record_turn": [signals.message_added, signals.turn_answered],
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_takes_it_as_the_row_that_it_stands_for(
    reader: Caller, verb: str, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.CHAT_SESSIONS = {**settings.CHAT_SESSIONS, "RESPONDER": None}
    services.send(reader.owner, "Why?", key="why")
    session = passed(request_of(reader)).chat_session
    heard: list[Signal] = []

    def hear(signal: Signal, **facts: Any) -> None:
        heard.append(signal)

    try:
        for signal in SENT.get(verb, []):
            signal.connect(hear, sender=get_session_model())
        with django_capture_on_commit_callbacks(execute=True):
            VERBS[verb](session)
    finally:
        for signal in SENT.get(verb, []):
            signal.disconnect(hear, sender=get_session_model())
    assert heard == SENT.get(verb, [])
    again = get_session_model().objects.get(pk=session.pk)
    values = [(each.attname, getattr(again, each.attname)) for each in again._meta.concrete_fields]
    assert [(name, getattr(session, name)) for name, _value in values] == values


def test_one_that_is_gone_is_said_to_be(reader: Caller) -> None:
    services.send(reader.owner, "Why?", key="why")
    session = passed(request_of(reader)).chat_session
    assert session
    get_session_model().objects.all().delete()
    with pytest.raises(SessionNotFound):
        services.reopen(session)


def test_d13_without_a_database_there_is_no_session_and_the_site_stays_up(
    reader: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    request = request_of(reader)

    def fail(*args: Any) -> Any:
        raise OperationalError("SECRET-4711")

    with connection.execute_wrapper(fail):
        assert answered(request, using).text == "none"
        refused = answered(request, chat_session_required(using))
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert "OperationalError" in caplog.text
    assert "SECRET" not in caplog.text


def test_a_database_that_is_not_migrated_is_told_of_in_the_log(
    reader: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    request = request_of(reader)

    def fail(*args: Any) -> Any:
        raise OperationalError("no such table: chats")

    with connection.execute_wrapper(fail):
        assert answered(request, using).text == "none"
    assert "the database is not migrated: no such table: chats; run migrate" in caplog.text


def test_d13_what_cannot_be_looked_up_breaks_no_transaction_of_the_view(reader: Caller) -> None:
    """PostgreSQL would undo at the end what the view has written, and say nothing."""
    request = request_of(reader)
    with transaction.atomic():
        written = talked(reader.owner)
        with refusing_to_read():
            assert answered(request, using).text == "none"
        assert services.recent_sessions(reader.owner) == [written]


def viewed(request: Any, chat_session_id: Any = None) -> HttpResponse:
    return using(request)


def viewed_by_id(request: Any, chat_session_id: str) -> HttpResponse:
    return using(request)


async def aviewed(request: Any, chat_session_id: str) -> HttpResponse:
    session = await request.achat_session()
    return HttpResponse(str(session.pk))


@pytest.fixture
def routes(settings: Any) -> None:
    """A host's addresses that name a session, for a view of each kind."""
    settings.ROOT_URLCONF = (
        path("sync/<str:chat_session_id>/", chat_session_required(viewed_by_id)),
        path("async/<str:chat_session_id>/", chat_session_required(aviewed)),
        path("open/", chat_session_required(viewed)),
        path("free/<str:chat_session_id>/", viewed),
        path("chat/", include("django_chat_sessions.urls")),
    )


@pytest.mark.parametrize("view", [viewed, aviewed])
def test_what_another_decorator_has_said_of_the_view_still_holds(view: Any) -> None:
    guarded: Any = chat_session_required(csrf_exempt(view))
    assert (guarded.__name__, guarded.csrf_exempt) == (view.__name__, True)


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.usefixtures("routes")
def test_z01_a_session_named_by_the_address_is_the_callers_own_and_active_or_the_view_is_not_called(
    reader: Caller, noon: Any, kind: str, statements: Statements
) -> None:
    services.start(reader.owner)
    named = services.start(reader.owner, "subject:1").opened
    theirs = services.start(Owner.for_visitor("somebody else")).opened
    get = reader.client.get
    assert get(f"/{kind}/{named.pk}/").text == str(named.pk)
    # The address counts, whatever a header says.
    other = {"X-Chat-Session": str(theirs.pk)}
    assert get(f"/{kind}/{named.pk}/", headers=other).text == str(named.pk)
    for missing in (theirs.pk, "nonsense", missing_id()):
        assert get(f"/{kind}/{missing}/").status_code == 404
        assert get(f"/free/{missing}/").text == "none"
    noon.shift(300)
    refused = get(f"/{kind}/{named.pk}/")
    assert refused.status_code == 409
    assert refused.headers["X-Chat-Session-State"] == "expired"
    assert refused.text == ""
    assert get("/open/").status_code == 404
    services.reopen(named)
    services.end(named)
    assert get(f"/{kind}/{named.pk}/").headers["X-Chat-Session-State"] == "ended"


@pytest.mark.usefixtures("routes")
def test_an_address_may_name_it_with_a_converter_and_costs_one_statement(
    reader: Caller, statements: Statements
) -> None:
    named = services.start(reader.owner).opened
    request = request_of(reader)
    request.resolver_match = resolve(f"/sync/{named.pk}/")
    request.resolver_match.kwargs["chat_session_id"] = named.pk  # as <uuid:…> or <int:…> give it
    with statements() as sent:
        assert answered(request, chat_session_required(using)).text == str(named.pk)
    assert len(sent) == 1


def test_the_decorator_says_what_it_needs() -> None:
    with pytest.raises(ImproperlyConfigured, match="ChatSessionMiddleware"):
        chat_session_required(viewed)(RequestFactory().get("/"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("threads_let_go")
async def test_an_async_response_has_the_same_headers_and_is_looked_up_once() -> None:
    reader = await sync_to_async(person)("visitor")
    session = (await services.astart(reader.owner)).session

    async def view(request: Any) -> HttpResponse:
        assert await request.achat_session() is await request.achat_session()
        return HttpResponse()

    response = await ChatSessionMiddleware(view)(request_of(reader))  # type: ignore[misc]
    assert response.headers["X-Chat-Session"] == str(session and session.pk)
    assert response.headers["Cache-Control"] == "private, no-store"
