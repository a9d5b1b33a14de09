"""What staff does with other people's conversations, and that it is heard of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django_chat_sessions import clock
from django_chat_sessions.models import AbstractChatSession, EndReason
from django_chat_sessions.services.deletion import refused_at_once
from django_chat_sessions.services.history import Transcript, transcript
from django_chat_sessions.services.opening import close
from django_chat_sessions.services.races import survives_races
from django_chat_sessions.services.replies.control import stop_replies
from django_chat_sessions.services.tables import announce, messages, sessions, short_transaction
from django_chat_sessions.signals import content_read


def read_for_staff(
    session: AbstractChatSession, reader: Any, *, limit: int = 50, before: int | None = None
) -> Transcript:
    """Return a page of anybody's conversation to somebody who may read it; 1 statement.

    The newest messages, or the newest before a position. Whether ``reader``, a user, may read it
    is for the caller to know. Sends ``content_read``.
    """
    page = transcript(session, limit, before)
    announce(content_read, session, reader=reader)
    return page


@survives_races
def purge_chosen(chosen: Iterable[AbstractChatSession]) -> int:
    """Delete these sessions and their messages now, whoever owns them; return how many.

    Open ones end first, with reason ``staff``, and an answer that is being written is stopped.
    Sends ``session_ended`` and ``turn_failed`` for those. A few statements, 1 more for each open
    session and 2 for each answer. Raises ProtectedError, and deletes nothing, where the database
    refuses to delete one.
    """
    keys = [session.pk for session in chosen]
    with refused_at_once(), short_transaction():
        # Locked, so that none is reopened between its end and its deletion.
        rows = list(sessions().filter(pk__in=keys).order_by("pk").select_for_update())
        for session in rows:
            if session.running_until is not None:
                stop_replies(session)
            if session.open_key is not None:
                close(session, EndReason.STAFF.value, clock.now())
        # By themselves: a host's foreign key may leave them behind when their session goes.
        messages().filter(session__in=keys).delete()
        sessions().filter(pk__in=keys).delete()
    return len(rows)
