"""What commands say when the database cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import InterfaceError, OperationalError, connection

COMMANDS = (
    ("chat_session_statistics",),
    ("clear_chat_sessions",),
    ("erase_chat_sessions", "--user-id=1"),
    ("export_chat_sessions", "--user-id=1"),
)


@pytest.fixture(params=[OperationalError("server closed\n\tthe connection"), InterfaceError()])
def error(request: pytest.FixtureRequest, db: None) -> Iterator[Exception]:
    """A database that answers every statement with this error."""

    def away(*args: Any) -> Any:
        raise request.param

    with connection.execute_wrapper(away):
        yield request.param


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_database_that_is_down_is_a_sentence(command: tuple[str, ...], error: Exception) -> None:
    said = "server closed the connection" if str(error) else "InterfaceError"
    sentence = f"^The database cannot be used: {said}. Run the command again when it can.$"
    with pytest.raises(CommandError, match=sentence):
        call_command(*command)
