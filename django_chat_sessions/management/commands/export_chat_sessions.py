"""``export_chat_sessions``: everything of one owner's, into a file or onto the screen."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from django_chat_sessions import services
from django_chat_sessions.management.outage import ToldInASentence, is_there, write_no_more
from django_chat_sessions.management.owner_options import add_owner_options, owner_from
from django_chat_sessions.services.formats import FORMATS

EVERY = 1000  # pieces between two notes of progress


class Command(ToldInASentence):
    """Translate the options, call the verb, write what it yields."""

    help = (
        "Writes every chat session of one user or visitor, except deleted ones, as JSON that can "
        "be imported again, as Markdown or as CSV. Holds little in memory, however long it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_owner_options(parser)
        parser.add_argument("--format", choices=list(FORMATS), default="json")
        parser.add_argument(
            "--output", metavar="FILE", help="A new file to write (default: standard output)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        pieces = self._told(services.export(owner_from(options), options["format"]))
        output = options["output"]
        if output == "":
            raise CommandError("--output is ''; give the name of a file.")
        try:
            if output is None:
                self._print(pieces)
            else:
                _write(Path(output), pieces)
        except OSError as error:
            where = "standard output" if output is None else f"--output {output}"
            raise CommandError(f"{where}: {error.strerror}.") from error

    def _print(self, pieces: Iterator[str]) -> None:
        """Write the bytes that a file would get, whatever the terminal's encoding is."""
        is_there(self.stdout)
        reconfigure = getattr(self.stdout, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", newline="")
        try:
            for piece in pieces:
                self.stdout.write(piece, ending="")
            self.stdout.flush()
        except OSError:
            write_no_more(self.stdout)
            raise

    def _told(self, pieces: Iterator[str]) -> Iterator[str]:
        for number, piece in enumerate(pieces, start=1):
            yield piece
            if number % EVERY == 0 and self.stderr.isatty():
                self.stderr.write(f"{number} pieces written \u2026")


def _write(path: Path, pieces: Iterator[str]) -> None:
    """Write a new file, whole or not at all. Raises OSError, for one that exists, too."""
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    growing = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        # No line end is translated in a CSV.
        with open(growing, "x", encoding="utf-8", newline="", opener=_for_nobody_else) as file:
            file.writelines(pieces)
        path.open("x").close()  # what has come there meanwhile is not overwritten
        growing.replace(path)
    finally:
        growing.unlink(missing_ok=True)


def _for_nobody_else(path: str, flags: int) -> int:
    """Open a file that other accounts of this machine cannot read: what it gets is somebody's."""
    return os.open(path, flags, 0o600)
