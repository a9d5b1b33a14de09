"""A host's column may not hide a method that the chat calls, and is told how to keep both."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.checks import CheckMessage
from django.core.checks.registry import registry
from django.db import models
from django.test.utils import isolate_apps

from django_chat_sessions.checks import methods as checks
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession
from tests.doc_pages import text_of


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that makes a host's models with these attributes and says what is found."""

    def findings(
        conversation: dict[str, Any], utterance: dict[str, Any] | None = None
    ) -> list[CheckMessage]:
        with isolate_apps():
            own = {"__module__": __name__, "Meta": type("Meta", (), {"app_label": "host"})}
            pair = (
                type("Talk", (AbstractChatSession,), {**own, **conversation}),
                type("Said", (AbstractChatMessage,), {**own, **(utterance or {})}),
            )
        monkeypatch.setattr(checks, "models_in_use", lambda: pair)
        return checks.check_methods()

    return findings


@pytest.mark.parametrize("name", checks.methods_of(AbstractChatSession))
def test_e011_a_column_that_hides_a_method_of_the_session(host: Any, name: str) -> None:
    [found] = host({name: models.BooleanField(default=True)})
    assert found.id == "django_chat_sessions.E011"
    assert f"host.Talk.{name} takes the place of the method AbstractChatSession.{name}()" in (
        found.msg
    )
    assert f'old_{name} = models.BooleanField(…, db_column="{name}")' in found.hint


def test_e011_a_column_that_hides_a_method_of_the_message(host: Any) -> None:
    column = models.CharField(max_length=9, db_column="REPLY")
    [found] = host({}, {"reply_state": column})
    assert "host.Said.reply_state" in found.msg
    assert 'old_reply_state = models.CharField(…, db_column="REPLY")' in str(found.hint)


def test_e011_what_hides_a_method_without_being_a_column(host: Any) -> None:
    [found] = host({"activity": property(lambda self: "chat")})
    assert "host.Talk.activity" in found.msg
    assert "another related_name" in str(found.hint)


def test_a_model_that_is_none_of_ours_yet_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it lacks, it has not taken; E006 says what it should be."""
    monkeypatch.setattr(checks, "models_in_use", lambda: (Group, Permission))
    assert checks.check_methods() == []


def test_the_way_out_leads_out(host: Any) -> None:
    assert host({"old_is_active": models.BooleanField(default=True, db_column="is_active")}) == []


def test_a_method_of_the_hosts_may_take_the_place_of_ours(host: Any) -> None:
    assert host({"is_active": lambda self, now: True}) == []


def test_the_check_runs_with_the_others_and_leaves_what_is_not_there_to_them(
    host: Any, settings: Any
) -> None:
    assert checks.check_methods in registry.registered_checks
    assert checks.check_methods() == []
    settings.CHAT_SESSIONS = {**settings.CHAT_SESSIONS, "SESSION_MODEL": "no.Model"}
    assert checks.check_methods() == []


def test_every_name_that_is_taken_is_in_the_reference() -> None:
    page = text_of("reference/models.md").partition("## Names that the package needs")[2]
    table = page.split("\n## ")[0]
    for model in (AbstractChatSession, AbstractChatMessage):
        assert all(f"`{name}`" in table for name in checks.methods_of(model))
