"""At login a visitor's chats move to the account, and the key goes out of the cookie."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth import login, user_logged_in, user_logged_out
from django.db import OperationalError
from django.db.transaction import atomic
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import include, path
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from django_chat_sessions import services
from django_chat_sessions.authentication import CLAIMED_AGE, VISITOR_COOKIE, AnonymousCookie
from django_chat_sessions.login import claim_visitors_chats
from tests.callers import COOKIE, SESSION, Caller, person, rows, visitor_in, visitor_of
from tests.conversations import configure

pytestmark = pytest.mark.django_db
really_committed = pytest.mark.django_db(transaction=True)
MIDDLEWARE = "django_chat_sessions.middleware.ChatSessionMiddleware"


class KeptApart(AnonymousCookie):
    """A host that leaves visitors' chats where they are."""

    claimed_at_login = False


class Renamed(AnonymousCookie):
    """A host that shares its host name with another site."""

    cookie_name = "shop_visitor"


def log_in(request: HttpRequest) -> HttpResponse:
    from django.contrib.auth import get_user_model

    user = get_user_model()._default_manager.get(username=request.GET["as"])
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponse()


def log_in_in_vain(request: HttpRequest) -> HttpResponse:
    """A host's login, together with something of its own that fails this time."""
    with suppress(LookupError), atomic():
        log_in(request)
        raise LookupError("no profile")
    request.session.flush()
    return HttpResponse(status=503)


@api_view()  # type: ignore[untyped-decorator]
def log_in_by_the_framework(request: Request) -> Response:
    """A host's login, by a view of Django REST Framework: the signal gets the wrapped request."""
    log_in(request)
    return Response()


urlpatterns = [
    path("log-in/", log_in),
    path("log-in-by-the-framework/", log_in_by_the_framework),
    path("log-in-in-vain/", log_in_in_vain),
    path("chat/", include("django_chat_sessions.urls")),
]


@pytest.fixture
def visitor(settings: Any, user: Any) -> Caller:
    settings.ROOT_URLCONF = __name__
    visitor = person("visitor")
    visitor.say("SECRET-4711")
    return visitor


def titles(client: Client) -> list[str]:
    return [row["title"] for row in client.get("/chat/sessions").json()["sessions"]]


def has_cookie(client: Client | AsyncClient) -> bool:
    return visitor_in(client) is not None


@really_committed
def test_z08_the_chats_of_a_visitor_move_at_login_once_and_the_cookie_goes(
    visitor: Caller, user: Any
) -> None:
    client = visitor.client
    session_key = client.session.session_key
    client.get("/log-in/?as=ada")
    assert client.session.session_key != session_key  # as Django changes it at login
    assert not has_cookie(client)
    moved = rows()
    assert titles(client) == ["SECRET-4711"]
    client.get("/log-in/?as=ada")
    assert rows() == moved


@really_committed
def test_z08_the_cookie_goes_at_a_login_by_a_view_that_wraps_the_request(visitor: Caller) -> None:
    assert visitor.client.get("/log-in-by-the-framework/?as=ada").status_code == 200
    assert not has_cookie(visitor.client)
    assert titles(visitor.client) == ["SECRET-4711"]


@pytest.fixture
def late(visitor: Caller) -> Client:
    """Another tab, with a request that was on its way when the first one logged in."""
    client = Client()
    client.cookies[VISITOR_COOKIE] = visitor.client.cookies[VISITOR_COOKIE].value
    return client


def send_late(client: Client) -> None:
    message = {"content": "SECRET-4712", "key": "key-00000002"}
    assert client.post("/chat/messages", message, "application/json").status_code == 201


@really_committed
def test_z08_a_message_that_was_on_its_way_at_the_login_follows(
    visitor: Caller, late: Client
) -> None:
    response = visitor.client.get("/log-in/?as=ada")
    assert response.cookies[VISITOR_COOKIE]["max-age"] == CLAIMED_AGE
    assert response.cookies[VISITOR_COOKIE]["httponly"]
    send_late(late)
    assert titles(visitor.client) == ["SECRET-4712", "SECRET-4711"]
    assert titles(late) == []


@really_committed
def test_for_two_minutes_from_the_login_however_often_the_chat_is_asked(
    visitor: Caller, late: Client, noon: Any
) -> None:
    visitor.client.get("/log-in/?as=ada")
    noon.shift(CLAIMED_AGE - 1)
    assert VISITOR_COOKIE not in visitor.get("sessions").cookies
    noon.shift(2)
    send_late(late)
    assert titles(visitor.client) == ["SECRET-4711"]


@really_committed
def test_but_it_follows_nobody_else_who_logs_in_at_this_browser(
    visitor: Caller, late: Client, django_user_model: Any
) -> None:
    django_user_model.objects.create_user("eve")
    visitor.client.get("/log-in/?as=ada")
    send_late(late)
    visitor.client.get("/log-in/?as=eve")
    assert titles(visitor.client) == []
    assert titles(late) == ["SECRET-4712"]


@really_committed
def test_nobody_can_be_the_visitor_with_what_is_left_in_the_cookie(
    visitor: Caller, late: Client
) -> None:
    visitor.client.get("/log-in/?as=ada")
    left = {name: visitor.client.cookies[name].value for name in AnonymousCookie().names}
    key = late.cookies[VISITOR_COOKIE].value.partition(":")[0]
    assert not any(key in value for value in left.values())
    send_late(late)
    thief = Client()
    thief.cookies.load(left)
    assert titles(thief) == []
    assert visitor_in(thief) is None


@pytest.mark.parametrize("is_claimed", [True, False])
def test_p09_a_user_who_erases_everything_has_the_cookie_taken_at_once(
    visitor: Caller, user: Any, is_claimed: bool
) -> None:
    if is_claimed:
        visitor.client.get("/log-in/?as=ada")
    else:  # by its first request as the user, which is the one that erases
        visitor.client.force_login(user)
    response = visitor.call("DELETE", "sessions")
    assert response.cookies[VISITOR_COOKIE]["max-age"] == 0
    assert not any(rows().values())


def test_z07_who_planted_the_cookie_sees_nothing_after_the_login(
    visitor: Caller, user: Any
) -> None:
    attacker = Client()
    attacker.cookies[VISITOR_COOKIE] = visitor.client.cookies[VISITOR_COOKIE].value
    assert titles(attacker) == ["SECRET-4711"]  # before the login he is that visitor
    visitor.client.get("/log-in/?as=ada")
    visitor.say("SECRET-4712", key="key-00000002", scope="later")
    visitor.client.logout()
    after = visitor.client
    after.get("/chat/sessions/current")
    assert visitor_of(after) != visitor.owner
    after.post(
        "/chat/messages", {"content": "SECRET-4713", "key": "key-00000003"}, "application/json"
    )
    assert titles(attacker) == []
    again = {"content": "SECRET-4711", "key": "key-00000001"}
    told = attacker.post("/chat/messages", again, "application/json")
    assert (told.status_code, told.json()["message"]["position"]) == (201, 0)
    attacker.get("/log-in/?as=ada")  # not even his own login moves what is hers


@really_committed
def test_without_the_middleware_the_next_request_of_the_chat_takes_the_cookie(
    visitor: Caller, settings: Any
) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != MIDDLEWARE]
    client = Client()  # one that has not read the settings yet
    client.cookies[VISITOR_COOKIE] = visitor.client.cookies[VISITOR_COOKIE].value
    client.get("/log-in/?as=ada")
    assert has_cookie(client)
    assert titles(client) == ["SECRET-4711"]
    assert not has_cookie(client)


@pytest.fixture
def renamed(settings: Any, user: Any) -> Client:
    """The browser of a visitor where the cookie has another name, with another site's cookie."""
    settings.ROOT_URLCONF = __name__
    configure(settings, AUTHENTICATORS=[SESSION, f"{__name__}.Renamed"])
    client = Client()
    client.cookies[VISITOR_COOKIE] = "another site's"
    send_late(client)
    return client


@really_committed
def test_a_site_may_name_the_cookie_and_leaves_anothers_alone(renamed: Client) -> None:
    cookie = renamed.cookies[Renamed.cookie_name].value
    assert titles(renamed) == ["SECRET-4712"]
    claimed = renamed.get("/log-in/?as=ada")
    assert claimed.cookies[Renamed.cookie_name]["max-age"] == CLAIMED_AGE
    assert VISITOR_COOKIE not in claimed.cookies
    late = Client()
    late.cookies[Renamed.cookie_name] = cookie
    late.post("/chat/messages", {"content": "Late", "key": "key-00000003"}, "application/json")
    assert titles(renamed) == ["Late", "SECRET-4712"]
    assert renamed.cookies[VISITOR_COOKIE].value == "another site's"


def test_p09_erasing_takes_the_cookie_by_its_name(renamed: Client) -> None:
    erased = renamed.delete("/chat/sessions")
    assert {name: cookie["max-age"] for name, cookie in erased.cookies.items()} == {
        "shop_visitor": 0,
        "shop_visitor_kept": 0,
    }


@really_committed
def test_a_site_that_renames_the_cookie_keeps_the_visitors_of_the_old_name(
    visitor: Caller, settings: Any
) -> None:
    configure(settings, AUTHENTICATORS=[SESSION, f"{__name__}.Renamed", COOKIE])
    assert titles(visitor.client) == ["SECRET-4711"]
    first = Client().get("/chat/sessions/current").cookies
    assert set(first) == {"csrftoken", Renamed.cookie_name}
    visitor.client.get("/log-in/?as=ada")
    assert titles(visitor.client) == ["SECRET-4711"]
    assert visitor_in(visitor.client) is None


@really_committed
def test_a_login_that_sends_no_signal_is_noticed_by_the_chat(visitor: Caller, user: Any) -> None:
    user_logged_in.disconnect(dispatch_uid="chat_sessions_claim")
    try:
        visitor.client.get("/log-in/?as=ada")
    finally:
        user_logged_in.connect(claim_visitors_chats, dispatch_uid="chat_sessions_claim")
    assert titles(visitor.client) == ["SECRET-4711"]
    assert not has_cookie(visitor.client)


def test_a_host_may_leave_a_visitors_chats_where_they_are(visitor: Caller, settings: Any) -> None:
    configure(settings, AUTHENTICATORS=[SESSION, f"{__name__}.KeptApart"])
    stored = rows()
    visitor.client.get("/log-in/?as=ada")
    assert titles(visitor.client) == []
    assert has_cookie(visitor.client)
    assert rows() == stored


@pytest.mark.parametrize("error", [OperationalError, RuntimeError])
def test_a_login_succeeds_although_the_chats_cannot_be_claimed(
    visitor: Caller,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: type[Exception],
) -> None:
    def away(*owners: Any) -> Any:
        raise error("SECRET-4711")

    with monkeypatch.context() as broken, caplog.at_level(logging.ERROR):
        broken.setattr("django_chat_sessions.services.ownership.claim", away)
        assert visitor.client.get("/log-in/?as=ada").status_code == 200
    assert "SECRET" not in caplog.text
    assert error.__name__ in caplog.text
    assert all(not record.exc_info for record in caplog.records)
    assert has_cookie(visitor.client)
    assert titles(visitor.client) == ["SECRET-4711"]


def test_a_wrong_setting_of_the_chats_locks_nobody_out(
    visitor: Caller, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    configure(settings, AUTHENTICATORS=["mysite.missing.Authenticator"])
    assert visitor.client.get("/log-in/?as=ada").status_code == 200
    assert "not claimed at login: ModuleNotFoundError" in caplog.text


@really_committed
@pytest.mark.parametrize("away", ["database", "tell_readers_of_logout"])
def test_a_logout_succeeds_although_no_stream_can_be_told(
    visitor: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, away: str
) -> None:
    def fails(*given: Any) -> Any:
        raise RuntimeError("SECRET-4711")

    visitor.client.get("/log-in/?as=ada")
    monkeypatch.setattr(f"django_chat_sessions.services.tables.{away}", fails)
    visitor.client.logout()
    assert "not told of a logout: RuntimeError" in caplog.text
    assert "SECRET" not in caplog.text


def test_who_was_not_logged_in_may_log_out(client: Client, caplog: Any) -> None:
    user_logged_out.send(sender=None, request=None, user=None)
    client.logout()
    assert caplog.text == ""


@really_committed
def test_a_login_that_is_undone_takes_neither_the_chats_nor_the_cookie(visitor: Caller) -> None:
    stored = rows()
    assert visitor.client.get("/log-in-in-vain/?as=ada").status_code == 503
    assert rows() == stored
    assert has_cookie(visitor.client)
    assert titles(visitor.client) == ["SECRET-4711"]


def test_a_login_without_a_request_or_a_visitor_costs_nothing(user: Any, statements: Any) -> None:
    with statements() as sent:
        claim_visitors_chats(type(user), None, user)
        claim_visitors_chats(type(user), HttpRequest(), user)
    assert sent == []


def test_where_visitors_come_first_the_visitor_stays_who_asks(
    visitor: Caller, settings: Any, user: Any
) -> None:
    configure(settings, AUTHENTICATORS=[COOKIE, SESSION])
    visitor.client.force_login(user)  # its request has no cookies to claim by
    assert titles(visitor.client) == ["SECRET-4711"]
    assert services.recent_sessions(visitor.owner)


@pytest.mark.django_db(transaction=True)
async def test_an_async_site_takes_the_cookie_too(
    settings: Any, django_user_model: Any, threads_let_go: None
) -> None:
    settings.ROOT_URLCONF = __name__
    await django_user_model.objects.acreate_user("ada")
    client = AsyncClient()
    await client.get("/chat/sessions/current")
    assert has_cookie(client)
    await client.get("/log-in/?as=ada")
    assert not has_cookie(client)
