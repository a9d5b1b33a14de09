"""Who is recognised, by what, and who is not."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser, Group
from django.core import signing
from django.db import DataError
from django.test import Client, RequestFactory
from django.utils.functional import SimpleLazyObject
from rest_framework.authentication import BaseAuthentication

from django_chat_sessions import authentication, services
from django_chat_sessions.authentication import (
    RENEWED_AGE,
    VISITOR_COOKIE,
    VISITOR_COOKIE_AGE,
    AnonymousCookie,
    DjangoSession,
    is_still,
    load_authenticator,
    recognise,
    recognise_or_welcome,
)
from django_chat_sessions.exceptions import NotAuthenticated
from django_chat_sessions.owners import Owner, owner_from_request
from django_chat_sessions.services import races
from tests.callers import COOKIE, SESSION, TOKEN, assert_error, person, rows, visitor_of

JWT = "rest_framework_simplejwt.authentication.JWTAuthentication"
DRF_SESSION = "rest_framework.authentication.SessionAuthentication"
SALT = "django_chat_sessions.visitor"


class Nobody(BaseAuthentication):  # type: ignore[misc]  # the framework ships no types
    """Recognises a service that is no user."""

    def authenticate(self, request: Any) -> tuple[Any, None]:
        return AnonymousUser(), None


class Service(BaseAuthentication):  # type: ignore[misc]  # the framework ships no types
    """Lets in what has a key of its own, and nobody."""

    def authenticate(self, request: Any) -> tuple[Any, str]:
        return Group.objects.filter(name=request.headers["Service"]).first(), "an API key"


class Unstorable(BaseAuthentication):  # type: ignore[misc]  # the framework ships no types
    """Looks credentials up that the database refuses."""

    def authenticate(self, request: Any) -> Any:
        raise {"DataError": DataError, "ValueError": ValueError}[request.headers["Error"]]("NUL")


class Header:
    """A host's own authenticator."""

    by_cookie = False

    def authenticate(self, request: Any) -> Owner | None:
        key = request.headers.get("X-Key")
        return Owner.for_visitor(key) if key else None


@pytest.fixture
def site(settings: Any) -> Any:
    """Return a function that sets AUTHENTICATORS."""

    def with_authenticators(*paths: str) -> None:
        settings.CHAT_SESSIONS = {**settings.CHAT_SESSIONS, "AUTHENTICATORS": list(paths)}

    return with_authenticators


def request_with(cookie: str | None = None, user: Any = None, **headers: str) -> Any:
    request: Any = RequestFactory().get("/", headers=headers or None)
    if cookie is not None:
        request.COOKIES[VISITOR_COOKIE] = cookie
    if user is not None:
        request.user = user
    return request


def signed(key: str, salt: str = SALT) -> str:
    return signing.TimestampSigner(salt=salt).sign(key)


# Users and visitors


def test_a_logged_in_user_is_recognised(user: Any) -> None:
    assert DjangoSession().authenticate(request_with(user=user)) == Owner.for_user(user)


@pytest.mark.parametrize("somebody", [None, AnonymousUser()])
def test_nobody_is_no_user(somebody: Any) -> None:
    assert DjangoSession().authenticate(request_with(user=somebody)) is None


@pytest.mark.parametrize("error", [DataError, ValueError])
def test_z06_credentials_that_a_database_cannot_even_look_up_are_nobodys(
    site: Any, error: type[Exception]
) -> None:
    """PostgreSQL refuses a NUL in the session cookie; the driver says so in its own way."""

    def load() -> Any:
        raise error("PostgreSQL text fields cannot contain NUL (0x00) bytes")

    assert DjangoSession().authenticate(request_with(user=SimpleLazyObject(load))) is None
    site(f"{__name__}.Unstorable", SESSION, COOKIE)
    with pytest.raises(NotAuthenticated):
        recognise(request_with(Error=error.__name__))


def test_a_user_keeps_their_chats_although_a_visitors_cookie_is_there(user: Any) -> None:
    caller = recognise(request_with(signed("x" * 43), user))
    assert caller.owner == Owner.for_user(user)
    assert caller.by_cookie is True


def test_a_signed_cookie_is_recognised_and_only_its_hash_is_kept() -> None:
    owner = AnonymousCookie().authenticate(request_with(signed("a secret")))
    assert owner == Owner.for_visitor("a secret")
    assert "a secret" not in repr(owner)


FORGED = [
    "",
    "x",
    "aaaaaaaa\x00",
    "a:b:c",
    ":" * 50,
    "x" * 4096,
    signed("key")[:-1],
    signed("key")[:-1] + ("A" if signed("key")[-1] != "A" else "B"),
    "K" + signed("key")[1:],
    signed("key", salt="another"),
    signed(""),
    signing.Signer(salt=SALT).sign("key"),
    signed("key") + "\x00",
    "\ud800",
    "ключ:ключ:ключ",
    "1",
    "2",
]


@pytest.mark.parametrize("cookie", FORGED, ids=range(len(FORGED)))
def test_z06_a_cookie_that_was_not_given_out_is_as_good_as_none(cookie: str) -> None:
    assert AnonymousCookie().authenticate(request_with(cookie)) is None


@pytest.mark.parametrize(
    "cookie",
    ["", '"aaaaaaaa\\000"', "x" * 4096, '"\\777\\377"', "a;b", "=", '"', "\\", "\xff\xfe", "a:b:c"],
)
def test_z06_a_forged_cookie_header_makes_a_new_visitor_and_never_an_error(
    db: None, cookie: str
) -> None:
    client = Client(headers={"Cookie": f"{VISITOR_COOKIE}={cookie}; sessionid={cookie}"})
    response = client.get("/chat/sessions/current")
    assert response.status_code == 200
    assert VISITOR_COOKIE in response.cookies


def test_the_key_of_another_visitor_is_not_to_be_guessed(db: None) -> None:
    keys = set()
    for _visitor in range(50):
        key = recognise_or_welcome(request_with()).new_visitor_key
        assert key is not None
        assert len(base64.urlsafe_b64decode(key + "=")) == 32
        keys.add(key)
    assert len(keys) == 50


def test_a_cookie_ends_when_browsers_would_have_dropped_it() -> None:
    with time_machine.travel(0, tick=False) as traveller:
        cookie = signed("key")
        traveller.shift(VISITOR_COOKIE_AGE)
        assert AnonymousCookie().authenticate(request_with(cookie)) is not None
        traveller.shift(1)
        assert AnonymousCookie().authenticate(request_with(cookie)) is None


def test_who_comes_back_keeps_the_conversations_for_longer_than_a_cookie_lasts(db: None) -> None:
    with time_machine.travel(0, tick=False) as traveller:
        visitor = person("visitor")
        assert VISITOR_COOKIE not in visitor.client.get("/chat/sessions/current").cookies
        for _month in range(15):
            traveller.shift(RENEWED_AGE + 1)
            assert VISITOR_COOKIE not in visitor.client.get("/chat/sessions").cookies
            given = visitor.client.get("/chat/sessions/current").cookies[VISITOR_COOKIE]
            assert given["max-age"] == VISITOR_COOKIE_AGE
        assert visitor_of(visitor.client) == visitor.owner


def test_a_cookie_outlives_the_secret_key_that_it_was_signed_with(db: None, settings: Any) -> None:
    visitor = person("visitor")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next secret key, long enough to be one"
    assert VISITOR_COOKIE in visitor.client.get("/chat/sessions/current").cookies
    assert VISITOR_COOKIE not in visitor.client.get("/chat/sessions/current").cookies
    settings.SECRET_KEY_FALLBACKS = []
    assert visitor_of(visitor.client) == visitor.owner


def keep_what_arrives(client: Client, late: Any) -> None:
    """The browser gets an answer that was on its way for long."""
    for name, cookie in late.cookies.items():
        client.cookies[name] = cookie.value


def test_a_late_answer_to_another_tab_makes_nobody_of_a_stranger_who_has_written(db: None) -> None:
    """Both tabs began without a cookie, so each was given a key of its own."""
    late = Client().get("/chat/sessions/current")
    visitor = person("visitor")
    visitor.say("Why?")
    keep_what_arrives(visitor.client, late)
    assert visitor.get("sessions").json()["sessions"][0]["title"] == "Why?"
    assert visitor_of(visitor.client) == visitor.owner
    assert AnonymousCookie().authenticate(request_with(late.cookies[VISITOR_COOKIE].value)) != (
        visitor.owner
    )


def test_who_has_written_is_given_the_second_cookie_once(db: None) -> None:
    visitor = person("visitor")
    kept, first = AnonymousCookie().names
    assert [*visitor.client.cookies] == ["csrftoken", first]
    given = visitor.say("Why?").cookies
    assert {kept, first} <= given.keys()
    assert given[kept]["httponly"]
    assert given[kept].value.partition(":")[0] == given[first].value.partition(":")[0]
    again = visitor.say("And?", key="key-00000002").cookies
    assert not {kept, first} & again.keys()


def test_where_the_next_secret_key_is_not_known_yet_a_question_takes_no_kept_cookie(
    db: None, settings: Any
) -> None:
    """In a rolling deploy the old processes take a visitor of the new ones for a stranger."""
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "the next secret key, long enough to be one"
    visitor = person("visitor")
    visitor.say("Why?")
    settings.SECRET_KEY, new = old, settings.SECRET_KEY
    assert VISITOR_COOKIE in visitor.get("sessions/current").cookies
    settings.SECRET_KEY = new
    assert visitor_of(visitor.client) == visitor.owner


def test_who_has_an_unreadable_second_cookie_is_given_it_anew_by_writing(db: None) -> None:
    visitor = person("visitor")
    kept, first = AnonymousCookie().names
    visitor.client.cookies[kept] = "from another secret key"
    assert {kept, first} <= visitor.say("Why?").cookies.keys()


def test_a_kept_cookie_is_renewed_although_the_other_one_is_new(db: None) -> None:
    with time_machine.travel(0, tick=False) as traveller:
        visitor = person("visitor")
        visitor.say("Why?")
        traveller.shift(RENEWED_AGE + 1)
        keep_what_arrives(visitor.client, Client().get("/chat/sessions/current"))
        given = visitor.get("sessions/current").cookies
        assert set(AnonymousCookie().names) <= given.keys()
        traveller.shift(VISITOR_COOKIE_AGE - RENEWED_AGE)
        assert visitor_of(visitor.client) == visitor.owner


def test_looking_for_an_owner_gives_no_cookie_and_no_owner_to_a_stranger() -> None:
    assert owner_from_request(request_with()) is None
    assert recognise(request_with()).new_visitor_key is None


def test_a_stranger_is_welcome_where_visitors_are() -> None:
    caller = recognise_or_welcome(request_with())
    assert caller.new_visitor_key is not None
    assert caller.owner == Owner.for_visitor(caller.new_visitor_key)
    assert caller.by_cookie is True


def test_a_stranger_is_not_welcome_where_visitors_are_not(site: Any) -> None:
    site(SESSION)
    with pytest.raises(NotAuthenticated):
        recognise_or_welcome(request_with())


def test_a_welcome_with_the_cookie_goes_to_the_same_visitor(db: None) -> None:
    visitor = person("visitor")
    request = request_with(visitor.client.cookies[VISITOR_COOKIE].value)
    assert recognise_or_welcome(request).owner == visitor.owner


# Who is still there later


@pytest.fixture
def browsing(user: Any) -> Any:
    """A request of a logged-in user, as the middleware left it."""
    client = Client()
    client.force_login(user)
    request: Any = RequestFactory().get("/")
    request.session = client.session
    request.user = SimpleLazyObject(lambda: get_user(request))
    assert request.user == user
    return request


def test_who_is_logged_in_is_still_there(browsing: Any, user: Any, statements: Any) -> None:
    with statements() as sent:
        assert is_still(browsing, Owner.for_user(user))
    assert len(sent) == 2
    assert not is_still(browsing, Owner.for_visitor("another"))


def test_who_has_logged_out_elsewhere_is_gone_and_the_request_is_left_as_it_is(
    browsing: Any, user: Any
) -> None:
    type(browsing.session)(browsing.session.session_key).flush()
    assert not is_still(browsing, Owner.for_user(user))
    assert browsing.user == user
    assert browsing.session.get("_auth_user_id") == str(user.pk)


def test_who_was_locked_out_is_gone(browsing: Any, user: Any) -> None:
    user.is_active = False
    user.save()
    assert not is_still(browsing, Owner.for_user(user))


def test_who_has_another_password_by_now_is_gone(browsing: Any, user: Any) -> None:
    user.set_password("another")
    user.save()
    assert not is_still(browsing, Owner.for_user(user))


def test_a_visitor_is_there_as_long_as_the_cookie_is_good(db: None) -> None:
    ada = Owner.for_visitor("key")
    with time_machine.travel(0, tick=False) as traveller:
        request = request_with(signed("key"))
        assert is_still(request, ada)
        assert not is_still(request, Owner.for_visitor("another"))
        traveller.shift(VISITOR_COOKIE_AGE + 1)
        assert not is_still(request, ada)


def test_a_request_with_a_session_and_nobody_in_it_is_a_visitors(db: None) -> None:
    request = request_with(signed("key"))
    request.session = Client().session
    assert is_still(request, Owner.for_visitor("key"))


def test_who_is_known_by_a_middleware_and_by_no_session_is_still_there(user: Any) -> None:
    request = request_with()
    request.session, request.user = Client().session, user
    assert is_still(request, Owner.for_user(user))


def test_a_token_that_was_taken_away_is_gone(site: Any, user: Any) -> None:
    from rest_framework.authtoken.models import Token

    site(TOKEN)
    token = Token.objects.create(user=user)
    request = request_with(Authorization=f"Token {token.key}")
    assert is_still(request, Owner.for_user(user))
    token.delete()
    assert not is_still(request, Owner.for_user(user))


# Django REST Framework's classes


def test_a_token_of_drf_is_recognised_and_needs_no_csrf(site: Any, user: Any) -> None:
    from rest_framework.authtoken.models import Token

    site(TOKEN, SESSION)
    token = Token.objects.create(user=user)
    caller = recognise(request_with(Authorization=f"Token {token.key}"))
    assert caller.owner == Owner.for_user(user)
    assert caller.by_cookie is False


def test_a_jwt_is_recognised_through_the_api(site: Any, user: Any) -> None:
    from rest_framework_simplejwt.tokens import AccessToken

    site(JWT, COOKIE)
    client = Client(
        enforce_csrf_checks=True,
        headers={"Authorization": f"Bearer {AccessToken.for_user(user)}"},
    )
    response = client.post("/chat/sessions", "{}", content_type="application/json")
    assert response.status_code == 201
    assert VISITOR_COOKIE not in response.cookies
    session = response.json()["session"]["id"]
    assert Client().get(f"/chat/sessions/{session}").status_code == 404


STATELESS = "rest_framework_simplejwt.authentication.JWTStatelessUserAuthentication"


@pytest.mark.django_db(transaction=True)
def test_a_token_that_outlives_its_account_is_refused_at_once(
    site: Any, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing has looked at the account before the database refuses the row."""
    from rest_framework_simplejwt.tokens import AccessToken

    site(STATELESS)
    client = Client(headers={"Authorization": f"Bearer {AccessToken.for_user(user)}"})
    message = {"content": "Hello", "key": "key-00000001"}
    assert (
        client.post("/chat/messages", message, content_type="application/json").status_code == 201
    )
    owner = Owner.for_user(user)
    type(user).objects.create_user("grace")  # that another account is there helps nobody
    user.delete()
    monkeypatch.setattr(races, "pause", lambda attempt: pytest.fail("It tried again."))
    for path, body in (("messages", message), ("sessions", {})):
        response = client.post(f"/chat/{path}", body, content_type="application/json")
        assert_error(response, 401, "not_authenticated")
    # Nor can it take over what was said in this browser.
    site(STATELESS, COOKIE)
    client.cookies[VISITOR_COOKIE] = signed("key")
    services.send(Owner.for_visitor("key"), "Hello", key="key-00000002")
    assert_error(client.get("/chat/sessions/current"), 401, "not_authenticated")
    services.erase(Owner.for_visitor("key"))
    with pytest.raises(NotAuthenticated, match="does not exist any more"):
        services.resume_or_start(owner=owner)
    assert not any(rows().values())


def test_a_token_that_names_its_user_by_text_gives_the_same_owner(site: Any, user: Any) -> None:
    from rest_framework_simplejwt.tokens import AccessToken

    site(STATELESS)
    token = AccessToken.for_user(user)
    assert recognise(request_with(Authorization=f"Bearer {token}")).owner == Owner.for_user(user)
    token["user_id"] = "of another site"
    response = Client().get("/chat/sessions", headers={"Authorization": f"Bearer {token}"})
    assert_error(response, 401, "not_authenticated")


def bad_credentials(user: Any) -> list[tuple[str, str]]:
    from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

    expired = AccessToken.for_user(user)
    expired.set_exp(lifetime=-expired.lifetime)
    return [
        (TOKEN, "Token of-nobody"),
        (TOKEN, "Token "),
        (TOKEN, "Token a b"),
        (TOKEN, "Token \xff\xfe"),
        (TOKEN, "Token a\x00"),
        (JWT, "Bearer x"),
        (JWT, f"Bearer {expired}"),
        (JWT, f"Bearer {RefreshToken.for_user(user)}"),
        (JWT, f"Bearer {AccessToken.for_user(user)}x"),
        (JWT, "Bearer eyJhbGciOiJub25lIn0.eyJ1c2VyX2lkIjoxfQ."),
    ]


def test_bad_credentials_are_refused_and_never_become_a_visitor(site: Any, user: Any) -> None:
    for path, header in bad_credentials(user):
        site(path, SESSION, COOKIE)
        response = Client().get("/chat/sessions", headers={"Authorization": header})
        assert_error(response, 401, "not_authenticated")
        assert VISITOR_COOKIE not in response.cookies
        assert "SECRET" not in response.content.decode()


def test_an_inactive_user_is_refused(site: Any, user: Any) -> None:
    site(TOKEN, SESSION, COOKIE)
    caller = person("token", user.username)
    user.is_active = False
    user.save()
    assert_error(caller.get("sessions"), 401, "not_authenticated")


def test_without_a_header_the_next_authenticator_is_asked(site: Any, user: Any) -> None:
    site(TOKEN, JWT, SESSION, COOKIE)
    caller = recognise(request_with(user=user))
    assert (caller.owner, caller.by_cookie) == (Owner.for_user(user), True)


def test_drfs_own_session_class_keeps_its_csrf_check(site: Any, user: Any) -> None:
    """It says 401 where DjangoSession says 403 csrf_failed; either way nothing is written."""
    site(DRF_SESSION)
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    assert client.get("/chat/sessions").status_code == 200
    response = client.post("/chat/sessions", "{}", content_type="application/json")
    assert_error(response, 401, "not_authenticated")
    assert not any(rows().values())


def test_somebody_who_is_no_user_is_not_recognised(site: Any, db: None) -> None:
    site(f"{__name__}.Nobody", SESSION)
    with pytest.raises(NotAuthenticated):
        recognise_or_welcome(request_with())
    assert_error(Client().get("/chat/sessions"), 401, "not_authenticated")


@pytest.mark.parametrize("name", ["acme", "nobody"])
def test_an_organisation_is_not_the_user_who_has_its_key(site: Any, user: Any, name: str) -> None:
    services.send(Owner.for_user(user), "Private", key="k")
    Group.objects.create(pk=user.pk, name="acme")
    site(f"{__name__}.Service")
    client = Client(headers={"Service": name})
    assert_error(client.get("/chat/sessions"), 401, "not_authenticated")
    site(f"{__name__}.Service", COOKIE)
    assert client.get("/chat/sessions").json()["sessions"] == []


def test_nor_is_one_that_a_middleware_has_let_in(user: Any) -> None:
    acme = Group(pk=user.pk)
    acme.is_authenticated = True  # type: ignore[attr-defined]
    assert DjangoSession().authenticate(request_with(user=acme)) is None


# A host's own


def test_an_authenticator_of_the_hosts_is_a_class_with_one_method(site: Any, db: None) -> None:
    site(f"{__name__}.Header", SESSION)
    client = Client(enforce_csrf_checks=True, headers={"X-Key": "abc"})
    assert client.post("/chat/sessions", "{}", content_type="application/json").status_code == 201


def test_a_wrong_path_is_an_import_error() -> None:
    with pytest.raises(ImportError):
        load_authenticator("no.such.Class")


def test_every_authenticator_is_made_once() -> None:
    assert load_authenticator(SESSION) is load_authenticator(SESSION)


def test_the_salt_is_the_packages_own() -> None:
    assert signed("x", salt=authentication.__name__) != signed("x")
