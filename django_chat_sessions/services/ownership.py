"""Claim: what a visitor said before logging in moves to the account."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from django.http import HttpRequest

from django_chat_sessions import clock, get_session_model
from django_chat_sessions.authentication import CLAIMED_NOW, visitor_beside_user
from django_chat_sessions.models import AbstractChatSession, EndReason
from django_chat_sessions.owners import Owner
from django_chat_sessions.querysets import ChatSessionQuerySet
from django_chat_sessions.services.opening import close, displace, expiry_of, is_begun
from django_chat_sessions.services.races import RaceLost, compare_and_set, survives_races
from django_chat_sessions.services.tables import (
    after_commit,
    in_batches,
    messages,
    sessions,
    short_transaction,
    tell_readers_of,
)
from django_chat_sessions.signals import sessions_claimed

BATCH = 500


@dataclass(frozen=True, slots=True)
class Claimed:
    """How many sessions moved to the account, and which ended because two were open in a scope."""

    moved: int = 0
    ended: tuple[AbstractChatSession, ...] = ()


@survives_races
def claim(visitor_owner: Owner, user_owner: Owner) -> Claimed:
    """Move everything of a visitor's to a user's account; the visitor is left with nothing.

    Where both have an open session in one scope, the one with the later activity stays open; but
    one in which nothing was said gives way to one in which something was. The other ends with
    reason ``merged``, or as expired; if the one that stays open is empty, the other becomes its
    ``previous``. What stays open expires as the policy says for the user. A reply that is being
    written goes on. A message sent again with its key is recognised as before.

    All or nothing, and once: a second claim finds nothing to move. Raises ValueError unless it is
    from a visitor to a user. Sends ``sessions_claimed`` if anything moved, and ``session_ended``.
    1 statement when there is nothing; else up to 6 for each 500 sessions, 3 for each 500 messages
    with keys, and 1 for each open session, 2 to 7 where the user has one in its scope, too.
    """
    if Owner.known(visitor_owner).user_id is not None or Owner.known(user_owner).user_id is None:
        raise ValueError("A claim is made from a visitor to a user; give them in this order.")
    now = clock.now()
    moved = 0
    ended: list[AbstractChatSession] = []
    with short_transaction():
        for batch in in_batches(sessions().belonging_to(visitor_owner), BATCH):
            ended += _move_open(batch, user_owner, now)
            _move_rest(batch, visitor_owner, user_owner)
            _move_keys(batch, visitor_owner, user_owner)
            moved += len(batch)
        claimed = Claimed(moved, tuple(ended))
        if moved:
            _tell(visitor_owner, user_owner, claimed)
    return claimed


def claim_at_login(request: HttpRequest, owner: Owner) -> bool:
    """Claim for a user what a visitor said in this browser; return whether there was a visitor.

    For two minutes it claims again: a message that was on its way at the login may be stored after
    the first claim. The cookie changes when the claim is committed. At most what ``claim`` costs;
    no statement without a visitor's cookie.
    """
    if owner.user_id is None:
        return False
    visitor = visitor_beside_user(request, owner)
    if visitor is None:
        return False
    claim(visitor.owner, owner)
    if not visitor.is_claimed:
        # For whoever answers, and after commit: a login that is undone undoes the claim with it. No
        # second time, or the two minutes would never end.
        after_commit(lambda: request.META.update({CLAIMED_NOW: (visitor, owner)}))
    return True


def _move_open(
    batch: list[AbstractChatSession], owner: Owner, now: datetime
) -> list[AbstractChatSession]:
    """Move those that hold an open place, each into the user's; return what had to end for it."""
    held = [session for session in batch if session.open_key is not None]
    places = [owner.open_key(session.scope) for session in held]
    found = sessions().filter(open_key__in=places) if held else ()
    rivals = {}
    for row in found:
        if owner.has(row):
            rivals[row.open_key] = row
        else:
            displace(row)
    ended = []
    for session, place in zip(held, places, strict=True):
        rival = rivals.get(place)
        stays = rival is None or _liveliness(session, now) > _liveliness(rival, now)
        moves: dict[str, Any] = {"user_id": owner.user_id, "visitor_key": None}
        if rival is not None and stays:
            ended.append(rival)
            moves |= _follows(session, rival)
            close(rival, EndReason.MERGED.value, now)
        if stays:
            moves["open_key"] = place
            if not session.is_lapsed(now):  # what has expired stays expired
                theirs = replace(session.activity(), user_id=owner.user_id, visitor_key=None)
                moves["expires_at"] = expiry_of(theirs)
        compare_and_set(session, **moves)
        if rival is not None and not stays:
            ended.append(session)
            close(session, EndReason.MERGED.value, now)
            if follows := _follows(rival, session):
                compare_and_set(rival, **follows)
    return ended


def _liveliness(session: AbstractChatSession, now: datetime) -> tuple[bool, bool, datetime]:
    """Return what decides which of two stays open; a reply being written is activity till then."""
    return session.is_active(now), is_begun(session), session.activity().last_activity_at


def _follows(kept: AbstractChatSession, left: AbstractChatSession) -> dict[str, Any]:
    """Return what lets an empty session that stays open lead back to the conversation that ends."""
    return {"previous_id": left.pk} if is_begun(left) and not is_begun(kept) else {}


def _move_rest(batch: list[AbstractChatSession], visitor: Owner, owner: Owner) -> None:
    rest = [session.pk for session in batch if session.user_id is None]
    still: ChatSessionQuerySet = sessions().belonging_to(visitor).filter(open_key=None, pk__in=rest)
    if rest and still.update(user_id=owner.user_id, visitor_key=None) != len(rest):
        raise RaceLost("Some of these sessions were reopened or moved meanwhile.")


def _move_keys(batch: list[AbstractChatSession], visitor: Owner, owner: Owner) -> None:
    """Let the user's own key find what the visitor stored, however late it is sent again."""
    keyed = messages().filter(session__in=[row.pk for row in batch], client_key__isnull=False)
    for rows in in_batches(keyed.only("pk", "client_key"), BATCH):
        for row in rows:
            row.client_key = owner.taken_over(row.client_key, visitor)
        mine = messages().filter(client_key__in=[row.client_key for row in rows])
        taken = set(mine.values_list("client_key", flat=True))
        for row in rows:
            if row.client_key in taken:  # sent again before the claim: it is there twice already
                row.client_key = None
        messages().bulk_update(rows, ["client_key"])


def _tell(visitor: Owner, owner: Owner, claimed: Claimed) -> None:
    tell_readers_of(visitor, owner)
    facts: dict[str, Any] = {"owner": owner, "claimed": claimed}
    after_commit(partial(sessions_claimed.send_robust, sender=get_session_model(), **facts))
