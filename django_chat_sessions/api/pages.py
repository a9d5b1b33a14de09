"""The chat for people without JavaScript: read a conversation, write in it, take it up again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import Error as DatabaseTrouble
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from django_chat_sessions import clock, services
from django_chat_sessions.addresses import address_of
from django_chat_sessions.api import inputs
from django_chat_sessions.api.endpoint import Endpoint, WrongOrigin, set_token
from django_chat_sessions.api.errors import ApiError
from django_chat_sessions.authentication import Caller
from django_chat_sessions.exceptions import ChatSessionsError, SessionNotFound
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession, Role
from django_chat_sessions.services.excerpts import storable

PAGE = 50  # messages
PARAGRAPHS = re.compile(r"\n[^\S\n]*\n\s*")
SEE_OTHER = 303  # whatever was posted, the browser reads what it led to
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
SAFE_SCHEME = re.compile(r"https?://|mailto:", re.IGNORECASE)
# Nobody may send there, or there is nothing to send to: the words are shown to be copied.
HOPELESS = frozenset({"not_authenticated", "not_found"})
NOT_IN_ADDRESSES = re.compile(r"[\s\\\x00-\x1f\x7f-\x9f]")


class Page(Endpoint):
    """A page where the other routes answer with JSON; every error is a sentence on it."""

    shown: dict[str, Any]

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Begin with nothing to show, and let no error report show what was posted."""
        super().setup(request, *args, **kwargs)
        of_request: Any = request
        of_request.sensitive_post_parameters = "__ALL__"  # as Django's decorator of that name does
        # All that the templates ask for: what is missing Django logs, with everything around it.
        self.shown = dict.fromkeys(("scope", "session", "before", "paused", "previous"))
        # The form goes to "address" while the session itself is not known.
        self.shown |= dict.fromkeys(("content", "problem", "state", "address"), "")
        self.shown |= {"key": uuid4().hex, "running": False, "rows": [], "is_newest": True}

    def _private(
        self, request: HttpRequest, response: HttpResponseBase, caller: Caller | None
    ) -> HttpResponseBase:
        # The host may have no such middleware, and then another site could frame these buttons.
        framed: Any = XFrameOptionsMiddleware(HttpResponse)
        return super()._private(request, framed.process_response(request, response), caller)

    def page(self, status: int = 200, **headers: str) -> HttpResponse:
        """Return the page with what there is to show."""
        text = render_to_string("django_chat_sessions/page.html", self.shown, self.request)
        return HttpResponse(text, status=status, headers=headers)

    def show(self, session: AbstractChatSession) -> None:
        """Show this session and its messages; 1 statement, 2 where it follows another."""
        now = clock.now()
        before = inputs.number(self.request, "before", least=0, most=inputs.LAST_POSITION)
        found = services.transcript(session, PAGE, before)
        if found.before is None and session.previous_id is not None:
            with suppress(SessionNotFound):  # its reader has deleted it
                self.shown["previous"] = services.find_session(self.owner, session.previous_id)
        self.shown |= {
            "session": session,
            "state": session.state(now),
            "running": session.is_running(now),
            "rows": [_row(each, now) for each in found.messages],
            "before": found.before,
            "is_newest": before is None,
            "scope": session.scope,
        }

    def deliver(self, **to: str) -> HttpResponse:
        """Send what was written, and lead to the session that took it."""
        given = inputs.Message.parse({**self._written(), **to})
        sent = services.send(
            self.owner,
            given.content,
            key=given.key,
            scope=given.scope,
            session_id=given.session_id,
        )
        return see(sent.session)

    def _written(self) -> dict[str, str]:
        """Return the form as it was posted. Raises what Django raises for one it cannot read."""
        # Browsers end the lines of a form with CR and LF. A charset may make lone surrogates.
        text = storable(self.request.POST.get("content", "").replace("\r\n", "\n"))
        return {"content": text, "key": self.request.POST.get("key", "")}

    def _refusal(self, error: ApiError, met: dict[str, Any] | None = None) -> HttpResponse:
        self.shown["problem"] = error.message
        if self.request.method == "POST":
            self._give_back(error)
        response = self.page(error.status, **error.headers)
        if _is_old_token(error):
            set_token(self.request, response)
        return response

    def _give_back(self, error: ApiError) -> None:
        """Show what was written again, in a form that can be sent where there can be one."""
        with suppress(BadRequest, SuspiciousOperation, MultiPartParserError, UnreadablePostError):
            self.shown |= self._written()
        if error.field == "key" or not inputs.KEY.fullmatch(self.shown["key"]):
            self.shown["key"] = uuid4().hex
        if _is_old_token(error) or error.field == "key":
            # "Reload the page" would only post the same old token once more; and of the key, which
            # a page has twice after the Back button, its reader knows nothing.
            self.shown["problem"] = _(
                "This page was out of date, perhaps after a login elsewhere, and nothing was sent. "
                "Look at your words and send them again."
            )
        elif error.code == "invalid" and error.field == "content":
            self.shown["problem"] = _("Write a message first.")
        # Another site's words stand in no form: one click would send them as the reader's.
        if error.code not in HOPELESS and not isinstance(error, WrongOrigin):
            with suppress(ApiError, ChatSessionsError, DatabaseTrouble, SuspiciousOperation):
                self.find_place(error)

    def find_place(self, error: ApiError) -> None:
        """Find out where a form goes that is sent again: to the same address."""
        self.shown["address"] = self.request.path


class CurrentPage(Page):
    """The conversation that is open in a scope, or an empty one that the first message begins."""

    welcomes = True

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show it, or which one has paused; 3 statements at most."""
        scope = inputs.scope_in_query(request) or ""
        arrival = services.look(self.owner, scope)
        self.shown["scope"] = scope
        if arrival.session is not None:
            self.show(arrival.session)
        elif _is_expired(arrival.previous):
            self.shown["paused"] = arrival.previous
        return self.page()

    def post(self, request: HttpRequest) -> HttpResponse:
        """Send a message into the scope."""
        scope = inputs.scope_in_query(request) or ""
        self.shown["scope"] = scope
        return self.deliver(scope=scope)

    def find_place(self, error: ApiError) -> None:
        """Send again into the same scope."""
        self.shown["scope"] = inputs.scope_in_query(self.request) or ""


class SessionPage(Page):
    """One of the reader's conversations."""

    def get(self, request: HttpRequest, session_id: str) -> HttpResponse:
        """Show it; 2 statements, 3 where it follows another."""
        self.show(self.session(session_id))
        return self.page()

    def post(self, request: HttpRequest, session_id: str) -> HttpResponse:
        """Take it up again where that is asked for, and send into it what was written."""
        session = self.session(session_id)
        self.show(session)
        if "reopen" in request.POST:
            services.reopen(session)
            written = self._written()
            if "content" not in request.POST:
                return see(session)
            if request.POST["reopen"] == "unsent":  # what was typed meanwhile is not lost
                if inputs.is_blank(written["content"]):
                    return see(session)
                self.show(session)
                self.shown |= written
                return self.page()
        return self.deliver(session=str(session.pk))

    def find_place(self, error: ApiError) -> None:
        """Send again to the same session; an old token keeps nobody from seeing what is there."""
        super().find_place(error)
        if error.code == "csrf_failed":
            self.show(self.session(self.kwargs["session_id"]))


def _is_old_token(error: ApiError) -> bool:
    return error.code == "csrf_failed" and not isinstance(error, WrongOrigin)


def _is_expired(session: AbstractChatSession | None) -> bool:
    return session is not None and session.state(clock.now()) == "expired"


def see(session: AbstractChatSession) -> HttpResponse:
    """Lead to the end of a session's page."""
    address = address_of("session_page", session.pk)
    return HttpResponseRedirect(f"{address}#latest", status=SEE_OTHER)


def _row(message: AbstractChatMessage, now: Any) -> dict[str, Any]:
    return {
        "message": message,
        "is_own": message.role == Role.USER,
        "state": message.reply_state(now),
        # Each paragraph finds its own direction; single line breaks are kept by the stylesheet.
        "paragraphs": [part for part in PARAGRAPHS.split(message.content) if part.strip()],
        "sources": list(_sources(message.metadata)),
    }


def _sources(metadata: Any) -> Iterator[dict[str, str]]:
    """Yield what the responder put into ``metadata["sources"]``, as the widget does."""
    given = metadata.get("sources") if isinstance(metadata, dict) else None
    for source in given if isinstance(given, list) else []:
        if isinstance(source, dict):
            title, url, quote = (_text(source.get(name)) for name in ("title", "url", "quote"))
            url = safe_url(url)
            if title or url:
                yield {"title": title or url, "url": url, "quote": quote}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def safe_url(url: str) -> str:
    """Return an address with http, https or mailto, or a path on this site; "" for all else."""
    address = url.strip()
    if NOT_IN_ADDRESSES.search(address) or address.startswith("//"):
        return ""
    return "" if SCHEME.match(address) and not SAFE_SCHEME.match(address) else address
