"""Deletion for good: few statements, and nothing that a host hung on sessions is passed over."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.db.models import signals

from django_chat_sessions import get_message_model, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.owners import Owner
from django_chat_sessions.services import deletion
from django_chat_sessions.services.keys import Keys
from tests.conversations import messages_of, somebody_else, stored, talked

pytestmark = pytest.mark.django_db


def followed(owner: Owner) -> tuple[Any, Any]:
    """Return an ended session and the open one that followed it."""
    before = chat_sessions.end(talked(owner))
    after = talked(owner)
    assert after.previous_id == before.pk
    return before, after


def is_gone(before: Any, after: Any) -> bool:
    """Whether only the first of two is gone, and the other one has forgotten it."""
    assert messages_of(after).count() == 1
    assert stored(after).previous_id is None
    return not (
        messages_of(before).exists() or get_session_model().objects.filter(pk=before.pk).exists()
    )


@pytest.mark.parametrize("others", [0, 250])
def test_3_statements_however_many_sessions(owner: Owner, statements: Any, others: int) -> None:
    before, after = followed(owner)
    more = [chat_sessions.end(talked(somebody_else())).pk for _ in range(others)]
    with statements() as sent:
        deletion.delete_for_good(Keys([before.pk, *more]))
    assert len(sent) == 3
    assert is_gone(before, after)
    assert get_session_model().objects.count() == 1


def test_sessions_that_follow_each_other_go_together(owner: Owner) -> None:
    before, after = followed(owner)
    deletion.delete_for_good(Keys([before.pk, after.pk]))
    assert not get_session_model().objects.exists()
    assert not get_message_model()._default_manager.exists()


def test_those_that_go_together_are_not_written_first(owner: Owner) -> None:
    before, after = followed(owner)
    chat_sessions.end(after)
    last = talked(owner)
    written: list[int] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith("UPDATE"):
            written.append(context["cursor"].rowcount)
        return result

    with connection.execute_wrapper(note):
        deletion.delete_for_good(Keys([before.pk, after.pk]))
    # InnoDB asks of each row by itself whether another one refers to it.
    assert written == [1 if connection.features.can_defer_constraint_checks else 2]
    assert stored(last).previous_id is None


@pytest.mark.parametrize("signal", [signals.pre_delete, signals.post_delete])
def test_a_hosts_receiver_hears_of_each_session(owner: Owner, signal: Any) -> None:
    before, after = followed(owner)
    told: list[Any] = []

    def hear(instance: Any, **facts: Any) -> None:
        told.append((instance.title, facts["origin"].model))

    signal.connect(hear, sender=get_session_model())
    try:
        deletion.delete_for_good(Keys([before.pk]))
    finally:
        signal.disconnect(hear, sender=get_session_model())
    assert told == [(before.title, get_session_model())]
    assert is_gone(before, after)


def test_a_hosts_receiver_hears_of_each_message(owner: Owner) -> None:
    before, after = followed(owner)
    told: list[Any] = []

    def hear(instance: Any, **facts: Any) -> None:
        told.append(instance.content)

    signals.post_delete.connect(hear, sender=get_message_model())
    try:
        deletion.delete_for_good(Keys([before.pk]))
    finally:
        signals.post_delete.disconnect(hear, sender=get_message_model())
    assert told == ["Hello"]
    assert is_gone(before, after)


@pytest.mark.parametrize(
    "hung_on",
    [
        {"get_fields": [SimpleNamespace(auto_created=True, concrete=False, field="a rating's")]},
        {"private_fields": [SimpleNamespace(bulk_related_objects=None)]},
        {"parents": {"a model with a table of its own": None}},
    ],
)
def test_what_a_host_hangs_on_sessions_is_left_to_django(
    owner: Owner, monkeypatch: pytest.MonkeyPatch, statements: Any, hung_on: dict[str, Any]
) -> None:
    before, after = followed(owner)
    meta: Any = get_session_model()._meta
    facts = {"get_fields": [], "private_fields": meta.private_fields, "parents": meta.parents}
    facts |= hung_on
    fields = [*meta.get_fields(include_hidden=True), *facts.pop("get_fields")]
    facts |= {"get_fields": lambda *, include_hidden: fields, "get_field": meta.get_field}
    seen = type("Seen", (), {"_meta": SimpleNamespace(**facts)})
    monkeypatch.setattr(deletion, "get_session_model", lambda: seen)
    with statements() as sent:
        deletion.delete_for_good(Keys([before.pk]))
    assert len(sent) > 3
    assert is_gone(before, after)
