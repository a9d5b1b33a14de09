"""Statements that are compiled once say the same as the querysets they come from."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from django_chat_sessions import clock
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.owners import Owner
from django_chat_sessions.querysets import ChatSessionQuerySet
from django_chat_sessions.services import prepared
from django_chat_sessions.services.tables import sessions


def _of_scope(table: ChatSessionQuerySet, most: int, *, scope: Any) -> ChatSessionQuerySet:
    return table.filter(scope=scope, message_count__gte=0).order_by("-pk")[:most]


def test_the_rows_are_those_of_the_queryset_whole_and_from_this_database(owner: Owner) -> None:
    for number in range(3):
        chat_sessions.start(owner, f"scope {number}")
    for scope in ("scope 1", "scope 2", "nobody's"):
        found = prepared.rows(_of_scope, sessions(), 5, scope=scope)
        wanted = list(_of_scope(sessions(), 5, scope=scope))
        assert [vars(row) | {"_state": 0} for row in found] == [
            vars(row) | {"_state": 0} for row in wanted
        ]
        assert all(row._state.db == "default" and not row._state.adding for row in found)


def test_the_shape_is_part_of_the_statement_and_a_value_is_not(owner: Owner) -> None:
    prepared._select.cache_clear()
    for scope in ("one", "two"):
        for most in (1, 2):
            prepared.rows(_of_scope, sessions(), most, scope=scope)
    assert prepared._select.cache_info().misses == 2


def test_an_update_compares_and_writes_null_as_well_as_values(owner: Owner) -> None:
    session = chat_sessions.start(owner).opened
    now = clock.now()
    known: dict[str, Any] = {"pk": session.pk, "running_until": None, "open_key": session.open_key}
    assert prepared.update(sessions(), known, {"running_until": now, "title": "100 %s"}) == 1
    assert prepared.update(sessions(), known, {"title": "too late"}) == 0
    [row] = sessions().filter(pk=session.pk)
    assert (row.running_until, row.title) == (now, "100 %s")
    known = {"pk": session.pk, "running_until": now}
    assert prepared.update(sessions(), known, {"running_until": None}) == 1
    later = {"pk": session.pk, "running_until": now + timedelta(seconds=1)}
    assert prepared.update(sessions(), later, {"title": ""}) == 0


@pytest.mark.django_db(transaction=True)
def test_an_error_spoils_the_transaction_around_it(owner: Owner) -> None:
    one, other = (chat_sessions.start(owner, scope).opened for scope in ("one", "two"))
    taken = {"open_key": one.open_key}
    with transaction.atomic():
        with pytest.raises(IntegrityError):
            prepared.update(sessions(), {"pk": other.pk}, taken)
        assert connection.needs_rollback
        transaction.set_rollback(True)
