"""How writes stay correct beside other writers: compare and set, look again, try again."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ParamSpec, TypeVar

from django.contrib.auth import get_user_model
from django.db import DataError, IntegrityError, OperationalError, connections, router
from django.db.models import ProtectedError, RestrictedError

from django_chat_sessions.exceptions import (
    NotAuthenticated,
    NothingToRetry,
    SessionEnded,
    SessionNotFound,
    TurnInProgress,
)
from django_chat_sessions.models import AbstractChatSession
from django_chat_sessions.owners import Owner
from django_chat_sessions.querysets import is_compared
from django_chat_sessions.services.outages import state_of
from django_chat_sessions.services.tables import sessions, tell_readers
from django_chat_sessions.services.together import Change, write

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound=AbstractChatSession)

ATTEMPTS = 40
LONGEST_PAUSE = 0.05  # seconds
# Deadlock and serialisation failure (SQL standard); deadlock, lock wait, stale read (MySQL).
TRANSIENT_CODES = frozenset({"40001", "40P01", 1213, 1205, 1020})
# A row against a NOT NULL or CHECK, by no race: in PostgreSQL; in MariaDB and MySQL; in SQLite.
REFUSED_CODES = frozenset({"23502", "23514", 1048, 4025, 3819, 1299, 275})
NO_SUCH_CHARACTER = 1366  # MySQL's; some of its drivers take it for trouble with the server
VERSION = (
    *("open_key", "user_id", "visitor_key"),  # whose it is: a login may move it meanwhile
    *("last_activity_at", "running_until", "message_count", "deleted_at"),
)


class RaceLost(Exception):
    """Somebody else changed the row between our read and our write."""

    is_final = False  # whether it was lost so often already that nobody should try again


def moving(session: AbstractChatSession, **values: Any) -> Change:
    """Return the change of a session that has not moved on since it was read.

    A title of a message is given to one that had none: somebody may have given it one meanwhile.
    """
    # What a host's field encrypts is never the same twice: it would be lost again and again.
    table = sessions()
    is_told = "title" in values and is_compared(table, "title")
    version = (*VERSION, "title") if is_told else VERSION
    as_read = {"pk": session.pk, **{name: getattr(session, name) for name in version}}
    return Change(session, table, as_read, values, partial(_moved_on, session))


def _moved_on(session: AbstractChatSession) -> RaceLost:
    return RaceLost(f"Chat session {session.pk} changed meanwhile.")


def compare_and_set(session: AbstractChatSession, **values: Any) -> None:
    """Write values unless the session has moved on since it was read; one UPDATE.

    ``session`` gets the values too. Raises RaceLost, and writes nothing, when it has moved on.
    """
    write(moving(session, **values))
    tell_readers(session)


def with_latest(session: S, step: Callable[[S], R]) -> R:
    """Take a step with the session as it is known; after each lost race, as it is read again.

    What the caller holds may be old: SessionEnded, TurnInProgress and NothingToRetry are believed
    only of a row that was read just now.
    """
    just_read = False
    for attempt in range(ATTEMPTS):
        try:
            return step(session)
        except RaceLost:
            pause(attempt)
        except (SessionEnded, TurnInProgress, NothingToRetry):
            if just_read:
                raise
        read_again(session)
        just_read = True
    try:
        return step(session)
    except RaceLost as lost:
        lost.is_final = True
        raise


def read_again(session: AbstractChatSession) -> None:
    """Read the session from the database; 1 SELECT. Raises SessionNotFound when it is gone."""
    try:
        session.refresh_from_db(using=sessions().db)
    except session.__class__.DoesNotExist as error:
        raise SessionNotFound(f"Chat session {session.pk} is gone.") from error


def survives_races(verb: Callable[P, R]) -> Callable[P, R]:
    """Run the verb again when another process won, the database was locked or it deadlocked.

    Inside a transaction of the caller's a deadlock cannot be repaired here and is raised.
    """

    @functools.wraps(verb)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(ATTEMPTS):
            try:
                return verb(*args, **kwargs)
            except RaceLost as lost:
                if lost.is_final:
                    raise
                pause(attempt)
            except (ProtectedError, RestrictedError):  # no other attempt changes a host's rows
                raise
            except IntegrityError as error:
                if _is_against_a_rule(error):
                    raise
                _refuse_the_gone([*args, *kwargs.values()])
                pause(attempt)
            except OperationalError as error:
                if not is_transient(error) or connections[sessions().db].in_atomic_block:
                    raise
                pause(attempt)
        return verb(*args, **kwargs)

    return wrapper


def _refuse_the_gone(given: Iterable[object]) -> None:
    """Raise NotAuthenticated where a user's account was deleted; 1 SELECT each, after a failure.

    A token may outlive its account, and no other attempt would bring that back.
    """
    users = get_user_model()._base_manager.using(router.db_for_write(get_user_model()))
    for owner in given:
        if not isinstance(owner, Owner) or owner.user_id is None:
            continue
        if not users.filter(pk=owner.user_id).exists():
            raise NotAuthenticated("The account does not exist any more.")


def _is_against_a_rule(error: IntegrityError) -> bool:
    """Whether a table takes no such row, whoever else writes: as one that new code has changed."""
    of_sqlite = getattr(error.__cause__, "sqlite_errorcode", None)
    return bool({state_of(error), of_sqlite, *error.args[:1]} & REFUSED_CODES)


def is_transient(error: OperationalError) -> bool:
    """Whether the same statements may succeed when they are sent again."""
    # MySQL's own number says more than its SQLSTATE, which some of its drivers give too.
    codes = {state_of(error), *error.args[:1]}
    return bool(codes & TRANSIENT_CODES) or "locked" in str(error)


def is_refusal(error: BaseException) -> bool:
    """Whether the database does not take a value, however often it is sent.

    A host's column may be too short for a text, or its table have no emoji.
    """
    is_trouble = isinstance(error, OperationalError) and error.args[:1] == (NO_SUCH_CHARACTER,)
    return is_trouble or isinstance(error, DataError)


def pause(attempt: int) -> None:
    """Wait a little, at random, so that the same racers do not meet again."""
    time.sleep(random.uniform(0, min(LONGEST_PAUSE, 0.002 * 2**attempt)))  # noqa: S311
