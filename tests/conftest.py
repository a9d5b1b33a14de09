"""Fixtures: owners of both kinds, a clock that is moved, statements that are counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.db.models import ProtectedError
from django.db.models.signals import pre_delete
from django.test import Client
from hypothesis import settings

from django_chat_sessions.owners import Owner
from tests.callers import answering, caller, stranger, threads_let_go, tokens_too
from tests.emptying import kept_content_types_and_permissions

pytest_plugins = ["django_chat_sessions.testing.fixtures"]
__all__ = [
    "answering",
    "caller",
    "kept_content_types_and_permissions",
    "stranger",
    "threads_let_go",
    "tokens_too",
]  # fixtures, found here by pytest

# An example may take as long as a busy machine needs.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# What no other database and no other kind of models can make fail; marked so that the runs of the
# matrix that are about those can leave it out.
TESTS = Path(__file__).parent
ONCE = tuple(
    str(TESTS / part)
    for part in (
        *("attack/", "api/test_endpoint.py", "api/test_inputs.py", "api/test_servers.py"),
        *("contrib/", "durability/", "example/", "faults/", "services/following/test_cursors.py"),
        *("services/test_excerpts.py", "services/test_twins.py", "test_architecture.py"),
        *("test_authentication.py", "test_contract.py", "test_databases.py", "test_docs.py"),
        *("test_docs_complete.py", "test_locale.py", "test_policies.py", "test_public_api.py"),
    )
)

# Begun last, each of these would keep one process busy for long after the others are done.
LONG = tuple(
    str(TESTS / part)
    for part in (
        *("adoption/test_own", "example/test_own", "durability/", "faults/"),
        *("browser/test_accessibility", "browser/test_gallery", "browser/test_speed"),
        "browser/test_tabs",
    )
)

NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not str(item.path).startswith(LONG))
    for item in items:
        if str(item.path).startswith(ONCE):
            item.add_marker(pytest.mark.once)


@pytest.fixture
def user(django_user_model: Any) -> Any:
    return django_user_model.objects.create_user("ada", password="secret")


@pytest.fixture(params=["user", "visitor"])
def owner(request: pytest.FixtureRequest) -> Owner:
    """Both kinds of owner: what holds for one must hold for the other."""
    if request.param == "user":
        return Owner.for_user(request.getfixturevalue("user"))
    request.getfixturevalue("db")
    return Owner.for_visitor("a visitor's secret key")


@pytest.fixture
def noon() -> Iterator[Any]:
    """12:00:00 UTC, standing still until ``move_to`` or ``shift`` is called."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def statements() -> Callable[[], AbstractContextManager[list[str]]]:
    """Count the statements a block sends, transaction bookkeeping aside."""

    @contextmanager
    def counting() -> Iterator[list[str]]:
        seen: list[str] = []

        def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if not sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")):
                seen.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            yield seen

    return counting


@pytest.fixture
def signals() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Every signal of the package that is sent, by name, with its arguments."""
    from django_chat_sessions import signals as module

    sent: list[tuple[str, dict[str, Any]]] = []
    connected = []
    kinds = ("session", "turn_", "message_", "content_")
    for name in [name for name in vars(module) if name.startswith(kinds)]:
        signal = getattr(module, name)

        def note(sender: Any, _name: str = name, **facts: Any) -> None:
            facts.pop("signal")
            sent.append((_name, facts))

        signal.connect(note, weak=False)
        connected.append((signal, note))
    yield sent
    for signal, note in connected:
        signal.disconnect(note)


@pytest.fixture
def protects() -> Any:
    """Return a function that refuses the deletion of sessions, as a host's PROTECT does."""
    from django_chat_sessions import get_session_model

    refused: dict[Any, type[Exception]] = {}

    def refuse(sender: Any, instance: Any, **kwargs: Any) -> None:
        if instance.pk in refused:
            sentence = "Cannot delete some, because of protected foreign keys: 'Rating.session'."
            raise refused[instance.pk](sentence, {instance})

    def protect(*sessions: Any, refusal: type[Exception] = ProtectedError) -> None:
        refused.update(dict.fromkeys([session.pk for session in sessions], refusal))

    pre_delete.connect(refuse, sender=get_session_model())
    yield protect
    pre_delete.disconnect(refuse, sender=get_session_model())


@pytest.fixture
def ada(user: Any) -> Client:
    """A browser in which a user is logged in."""
    client = Client()
    client.force_login(user)
    return client
