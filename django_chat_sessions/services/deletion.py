"""Deleting many sessions for good, in as few statements as what hangs on them allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from django.db import IntegrityError, connections
from django.db.models import ProtectedError, RestrictedError, signals

from django_chat_sessions import get_message_model, get_session_model
from django_chat_sessions.exceptions import SessionsHeld
from django_chat_sessions.services.keys import Among, Keys
from django_chat_sessions.services.tables import messages, sessions

B = TypeVar("B", bound=list[Any])
R = TypeVar("R")


class Deletion(Generic[B, R]):
    """Deletes batches, and passes over what rows of the host's protect."""

    def __init__(self, delete: Callable[[B], R]) -> None:
        self.delete = delete
        self.held = 0
        self.why: Exception | None = None

    def of(self, batch: B) -> list[R]:
        """Return what became of the batch; when it is refused, of each half of it by itself."""
        try:
            return [self.delete(batch)]
        except (ProtectedError, RestrictedError) as error:
            if len(batch) == 1:
                self.held += 1
                self.why = error
                return []
        middle, kind = len(batch) // 2, type(batch)
        return [*self.of(kind(batch[:middle])), *self.of(kind(batch[middle:]))]

    def end(self, done: Any) -> None:
        """Raise SessionsHeld when something was passed over."""
        if self.why is not None:
            raise SessionsHeld(self.held, self.why, done)


@contextmanager
def refused_at_once() -> Iterator[None]:
    """Raise ProtectedError for a foreign key in the database that Django does not know.

    Of sessions that are locked no other attempt could delete more.
    """
    try:
        yield
    except (ProtectedError, RestrictedError):
        raise
    except IntegrityError as error:
        # The first line names the table; others may hold what is in it.
        said = str(error.args[-1] if error.args else error).partition("\n")[0]
        raise ProtectedError(f"The database says: {said.rstrip('.')}.", set()) from error


def delete_for_good(doomed: Keys) -> None:
    """Delete the sessions of these keys with their messages; those that followed forget them.

    3 statements. Where a host's rows or receivers hang on sessions, Django's own deletion does to
    them what their ``on_delete`` says, in as many statements as that takes.
    """
    messages().filter(Among("session", doomed)).delete()
    rows = sessions().filter(Among("pk", doomed))
    if _something_hangs_on_sessions():
        rows.delete()
        return
    followers = sessions().filter(Among("previous", doomed))
    # Those that go together are let be. Measured: most of them, and to write a row that is deleted
    # next cost as much as all of its messages. InnoDB looks at each row by itself.
    lets_be = connections[rows.db].features.can_defer_constraint_checks
    staying = followers.exclude(Among("pk", doomed)) if lets_be else followers
    staying.update(previous=None)
    # Django's deletion reads every row as an object and deletes a hundred at a time: measured, it
    # takes more than twice as long.
    rows._raw_delete(rows.db)  # noqa: SLF001  what QuerySet.delete ends in when nothing hangs on


def _something_hangs_on_sessions() -> bool:
    model = get_session_model()
    if signals.pre_delete.has_listeners(model) or signals.post_delete.has_listeners(model):
        return True
    if model._meta.parents or any(
        hasattr(field, "bulk_related_objects") for field in model._meta.private_fields
    ):
        return True
    message: Any = get_message_model()
    ours = {message._meta.get_field("session"), model._meta.get_field("previous")}
    relations: Any = model._meta.get_fields(include_hidden=True)
    return any(
        relation.auto_created and not relation.concrete and relation.field not in ours
        for relation in relations
    )
