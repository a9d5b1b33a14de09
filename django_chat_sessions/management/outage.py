"""What a command says when its database cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import InterfaceError, OperationalError, ProgrammingError

from django_chat_sessions.services.unmigrated import what_is_missing


@contextmanager
def told_in_a_sentence() -> Iterator[None]:
    """Raise CommandError when the database is down, where a trace would tell whoever reads less.

    So is a database that lacks what a migration will add. What was committed until then is done;
    the command may be run again.
    """
    try:
        yield
    except (OperationalError, InterfaceError, ProgrammingError) as error:
        if missing := what_is_missing(error):
            raise CommandError(
                f"The database is not migrated: {missing}. Run migrate, then the command again."
            ) from error
        if isinstance(error, ProgrammingError):
            raise
        said = " ".join(str(error).split()) or type(error).__name__
        raise CommandError(
            f"The database cannot be used: {said.rstrip('.')}. Run the command again when it can."
        ) from error
