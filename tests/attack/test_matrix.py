"""Z-01, Z-02, Z-06, Z-07, Z-13, Z-16, Z-18: every route, every method, everybody who could try."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import TestCase
from django.urls import path

from django_chat_sessions.api import views
from tests.attack.attackers import Attempt, another_user, attempts, nobody
from tests.attack.matrix import (
    ELSEWHERE,
    METHODS,
    MISSING,
    NAMED,
    ROWS,
    SECRET,
    count_from_afar,
    differences,
    served,
    tried,
)
from tests.callers import SESSION, TOKEN, Caller, person
from tests.conversations import configure


@pytest.fixture(params=["user", "visitor"])
def victim(request: pytest.FixtureRequest, db: None, tokens_too: None) -> Caller:
    return person(request.param)


def chat_of(victim: Caller) -> str:
    """Return the id of a chat of the victim's, which has got its answer."""
    count_from_afar()
    with TestCase.captureOnCommitCallbacks(execute=True):
        sent = victim.say(SECRET, scope="s")
    return str(sent.json()["session"]["id"])


def rows_of(routes: dict[str, Any]) -> set[tuple[str, str]]:
    """Return the rows that a table of these routes must have."""
    rows = set()
    for route, view in routes.items():
        if route == ELSEWHERE:
            rows.add((route, "*"))
            continue
        taken = {method.upper() for method in view.view_class.http_method_names}
        taken = {method for method in taken if hasattr(view.view_class, method.lower())}
        rows |= {(route, method) for method in taken - {"HEAD", "OPTIONS"}}
    return rows


def test_z18_every_route_and_method_of_the_urlconf_has_a_row() -> None:
    assert rows_of(served()) == set(ROWS)


def test_a_new_route_or_method_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    new = path("sessions/<str:session_id>/share", views.TouchSession.as_view())
    monkeypatch.setattr("django_chat_sessions.urls.urlpatterns", [new])
    assert rows_of({"sessions/{id}/share": new.callback}) - set(ROWS)
    monkeypatch.setattr(views.Search, "put", views.Search.get, raising=False)
    assert ("sessions/search", "PUT") in rows_of(served()) - set(ROWS)


def test_the_owner_gets_what_the_table_says(victim: Caller) -> None:
    assert differences(chat_of(victim), victim.client, "owner", METHODS) == []


@pytest.mark.parametrize("attempt", attempts(), ids=str)
def test_z01_z02_z06_z07_z13_everybody_else_gets_what_the_table_says(
    db: None, tokens_too: None, settings: Any, attempt: Attempt
) -> None:
    kind, group, attacker = attempt
    victim = person(kind)
    secret = chat_of(victim)
    client = attacker(victim)
    if group == "unwelcome":
        configure(settings, AUTHENTICATORS=[TOKEN, SESSION])
    # Methods that no route has are refused before anybody is looked at, or at the door.
    methods = METHODS if attacker in (nobody, another_user) else ("GET", "HEAD")
    assert differences(secret, client, group, methods) == []


@pytest.mark.parametrize("route_and_method", NAMED, ids=" ".join)
def test_what_is_anothers_costs_the_same_statements_as_what_does_not_exist(
    victim: Caller, stranger: Caller, statements: Any, route_and_method: tuple[str, str]
) -> None:
    """What takes as long cannot be told apart; `python -m benchmarks.authorisation` measures it."""
    secret = chat_of(victim)
    sent = []
    for pk in (secret, MISSING):
        with statements() as seen:
            tried(stranger.client, *route_and_method, pk, look=False)
        sent.append(seen)
    assert sent[0] == sent[1] != []
