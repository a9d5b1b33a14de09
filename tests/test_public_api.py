"""What hosts may rely on: names, docstrings, async twins, types."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
from django.dispatch import Signal

import django_chat_sessions
from django_chat_sessions import (
    authentication,
    exceptions,
    owners,
    policies,
    services,
    signals,
    testing,
)

# Frozen: taking a name out or giving it another meaning breaks hosts.
PACKAGE_NAMES = {"__version__", "get_message_model", "get_session_model"}
VERBS = {
    *("claim", "claim_at_login", "erase"),
    *("export", "export_name", "export_session", "import_sessions"),
    *("add_message", "add_turn", "context", "current", "delete", "end", "find_session"),
    "history_page",
    *("look", "mark_read", "purge", "recent_sessions", "record_turn", "recover", "rename"),
    *("reopen", "resume_or_start", "retry", "send", "start", "stop", "sweep", "touch"),
    *("transcript", "updates", "archive", "unarchive", "pin", "unpin", "restore", "search"),
    *("suggest_title", "grouped_by_day"),
    *("purge_chosen", "read_for_staff", "statistics"),
}
TYPES = {
    *("Arrival", "ArrivalStatus", "Claimed", "Day", "Erased", "Figures", "Found", "Grown"),
    *("Imported", "Match", "Place", "Recovered", "Sent", "Statistics", "Transcript", "Turn"),
    "Updates",
}
SYNC_ONLY = {
    *("purge", "recover", "sweep"),  # for cron
    *("purge_chosen", "read_for_staff", "statistics"),  # for the admin
    *("claim_at_login", "export", "export_name", "export_session", "import_sessions"),
    "grouped_by_day",  # asks no database
}
TWINS = {f"a{name}" for name in VERBS - SYNC_ONLY}
EXCEPTIONS = {
    *("ChatSessionsError", "SessionNotFound", "SessionEnded", "TurnInProgress", "KeyReused"),
    *(
        "InvalidDocument",
        "NotAuthenticated",
        "NothingToRetry",
        "SessionsHeld",
        "TooManyMessages",
        "TurnLost",
        "WrongCursor",
    ),
}
SIGNALS = {
    *("session_started", "session_resumed", "session_reopened", "session_ended"),
    *("message_added", "turn_answered", "turn_failed", "sessions_claimed", "content_read"),
}
TESTING = {
    *("ChatMessageFactory", "ChatSessionFactory", "FrozenClock", "ScriptedResponder"),
    *("answering", "assert_conversation", "assert_one_open_session", "assert_state"),
    "frozen_clock",
}


def test_the_testing_tools_are_exactly_these() -> None:
    assert set(testing.__all__) == TESTING
    for name in TESTING:
        assert inspect.getdoc(getattr(testing, name)), name


def test_the_package_offers_exactly_these_names() -> None:
    assert set(django_chat_sessions.__all__) == PACKAGE_NAMES


def test_the_services_offer_exactly_these_names() -> None:
    assert set(services.__all__) == VERBS | TYPES | TWINS


@pytest.mark.parametrize("module", [django_chat_sessions, services, testing])
def test_every_name_that_is_offered_is_there_once_and_in_order(module: Any) -> None:
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert len(set(module.__all__)) == len(module.__all__)
    assert list(module.__all__) == sorted(module.__all__)


def test_the_exceptions_are_these_and_have_one_base() -> None:
    found = {
        name: value
        for name, value in vars(exceptions).items()
        if inspect.isclass(value) and issubclass(value, Exception)
    }
    assert set(found) == EXCEPTIONS
    assert all(issubclass(value, exceptions.ChatSessionsError) for value in found.values())


def test_the_signals_are_these() -> None:
    found = {name for name, value in vars(signals).items() if isinstance(value, Signal)}
    assert found == SIGNALS


@pytest.mark.parametrize("name", sorted(VERBS))
def test_every_verb_says_what_it_does_and_what_it_costs(name: str) -> None:
    text = inspect.getdoc(getattr(services, name)) or ""
    assert text.endswith(".")
    assert "\n\n" in text or "statement" in text
    assert "statement" in text, "say how many SQL statements it spends"


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_type_says_what_it_is(name: str) -> None:
    text = inspect.getdoc(getattr(services, name)) or ""
    assert text
    assert not text.startswith(f"{name}(")  # what a dataclass says of itself


@pytest.mark.parametrize("name", sorted(VERBS))
def test_every_parameter_of_a_verb_has_a_type_and_so_has_the_result(name: str) -> None:
    signature = inspect.signature(getattr(services, name))
    assert signature.return_annotation is not inspect.Signature.empty
    for parameter in signature.parameters.values():
        assert parameter.annotation is not inspect.Parameter.empty, parameter


@pytest.mark.parametrize("name", sorted(VERBS - SYNC_ONLY))
def test_every_async_twin_takes_what_the_verb_takes(name: str) -> None:
    verb, twin = getattr(services, name), getattr(services, f"a{name}")
    assert inspect.signature(twin).parameters.keys() == inspect.signature(verb).parameters.keys()


@pytest.mark.parametrize("module", [authentication, owners, policies, exceptions])
def test_public_classes_and_functions_of_the_rules_say_what_they_are(module: Any) -> None:
    for name, value in vars(module).items():
        mine = getattr(value, "__module__", "") == module.__name__
        if mine and not name.startswith("_") and (inspect.isclass(value) or callable(value)):
            assert inspect.getdoc(value), name


def test_types_are_shipped() -> None:
    assert (Path(django_chat_sessions.__file__).parent / "py.typed").exists()
