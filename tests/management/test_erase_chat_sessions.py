"""The command that erases one owner's data."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from django_chat_sessions.owners import Owner
from tests.callers import rows
from tests.conversations import configure, talked
from tests.management.test_clear_chat_sessions import Terminal

pytestmark = pytest.mark.django_db
VISITOR = Owner.for_visitor("a visitor's secret key")


def erase(*arguments: str, stderr: StringIO | None = None) -> str:
    """Run the command; return what it prints."""
    printed = StringIO()
    call_command("erase_chat_sessions", *arguments, stdout=printed, stderr=stderr or StringIO())
    return printed.getvalue().strip()


def options_for(owner: Owner) -> str:
    if owner.user_id is None:
        return f"--visitor-key={owner.visitor_key}"
    return f"--user-id={owner.user_id}"


def test_one_owners_data_is_counted_then_erased(owner: Owner, settings: Any) -> None:
    configure(settings, RESPONDER=None)
    talked(owner)
    talked(Owner.for_visitor("another"))
    before = rows()
    said = "1 sessions and 1 messages would be erased, 0 replies would be stopped."
    assert erase(options_for(owner), "--dry-run") == said
    assert rows() == before
    screen, file = Terminal(), StringIO()
    counts = erase(options_for(owner), "--json", stderr=screen)
    assert json.loads(counts) == {"sessions": 1, "messages": 1, "stopped": 0, "dry_run": False}
    assert screen.getvalue() == "1 erased …\n"
    none = "0 sessions and 0 messages erased, 0 replies stopped."
    assert erase(options_for(owner), stderr=file) == none
    assert file.getvalue() == ""
    assert [len(table) for table in rows().values()] == [1, 1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "one of the arguments --user-id --visitor-key is required"),
        (["--user-id", "1", "--visitor-key", "a" * 64], "not allowed with"),
        (["--user-id", "ada"], "--user-id is 'ada', which no user's key can be."),
        (["--user-id", str(2**63)], "--user-id is '9223372036854775808', which no user's key"),
        (["--user-id", str(-(2**63) - 1)], "which no user's key can be."),
        (["--visitor-key", "short"], "--visitor-key is 'short'; give the 64 hexadecimal digits"),
    ],
)
def test_whom_nobody_can_be_is_refused_in_a_sentence(arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        erase(*arguments)
