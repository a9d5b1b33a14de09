"""What a model is told of a conversation: the last messages, or as many as fit."""

from __future__ import annotations

from collections.abc import Callable

from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession
from django_chat_sessions.querysets import is_text
from django_chat_sessions.services.history import refuse_limit
from django_chat_sessions.services.races import survives_races
from django_chat_sessions.services.tables import (
    messages,
    sessions,
    short_transaction,
    tell_readers,
)

CONTEXT_MESSAGES = 20
MOST_MESSAGES = 500
CARRIED = "carried_over"  # the key in the session's metadata


def context(
    session: AbstractChatSession,
    *,
    before: int | None = None,
    limit: int | None = None,
    max_tokens: int | None = None,
    count_tokens: Callable[[str], int] = len,
) -> list[AbstractChatMessage]:
    """Return the latest messages with a text, oldest first; 1 statement.

    ``before``: only those before this position. ``limit``: how many at most (20, or 500 when
    ``max_tokens`` is given). ``max_tokens``: only as many as fit into that number of tokens, by the
    host's ``count_tokens`` (characters unless given); no message is cut in two. Raises ValueError
    for a limit that is no whole number above 0.
    """
    most = CONTEXT_MESSAGES if max_tokens is None else MOST_MESSAGES
    if limit is not None:
        refuse_limit(limit)
        most = limit
    said = messages().filter(session=session.pk)
    if is_text(said, "content"):
        said = said.exclude(content="")
    if before is not None:
        said = said.filter(position__lt=before)
    latest = [message for message in said.order_by("-position")[:most] if message.content]
    if max_tokens is not None:
        left = max_tokens
        for index, message in enumerate(latest):
            left -= count_tokens(message.content)
            if left < 0:
                del latest[index:]
                break
    return latest[::-1]


def carried_over(session: AbstractChatSession) -> str:
    """Return what was carried over into this session; nothing is read."""
    return str((session.metadata or {}).get(CARRIED, ""))


@survives_races
def carry_over(session: AbstractChatSession, text: str) -> None:
    """Keep a text with the session, such as a summary of the one before; 2 statements."""
    row = sessions().filter(pk=session.pk).order_by()
    with short_transaction(session):
        # As it is stored, and locked: a host writes into it beside an answer that takes long.
        for metadata in row.select_for_update().values_list("metadata", flat=True):
            session.metadata = {**(metadata or {}), CARRIED: text}
            row.update(metadata=session.metadata)
    tell_readers(session)
