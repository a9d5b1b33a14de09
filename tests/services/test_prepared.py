"""Statements that are compiled once say the same as the querysets they come from."""

from __future__ import annotations

from typing import Any

import pytest

from django_chat_sessions import services as chat_sessions
from django_chat_sessions.owners import Owner
from django_chat_sessions.querysets import ChatSessionQuerySet
from django_chat_sessions.services import prepared
from django_chat_sessions.services.tables import sessions

pytestmark = pytest.mark.django_db


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


def _of_length(table: ChatSessionQuerySet, *, message_count: Any) -> ChatSessionQuerySet:
    return table.filter(message_count=message_count)


def test_a_number_that_no_row_can_have_is_refused_before_the_database_is(
    owner: Owner, statements: Any
) -> None:
    chat_sessions.start(owner)
    assert len(prepared.rows(_of_length, sessions(), message_count=0)) == 1
    for number in (-1, 2**70):
        with statements() as sent, pytest.raises(OverflowError):
            prepared.rows(_of_length, sessions(), message_count=number)
        assert sent == []
