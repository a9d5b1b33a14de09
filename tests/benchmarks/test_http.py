"""The bare view that the package is compared with really does what the package does."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client

from benchmarks.http import bare, endpoints
from django_chat_sessions import get_message_model, get_session_model
from django_chat_sessions.owners import Owner

READING = [each for each in endpoints.ENDPOINTS if each.method == "GET"]
WRITING = [each for each in endpoints.ENDPOINTS if each.method != "GET"]


@pytest.fixture
def site(settings: Any, monkeypatch: pytest.MonkeyPatch, user: Any) -> str:
    settings.ROOT_URLCONF = "benchmarks.http.urls"
    settings.CHAT_SESSIONS = {**settings.CHAT_SESSIONS, "RESPONDER": None, "ACTIVITY_RESOLUTION": 0}
    monkeypatch.setattr(bare, "RECORDED", {})
    return str(endpoints.open_conversation(Owner.for_user(user), turns=26).pk)


def ask(client: Client, prefix: str, endpoint: endpoints.Endpoint, session: str) -> Any:
    body = endpoint.sent()
    content = b"" if body is None else json.dumps(body).encode()
    address = f"/{prefix}/{endpoint.route.format(session=session)}"
    return client.generic(endpoint.method, address, content, "application/json")


@pytest.mark.parametrize("endpoint", READING, ids=lambda endpoint: endpoint.name)
def test_a_bare_view_reads_and_answers_as_the_package_does(
    endpoint: endpoints.Endpoint, site: str, ada: Client, statements: Any
) -> None:
    ask(ada, "bare", endpoint, site)  # records
    with statements() as bare_ones:
        answer = ask(ada, "bare", endpoint, site)
    with statements() as ours:
        right = ask(ada, "chat", endpoint, site)
    assert bare_ones == ours
    assert (answer.status_code, len(answer.content)) == (200, len(right.content))


@pytest.mark.parametrize("endpoint", WRITING, ids=lambda endpoint: endpoint.name)
def test_a_bare_view_writes_as_the_package_does(
    endpoint: endpoints.Endpoint, site: str, ada: Client, statements: Any
) -> None:
    if connection.vendor != "postgresql":  # the others take their values in forms of their own
        return
    ask(ada, "bare", endpoint, site)  # records, and writes for the first time
    seen = []
    for prefix in ("chat", "bare", "bare"):
        a_minute_passes(site)
        before = facts(site)
        with statements() as sent:
            assert ask(ada, prefix, endpoint, site).status_code < 300
        seen.append((sent, changed(before, facts(site))))
    assert seen[0] == seen[1] == seen[2]
    assert seen[0][1] or endpoint.name == "rename"  # to the same title


def a_minute_passes(session: str) -> None:
    """What the bare view writes is as far in the future as the recorded request took."""
    row = get_session_model()._base_manager.filter(pk=session)
    moments = ("last_activity_at", "last_message_at")
    row.update(**{name: F(name) - timedelta(minutes=1) for name in moments})


def facts(session: str) -> dict[str, Any]:
    """Return what stands in a session's row, and how many messages there are."""
    row = get_session_model()._base_manager.filter(pk=session).values().get()
    return {**row, "messages": get_message_model()._base_manager.count(), "modified": None}


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {name for name in before if before[name] != after[name]}
