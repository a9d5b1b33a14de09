"""The way back: what old code reads is put where old code looks for it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import connections
from django.db.models import Case, F, Field, QuerySet, Value, When
from django.db.models.functions import Cast

from django_chat_sessions.adoption.batches import (
    Rows,
    committed,
    is_empty,
    key_batches,
    lock,
    messages_of,
    write,
)
from django_chat_sessions.models import Role
from django_chat_sessions.querysets import is_compared


def give_back(
    sessions: Rows,
    *,
    roles: Mapping[str, Any] | None = None,
    role_to: str = "role",
    answer: str = "",
    needs: Iterable[str] = (),
    batch: int = 100,
) -> None:
    """Undo ``adopt``, the messages that came since included; the reverse of its migration.

    ``roles``: for each role what old code has for it (a value or an expression), written to the
    message's column ``role_to``; to another column than ``role`` only where that is empty, which
    it is in rows that came since.
    ``answer``: each reply goes back into this column of its question's row.
    ``needs``: columns that must not be NULL in the old table. Raises RuntimeError, and has changed
    nothing, when a session has none.

    Sessions that their owners deleted are deleted, and so are replies that were asked for and have
    no word: old code would show both. About 8 statements for each ``batch`` sessions.
    """
    _refuse_to_lose(sessions, needs)
    messages, alias = messages_of(sessions), sessions.db
    for keys in key_batches(sessions.exclude(deleted_at=None), batch):
        committed(alias, partial(_forget, sessions, messages, keys))

    def undo(keys: list[Any]) -> None:
        # What has no place is as old code has it, after an interrupted run too. New code waits.
        said = messages.filter(session__in=lock(sessions, keys)).exclude(position=None)
        _drop_unsaid(said)
        if answer:
            _rejoin(said, answer)
        if roles:
            _rename_roles(said, roles, role_to)
        _put_after_questions(said)
        said.update(position=None, state="")
        sessions.filter(pk__in=keys).update(opened_at=None, open_key=None)

    for keys in key_batches(sessions, batch, f"Giving back {sessions.model._meta.db_table}"):
        committed(alias, partial(undo, keys))


def _refuse_to_lose(sessions: Rows, needs: Iterable[str]) -> None:
    for column in needs:
        homeless = sessions.filter(**{column: None, "deleted_at": None}).order_by("pk")
        first = homeless.values_list("pk", flat=True).first()
        if first is not None:
            raise RuntimeError(
                f"{homeless.count()} sessions have no {column}, the first is {first}, and the old "
                "table cannot hold them. Export, change or delete them; nothing has been changed."
            )


def _forget(sessions: Rows, messages: QuerySet[Any], keys: list[Any]) -> None:
    messages.filter(session__in=keys).delete()
    sessions.filter(pk__in=keys).delete()


def _drop_unsaid(said: QuerySet[Any]) -> None:
    # Only what was asked of a responder: an old answer without text may be a picture.
    asked = said.filter(role=Role.ASSISTANT.value, attempt__gt=0)
    if is_compared(said, "content"):
        asked.filter(content="").delete()
        return
    texts = asked.values_list("pk", "content").iterator()
    said.filter(pk__in=[pk for pk, text in texts if not text]).delete()


def _put_after_questions(said: QuerySet[Any]) -> None:
    # A reply is stored at the moment of its question, and random keys do not say which came first.
    asked = said.filter(attempt__gt=0)
    asked.update(created_at=F("created_at") + timedelta(microseconds=1))


def _rename_roles(said: QuerySet[Any], roles: Mapping[str, Any], column: str) -> None:
    target: Any = said.model._meta.get_field(column)
    old = [When(role=role, then=_expression(value, target)) for role, value in roles.items()]
    if column != "role":
        said = said.filter(is_empty(target))
    known = said.filter(role__in=list(roles))
    known.update(**{column: _as_stored(Case(*old, output_field=target), target, said.db)})


def _as_stored(value: Case, target: Any, alias: str) -> Case | Cast:
    """Return the value in the type of a column whose type is the host's own, such as an enum."""
    connection: Any = connections[alias]
    # Not to a type of Django's: PostgreSQL would cut a text that is too long without a word.
    is_own = Field.db_type(target, connection) != target.db_type(connection)
    needs_cast = is_own and connection.features.requires_casted_case_in_updates
    return Cast(value, target) if needs_cast else value


def _expression(value: Any, target: Any) -> Any:
    return value if hasattr(value, "resolve_expression") else Value(value, output_field=target)


def _rejoin(said: QuerySet[Any], column: str) -> None:
    """Put each reply into its question's row; one without a question keeps a row with none."""
    rows = said.order_by("session_id", "position")
    changes: dict[Any, dict[str, Any]] = {}
    gone: list[Any] = []
    question = None  # the session and the key of one that waits for its answer
    for pk, session, role, content, answered in rows.values_list(
        "pk", "session_id", "role", "content", column
    ):
        if role != Role.ASSISTANT:
            question = (session, pk, answered)
        elif question is not None and question[0] == session:
            if not question[2]:
                changes[question[1]] = {column: content}
            gone.append(pk)
            question = None
        else:
            changes[pk] = {column: content, "content": ""}
    write(said, changes)
    said.filter(pk__in=gone).delete()


def give_back_texts(messages: Rows, text: str, *, batch: int = 500) -> None:
    """Undo ``make_sessions``: messages that came since get a text that names their session.

    It is the text, or the UUID, of their session's older messages, else a new one that nobody can
    guess. 3 statements for each ``batch`` messages, and one UPDATE for each.
    """
    empty = is_empty(messages.model._meta.get_field(text))
    nameless = messages.filter(empty).exclude(session=None)

    def name(keys: list[Any]) -> None:
        homes = dict(messages.filter(pk__in=keys).values_list("pk", "session_id"))
        named = messages.filter(session__in=set(homes.values())).exclude(empty)
        known = dict(named.values_list("session_id", text).distinct())
        new = {home: known.get(home) or uuid.uuid4().hex for home in set(homes.values())}
        write(messages, {pk: {text: new[home]} for pk, home in homes.items()})

    for keys in key_batches(nameless, batch):
        committed(messages.db, partial(name, keys))
