"""What all routes share: who asks, CSRF, errors as JSON, and headers that keep answers private."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import Error as DatabaseTrouble
from django.db import IntegrityError, connections, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.middleware.csrf import CsrfViewMiddleware, get_token
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from django_chat_sessions import clock, services
from django_chat_sessions.api import inputs, payloads
from django_chat_sessions.api.errors import (
    ApiError,
    error_for,
    no_json,
    not_storable,
    too_large,
    unavailable,
    unreadable,
)
from django_chat_sessions.authentication import (
    READING,
    Caller,
    give_visitor_cookie,
    recognise_or_welcome,
    settle_visitor_cookie,
)
from django_chat_sessions.exceptions import (
    ChatSessionsError,
    NothingToRetry,
    SessionEnded,
    SessionsHeld,
    TurnInProgress,
)
from django_chat_sessions.models import AbstractChatSession
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.outages import fit_for_log, is_away, what_is_missing
from django_chat_sessions.services.races import is_refusal

logger = logging.getLogger(__name__)
LARGEST_UNREAD = 10_000  # bytes of a body where none is asked for


class WrongOrigin(ApiError):
    """A change that another site's page may have sent."""

    def __init__(self) -> None:
        sentence = _(
            "This page's origin is not trusted (CSRF): a proxy must keep the Host header, or "
            "CSRF_TRUSTED_ORIGINS name the origin."
        )
        super().__init__("csrf_failed", sentence)


class _CsrfCheck(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


def _refuse_forgery(request: HttpRequest) -> None:
    # Our clients send X-CSRFToken, whatever the host's own pages call that header.
    if "X-CSRFToken" in request.headers:
        request.META.setdefault(settings.CSRF_HEADER_NAME, request.headers["X-CSRFToken"])
    check = _CsrfCheck(HttpResponse)  # no view: only its questions are asked
    check.process_request(request)
    reason = check.process_view(request, HttpResponse, (), {})
    if str(reason).startswith(("Origin checking", "Referer checking")):
        raise WrongOrigin
    if reason:
        sentence = _("The CSRF token is missing or wrong; reload the page and try again.")
        if not request.COOKIES:  # to reload would not help, and may cost the words
            sentence = _(
                "The CSRF token is missing, and so are all cookies; allow cookies and try again."
            )
        raise ApiError("csrf_failed", sentence)


def _refuse_other_sites(request: HttpRequest) -> None:
    """Refuse what a page of another site made a browser send; programs name no origin."""
    check: Any = _CsrfCheck(HttpResponse)
    if "Origin" in request.headers and not check._origin_verified(request):  # noqa: SLF001
        raise WrongOrigin


def _refuse_large_body(request: HttpRequest) -> None:
    """Refuse what would be sent for nothing. Programs put something small into every POST."""
    try:
        is_small = 0 <= int(request.META.get("CONTENT_LENGTH") or 0) <= LARGEST_UNREAD
    except ValueError:
        is_small = False
    if not is_small:
        raise too_large()


def _offer_token(request: HttpRequest) -> None:
    """Let the answer set the cookie, so that the client has a token before its first change."""
    if "CSRF_COOKIE" not in request.META:
        # Without the host's CSRF middleware nothing has read the cookie. A new secret each time
        # would make the token of every other tab a wrong one.
        _CsrfCheck(HttpResponse).process_request(request)
    if "CSRF_COOKIE" in request.META:
        # What get_token does, without masking a token that nobody asked for, which takes long.
        request.META["CSRF_COOKIE_NEEDS_UPDATE"] = True
    else:
        get_token(request)


def set_token(request: HttpRequest, response: HttpResponseBase) -> None:
    """Let the response set the cookie of a token that was used in it.

    The host may have no CSRF middleware that would.
    """
    _CsrfCheck(HttpResponse).process_response(request, response)


class Endpoint(View):
    """One resource. Subclasses define ``get``, ``post`` … that return a body, or a response."""

    owner: Owner
    needs_owner = True
    # Whether a POST says something by its body. Where it does not, a small one is let be.
    takes_body = True
    # Whether reading makes a stranger a visitor. One resource only: of two first answers, the one
    # that comes later would replace the cookie, and with it the conversation begun in between.
    welcomes = False
    varies_by: tuple[str, ...] = ("Cookie", "Authorization")

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return the view; CSRF is checked here for cookies only, no transaction surrounds it.

        Django's LoginRequiredMiddleware leaves it alone: who may ask is what AUTHENTICATORS say.
        """
        view: Any = csrf_exempt(super().as_view(**initkwargs))
        view.login_required = False
        for alias in connections:
            view = transaction.non_atomic_requests(using=alias)(view)
        return view

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        caller = None
        response: HttpResponseBase
        try:
            if self.needs_owner and request.method != "OPTIONS":
                caller = self._admit(request)
            if request.method == "POST" and not self.takes_body:
                _refuse_large_body(request)
            response = super().dispatch(request, *args, **kwargs)
            if caller is not None and caller.by_cookie:
                set_token(request, response)
        except ApiError as error:
            response = self._refusal(error)
        except ChatSessionsError as error:
            response = self._refusal(error_for(error), self._circumstances(error))
        except (SuspiciousOperation, BadRequest, MultiPartParserError) as error:
            # Django answers these with a page: a form it cannot parse, too many parameters …
            # A form without a boundary is a form, too.
            is_form = isinstance(error, MultiPartParserError) and self.takes_body
            response = self._refusal(no_json() if is_form else unreadable(error))
        except DatabaseTrouble as error:
            response = self._refusal(self._outage(error))
        return self._private(request, response, caller)

    def session(self, session_id: str) -> AbstractChatSession:
        """Return the caller's session. Raises not_found for everybody else's."""
        return services.find_session(self.owner, inputs.session_id(session_id))

    def _outage(self, error: DatabaseTrouble) -> ApiError:
        """Say what the database cannot do; neither the log nor the answer repeats what was sent."""
        if is_refusal(error):
            logger.error("The chat's database refuses a text: %s", type(error).__name__)
            return not_storable()
        # A rule of the host's table, such as a column that its new code fills: the row is in the
        # error, and Django would log it.
        is_rule = isinstance(error, IntegrityError)
        if not is_away(error) and not what_is_missing(error) and not is_rule:
            raise error
        logger.error("The chat's database cannot be used: %s", fit_for_log(error))
        return unavailable()

    def _admit(self, request: HttpRequest) -> Caller:
        caller = recognise_or_welcome(request)
        self.owner = cast("Owner", caller.owner)  # recognise_or_welcome raises where there is none
        if caller.by_cookie and request.method in READING:
            _offer_token(request)
        elif request.method in self._methods() and request.method not in READING:
            if caller.by_cookie:
                _refuse_forgery(request)
            if caller.by_password:
                _refuse_other_sites(request)
        services.claim_at_login(request, self.owner)
        return caller

    def _methods(self) -> list[str]:
        return [name.upper() for name in self.http_method_names if hasattr(self, name)]

    def _circumstances(self, error: ChatSessionsError) -> dict[str, Any]:
        now = clock.now()
        if isinstance(error, SessionEnded):
            return payloads.conflict(error.session, error.current, None, now)
        if isinstance(error, TurnInProgress):
            return payloads.conflict(error.session, None, error.reply, now)
        if isinstance(error, NothingToRetry):
            return payloads.conflict(error.session, None, None, now)
        if isinstance(error, SessionsHeld):
            return payloads.held(error.held, error.done)
        return {}

    def _refusal(self, error: ApiError, met: dict[str, Any] | None = None) -> HttpResponse:
        body = error.body() | (met or {})
        return JsonResponse(body, status=error.status, headers=error.headers)

    def _private(
        self, request: HttpRequest, response: HttpResponseBase, caller: Caller | None
    ) -> HttpResponseBase:
        response.headers["Cache-Control"] = "no-store, private"
        if response.streaming:
            # A proxy that compresses a stream would hold it back until its end.
            response.headers["Cache-Control"] += ", no-transform"
            # What Django's GZipMiddleware heeds. Before Django 6.1 it compresses async streams so
            # that browsers read the first piece only, or nothing until the end.
            response.headers["Content-Encoding"] = "identity"
        response.headers["X-Content-Type-Options"] = "nosniff"
        patch_vary_headers(response, self.varies_by)
        key = None if caller is None else caller.new_visitor_key
        welcome = self.welcomes or request.method not in READING
        # What was refused made nobody a visitor; its cookie could replace one that counts.
        if key is not None and welcome and response.status_code < HTTPStatus.BAD_REQUEST:
            give_visitor_cookie(request, response, key)
        settle_visitor_cookie(request, response)
        return response

    def http_method_not_allowed(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        allowed = ", ".join(self._methods())
        sentence = _("This address takes %(allowed)s.") % {"allowed": allowed}
        return self._refusal(ApiError("method_not_allowed", sentence, Allow=allowed))
