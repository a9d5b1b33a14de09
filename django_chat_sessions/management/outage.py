"""What a command says when its database or its output cannot be used, or Ctrl-C ends it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseTrouble
from django.db import IntegrityError

from django_chat_sessions.services.outages import fit_for_log, is_away, what_is_missing

INTERRUPTED = 130  # what shells say of a program that Ctrl-C ended


@contextmanager
def told_in_a_sentence() -> Iterator[None]:
    """Raise CommandError when the database is down, where a trace would tell whoever reads less.

    So is a database that lacks what a migration will add. What was committed until then is done;
    the command may be run again.
    """
    try:
        yield
    except DatabaseTrouble as error:
        if missing := what_is_missing(error):
            raise CommandError(
                f"The database is not migrated: {missing}. Run migrate, then the command again."
            ) from error
        if isinstance(error, IntegrityError):  # without its trace: PostgreSQL shows the row in it
            raise CommandError(
                f"A rule of a table refuses a row: {fit_for_log(error)}. Correct one or the other, "
                "then run the command again."
            ) from None
        if not is_away(error):
            raise
        said = " ".join(str(error).split()) or type(error).__name__
        raise CommandError(
            f"The database cannot be used: {said.rstrip('.')}. Run the command again when it can."
        ) from error


class ToldInASentence(BaseCommand):
    """A command that says in a sentence why its database cannot be used, or that it was ended."""

    def run_from_argv(self, argv: list[str]) -> None:
        """Run it from a shell, where Ctrl-C ends it with a sentence; ``call_command`` raises it."""
        try:
            super().run_from_argv(argv)
        except KeyboardInterrupt:
            self.stderr.write("Interrupted. Run the command again for what is not done yet.")
            sys.exit(INTERRUPTED)

    def progress(self, word: str) -> Any:
        """Return what notes on a terminal how many rows are done; None where nobody looks."""
        if not self.stderr.isatty():
            return None
        return lambda count: self.stderr.write(f"{count} {word} …")

    # With Django's checks, which come first: those of models ask MariaDB and SQLite something.
    execute = told_in_a_sentence()(BaseCommand.execute)


def print_now(stdout: Any, text: str) -> None:
    """Print the lines, and not only when Python ends, which nobody could put into a sentence.

    Raises CommandError when there is no room for them, or nobody who reads them any more; what the
    command did is done.
    """
    is_there(stdout)
    try:
        _write(stdout, text)
        stdout.flush()
    except OSError as error:
        write_no_more(stdout)
        raise CommandError(f"standard output: {error.strerror}.") from error


def _write(stdout: Any, text: str) -> None:
    """Write the text, and as ``\\u`` and a number what the output has no character for.

    A policy's reason may be in any language, and a terminal or a pipe on Windows in Latin-1.
    """
    try:
        stdout.write(text)
    except UnicodeEncodeError:  # before any of it was written
        known = text.encode(stdout.encoding, "backslashreplace").decode(stdout.encoding)
        stdout.write(known)


def is_there(stdout: Any) -> None:
    """Raise CommandError where a shell has closed it (``>&-``): Python then has None in its place.

    Asked before anything is written, which would be an AttributeError.
    """
    if getattr(stdout, "_out", stdout) is None:
        raise CommandError("standard output: it is closed.")


def write_no_more(stdout: Any) -> None:
    """Let go of what could not be written, or Python writes it once more when it ends."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
