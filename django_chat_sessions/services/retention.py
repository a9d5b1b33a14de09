"""Bookkeeping: write expired sessions down as ended, delete what nobody wants kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from functools import partial

from django.db.models import Q

from django_chat_sessions import clock
from django_chat_sessions.conf import app_settings
from django_chat_sessions.models import AbstractChatSession
from django_chat_sessions.querysets import ChatSessionQuerySet
from django_chat_sessions.services.deletion import Deletion, delete_for_good, refused_at_once
from django_chat_sessions.services.keys import Among, Keys
from django_chat_sessions.services.opening import close_expired
from django_chat_sessions.services.races import survives_races
from django_chat_sessions.services.replies.control import mark_interrupted
from django_chat_sessions.services.tables import keys_in_batches, sessions, short_transaction

BATCH = 1000
LARGEST_BATCH = 10_000  # SQLite takes about 32,000 values in one statement
LONGEST_DAYS = 36_500  # a century; more would leave the calendar
UNDO_SECONDS = 24 * 3600  # a session its owner deleted can be given back for a day

# Of other rows the times are a host's own, and may be older than what was said there.
ADOPTED = Q(opened_at__isnull=False)

Progress = Callable[[int], None]


def sweep(
    *, batch_size: int = BATCH, dry_run: bool = False, progress: Progress | None = None
) -> int:
    """Write down as ended the sessions whose expiry has passed; return how many.

    Nothing waits for it: reading gives the same result before and after. Safe beside live
    traffic and beside itself. Sends ``session_ended`` once each. 2 statements per batch, 1 for each
    reason in it, and 1 at the end; 2 more, and ``turn_failed``, for each session in which a dead
    worker left a reply behind.
    Raises ValueError for a ``batch_size`` below 1.
    """
    size = _size(batch_size)
    now = clock.now()
    lapsed = sessions().lapsed(now)
    if dry_run:
        return lapsed.count()
    swept = 0
    # By the index of the open places: by id the whole table would be walked, however few are open.
    for batch in keys_in_batches(lapsed, size, by="open_key"):
        swept += _sweep_batch(batch, now)
        if progress is not None:
            progress(swept)
    return swept


@survives_races
def _sweep_batch(batch: Keys, now: datetime) -> int:
    by_reason: dict[str, list[AbstractChatSession]] = defaultdict(list)
    with short_transaction():
        # Found by id alone, so that no database locks a range of open places, where others begin.
        for session in sessions().filter(Among("pk", batch)).order_by().select_for_update():
            if not session.is_lapsed(now):  # touched, reopened or swept since the batch was read
                continue
            if session.running_until is not None:
                mark_interrupted(session, now)
            by_reason[session.final_reason(now)].append(session)
        for reason, expired in by_reason.items():
            close_expired(expired, reason)
    return sum(map(len, by_reason.values()))


def purge(
    *,
    older_than_days: float | None = None,
    batch_size: int = BATCH,
    dry_run: bool = False,
    after_sweep: bool = False,
    progress: Progress | None = None,
) -> int:
    """Delete ended sessions without activity since the retention began, and return how many.

    ``older_than_days`` defaults to RETENTION_DAYS; with None there, only sessions that their
    owners deleted more than a day ago go. Messages go with their session. Open sessions stay,
    however old; a dry run ``after_sweep`` counts those, too, that a sweep would end before.
    5 statements per batch and 1 at the end, more where rows or receivers of the host's hang on
    sessions. Raises SessionsHeld, at the end, when such rows protect sessions; all the others are
    gone then. Raises ValueError, and deletes nothing, for an invalid retention, in the setting too,
    and for a ``batch_size`` below 1.
    """
    days, size = days_kept(older_than_days), _size(batch_size)
    now = clock.now()
    doomed = Q(deleted_at__lte=clock.after(now, -UNDO_SECONDS))
    if days is not None:
        oldest = clock.after(now, -days * 24 * 3600)
        # A late answer is no activity, and who has come back has not always said something.
        doomed |= ADOPTED & Q(last_message_at__lt=oldest, last_activity_at__lt=oldest)
    candidates = sessions().filter(doomed, open_key=None)
    if dry_run:
        lapsed = sessions().lapsed(now).filter(doomed).count() if after_sweep else 0
        return candidates.count() + lapsed
    purged = 0
    deletion = Deletion(partial(_purge_batch, candidates))
    # The newest first: what follows a session goes before it, and need not forget it first.
    for batch in keys_in_batches(candidates, size, by="-pk"):
        purged += sum(deletion.of(batch))
        if progress is not None:
            progress(purged)
    deletion.end(purged)
    return purged


def days_kept(older_than_days: float | None = None) -> float | None:
    """Return for how many days sessions are kept, None for ever.

    Raises ValueError for an invalid retention. Checked here too: -1, which some take for never,
    would be every session, and nothing runs the system checks before this.
    """
    if older_than_days is not None:
        if _is_number(older_than_days) and 0 <= older_than_days <= LONGEST_DAYS:
            return older_than_days
        raise ValueError(f"older_than_days is {older_than_days!r}; give 0 to {LONGEST_DAYS} days.")
    days = app_settings.RETENTION_DAYS
    if days is None or (_is_number(days) and 0 < days <= LONGEST_DAYS):
        return days
    raise ValueError(
        f'CHAT_SESSIONS["RETENTION_DAYS"] is {days!r}; give days above 0, at most {LONGEST_DAYS}, '
        "or None for ever."
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _size(batch_size: object) -> int:
    if not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(f"batch_size is {batch_size!r}; give a whole number from 1.")
    return min(batch_size, LARGEST_BATCH)


@survives_races
def _purge_batch(candidates: ChatSessionQuerySet, batch: Keys) -> int:
    with refused_at_once(), short_transaction():
        # The conditions are asked again of locked rows: a session reopened meanwhile stays.
        locked = candidates.filter(Among("pk", batch)).order_by().select_for_update()
        doomed = Keys(locked.values_list("pk", flat=True))
        # When all are locked, the batch is the same, and has been written out before.
        delete_for_good(batch if len(doomed) == len(batch) else doomed)
    return len(doomed)
