"""``request.chat_session``: the caller's open session, looked up only when it is used."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import cached_property, wraps
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseTrouble  # InterfaceError, too
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.functional import SimpleLazyObject

from django_chat_sessions import clock, services
from django_chat_sessions.authentication import settle_visitor_cookie
from django_chat_sessions.exceptions import ChatSessionsError
from django_chat_sessions.models import AbstractChatSession
from django_chat_sessions.owners import READER_FOUND, owner_from_request
from django_chat_sessions.services.excerpts import is_storable
from django_chat_sessions.services.outages import fit_for_log, sparing_transaction

logger = logging.getLogger(__name__)
SESSION_KWARG = "chat_session_id"
SESSION_HEADER = "X-Chat-Session"
SCOPE_HEADER = "X-Chat-Scope"
STATE_HEADER = "X-Chat-Session-State"
EXPIRES_HEADER = "X-Chat-Session-Expires"
RETRY_AFTER = "5"  # seconds


def session_of_request(request: HttpRequest) -> AbstractChatSession | None:
    """Return the caller's own session that the request is about, in whatever state; 1 statement.

    The keyword ``chat_session_id`` of the URL names it, or the header ``X-Chat-Session``. Otherwise
    it is the open session of the scope in ``X-Chat-Scope`` (``""`` when absent).
    """
    try:
        owner = owner_from_request(request)
        if owner is None:
            return None
        named = _named(request)
        if named is None:
            return services.current(owner, request.headers.get(SCOPE_HEADER, ""))
        if not is_storable(named):  # no row has it, and a database may refuse to look
            return None
        session = services.find_session(owner, named)
    except (ChatSessionsError, ValueError):  # a stranger's id, a text no id has
        return None
    # An id has one form: " 1" and "\uff11" are no other ways to write 1.
    return session if str(session.pk) == named else None


def _named(request: HttpRequest) -> str | None:
    arguments = request.resolver_match.kwargs if request.resolver_match else {}
    if SESSION_KWARG in arguments:
        return str(arguments[SESSION_KWARG])
    return request.headers.get(SESSION_HEADER)


class _Lookup:
    """What one request wants to know, looked up once and only when it does."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.is_down = False

    @cached_property
    def found(self) -> AbstractChatSession | None:
        try:
            with sparing_transaction():
                return session_of_request(self.request)
        except DatabaseTrouble as error:
            logger.error("The chat session cannot be looked up: %s", fit_for_log(error))
            self.is_down = True
            return None

    def active(self) -> AbstractChatSession | None:
        session = self.found
        return session if session is not None and session.is_active(clock.now()) else None

    def add_headers(self, response: HttpResponseBase) -> None:
        session = self.found if "found" in vars(self) else None
        if session is not None:
            response.headers.setdefault(SESSION_HEADER, str(session.pk))
            response.headers.setdefault(STATE_HEADER, session.state(clock.now()).value)
            if session.expires_at is not None:
                response.headers.setdefault(EXPIRES_HEADER, clock.iso(session.expires_at))


def _keep_private(request: HttpRequest, response: HttpResponseBase) -> None:
    """Let no cache give to others what was made for this reader.

    A stranger's page is every stranger's; a host that has said ``private`` itself is believed.
    """
    found = request.META.get(READER_FOUND)
    if found is None:  # nobody has asked who is reading
        return
    patch_vary_headers(response, ("Cookie", "Authorization"))
    said = response.headers.get("Cache-Control", "").lower()
    if found and "private" not in said and "no-store" not in said:
        patch_cache_control(cast("HttpResponse", response), private=True, no_store=True)


class ChatSessionMiddleware:
    """Adds ``request.chat_session``, and ``await request.achat_session()`` for async views.

    Costs no statement and no write unless it is used. Put it after AuthenticationMiddleware.
    A response for which it was used says in headers which session it is, its state and its expiry;
    one that was made for a known reader is kept out of caches. Bodies are left alone.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        lookup: Any = _Lookup(request)
        of_request: Any = request
        of_request.chat_session_lookup = lookup
        of_request.chat_session = SimpleLazyObject(lookup.active)
        of_request.achat_session = sync_to_async(lookup.active)
        if self.is_async:
            return self._acall(request, lookup)
        response: HttpResponseBase = self.get_response(request)
        return _finished(request, response, lookup)

    async def _acall(self, request: HttpRequest, lookup: _Lookup) -> HttpResponseBase:
        response: HttpResponseBase = await self.get_response(request)
        return _finished(request, response, lookup)


def _finished(
    request: HttpRequest, response: HttpResponseBase, lookup: _Lookup
) -> HttpResponseBase:
    lookup.add_headers(response)
    _keep_private(request, response)
    # A visitor whose chats moved to an account in this request is one no longer.
    settle_visitor_cookie(request, response)
    return response


def chat_session_required(view: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: call a view, sync or async, only with an active ``request.chat_session``.

    Otherwise: 404 where the caller has no such session, 409 where it has expired or ended (its
    state is in the headers), 503 where the database cannot be reached. 1 statement.
    """
    if iscoroutinefunction(view):

        @wraps(view)
        async def aguarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            refusal = await sync_to_async(_refusal)(request)
            return refusal or await view(request, *args, **kwargs)

        return aguarded

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return _refusal(request) or view(request, *args, **kwargs)

    return guarded


def _refusal(request: HttpRequest) -> HttpResponse | None:
    lookup = getattr(request, "chat_session_lookup", None)
    if lookup is None:
        raise ImproperlyConfigured(
            "chat_session_required needs 'django_chat_sessions.middleware.ChatSessionMiddleware' "
            "in MIDDLEWARE."
        )
    if lookup.active() is not None:
        return None
    if lookup.is_down:
        return HttpResponse(status=503, headers={"Retry-After": RETRY_AFTER})
    if lookup.found is None:
        raise Http404("There is no such chat session.")
    return HttpResponse(status=409)
