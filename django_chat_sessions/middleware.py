"""``request.chat_session``: the caller's open session, looked up only when it is used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject

from django_chat_sessions import clock, services
from django_chat_sessions.authentication import take_visitor_cookie
from django_chat_sessions.exceptions import ChatSessionsError
from django_chat_sessions.models import AbstractChatSession
from django_chat_sessions.owners import owner_from_request

SESSION_HEADER = "X-Chat-Session"
SCOPE_HEADER = "X-Chat-Scope"


def validated_session(request: HttpRequest) -> AbstractChatSession | None:
    """Return the session a request may speak in, or None; writes nothing.

    ``X-Chat-Session`` names one: it must be the caller's own and active. Otherwise it is the open
    session of the scope in ``X-Chat-Scope`` (``""`` when absent). 1 statement.
    """
    try:
        owner = owner_from_request(request)
        if owner is None:
            return None
        named = request.headers.get(SESSION_HEADER)
        if named is None:
            return services.current(owner, request.headers.get(SCOPE_HEADER, ""))
        session = services.find_session(owner, named)
    except (ChatSessionsError, ValueError):  # a stranger's id, a text no id has
        return None
    # An id has one form: " 1" and "\uff11" are no other ways to write 1.
    is_named = str(session.pk) == named
    return session if is_named and session.is_active(clock.now()) else None


class ChatSessionMiddleware:
    """Adds ``request.chat_session``, and ``await request.achat_session()`` for async views.

    Costs no statement and no write unless it is used. Put it after AuthenticationMiddleware.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        request.chat_session = SimpleLazyObject(lambda: validated_session(request))  # type: ignore[attr-defined]
        request.achat_session = lambda: sync_to_async(validated_session)(request)  # type: ignore[attr-defined]
        response: HttpResponseBase | Awaitable[HttpResponseBase] = self.get_response(request)
        if isinstance(response, HttpResponseBase):
            return _without_claimed_visitor(request, response)
        return _without_claimed_visitor_later(request, response)


def _without_claimed_visitor(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Take the cookie of a visitor whose chats moved to an account in this request."""
    if getattr(request, "chat_visitor_is_gone", False):
        take_visitor_cookie(response)
    return response


async def _without_claimed_visitor_later(
    request: HttpRequest, response: Awaitable[HttpResponseBase]
) -> HttpResponseBase:
    return _without_claimed_visitor(request, await response)
