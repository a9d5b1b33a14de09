"""The tables of the measured site, with somebody in them who is logged in and talking."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connections
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client

from benchmarks.filling import fill
from benchmarks.http.endpoints import open_conversation
from benchmarks.http.visiting import Visitor


def prepared(sessions: int, messages: int) -> Visitor:
    """Make the tables, a person with so many sessions of so many messages, and an open one."""
    call_command("migrate", verbosity=0)
    owner = fill(sessions, messages)
    session = open_conversation(owner)
    client = Client()
    client.force_login(get_user_model()._default_manager.get(pk=owner.user_id))
    login = client.cookies[settings.SESSION_COOKIE_NAME].value
    token = _get_new_csrf_string()
    cookies = f"{settings.SESSION_COOKIE_NAME}={login}; {settings.CSRF_COOKIE_NAME}={token}"
    connections.close_all()
    return Visitor(cookies, token, str(session.pk))
