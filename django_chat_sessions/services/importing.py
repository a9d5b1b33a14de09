"""Import: what an export gave becomes conversations again, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet

from django_chat_sessions import clock, get_message_model, get_session_model, ids
from django_chat_sessions.exceptions import InvalidDocument
from django_chat_sessions.models import (
    AbstractChatMessage,
    AbstractChatSession,
    EndReason,
    ReplyState,
)
from django_chat_sessions.owners import Owner
from django_chat_sessions.querysets import UNFINISHED
from django_chat_sessions.services.documents import read_document
from django_chat_sessions.services.races import survives_races
from django_chat_sessions.services.tables import messages, sessions, short_transaction, tell_readers

BATCH = 500
NOT_COLUMNS = ("id", "state", "previous", "messages")


@dataclass(frozen=True, slots=True)
class Imported:
    """How many sessions and messages were stored."""

    sessions: int = 0
    messages: int = 0


def import_sessions(owner: Owner, document: str | bytes | dict[str, Any]) -> Imported:
    """Store what ``export`` gave as sessions of the owner's, and return how many there are.

    ``document`` is the JSON, or what it was parsed to. Every session is in the history and none is
    open: one that was has ended with its last activity, and can be reopened. A reply that was
    being written is interrupted. An id that is taken, or that the database generates, is replaced
    by a new one. Nothing is overwritten: a second import of the same document is a second copy.

    Raises InvalidDocument, and stores nothing, for what is not exactly such a document. Sends no
    signal. 1 statement per session, plus 1 per 500 ids checked, 1 per 500 messages and 1 per 500
    sessions that follow another.
    """
    return _store(Owner.known(owner), read_document(_parsed(document)))


def _parsed(document: str | bytes | dict[str, Any]) -> Any:
    if isinstance(document, dict):
        return document
    try:
        return json.loads(document)
    except TypeError:
        kind = type(document).__name__
        raise InvalidDocument(f"The document is a {kind}; give JSON, or its dict.") from None
    except (ValueError, RecursionError):
        # Not "from" it: what a parser says may hold what people wrote.
        raise InvalidDocument("The document is not JSON in UTF-8.") from None


@survives_races
def _store(owner: Owner, found: list[dict[str, Any]]) -> Imported:
    rows = [_session(owner, facts) for facts in found]
    said = [
        _message(row, position, each)
        for row, facts in zip(rows, found, strict=True)
        for position, each in enumerate(facts["messages"])
    ]
    known = {facts["id"]: row for facts, row in zip(found, rows, strict=True)}
    with short_transaction():
        _keep_free_ids(sessions(), rows, [facts["id"] for facts in found])
        _keep_free_ids(
            messages(), said, [each["id"] for facts in found for each in facts["messages"]]
        )
        for row in rows:  # singly: not every database tells the ids of many
            row.save(using=sessions().db, force_insert=True)
        for row, facts in zip(rows, found, strict=True):
            before = known.get(facts["previous"])
            # By key: Python cannot take a chain of thousands of rows apart again.
            row.previous_id = None if before is None else before.pk
        following = [row for row in rows if row.previous_id is not None]
        sessions().bulk_update(following, ["previous"], batch_size=BATCH)
        for message in said:
            message.session = message.session  # whose id is known by now
        messages().bulk_create(said, batch_size=BATCH)
        if rows:
            tell_readers(rows[0])
    return Imported(len(rows), len(said))


def _session(owner: Owner, facts: dict[str, Any]) -> AbstractChatSession:
    columns = {name: value for name, value in facts.items() if name not in NOT_COLUMNS}
    started = facts["started_at"] or clock.now()
    for name in ("started_at", "opened_at", "last_activity_at", "last_message_at"):
        columns[name] = facts[name] or started
    columns["ended_at"] = facts["ended_at"] or columns["last_activity_at"]
    columns["end_reason"] = facts["end_reason"] or EndReason.IDLE.value
    return get_session_model()(
        user_id=owner.user_id,
        visitor_key=owner.visitor_key,
        message_count=len(facts["messages"]),
        **columns,
    )


def _message(
    session: AbstractChatSession, position: int, facts: dict[str, Any]
) -> AbstractChatMessage:
    columns = {name: value for name, value in facts.items() if name != "id"}
    columns["position"] = position  # the next one is counted on from here
    if facts["state"] in UNFINISHED:
        columns["state"] = ReplyState.INTERRUPTED.value
    message = get_message_model()(**columns)
    message.session = session
    return message


def _keep_free_ids(table: QuerySet[Any], rows: Sequence[Model], given: list[str]) -> None:
    """Give the rows their ids back, unless these are taken or the database generates them."""
    if ids.new_primary_key(table.model) is None:
        return
    wanted = [_uuid(text) for text in given]
    taken: set[Any] = set()
    for start in range(0, len(wanted), BATCH):
        some = [pk for pk in wanted[start : start + BATCH] if pk is not None]
        taken |= set(table.filter(pk__in=some).values_list("pk", flat=True))
    for row, pk in zip(rows, wanted, strict=True):
        if pk is not None and pk not in taken:
            row.pk = pk


def _uuid(text: str) -> UUID | None:
    try:
        value = UUID(text)
    except ValueError:  # the id of another kind of table
        return None
    return value if str(value) == text and value.version in range(1, 8) else None
