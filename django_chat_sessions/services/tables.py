"""The host's tables, always on the database that writes go to: decisions never read a replica."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.db import connections, router, transaction
from django.db.models import QuerySet
from django.dispatch import Signal

from django_chat_sessions import get_message_model, get_session_model
from django_chat_sessions.models import AbstractChatSession
from django_chat_sessions.owners import Owner
from django_chat_sessions.querysets import ChatMessageQuerySet, ChatSessionQuerySet
from django_chat_sessions.services.following.hints import hint, hint_of_logout
from django_chat_sessions.services.keys import Keys

logger = logging.getLogger(__name__)

# Seconds. Who waits for SQLite's one lock looks for it each tenth of a second, and no oftener.
PAUSE = 0.15


def sessions() -> ChatSessionQuerySet:
    """All sessions; built here because a host's own default manager may hide rows."""
    model = get_session_model()
    return ChatSessionQuerySet(model, using=router.db_for_write(model))


def messages() -> ChatMessageQuerySet:
    """All messages."""
    model = get_message_model()
    return ChatMessageQuerySet(model, using=router.db_for_write(model))


def database() -> str:
    """Return the alias of the database that the sessions are written to."""
    return router.db_for_write(get_session_model())


def parts_of(owner: Owner) -> dict[str, Any]:
    """Return what an owner is made of: the column that finds the owner's rows, and its value."""
    if Owner.known(owner).user_id is not None:
        return {"user_id": owner.user_id}
    return {"visitor_key": owner.visitor_key}


def columns_elsewhere(table: str, alias: str) -> set[str]:
    """Return the columns of PostgreSQL's ``"schema"."table"``; none where it is not there.

    Django's introspection finds what is on the search path only. 1 statement.
    """
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute "
            "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
            [table],
        )
        return {name for (name,) in cursor.fetchall()}


def in_batches(candidates: QuerySet[Any], size: int) -> Iterator[list[Any]]:
    """Yield rows by ascending id, each batch read after the one before was dealt with."""
    last: Any = None
    while True:
        after = candidates if last is None else candidates.filter(pk__gt=last)
        batch = list(after.order_by("pk")[:size])
        if not batch:
            return
        last = batch[-1].pk
        yield batch


def keys_in_batches(candidates: QuerySet[Any], size: int, *, by: str) -> Iterator[Keys]:
    """Yield the primary keys of rows, each batch read after the one before was dealt with.

    ``by`` names the unique field by whose index they are found; after a minus sign the order is
    descending.
    """
    name = by.removeprefix("-")
    beyond = f"{name}__lt" if by.startswith("-") else f"{name}__gt"
    columns = ["pk"] if name == "pk" else ["pk", name]
    last: Any = None
    while True:
        after = candidates if last is None else candidates.filter(**{beyond: last})
        batch = list(after.order_by(by).values_list(*columns)[:size])
        if not batch:
            return
        last = batch[-1][-1]
        yield Keys(row[0] for row in batch)
        if len(batch) == size:
            let_others_write()


def let_others_write() -> None:
    """Pause between two batches where one writer keeps out all others, as in SQLite.

    Without it the lock is taken again before they have looked, until they give up.
    """
    if not (_connection().features.has_select_for_update or in_transaction()):
        time.sleep(PAUSE)


@contextmanager
def short_transaction(*rows: AbstractChatSession) -> Iterator[None]:
    """Make a verb's writes together; when they are undone, so are the changes to ``rows``.

    A row in memory that kept values the database never got would decide wrongly afterwards.
    """
    kept = [vars(getattr(row, "_wrapped", row)) for row in rows]  # request.chat_session is lazy
    as_they_were = [dict(values) for values in kept]
    try:
        with transaction.atomic(using=database()):
            yield
    except BaseException:
        for now, before in zip(kept, as_they_were, strict=True):
            now.update(before)
        raise


def in_transaction() -> bool:
    """Whether a transaction is open in this thread."""
    return bool(_connection().in_atomic_block)


def let_go_of_connection() -> None:
    """Close this thread's connection, unless a transaction of a caller's is open in it."""
    if not in_transaction():
        _connection().close()


@contextmanager
def borrowed_connection(*, tested: bool = True) -> Iterator[None]:
    """Let go of this thread's connection at the end, unless it had one before: that is a host's.

    But one that has died meanwhile is replaced, unless it is not ``tested``, which asks the
    database: that may have restarted.
    """
    had_one = _connection().connection is not None
    if tested and had_one and not in_transaction() and not _connection().is_usable():
        _connection().close()
    try:
        yield
    finally:
        if not had_one:
            let_go_of_connection()


@contextmanager
def no_transaction_left() -> Iterator[None]:
    """Run a host's code, and roll back a transaction of ours that it began and left open.

    All that this thread writes next, also for others, would be a part of it and go with it.
    """
    is_a_callers = in_transaction()
    try:
        yield
    finally:
        connection = _connection()
        if not is_a_callers and _has_transaction(connection):
            connection.close()
            # One that is closed within a transaction would refuse all work; this one connects anew.
            connection.in_atomic_block, connection.connection = False, None
            logger.error("A transaction that the RESPONDER left open is rolled back.")


def _has_transaction(connection: Any) -> bool:
    manual = connection.settings_dict["AUTOCOMMIT"] and not connection.autocommit
    return connection.in_atomic_block or bool(connection.connection is not None and manual)


def is_pooled() -> bool:
    """Whether a connection that is let go of goes back into Django's pool, and costs nothing."""
    return bool(_connection().settings_dict["OPTIONS"].get("pool"))


def _connection() -> Any:
    return connections[database()]


def after_commit(callback: Any, *, robust: bool = False) -> None:
    """Call back once the writes made so far are there for everybody."""
    transaction.on_commit(callback, using=database(), robust=robust)


def tell_readers(session: AbstractChatSession) -> None:
    """Let whoever follows the session's owner look again, once the change is there to be seen."""
    if session.user_id is not None or session.visitor_key:  # an adopted row may be nobody's
        tell_readers_of(Owner.of(session))


def tell_readers_of(*owners: Owner) -> None:
    """Let whoever follows these owners look again, as ``tell_readers`` does."""

    def give_hints() -> None:  # no partial: Django 5.2 logs a robust callback by its name
        for owner in owners:
            hint(owner)

    # Robust: what is committed is committed, whatever a host's notifier does.
    after_commit(give_hints, robust=True)


def tell_readers_of_logout(owner: Owner) -> None:
    """Let whoever follows this owner look whether they are still logged in; no statement."""
    after_commit(lambda: hint_of_logout(owner), robust=True)


def announce(signal: Signal, session: AbstractChatSession, **facts: Any) -> None:
    """Send a signal once, after commit."""
    # Not type(session): request.chat_session is a lazy one.
    facts |= {"sender": session.__class__, "session": session}
    after_commit(partial(signal.send_robust, **facts))
