"""Template tags. None raises in a page: without an owner or a database there is simply no chat."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django import template
from django.db import Error as DatabaseError  # InterfaceError, too
from django.middleware.csrf import get_token
from django.template import Context
from django.urls import reverse

from django_chat_sessions import clock, services
from django_chat_sessions.exceptions import ChatSessionsError
from django_chat_sessions.ids import digest
from django_chat_sessions.models import AbstractChatSession, SessionState
from django_chat_sessions.owners import Owner, owner_from_request

logger = logging.getLogger(__name__)
register = template.Library()
MINUTE = 60  # seconds; what is younger would be “0 minutes ago”


def _owner(context: Context) -> Owner | None:
    request = context.get("request")
    try:
        return None if request is None else owner_from_request(request)
    except ChatSessionsError:
        return None
    except DatabaseError as error:  # the login itself may be in the database
        logger.error("The reader cannot be recognised: %s", type(error).__name__)
        return None


def _reader(owner: Owner | None) -> str:
    """A name that keeps the drafts of two people at one browser apart; it says not who they are.

    Visitors have none: a stranger becomes one while the page is open, and the draft stays theirs.
    """
    if owner is None or owner.user_id is None:
        return ""
    return digest("reader", owner.identity).hex[:16]


def _recent(context: Context, limit: int | None, scope: str | None) -> list[AbstractChatSession]:
    owner = _owner(context)
    if owner is None:
        return []
    try:
        return services.recent_sessions(owner, limit, scope=scope)
    except DatabaseError as error:
        logger.error("The chat history cannot be shown: %s", type(error).__name__)
        return []


@register.simple_tag(takes_context=True)
def recent_chat_sessions(
    context: Context, limit: int | None = None, scope: str | None = None
) -> list[AbstractChatSession]:
    """``{% recent_chat_sessions as rows %}``: the reader's latest conversations; 1 statement."""
    return _recent(context, limit, scope)


@register.inclusion_tag("django_chat_sessions/history.html", takes_context=True)
def chat_history(
    context: Context,
    limit: int | None = None,
    scope: str | None = None,
    page: str = "",
) -> dict[str, Any]:
    """``{% chat_history %}``: the latest conversations as a list; 1 statement.

    ``page`` is the address of the page that shows a conversation; it gets ``?chat=<id>``.
    """
    now = clock.now()
    return {
        "rows": [
            {
                "session": row,
                "state": row.state(now),
                "running": row.is_running(now),
                "just_now": clock.seconds_between(row.last_message_at or now, now) < MINUTE,
            }
            for row in _recent(context, limit, scope)
        ],
        "page": page,
    }


@register.inclusion_tag("django_chat_sessions/status.html", takes_context=True)
def chat_session_status(context: Context, scope: str = "") -> dict[str, Any]:
    """``{% chat_session_status %}``: in words, whether a chat is open here; 1 or 2 statements."""
    owner = _owner(context)
    arrival = None
    if owner is not None:
        try:
            arrival = services.look(owner, scope)
        except DatabaseError as error:
            logger.error("The chat status cannot be shown: %s", type(error).__name__)
    return {"arrival": arrival}


@register.inclusion_tag("django_chat_sessions/widget.html", takes_context=True)
def chat_widget(
    context: Context,
    *,
    scope: str = "",
    title: str = "",
    history: str = "dropdown",
    greeting: str = "",
    placeholder: str = "",
) -> dict[str, Any]:
    """``{% chat_widget scope="subject:1" %}``: the whole chat, for sites without a build step.

    ``history``: ``sidebar``, ``dropdown`` or ``none``. No inline script or style. 0 statements
    beside those that find out who the reader is.
    """
    request = context.get("request")
    return {
        "base_url": reverse("chat_sessions:sessions").removesuffix("/sessions"),
        "csrf_token": "" if request is None else get_token(request),
        # As text: Django makes its nonce, and names it in the header, when it is used.
        "nonce": str(context.get("csp_nonce", "")),
        "scope": scope,
        "owner": _reader(_owner(context)),
        "title": title,
        "history": history,
        "greeting": greeting,
        "placeholder": placeholder,
    }


@register.filter
def chat_state(
    session: AbstractChatSession | None, now: datetime | None = None
) -> SessionState | str:
    """``{{ session|chat_state }}``: active, expired or ended; nothing where there is no session."""
    return session.state(now or clock.now()) if session else ""
