"""What a command says when its database cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import Error as DjangoError
from django.db import InterfaceError, OperationalError, ProgrammingError

# No such table, no such column: in PostgreSQL, in MariaDB and MySQL; SQLite has words only.
MISSING_CODES = frozenset({"42P01", "42703", 1146, 1054})
MISSING_WORDS = ("no such table", "no such column")


@contextmanager
def told_in_a_sentence() -> Iterator[None]:
    """Raise CommandError when the database is down, where a trace would tell whoever reads less.

    So is a database that lacks what a migration will add. What was committed until then is done;
    the command may be run again.
    """
    try:
        yield
    except (OperationalError, InterfaceError, ProgrammingError) as error:
        if _is_missing(error):
            first = str(error.args[-1]).splitlines()[0]  # PostgreSQL shows the statement after it
            raise CommandError(
                f"The database is not migrated: {first.rstrip('.')}. Run migrate, then the command "
                "again."
            ) from error
        if isinstance(error, ProgrammingError):
            raise
        said = " ".join(str(error).split()) or type(error).__name__
        raise CommandError(
            f"The database cannot be used: {said.rstrip('.')}. Run the command again when it can."
        ) from error


def _is_missing(error: DjangoError) -> bool:
    codes = {getattr(error.__cause__, "sqlstate", None), *error.args[:1]}
    return bool(codes & MISSING_CODES) or str(error).startswith(MISSING_WORDS)
