"""People who call the API: a logged-in user, a visitor with a cookie, a program with a token."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import connections
from django.http import HttpResponse
from django.test import AsyncClient, Client, RequestFactory

from django_chat_sessions import get_message_model, get_session_model
from django_chat_sessions.authentication import AnonymousCookie
from django_chat_sessions.owners import Owner

TOKEN = "rest_framework.authentication.TokenAuthentication"
SESSION = "django_chat_sessions.authentication.DjangoSession"
COOKIE = "django_chat_sessions.authentication.AnonymousCookie"
KINDS = ("user", "visitor", "token")
NOT_GIVEN: Any = object()


@dataclass
class Caller:
    """Somebody with a browser or a program of their own."""

    kind: str
    client: Client
    owner: Owner

    def call(self, method: str, path: str, data: Any = NOT_GIVEN, **extra: Any) -> Any:
        """Call ``/chat/<path>``; ``data`` goes as JSON."""
        body = b"" if data is NOT_GIVEN else json.dumps(data).encode()
        return self.raw(method, path, body, "application/json", **extra)

    def raw(self, method: str, path: str, body: bytes, content_type: str, **extra: Any) -> Any:
        """Call ``/chat/<path>`` with exactly these bytes."""
        extra = {"CONTENT_TYPE": content_type, **extra}  # generic() leaves it out without a body
        return self.client.generic(method, f"/chat/{path}", body, content_type, **extra)

    def get(self, path: str, **extra: Any) -> Any:
        return self.call("GET", path, **extra)

    def post(self, path: str, data: Any = NOT_GIVEN, **extra: Any) -> Any:
        return self.call("POST", path, {} if data is NOT_GIVEN else data, **extra)

    def say(self, content: str, key: str = "key-00000001", **more: Any) -> Any:
        """Send a message."""
        return self.post("messages", {"content": content, "key": key, **more})


def person(kind: str, name: str = "ada", *, csrf: bool = False) -> Caller:
    """Return a caller of this kind; a user and a token of one name are the same owner."""
    client = Client(enforce_csrf_checks=csrf)
    if kind == "visitor":
        client.get("/chat/sessions/current")
        return Caller(kind, client, visitor_of(client))
    user, _ = get_user_model().objects.get_or_create(username=name)
    if kind == "user":
        client.force_login(user)
    else:
        from rest_framework.authtoken.models import Token

        token, _ = Token.objects.get_or_create(user=user)
        client.defaults["HTTP_AUTHORIZATION"] = f"Token {token.key}"
    return Caller(kind, client, Owner.for_user(user))


def visitor_of(client: Client) -> Owner:
    """Return the visitor whose cookie a client holds."""
    owner = visitor_in(client)
    assert owner is not None
    return owner


def visitor_in(client: Client | AsyncClient) -> Owner | None:
    """Return the visitor that a client is, if it is one."""
    request = RequestFactory().get("/")
    request.COOKIES.update({name: cookie.value for name, cookie in client.cookies.items()})
    return AnonymousCookie().authenticate(request)


@pytest.fixture
def tokens_too(settings: Any) -> None:
    """A site that also takes DRF's tokens."""
    settings.CHAT_SESSIONS = {
        **settings.CHAT_SESSIONS,
        "AUTHENTICATORS": [TOKEN, SESSION, COOKIE],
    }


@pytest.fixture(params=KINDS)
def caller(request: pytest.FixtureRequest, db: None, tokens_too: None) -> Caller:
    """Every kind of caller: what holds for one must hold for the others."""
    return person(request.param)


@pytest.fixture
def stranger(db: None, tokens_too: None) -> Caller:
    """Somebody else with an account."""
    return person("user", "eve")


@pytest.fixture
def answering(django_capture_on_commit_callbacks: Any) -> Any:
    """Return a context in which replies are written at the end, as after a real commit."""

    def context() -> Any:
        return django_capture_on_commit_callbacks(execute=True)

    return context


@pytest.fixture
async def threads_let_go() -> AsyncIterator[None]:
    """Close the connection of the thread in which Django runs sync code for async callers."""
    yield
    await sync_to_async(connections.close_all)()


def rows() -> dict[str, list[dict[str, Any]]]:
    """Return everything that is stored, to compare before with after."""
    pair: tuple[Any, Any] = (get_session_model(), get_message_model())
    return {model.__name__: list(model._base_manager.order_by("pk").values()) for model in pair}


def assert_private(response: Any) -> None:
    """Nobody may keep the answer, and no browser may guess its type."""
    assert "no-store" in response.headers["Cache-Control"]
    vary = {name.strip().lower() for name in response.headers["Vary"].split(",")}
    assert {"cookie", "authorization"} <= vary
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def assert_error(
    response: HttpResponse | Any, status: int, code: str, field: str | None = None
) -> None:
    """The one error shape, private like everything else."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/json"
    body = json.loads(response.content)
    assert set(body) >= {"code", "message", "field"}
    assert (body["code"], body["field"]) == (code, field)
    assert body["message"]
    assert_private(response)
