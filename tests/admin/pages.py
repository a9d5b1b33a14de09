"""Where the pages are, and how an action is asked for."""

from __future__ import annotations

from typing import Any

from django.test import Client

from django_chat_sessions import get_session_model

SECRET = "SECRET-4711"
MODEL: Any = get_session_model()
LIST = f"/admin/{MODEL._meta.app_label}/{MODEL._meta.model_name}/"


def page_of(session: Any, page: str = "change/") -> str:
    """Return the address of a page of one session."""
    return f"{LIST}{session.pk}/{page}"


def act(client: Client, action: str, *sessions: Any, **more: str) -> Any:
    """Choose sessions in the list and run an action on them, without ``post`` as far as it asks."""
    chosen = [str(session.pk) for session in sessions]
    return client.post(LIST, {"action": action, "_selected_action": chosen, **more})


def said(client: Client) -> str:
    """Return what the admin tells on the next page."""
    return client.get(LIST).content.decode()
