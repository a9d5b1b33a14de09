"""``request.chat_session``: there when it is used, free when it is not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from django_chat_sessions import services
from django_chat_sessions.authentication import VISITOR_COOKIE
from django_chat_sessions.middleware import ChatSessionMiddleware, validated_session
from django_chat_sessions.owners import Owner
from tests.callers import Caller, person, rows

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
    assert validated_session(request) is None


def test_the_scope_header_chooses_the_scope(reader: Caller) -> None:
    services.start(reader.owner)
    other = services.start(reader.owner, "subject:1").session
    assert validated_session(request_of(reader, **{"X-Chat-Scope": "subject:1"})) == other
    assert validated_session(request_of(reader, **{"X-Chat-Scope": "subject:2"})) is None


def test_the_session_header_names_one_of_the_readers_own(reader: Caller) -> None:
    services.start(reader.owner)
    named = services.start(reader.owner, "subject:1").opened
    request = request_of(reader, **{"X-Chat-Session": str(named.pk)})
    assert validated_session(request) == named


def test_an_expired_or_ended_session_is_none(reader: Caller, noon: Any) -> None:
    named = services.start(reader.owner).opened
    request = request_of(reader, **{"X-Chat-Session": str(named.pk)})
    noon.shift(300)
    assert validated_session(request) is None
    assert validated_session(request_of(reader)) is None
    services.reopen(named)
    assert validated_session(request) == named
    services.end(named)
    assert validated_session(request) is None


@pytest.mark.parametrize(
    "name", ["", "x", "0", "-1", "1 ", "\uff11", str(2**63), "9" * 5000, "a\x00", "\xff", "None"]
)
def test_a_header_that_names_nothing_means_none(reader: Caller, name: str) -> None:
    services.start(reader.owner)
    assert validated_session(request_of(reader, **{"X-Chat-Session": name})) is None
    if name:
        assert validated_session(request_of(reader, **{"X-Chat-Scope": name})) is None


def test_somebody_elses_session_is_none(reader: Caller) -> None:
    theirs = services.start(Owner.for_visitor("somebody else")).opened
    request = request_of(reader, **{"X-Chat-Session": str(theirs.pk)})
    assert validated_session(request) is None


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
    from asgiref.sync import sync_to_async

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
