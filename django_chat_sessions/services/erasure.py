"""Erase: everything of one owner's goes for good, and nothing of anybody else's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django_chat_sessions import get_message_model
from django_chat_sessions.models import AbstractChatSession
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.deletion import Deletion, refused_at_once
from django_chat_sessions.services.organising import delete
from django_chat_sessions.services.races import survives_races
from django_chat_sessions.services.tables import (
    in_batches,
    let_others_write,
    messages,
    sessions,
    short_transaction,
    tell_readers_of,
)

BATCH = 500


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows are gone, and how many replies that were being written were stopped."""

    sessions: int = 0
    messages: int = 0
    stopped: int = 0

    def __add__(self, other: Erased) -> Erased:
        return Erased(
            self.sessions + other.sessions,
            self.messages + other.messages,
            self.stopped + other.stopped,
        )


def erase(
    owner: Owner, *, dry_run: bool = False, progress: Callable[[int], None] | None = None
) -> Erased:
    """Delete every session and message of the owner's, archived and deleted ones too.

    There is no way back; a second call finds nothing. A reply that is being written is stopped, and
    its worker writes nothing more. Another's session that followed one of these forgets it. Rows of
    the host's own go or stay as their ``on_delete`` says: raises SessionsHeld, when all the others
    are gone, where such rows protect sessions.

    Sends ``turn_failed`` and ``session_ended`` for what was running and open. A few statements for
    each 500 sessions, and up to 5 for each that was open; 3 for a dry run, which only counts.
    """
    if dry_run:
        return _would_erase(owner)
    erased = Erased()
    deletion = Deletion(partial(_erase_batch, owner))
    for batch in in_batches(sessions().belonging_to(owner), BATCH):
        erased = sum(deletion.of(batch), erased)
        if progress is not None:
            progress(erased.sessions)
        if len(batch) == BATCH:
            let_others_write()
    deletion.end(erased)
    return erased


def _would_erase(owner: Owner) -> Erased:
    mine = sessions().belonging_to(owner)
    written = messages().filter(session__in=mine.values("pk"))
    return Erased(mine.count(), written.count(), written.replies_running().count())


@survives_races
def _erase_batch(owner: Owner, batch: list[AbstractChatSession]) -> Erased:
    with refused_at_once(), short_transaction(*batch):
        doomed = sessions().belonging_to(owner).filter(pk__in=[row.pk for row in batch])
        # Locked, so that none gets a message more before it goes, and in one order, so that two of
        # us do not wait for each other. Read again: since the batch was read, a login may have made
        # some of them another's.
        rows = list(doomed.order_by("pk").select_for_update())
        written = messages().filter(session__in=[row.pk for row in rows])
        stopped = written.replies_running().count()
        for session in rows:
            if session.open_key is not None or session.running_until is not None:
                delete(session)
        # By themselves: a host's foreign key may leave them behind when their session goes.
        _total, counts = written.delete()
        _total, gone = doomed.filter(pk__in=[row.pk for row in rows]).delete()
        tell_readers_of(owner)
    return Erased(
        gone.get(doomed.model._meta.label, 0),
        counts.get(get_message_model()._meta.label, 0),
        stopped,
    )
