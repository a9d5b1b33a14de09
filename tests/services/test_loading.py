"""Rows that are built without Django's general way are the rows that Django would have built."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.models import JSONField
from django.db.models.signals import post_init

from django_chat_sessions import get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.owners import Owner
from django_chat_sessions.services import loading, prepared
from django_chat_sessions.services.tables import sessions
from tests.services.test_prepared import _of_scope

pytestmark = pytest.mark.django_db

IS_POSTGRES = connection.vendor == "postgresql"


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


def test_empty_metadata_is_each_rows_own(owner: Owner) -> None:
    for number in range(2):
        chat_sessions.start(owner, f"scope {number}")
    first, second = sessions().order_by("pk")
    sessions().filter(pk=second.pk).update(metadata={"a": [1]})
    rows = [loading.loaded(type(first), stored(), "default") for _ in range(2)]
    assert [[row.metadata for row in found] for found in rows] == [[{}, {"a": [1]}]] * 2
    assert rows[0][0].metadata is not rows[1][0].metadata


def stored() -> Any:
    """What the database returns of the sessions, nothing of it converted."""
    sql, params = sessions().order_by("pk").query.get_compiler("default").as_sql()
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


class Decoder(json.JSONDecoder):
    """Knows more than JSON."""


class Sealed(JSONField):
    """Reads in a way of its own."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return value


@pytest.mark.parametrize(
    ("field", "is_plain"),
    [(JSONField(), True), (JSONField(decoder=Decoder), False), (Sealed(), False)],
)
def test_whoever_reads_json_in_a_way_of_its_own_reads_empty_metadata_too(
    field: Any, is_plain: bool
) -> None:
    assert loading._is_plain_json(field.from_db_value, field) is is_plain
    assert not loading._is_plain_json(lambda *_: None, field)


class TestMoments:
    """Who makes the moments of a cursor's rows."""

    def makes_its_own(self) -> bool:
        """Whether a cursor's moments are made by the driver alone."""
        with connection.cursor() as cursor:
            loading.read_moments_quickly(cursor, connection)
            if not IS_POSTGRES:
                return False
            number, of_psycopg = loading._moments_of_psycopg()
            return cursor.adapters.get_loader(number, 0) is of_psycopg

    def test_they_are_what_django_makes_of_them(self, owner: Owner) -> None:
        chat_sessions.start(owner)
        assert self.makes_its_own() is IS_POSTGRES
        [row] = prepared.rows(_of_scope, sessions(), 5, scope="")
        [wanted] = sessions()
        assert row.started_at == wanted.started_at
        assert row.started_at.tzinfo is wanted.started_at.tzinfo

    def test_the_next_cursor_has_django_make_them(self, owner: Owner) -> None:
        assert self.makes_its_own() is IS_POSTGRES
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            if IS_POSTGRES:
                number, of_psycopg = loading._moments_of_psycopg()
                assert cursor.adapters.get_loader(number, 0) is not of_psycopg

    def test_another_zone_of_the_connection_is_left_to_django(self, owner: Owner) -> None:
        if IS_POSTGRES:
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL TIME ZONE 'Asia/Kathmandu'")
        assert not self.makes_its_own()

    def test_so_are_moments_without_a_zone(self, owner: Owner, settings: Any) -> None:
        settings.USE_TZ = False
        assert not self.makes_its_own()

    def test_so_is_what_a_host_makes_of_moments(self, owner: Owner) -> None:
        with connection.cursor() as cursor:
            if IS_POSTGRES:
                number, _ = loading._moments_of_psycopg()
                text = connection.connection.adapters.types["text"].oid
                its_own = cursor.adapters.get_loader(text, 0)
                cursor.adapters.register_loader(number, its_own)
            loading.read_moments_quickly(cursor, connection)
            if IS_POSTGRES:
                assert cursor.adapters.get_loader(number, 0) is its_own

    def test_a_driver_without_loaders_is_left_alone(self, owner: Owner) -> None:
        loading.read_moments_quickly(object(), connection)
