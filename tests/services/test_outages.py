"""Which errors of a database say that it is away, and which that it lacks something."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import (
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
    connection,
    transaction,
)

from django_chat_sessions.services.outages import is_away, what_is_missing
from tests.conversations import opened, somebody_else


class Refused(Exception):
    """What a driver raises for a statement that a standby of PostgreSQL's does not take."""

    sqlstate = "25006"


def read_only() -> InternalError:
    error = InternalError("cannot execute INSERT in a read-only transaction")
    error.__cause__ = Refused()
    return error


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError(), read_only()])
def test_what_may_pass_is_away(error: Any) -> None:
    assert is_away(error)
    assert what_is_missing(error) == ""


@pytest.mark.parametrize("error", [InternalError("broken"), ProgrammingError("no such function")])
def test_what_will_not_pass_is_not(error: Any) -> None:
    assert not is_away(error)
    assert what_is_missing(error) == ""


if connection.vendor == "postgresql":

    @pytest.mark.django_db
    def test_so_says_a_postgresql_that_is_read_only() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET transaction_read_only = on")
        with pytest.raises(InternalError) as refused, transaction.atomic():
            opened(somebody_else())
        assert is_away(refused.value)
