"""Rows that are built without Django's general way are the rows that Django would have built."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.models.signals import post_init

from django_chat_sessions import get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.owners import Owner
from django_chat_sessions.services import loading, prepared
from django_chat_sessions.services.tables import sessions
from tests.services.test_prepared import _of_scope

pytestmark = pytest.mark.django_db


@pytest.fixture
def model(owner: Owner) -> Iterator[Any]:
    """The host's model, of which one row is stored; what a test does to it is found out anew."""
    chat_sessions.send(owner, "Why?", key="a-key-of-its-own")
    loading.is_plain.cache_clear()
    yield get_session_model()
    loading.is_plain.cache_clear()


def read() -> Any:
    [row] = prepared.rows(_of_scope, sessions(), 5, scope="")
    [wanted] = sessions()
    assert vars(row) | {"_state": 0} == vars(wanted) | {"_state": 0}
    assert (row._state.db, row._state.adding) == ("default", False)
    return row


def test_a_row_can_be_changed_and_stored_and_leads_to_what_it_points_to(model: Any) -> None:
    row = read()
    assert row.get_deferred_fields() == set()
    assert row.user == (None if row.user_id is None else row.user)
    row.title = "Another"
    row.save()
    row.refresh_from_db()
    assert sessions().get(pk=row.pk).title == "Another"


@pytest.mark.parametrize("metadata", [{}, {"model": "small"}])
def test_metadata_is_read_and_each_row_has_its_own(model: Any, metadata: dict[str, Any]) -> None:
    sessions().update(metadata=metadata)
    row = read()
    assert row.metadata == metadata
    row.metadata["mine"] = True
    assert read().metadata == metadata


def test_whoever_listens_to_new_objects_hears_of_each(model: Any) -> None:
    heard: list[Any] = []

    def receiver(instance: Any, **_: Any) -> None:
        heard.append(instance)

    post_init.connect(receiver, sender=model)
    try:
        [row] = prepared.rows(_of_scope, sessions(), 5, scope="")
    finally:
        post_init.disconnect(receiver, sender=model)
    assert heard == [row]


def test_a_host_that_builds_its_rows_in_a_way_of_its_own_is_asked_to(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    usual = model.from_db

    def from_db(kind: Any, *values: Any, **more: Any) -> Any:
        asked.append(values)
        return usual(*values, **more)

    assert loading.is_plain(model)
    loading.is_plain.cache_clear()
    monkeypatch.setattr(model, "from_db", classmethod(from_db))
    assert read() is not None
    assert len(asked) == 2  # one of them by the queryset that it is compared with


class Marked:
    """An attribute that knows how often it was set."""

    times = 0

    def __get__(self, row: Any, owner: Any = None) -> Any:
        return self if row is None else row.__dict__["title"]

    def __set__(self, row: Any, value: Any) -> None:
        row.__dict__["title"] = value
        Marked.times += 1


@pytest.mark.parametrize("name", ["__init__", "title"])
def test_so_is_one_whose_objects_do_more_than_hold_values(
    model: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    usual = model.__init__

    def init(self: Any, *values: Any, **more: Any) -> None:
        usual(self, *values, **more)
        Marked.times += 1

    monkeypatch.setattr(model, name, Marked() if name == "title" else init)
    Marked.times = 0
    prepared.rows(_of_scope, sessions(), 5, scope="")
    assert Marked.times == 1


def test_only_what_the_database_returns_in_another_form_is_converted(model: Any) -> None:
    fields = model._meta.concrete_fields
    kinds = {
        fields[place].get_internal_type() for place, _ in loading._to_convert(model, "default")
    }
    assert "JSONField" in kinds
    assert "CharField" not in kinds
    assert ("DateTimeField" in kinds) == (connection.vendor != "postgresql")
