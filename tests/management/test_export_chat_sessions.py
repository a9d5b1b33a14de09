"""The command that writes one owner's data."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from django_chat_sessions import services
from django_chat_sessions.management.commands import export_chat_sessions
from django_chat_sessions.owners import Owner
from tests.conversations import talked
from tests.management.test_clear_chat_sessions import Terminal
from tests.management.test_erase_chat_sessions import options_for

pytestmark = pytest.mark.django_db


def export(*arguments: str, stderr: StringIO | None = None) -> str:
    """Run the command; return what it prints."""
    printed = StringIO()
    call_command("export_chat_sessions", *arguments, stdout=printed, stderr=stderr or StringIO())
    return printed.getvalue()


@pytest.mark.parametrize("form", ["json", "markdown", "csv"])
def test_what_is_written_is_what_the_verb_gives(
    owner: Owner, noon: Any, tmp_path: Path, form: str
) -> None:
    talked(owner, "Mine\r\n=1")
    talked(Owner.for_visitor("another"), "Not mine")
    wanted = "".join(services.export(owner, form))
    assert export(options_for(owner), "--format", form) == wanted
    file = tmp_path / "chats"
    assert export(options_for(owner), f"--format={form}", f"--output={file}") == ""
    assert file.read_bytes().decode() == wanted
    assert "Not mine" not in wanted


def test_a_person_at_a_terminal_sees_how_far_it_has_come(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    talked(owner)
    monkeypatch.setattr(export_chat_sessions, "EVERY", 3)
    terminal, file = Terminal(), StringIO()
    json.loads(export(options_for(owner), stderr=terminal))
    export(options_for(owner), stderr=file)
    assert terminal.getvalue().startswith("3 pieces written …\n")
    assert file.getvalue() == ""


def test_a_file_is_written_whole_or_not_at_all(
    owner: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking(*asked: Any) -> Iterator[str]:
        yield "half of "
        raise OperationalError("The server is gone.")

    talked(owner)
    arguments = (options_for(owner), f"--output={tmp_path / 'chats'}")
    with monkeypatch.context() as broken:
        broken.setattr(services, "export", breaking)
        with pytest.raises(CommandError, match=r"cannot be used: The server is gone\. Run"):
            export(*arguments)
    assert list(tmp_path.iterdir()) == []
    export(*arguments)
    assert [file.name for file in tmp_path.iterdir()] == ["chats"]


@pytest.mark.skipif(os.name == "nt", reason="modes of files are POSIX's")
def test_no_other_account_of_the_machine_can_read_the_file(owner: Owner, tmp_path: Path) -> None:
    talked(owner)
    path = tmp_path / "chats.json"
    export(options_for(owner), f"--output={path}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_and_what_has_come_there_meanwhile_is_kept(
    owner: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "chats"

    def overtaken(*asked: Any) -> Iterator[str]:
        file.write_text("another's")
        yield "mine"

    monkeypatch.setattr(services, "export", overtaken)
    with pytest.raises(CommandError, match=r"chats: File exists\."):
        export(options_for(owner), f"--output={file}")
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [
        ("chats", "another's")
    ]


def test_a_reader_that_has_gone_is_told_of_in_a_sentence(owner: Owner) -> None:
    class Full(StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    talked(owner)
    reading, writing = os.pipe()
    os.close(reading)
    arguments = ("export_chat_sessions", options_for(owner))
    sentence = r"^standard output: Broken pipe\.$"
    with os.fdopen(writing, "w") as stdout, pytest.raises(CommandError, match=sentence):
        call_command(*arguments, stdout=stdout)
    with pytest.raises(CommandError, match=r"^standard output: No space left on device\.$"):
        call_command(*arguments, stdout=Full())


def test_standard_output_gets_what_a_file_would(owner: Owner) -> None:
    talked(owner, "Müsli 🙂\r\nzwei")
    wanted = "".join(services.export(owner, "csv")).encode()
    written = BytesIO()
    stdout = TextIOWrapper(written, encoding="ascii", newline="\r\n")
    call_command("export_chat_sessions", options_for(owner), "--format=csv", stdout=stdout)
    assert written.getvalue() == wanted


def test_wrong_options_are_refused_in_a_sentence(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("kept")
    for arguments, sentence in (
        (["--user-id", "1", "--format", "xml"], "invalid choice: 'xml'"),
        (["--user-id", "ada"], "which no user's key can be"),
        (["--user-id", str(2**63)], "which no user's key can be"),
        (["--user-id", "1", "--output", str(there)], "there: File exists."),
        (["--user-id", "1", "--output", ""], "--output is ''; give the name of a file."),
        (["--user-id", "1", "--output", str(tmp_path / "no" / "x")], "No such file"),
    ):
        with pytest.raises(CommandError, match=sentence):
            export(*arguments)
    assert there.read_text() == "kept"
