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
from django.contrib.auth import SESSION_KEY, get_user, get_user_model
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import DataError
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string

from django_chat_sessions.conf import app_settings
from django_chat_sessions.exceptions import NotAuthenticated
from django_chat_sessions.owners import Owner, may_be_user

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

# What drivers raise for credentials that no row can hold; without them, a 500 for who sends them.
REFUSED_BY_DRIVER = (DataError, ValueError)
VISITOR_COOKIE = "chat_visitor"
VISITOR_COOKIE_AGE = 400 * 24 * 3600  # seconds; the longest that browsers keep a cookie
RENEWED_AGE = 30 * 24 * 3600  # seconds; whoever writes after that is given 400 days more
CLAIMED_AGE = 120  # seconds in which a message still arrives that was on its way at the login
BY_BASIC = "CHAT_SESSIONS_BY_BASIC"  # in META: whom a password beside each request names
# Whose chats moved to whom. In META, too: a login view of Django REST Framework wraps the request.
CLAIMED_NOW = "CHAT_SESSIONS_CLAIMED_NOW"


def _signer(**options: Any) -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="django_chat_sessions.visitor", **options)


def _signer_of_claims(owner: Owner) -> signing.TimestampSigner:
    # For this user alone: whoever logs in next at this browser gets nothing of theirs.
    return signing.TimestampSigner(salt=f"django_chat_sessions.claimed_by.{owner.identity}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking; ``new_visitor_key`` is set when a cookie should be given, be it once more.

    ``by_password``: a browser sends it by itself, too, but a program has no CSRF token to show.
    """

    owner: Owner | None
    by_cookie: bool = False
    by_password: bool = False
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
            if user is None or not user.is_authenticated or not may_be_user(user):
                return None
            return Owner.for_user(user)
        except REFUSED_BY_DRIVER:  # a forged session cookie with a NUL, looked up in PostgreSQL
            return None


class AnonymousCookie:
    """A visitor who was given a signed, HttpOnly cookie with a random key of 256 bits.

    At login the visitor's chats move to the account, and the key goes. For two minutes the cookie
    holds what says whose chats these were: nobody can be the visitor with it, but what arrives
    late can follow. A subclass that sets ``claimed_at_login = False`` leaves both as they are.

    Cookies are a host name's, whatever the port: a site that shares its own with another sets
    ``cookie_name``, or each would replace the other's visitors.
    """

    by_cookie = True
    claimed_at_login = True
    cookie_name = VISITOR_COOKIE

    def authenticate(self, request: HttpRequest) -> Owner | None:
        value = request.COOKIES.get(self.cookie_name, "")
        try:
            return Owner.for_visitor(_signer().unsign(value, max_age=VISITOR_COOKIE_AGE))
        except (signing.BadSignature, ValueError):  # forged, old, empty or not even text
            return None

    def key_to_renew(self, request: HttpRequest) -> str | None:
        """Return the key of a cookie that ends although it is in use.

        It was given long ago, or is signed with a key that is in SECRET_KEY_FALLBACKS now.
        """
        value = request.COOKIES.get(self.cookie_name, "")
        try:
            _signer(fallback_keys=()).unsign(value, max_age=RENEWED_AGE)
        except signing.BadSignature:
            return _signer().unsign(value)
        return None

    def claimed_lately(self, request: HttpRequest, owner: Owner) -> Owner | None:
        """Return the visitor that this browser was when this user claimed its chats just now."""
        value = request.COOKIES.get(self.cookie_name, "")
        try:
            visitor_key = _signer_of_claims(owner).unsign(value, max_age=CLAIMED_AGE)
        except signing.BadSignature:
            return None
        return Owner(visitor_key=visitor_key)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who this browser is without a login; with ``is_claimed``, who it was until just now."""

    cookie: AnonymousCookie
    owner: Owner
    is_claimed: bool = False


class _RestFramework:
    """Any authentication class of Django REST Framework; it does its own CSRF checks."""

    by_cookie = False

    def __init__(self, authentication_class: type) -> None:
        from rest_framework import authentication as known  # noqa: PLC0415

        self.authentication_class = authentication_class
        # What a browser has been told once, or a proxy knows of it, goes along from other sites.
        by_itself = (known.BasicAuthentication, known.RemoteUserAuthentication)
        self.by_password = issubclass(authentication_class, by_itself)
        self.is_basic = issubclass(authentication_class, known.BasicAuthentication)

    def authenticate(self, request: HttpRequest) -> Owner | None:
        # Imported late: only hosts that name such a class have the framework.
        from rest_framework.exceptions import APIException  # noqa: PLC0415
        from rest_framework.request import Request  # noqa: PLC0415

        try:
            found = self.authentication_class().authenticate(Request(request))
            who = None if found is None else found[0]
            key = getattr(who, "pk", None)
            if key is None or not may_be_user(who):  # a service may be let in without being a user
                return None
            # A token's own idea of a user may have the id as text.
            return Owner(user_id=get_user_model()._meta.pk.to_python(key))
        except APIException as error:
            raise NotAuthenticated(str(error.detail)) from error
        except (*REFUSED_BY_DRIVER, ValidationError) as error:
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
            if getattr(authenticator, "is_basic", False):
                request.META[BY_BASIC] = owner
            key = None
            if isinstance(authenticator, AnonymousCookie):
                key = authenticator.key_to_renew(request)
            by_password = getattr(authenticator, "by_password", False)
            return Caller(owner, authenticator.by_cookie, by_password, new_visitor_key=key)
    return Caller(None)


def _visitor_cookies() -> list[AnonymousCookie]:
    loaded = map(load_authenticator, app_settings.AUTHENTICATORS)
    return [one for one in loaded if isinstance(one, AnonymousCookie)]


def visitor_beside_user(request: HttpRequest, user_owner: Owner) -> Visitor | None:
    """Return the visitor whose chats are to move to this user, if there is one."""
    # No login: a link from anywhere may hold its writer's password, which browsers keep and send.
    if request.META.get(BY_BASIC) == user_owner:
        return None
    cookies = [cookie for cookie in _visitor_cookies() if cookie.claimed_at_login]
    for cookie in cookies:
        if (owner := cookie.authenticate(request)) is not None:
            return Visitor(cookie, owner)
    for cookie in cookies:
        if (owner := cookie.claimed_lately(request, user_owner)) is not None:
            return Visitor(cookie, owner, is_claimed=True)
    return None


def forget_visitor(request: HttpRequest, erased: Owner) -> None:
    """Mark a cookie for deletion: the erased visitor's, or that of whom the erased user claimed."""
    known = None if erased.user_id is None else visitor_beside_user(request, erased)
    request.chat_visitors_gone = [  # type: ignore[attr-defined]
        cookie
        for cookie in _visitor_cookies()
        if cookie.authenticate(request) == erased or (known is not None and cookie is known.cookie)
    ]


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
        # One whom a middleware knows by a token is in no session, and is who they were.
        if hasattr(request, "user") and SESSION_KEY in session:
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
    if not _visitor_cookies():
        raise NotAuthenticated("Log in to use the chat.")
    key = secrets.token_urlsafe(32)
    return Caller(Owner.for_visitor(key), by_cookie=True, new_visitor_key=key)


def give_visitor_cookie(request: HttpRequest, response: HttpResponseBase, key: str) -> None:
    """Hand a visitor the key that proves later who they are."""
    name = _visitor_cookies()[0].cookie_name
    _set_cookie(request, response, name, _signer().sign(key), VISITOR_COOKIE_AGE)


def settle_visitor_cookie(request: HttpRequest, response: HttpResponseBase) -> None:
    """Take the cookie of a visitor who was erased; of one who was claimed, take the key."""
    claimed = request.META.get(CLAIMED_NOW)
    if claimed is not None:
        visitor, user_owner = claimed
        value = _signer_of_claims(user_owner).sign(visitor.owner.visitor_key)
        _set_cookie(request, response, visitor.cookie.cookie_name, value, CLAIMED_AGE)
    for cookie in getattr(request, "chat_visitors_gone", ()):
        response.delete_cookie(
            cookie.cookie_name,
            path=settings.SESSION_COOKIE_PATH,
            domain=settings.SESSION_COOKIE_DOMAIN,
            samesite="Lax",
        )


def _set_cookie(
    request: HttpRequest, response: HttpResponseBase, name: str, value: str, age: int
) -> None:
    response.set_cookie(
        name,
        value,
        max_age=age,
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN,
        secure=settings.SESSION_COOKIE_SECURE or request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
