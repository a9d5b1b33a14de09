"""What commands say when the database cannot be used."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterator
from io import BytesIO, StringIO, TextIOWrapper
from typing import Any

import pytest
from django.core.management import (
    BaseCommand,
    CommandError,
    call_command,
    load_command_class,
)
from django.db import (
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    connection,
)

from django_chat_sessions import services as chat_sessions
from django_chat_sessions.management.outage import ToldInASentence
from django_chat_sessions.owners import Owner

NO_ROOM = OSError(errno.ENOSPC, "No space left on device")
GONE = OSError(errno.EPIPE, "Broken pipe")  # a BrokenPipeError
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


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_database_that_djangos_checks_find_down_is_a_sentence(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*args: Any, **options: Any) -> None:
        raise OperationalError("unable to open database file")

    monkeypatch.setattr(BaseCommand, "check", ask)
    sentence = "^The database cannot be used: unable to open database file. Run the command again"
    with pytest.raises(CommandError, match=sentence):
        call_command(*command, skip_checks=False)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("name", ["no_such_table", "no_such_column"])
def test_a_database_that_is_not_migrated_is_a_sentence(
    command: tuple[str, ...], name: str, db: None
) -> None:
    wrong = "SELECT no_such_column FROM django_content_type"
    statement = "SELECT 1 FROM no_such_table" if name == "no_such_table" else wrong

    def other(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        return execute(statement, (), False, context)

    with (
        connection.execute_wrapper(other),
        pytest.raises(CommandError, match=r"^The database is not migrated: ") as told,
    ):
        call_command(*command)
    assert name in str(told.value)
    assert str(told.value).endswith(". Run migrate, then the command again.")
    assert "\n" not in str(told.value)
    assert "FROM" not in str(told.value)  # PostgreSQL shows the statement, too


def test_p01_a_rule_of_the_hosts_that_refuses_a_row_is_a_sentence_without_the_row(db: None) -> None:
    rule = 'new row for relation "s" violates check constraint "s_title"'

    def refuse(*args: Any) -> Any:
        raise IntegrityError(f"{rule}\nDETAIL:  Failing row contains (1, SECRET-4711).")

    with connection.execute_wrapper(refuse), pytest.raises(CommandError, match=rule) as told:
        call_command("chat_session_statistics")
    assert "SECRET" not in "".join(traceback.format_exception(told.value))


def press_ctrl_c(*args: Any, **options: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_ctrl_c_in_a_shell_is_a_sentence_and_the_status_of_a_shell(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ToldInASentence, "execute", press_ctrl_c)
    shell = load_command_class("django_chat_sessions", command[0])
    with pytest.raises((SystemExit, KeyboardInterrupt)) as left:
        shell.run_from_argv(["manage.py", *command])
    assert left.value.args == (130,)
    sentence = "Interrupted. Run the command again for what is not done yet.\n"
    assert capsys.readouterr() == ("", sentence)


def test_ctrl_c_in_a_program_that_calls_a_command_is_that_programs(db: None) -> None:
    with connection.execute_wrapper(press_ctrl_c), pytest.raises(KeyboardInterrupt):
        call_command("clear_chat_sessions")


def test_a_mistake_of_ours_is_no_sentence(db: None) -> None:
    def mistake(*args: Any) -> Any:
        raise ProgrammingError("syntax error")

    with connection.execute_wrapper(mistake), pytest.raises(ProgrammingError):
        call_command("clear_chat_sessions")


class Unwritable(StringIO):
    """Standard output that cannot take what it is given: at once, or when its buffer is emptied."""

    def __init__(self, error: OSError, when: str) -> None:
        super().__init__()
        self.error, self.when = error, when

    def write(self, text: str) -> int:
        if self.when == "write":
            raise self.error
        return super().write(text)

    def flush(self) -> None:
        if self.when == "flush":
            raise self.error


def arguments(command: tuple[str, ...], user: Any) -> list[str]:
    return [command[0], *(f"--user-id={user.pk}" for _option in command[1:])]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("when", ["write", "flush"])
@pytest.mark.parametrize("trouble", [NO_ROOM, GONE], ids=["full disk", "closed pipe"])
def test_an_output_that_takes_no_more_is_a_sentence(
    command: tuple[str, ...], when: str, trouble: OSError, user: Any
) -> None:
    with pytest.raises(CommandError, match=rf"^standard output: {trouble.strerror}\.$"):
        call_command(*arguments(command, user), stdout=Unwritable(trouble, when))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_standard_output_that_a_shell_has_closed_is_a_sentence(
    command: tuple[str, ...], db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", None)  # as Python starts after ">&-"
    with pytest.raises(CommandError, match=r"^standard output: it is closed\.$"):
        call_command(*command)


@pytest.mark.parametrize(
    ("encoding", "errors"),
    [
        pytest.param("latin-1", "strict", id="an old terminal"),
        pytest.param("cp1252", "strict", id="a pipe on Windows"),
        pytest.param("ascii", "surrogateescape", id="LC_ALL=C"),
    ],
)
def test_a_reason_that_the_output_has_no_characters_for_is_told_all_the_same(
    encoding: str, errors: str, user: Any
) -> None:
    owner = Owner.for_user(user)
    lesson = chat_sessions.start(owner).opened
    chat_sessions.add_message(lesson, "user", "Hello")
    chat_sessions.end(lesson, "\u0443\u0440\u043e\u043a")
    chat_sessions.start(owner)
    told = BytesIO()
    stdout = TextIOWrapper(told, encoding=encoding, errors=errors)  # which closes what it wraps
    call_command("chat_session_statistics", stdout=stdout)
    text = told.getvalue().decode(encoding)
    assert r"\u0443\u0440\u043e\u043a 1" in text
    assert text.count("Why they began") == 1
