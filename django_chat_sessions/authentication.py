"""How a request is recognised: the Django session, a signed visitor cookie, any DRF class.

``CHAT_SESSIONS["AUTHENTICATORS"]`` lists dotted paths, tried in order. A class of Django REST
Framework may stand there as it is (token, JWT, knox …).
"""

from __future__ import annotations

import secrets
from copy import copy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from django.conf import settings
from django.contrib.auth import get_user, get_user_model
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import DataError
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string

from django_chat_sessions.conf import app_settings
from django_chat_sessions.exceptions import NotAuthenticated
from django_chat_sessions.owners import Owner

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

# What drivers raise for credentials that no row can hold; without them, a 500 for who sends them.
UNSTORABLE = (DataError, ValueError)
VISITOR_COOKIE = "chat_visitor"
VISITOR_COOKIE_AGE = 400 * 24 * 3600  # seconds; the longest that browsers keep a cookie


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="django_chat_sessions.visitor")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking; ``new_visitor_key`` is set when a cookie should be given to a stranger."""

    owner: Owner | None
    by_cookie: bool = False
    new_visitor_key: str | None = field(default=None, repr=False)


class Authenticator(Protocol):
    """One way to recognise a caller. ``by_cookie`` ones need a CSRF token for every change."""

    by_cookie: bool

    def authenticate(self, request: HttpRequest) -> Owner | None:
        """Return the owner, or None to let the next authenticator try."""


class DjangoSession:
    """The user that Django's own session and authentication middleware found."""

    by_cookie = True

    def authenticate(self, request: HttpRequest) -> Owner | None:
        user = getattr(request, "user", None)
        try:
            return Owner.for_user(user) if user is not None and user.is_authenticated else None
        except UNSTORABLE:  # a forged session cookie with a NUL, looked up in PostgreSQL
            return None


class AnonymousCookie:
    """A visitor who was given a signed, HttpOnly cookie with a random key of 256 bits.

    At login the visitor's chats move to the account, and the cookie goes. A subclass that sets
    ``claimed_at_login = False`` leaves both as they are.
    """

    by_cookie = True
    claimed_at_login = True

    def authenticate(self, request: HttpRequest) -> Owner | None:
        value = request.COOKIES.get(VISITOR_COOKIE, "")
        try:
            return Owner.for_visitor(_signer().unsign(value, max_age=VISITOR_COOKIE_AGE))
        except (signing.BadSignature, ValueError):  # forged, old, empty or not even text
            return None


class _RestFramework:
    """Any authentication class of Django REST Framework; it does its own CSRF checks."""

    by_cookie = False

    def __init__(self, authentication_class: type) -> None:
        self.authentication_class = authentication_class

    def authenticate(self, request: HttpRequest) -> Owner | None:
        # Imported late: only hosts that name such a class have the framework.
        from rest_framework.exceptions import APIException  # noqa: PLC0415
        from rest_framework.request import Request  # noqa: PLC0415

        try:
            found = self.authentication_class().authenticate(Request(request))
            if found is None or found[0].pk is None:  # a service may be let in without being a user
                return None
            # A token's own idea of a user may have the id as text.
            return Owner(user_id=get_user_model()._meta.pk.to_python(found[0].pk))
        except APIException as error:
            raise NotAuthenticated(str(error.detail)) from error
        except (*UNSTORABLE, ValidationError) as error:
            raise NotAuthenticated("These credentials cannot be anybody's.") from error


@lru_cache(maxsize=32)
def load_authenticator(path: str) -> Authenticator:
    """Return the authenticator behind a dotted path. Raises ImportError for a wrong path."""
    loaded: Any = import_string(path)
    if hasattr(loaded, "authenticate_header"):
        return _RestFramework(loaded)
    authenticator: Authenticator = loaded()
    return authenticator


def recognise(request: HttpRequest) -> Caller:
    """Return the caller, or one without owner. Raises NotAuthenticated for bad credentials."""
    for path in app_settings.AUTHENTICATORS:
        authenticator = load_authenticator(path)
        owner = authenticator.authenticate(request)
        if owner is not None:
            return Caller(owner, authenticator.by_cookie)
    return Caller(None)


def visitor_beside_user(request: HttpRequest) -> Owner | None:
    """Return the visitor whose chats are to move to whoever has logged in, if there is one."""
    for path in app_settings.AUTHENTICATORS:
        authenticator = load_authenticator(path)
        if isinstance(authenticator, AnonymousCookie) and authenticator.claimed_at_login:
            return authenticator.authenticate(request)
    return None


def is_still(request: HttpRequest, owner: Owner) -> bool:
    """Whether the request's credentials are this owner's now; the login is read anew.

    For what outlives its request's first moment: a stream must end after a logout.
    """
    again: Any = copy(request)
    session = getattr(request, "session", None)
    for known in ("_cached_user", "_acached_user"):
        vars(again).pop(known, None)
    if session is not None:
        again.session = type(session)(session.session_key)
        if hasattr(request, "user"):
            again.user = SimpleLazyObject(lambda: get_user(again))
    try:
        return recognise(again).owner == owner
    except NotAuthenticated:
        return False


def recognise_or_welcome(request: HttpRequest) -> Caller:
    """Return the caller; a stranger becomes a new visitor where visitors are allowed.

    Nothing is stored for a new visitor. Raises NotAuthenticated when nobody is recognised.
    """
    caller = recognise(request)
    if caller.owner is not None:
        return caller
    for path in app_settings.AUTHENTICATORS:
        if isinstance(load_authenticator(path), AnonymousCookie):
            key = secrets.token_urlsafe(32)
            return Caller(Owner.for_visitor(key), by_cookie=True, new_visitor_key=key)
    raise NotAuthenticated("Log in to use the chat.")


def give_visitor_cookie(request: HttpRequest, response: HttpResponse, key: str) -> None:
    """Hand a new visitor the key that proves later who they are."""
    response.set_cookie(
        VISITOR_COOKIE,
        _signer().sign(key),
        max_age=VISITOR_COOKIE_AGE,
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN,
        secure=settings.SESSION_COOKIE_SECURE or request.is_secure(),
        httponly=True,
        samesite="Lax",
    )


def take_visitor_cookie(response: HttpResponseBase) -> None:
    """Take the cookie away from a browser whose visitor's chats were moved or erased."""
    response.delete_cookie(
        VISITOR_COOKIE,
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN,
        samesite="Lax",
    )
