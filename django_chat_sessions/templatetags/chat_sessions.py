"""Template tags. None raises in a page: without an owner or a database there is simply no chat."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from django import template
from django.core.exceptions import SuspiciousOperation, SynchronousOnlyOperation
from django.db import Error as DatabaseTrouble  # InterfaceError, too
from django.template import Context
from django.urls import NoReverseMatch
from django.utils import timezone
from django.utils.translation import get_language

from django_chat_sessions import clock, services
from django_chat_sessions.addresses import address_of
from django_chat_sessions.exceptions import ChatSessionsError
from django_chat_sessions.ids import digest
from django_chat_sessions.models import AbstractChatSession, SessionState
from django_chat_sessions.owners import Owner, owner_from_request
from django_chat_sessions.services.outages import fit_for_log, sparing_transaction
from django_chat_sessions.templatetags.choices import chosen
from django_chat_sessions.templatetags.moments import as_stored, deadline_text, when_text
from django_chat_sessions.templatetags.tokens import nonce_of_page, token_in_page

logger = logging.getLogger(__name__)
register = template.Library()
NUMBER = re.compile("[0-9]{1,10}")


class Unreachable(Exception):
    """Nothing can be said of the reader's chats; why is in the log."""


def _request(context: Context) -> Any:
    """Return the request, or one that wraps it; None where a variable of the page is called so."""
    request = context.get("request")
    return request if hasattr(request, "META") else None


def _owner(context: Context) -> Owner | None:
    """Return the reader. Raises Unreachable where nobody can know who that is."""
    request = _request(context)
    if request is None:
        logger.warning(
            "A chat tag was rendered without a request: pass it to render(), and add "
            "django.template.context_processors.request to the context processors."
        )
        raise Unreachable
    with _reading("The reader cannot be recognised"):  # the login itself may be in the database
        try:
            return owner_from_request(request)
        except ChatSessionsError:
            return None


@contextmanager
def _reading(what_fails: str) -> Iterator[None]:
    """Say in the log why the database cannot be read, and raise Unreachable."""
    try:
        with sparing_transaction():
            yield
    except DatabaseTrouble as error:
        logger.error("%s: %s", what_fails, fit_for_log(error))
        raise Unreachable from error
    except SynchronousOnlyOperation as error:
        logger.error("%s in an async view: render its template with sync_to_async.", what_fails)
        raise Unreachable from error


def _reader(context: Context) -> str:
    """A name that keeps the drafts of two people at one browser apart; it says not who they are.

    Visitors have none: a stranger becomes one while the page is open, and the draft stays theirs.
    """
    try:
        owner = _owner(context)
    except Unreachable:
        return ""
    if owner is None or owner.user_id is None:
        return ""
    return digest("reader", owner.identity).hex[:16]


def _recent(context: Context, limit: Any, scope: Any) -> list[AbstractChatSession]:
    owner = _owner(context)
    if owner is None:
        return []
    known = limit
    if isinstance(limit, str):  # {% chat_history limit="5" %}, or a variable that is not there
        known = int(limit) if NUMBER.fullmatch(limit) else limit or None
    named = None if scope is None else str(scope)
    try:
        with _reading("The chat history cannot be shown"):
            return services.recent_sessions(owner, known, scope=named)
    except ValueError as error:
        logger.error("A chat tag was given what it cannot use: %s", error)
        raise Unreachable from error


def _address(name: str, *arguments: Any, **query: str) -> str:
    """Return an address of ours, or "" where the host's URLconf does not include them."""
    try:
        path = address_of(name, *arguments)
    except NoReverseMatch:
        logger.error(
            "A chat tag has no address for %r: add path('chat/', "
            "include('django_chat_sessions.urls')) to your URLconf.",
            name,
        )
        return ""
    return f"{path}?{urlencode(query)}" if query else path


@register.inclusion_tag("django_chat_sessions/styles.html", takes_context=True)
def chat_styles(context: Context) -> dict[str, Any]:
    """``{% chat_styles %}``: the stylesheets of the tags, for the page's head; 0 statements."""
    return {"nonce": nonce_of_page(context)}


@register.simple_tag(takes_context=True)
def recent_chat_sessions(
    context: Context, limit: int | str | None = None, scope: Any = None
) -> list[AbstractChatSession]:
    """``{% recent_chat_sessions as rows %}``: the reader's latest conversations; 1 statement."""
    try:
        return _recent(context, limit, scope)
    except Unreachable:
        return []


@register.inclusion_tag("django_chat_sessions/history.html", takes_context=True)
def chat_history(
    context: Context,
    *,
    variant: str = "sidebar",
    title: str = "",
    limit: int | str | None = None,
    scope: Any = None,
    page: Any = "",
    current: Any = None,
) -> dict[str, Any]:
    """``{% chat_history %}``: the latest conversations by day, as links; 1 statement.

    ``variant``: ``sidebar``, or ``dropdown``, which opens without a script. ``page`` is the address
    of a page of the host's that shows a conversation; it gets ``?chat=<id>``. ``current``, a
    session or its id, is marked; without it, the one that the address of this page names.
    """
    try:
        rows = _recent(context, limit, scope)
    except Unreachable:
        return {"is_reachable": False}
    now = clock.now()
    open_one = _named(context) if current is None else str(getattr(current, "pk", current))
    page = str(page or "")
    linked = page or _address("sessions")
    groups = [
        {
            "key": group.key,
            "label": group.label,
            "rows": [
                {**_row(one, now, open_one), "href": _link(one, page) if linked else ""}
                for one in group.sessions
            ],
        }
        for group in services.grouped_by_day(rows, now, timezone.get_current_timezone())
    ]
    unread = any(row.unread for row in rows)
    is_dropdown = chosen("variant", variant) == "dropdown"
    facts = {"is_reachable": True, "is_dropdown": is_dropdown, "unread": unread}
    return {**facts, "title": title, "groups": groups}


def _named(context: Context) -> str:
    """Return the id of the conversation that the page's own address names."""
    with suppress(SuspiciousOperation):  # more parameters than Django reads
        return str(context["request"].GET.get("chat", ""))
    return ""


def _row(session: AbstractChatSession, now: datetime, open_one: str) -> dict[str, Any]:
    is_current = str(session.pk) == open_one
    return {
        "session": session,
        "is_current": is_current,
        "is_unread": session.unread and not is_current,  # what is on the page is being read
        "state": session.state(now),
        "running": session.is_running(now),
        "moment": _machine_readable(session.last_message_at),
        "when": when_text(session.last_message_at, now, is_under_day=session.pinned_at is None),
    }


def _link(session: AbstractChatSession, page: str) -> str:
    if not page:
        return _address("session_page", session.pk)
    address, hash_sign, place = page.partition("#")
    joint = "&" if "?" in address else "?"
    return f"{address}{joint}chat={quote(str(session.pk))}{hash_sign}{place}"


def _machine_readable(moment: datetime | None) -> str:
    return "" if moment is None else clock.aware(moment).isoformat(timespec="seconds")


@register.inclusion_tag("django_chat_sessions/status.html", takes_context=True)
def chat_session_status(context: Context, scope: Any = "") -> dict[str, Any]:
    """``{% chat_session_status %}``: in words, whether a chat is open here; 1 to 3 statements."""
    named = "" if scope is None else str(scope)
    try:
        owner = _owner(context)
        with _reading("The chat status cannot be shown"):
            arrival = None if owner is None else services.look(owner, named)
    except Unreachable:
        return {"is_reachable": False}
    except ValueError as error:  # such as a NUL, which PostgreSQL does not look for
        logger.error("A chat tag was given what it cannot use: %s", error)
        return {"is_reachable": False}
    session = None if arrival is None else arrival.session
    previous = None if arrival is None else arrival.previous
    now = clock.now()
    return {
        "is_reachable": True,
        "is_open": session is not None and session.message_count > 0,
        "is_running": session is not None and session.is_running(now),
        # Not by the reason: a policy of the host's has its own.
        "is_paused": previous is not None and previous.state(now) == SessionState.EXPIRED,
        "expires": None if session is None else _machine_readable(session.expires_at),
        "until": None if session is None else deadline_text(session.expires_at, now),
    }


@register.inclusion_tag("django_chat_sessions/widget.html", takes_context=True)
def chat_widget(
    context: Context,
    *,
    scope: Any = "",
    title: str = "",
    history: str = "dropdown",
    greeting: str = "",
    placeholder: str = "",
    layout: str = "panel",
    theme: str = "",
) -> dict[str, Any]:
    """``{% chat_widget scope="subject:1" %}``: the whole chat, for sites without a build step.

    ``history``: ``sidebar``, ``dropdown`` or ``none``. ``layout``: ``panel``, ``full`` or
    ``floating``. ``theme``: ``light``, ``dark``, or "" for the reader's preference. It speaks
    Django's current language, where it can. No inline script or style. 0 statements beside those
    that find out who the reader is.
    """
    request = _request(context)
    sessions = _address("sessions")
    named = "" if scope is None else str(scope)
    return {
        "is_reachable": bool(sessions),
        "base_url": sessions.removesuffix("/sessions"),
        "without_script": _address("current_page", **({"scope": named} if named else {})),
        # Not "csrf_token": Django puts the page's own there, whatever we say.
        "carried_token": "" if request is None else token_in_page(request),
        "nonce": nonce_of_page(context),
        "scope": named,
        "owner": _reader(context),
        "title": title,
        "history": chosen("history", history),
        "greeting": greeting,
        "placeholder": placeholder,
        "layout": chosen("layout", layout),
        "theme": chosen("theme", theme),
        "language": get_language() or "",
    }


@register.simple_tag
def chat_address(name: str, *arguments: Any) -> str:
    """``{% chat_address "current_page" %}``: as ``url``, for a route of ours; 0 statements."""
    return _address(name, *arguments)


@register.filter
def chat_state(session: Any, now: datetime | None = None) -> SessionState | str:
    """``{{ session|chat_state }}``: active, expired or ended; nothing where there is no session."""
    if isinstance(session, AbstractChatSession):
        return session.state(as_stored(now) if isinstance(now, datetime) else clock.now())
    if session:
        logger.error("chat_state was given a %s; give it a session.", type(session).__name__)
    return ""
