"""How a request is recognised: the Django session, a signed visitor cookie, any DRF class.

``CHAT_SESSIONS["AUTHENTICATORS"]`` lists dotted paths, tried in order. A class of Django REST
Framework may stand there as it is (token, JWT, knox …).
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user
from django.core import signing
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string

from django_chat_sessions.conf import app_settings
from django_chat_sessions.exceptions import NotAuthenticated
from django_chat_sessions.owners import REFUSED_BY_DRIVER, Owner, may_be_user
from django_chat_sessions.rest_framework import RestFramework

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

VISITOR_COOKIE = "chat_visitor"
VISITOR_COOKIE_AGE = 400 * 24 * 3600  # seconds; the longest that browsers keep a cookie
RENEWED_AGE = 30 * 24 * 3600  # seconds; whoever writes after that is given 400 days more
READING = frozenset({"GET", "HEAD", "OPTIONS"})
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

    Two tabs that a stranger opens at once are each given a key, and the browser keeps what arrives
    last. Whoever has written is therefore known by a second cookie with the same key, which no
    answer to a mere question replaces: ``cookie_name`` with ``_kept`` behind it.
    """

    by_cookie = True
    claimed_at_login = True
    cookie_name = VISITOR_COOKIE

    @property
    def names(self) -> tuple[str, str]:
        """The cookies' names, the one that counts first."""
        return f"{self.cookie_name}_kept", self.cookie_name

    def names_given(self, request: HttpRequest, key: str) -> tuple[str, ...]:
        """Return the names of the cookies that are to hold this key."""
        writes = request.method not in READING
        return self.names if writes or self._is_kept(request, key) else self.names[1:]

    def authenticate(self, request: HttpRequest) -> Owner | None:
        key = self._key(request, *self.names)
        return Owner.for_visitor(key) if key else None

    def key_to_renew(self, request: HttpRequest) -> str | None:
        """Return the key of a cookie that ends although it is in use.

        It was given long ago, is signed with a key that is in SECRET_KEY_FALLBACKS now, or is not
        kept yet although its visitor writes.
        """
        key = self._key(request, *self.names)
        fresh = _read(request, self.names, _signer(fallback_keys=()), RENEWED_AGE)
        is_to_be_kept = request.method not in READING and not self._is_kept(request, key)
        return key if is_to_be_kept or key != fresh else None

    def claimed_lately(self, request: HttpRequest, owner: Owner) -> Owner | None:
        """Return the visitor that this browser was when this user claimed its chats just now."""
        visitor_key = _read(request, self.names, _signer_of_claims(owner), CLAIMED_AGE)
        return None if visitor_key is None else Owner(visitor_key=visitor_key)

    def _is_kept(self, request: HttpRequest, key: str | None) -> bool:
        return self._key(request, self.names[0]) == key

    def _key(self, request: HttpRequest, *names: str) -> str | None:
        return _read(request, names, _signer(), VISITOR_COOKIE_AGE)


def _read(
    request: HttpRequest, names: tuple[str, ...], signer: signing.TimestampSigner, age: int
) -> str | None:
    for name in names:
        # Forged, old, empty or not even text.
        with suppress(signing.BadSignature, ValueError):
            return signer.unsign(request.COOKIES.get(name, ""), max_age=age)
    return None


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who this browser is without a login; with ``is_claimed``, who it was until just now."""

    cookie: AnonymousCookie
    owner: Owner
    is_claimed: bool = False


@lru_cache(maxsize=32)
def load_authenticator(path: str) -> Authenticator:
    """Return the authenticator behind a dotted path. Raises ImportError for a wrong path."""
    loaded: Any = import_string(path)
    if hasattr(loaded, "authenticate_header"):
        return RestFramework(loaded)
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
    value = _signer().sign(key)
    for name in _visitor_cookies()[0].names_given(request, key):
        _set_cookie(request, response, name, value, VISITOR_COOKIE_AGE)


def settle_visitor_cookie(request: HttpRequest, response: HttpResponseBase) -> None:
    """Take the cookie of a visitor who was erased; of one who was claimed, take the key."""
    claimed = request.META.get(CLAIMED_NOW)
    if claimed is not None:
        visitor, user_owner = claimed
        value = _signer_of_claims(user_owner).sign(visitor.owner.visitor_key)
        for name in visitor.cookie.names:
            _set_cookie(request, response, name, value, CLAIMED_AGE)
    for cookie in getattr(request, "chat_visitors_gone", ()):
        for name in cookie.names:
            response.delete_cookie(
                name,
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
