"""Many keys in one statement: the same rows as ``IN`` finds, on every database."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from django_chat_sessions import services as chat_sessions
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.keys import Among, Keys
from django_chat_sessions.services.tables import keys_in_batches, messages, sessions
from tests.conversations import opened, somebody_else, talked

pytestmark = pytest.mark.django_db


def test_they_are_found_by_their_key_or_by_a_relation(owner: Owner) -> None:
    one, _other = talked(owner), talked(somebody_else())
    keys = Keys([one.pk])
    assert [row.pk for row in sessions().filter(Among("pk", keys))] == [one.pk]
    assert {row.session_id for row in messages().filter(Among("session", keys))} == {one.pk}


def test_all_but_them_are_found_too(owner: Owner) -> None:
    one, other = talked(owner), talked(somebody_else())
    assert list(sessions().exclude(Among("pk", Keys([one.pk])))) == [other]


def test_no_keys_find_nothing(owner: Owner) -> None:
    opened(owner)
    assert not sessions().filter(Among("pk", Keys()))


def test_words_with_marks_of_their_own_are_found(owner: Owner) -> None:
    scopes = ['a,b "c" {d}', "e\\'f", "%s"]
    for scope in [*scopes, "none of them"]:
        opened(owner, scope)
    found = sessions().filter(Among("scope", Keys(scopes))).values_list("scope", flat=True)
    assert sorted(found) == sorted(scopes)


def test_on_postgresql_they_are_one_value_that_is_written_out_once(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = Keys(opened(owner, str(number)).pk for number in range(5))
    field: Any = sessions().model._meta.pk
    real, prepared = type(field).get_db_prep_value, []

    def counted(self: Any, value: Any, *arguments: Any, **options: Any) -> Any:
        prepared.append(value)
        return real(self, value, *arguments, **options)

    monkeypatch.setattr(type(field), "get_db_prep_value", counted)
    for found in (sessions().filter(Among("pk", keys)), messages().filter(Among("session", keys))):
        _sql, params = found.query.sql_with_params()
        assert len(params) == (1 if connection.vendor == "postgresql" else len(keys))
    assert len(prepared) == len(keys) * (1 if connection.vendor == "postgresql" else 2)


@pytest.mark.parametrize("by", ["pk", "-pk", "open_key"])
@pytest.mark.parametrize("size", [1, 2, 3, 10])
def test_batches_reach_each_key_once_in_order(owner: Owner, by: str, size: int) -> None:
    for number in range(3):
        opened(owner, str(number))
    chat_sessions.end(opened(owner, "over"))
    rows = sessions().filter(open_key__isnull=False)
    batches = list(keys_in_batches(rows, size, by=by))
    assert [key for batch in batches for key in batch] == [row.pk for row in rows.order_by(by)]
    assert {len(batch) for batch in batches[:-1]} <= {size}
