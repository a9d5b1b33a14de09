"""Old sessions become ended ones with counters, title and preview; old messages get their place.

Messages are placed by ``created_at``, then by key, after those that have a place. A message without
a time gets that of the message before it, by key, in its session; where there is none, or keys are
random, that of the session's start, or of its earliest message if that was before. A time that is
still to come counts as now in the history. A message without a text is empty. A session whose rows
cannot be used (a function of the host's raises, the database refuses a value) is skipped, reported
by key and left for the next run. What old code adds to an adopted session is appended to it by the
next run. What the host's columns hold already, a title for example, stays. So does a time called
``created`` of the host's, and the session began then, unless ``started_at`` says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import DatabaseError
from django.db.models import Exists, Max, OuterRef, QuerySet, Subquery

from django_chat_sessions import clock, ids
from django_chat_sessions.adoption.batches import (
    WAITING,
    Adopted,
    Rows,
    committed,
    is_about_a_row,
    key_batches,
    lock,
    messages_of,
    write,
)
from django_chat_sessions.adoption.heads import head_of, read_heads
from django_chat_sessions.adoption.moments import NO_COLUMN, Created, give_times
from django_chat_sessions.models import Role
from django_chat_sessions.services.excerpts import preview_of, storable, title_from

Roles = Mapping[Any, str] | Callable[[Any], str | None]

CHUNK = 2000  # messages in one transaction
AS_WRITTEN: Mapping[Any, str] = {}
MOMENT = timedelta(seconds=300)


def adopt(
    sessions: Rows,
    *,
    roles: Roles = AS_WRITTEN,
    role_from: str = "role",
    otherwise: str = "user",
    text_from: str = "content",
    text: Callable[[Any], str] | None = None,
    answer: str = "",
    fill: Callable[[Any], Mapping[str, Any]] | None = None,
    ended_after: timedelta = MOMENT,
    reason: str = "idle",
    batch: int = 100,
) -> Adopted:
    """End old sessions and fill in what the package would have written; return what was done.

    ``roles``: the role for each old value of the message's column ``role_from``, a dict or a
    function. A value it does not know (None from a function) keeps its meaning if it is a role in
    some spelling (``"USER"``), and is ``otherwise`` if not.
    ``text``: makes the content of the message's column ``text_from``, where that is no text.
    ``answer``: the message's column with the answer, where question and answer share a row.
    ``fill``: gets an old session, returns more of its columns: ``user_id``, ``visitor_key``,
    ``scope``, ``title``, ``started_at`` or the host's own.
    ``ended_after``: how long after its last message a session ended, for ``reason``.
    Raises ValueError for a role that does not exist. Sends no signal. About 10 statements for each
    ``batch`` sessions, and one UPDATE for each row. See the module for rows that are not in order.
    """
    for role in [*(roles.values() if isinstance(roles, Mapping) else ()), otherwise]:
        Role(role)
    run = _Run(sessions, messages_of(sessions), roles, otherwise)
    run.role_from, run.text_from, run.answer = role_from, text_from, answer
    run.text, run.fill, run.ended_after, run.reason = text, fill, ended_after, reason
    return run.over_all(batch)


@dataclass(slots=True)
class _Run:
    """One run over a table; the columns are those of the host's historical models."""

    sessions: Rows
    messages: QuerySet[Any]
    roles: Roles
    otherwise: str
    role_from: str = "role"
    text_from: str = "content"
    answer: str = ""
    text: Callable[[Any], str] | None = None
    fill: Callable[[Any], Mapping[str, Any]] | None = None
    ended_after: timedelta = MOMENT
    reason: str = "idle"
    created: Created = NO_COLUMN
    report: Adopted = field(default_factory=Adopted)

    def over_all(self, batch: int) -> Adopted:
        """Adopt every session that waits, or that has a message which does."""
        waiting = self.sessions.filter(WAITING)
        self.created = Created.of(waiting)
        unplaced = self.messages.filter(session=OuterRef("pk"), position=None)
        # Apart: asked for both at once, PostgreSQL reads every message for each batch.
        added_to = self.sessions.filter(~WAITING).filter(Exists(unplaced))
        for rows in (waiting, added_to):
            for keys in key_batches(rows, batch, f"Adopting {rows.model._meta.db_table}"):
                self.adopt_batch(keys)
        self.report_orphans()
        self.report.warn()
        return self.report

    def adopt_batch(self, keys: list[Any]) -> None:
        """Adopt these sessions; when the database refuses some, find out which by one at a time."""
        alias, usable = self.sessions.db, list(keys)
        try:
            committed(alias, partial(self._complete, usable))
            while committed(alias, partial(self._place, usable)):
                pass
            committed(alias, partial(self._close, usable))
        except DatabaseError as error:
            if not is_about_a_row(error):
                raise
            if len(keys) == 1:
                return self._skip(keys[0], f"the database refuses it ({type(error).__name__})")
            for key in list(usable):
                self.adopt_batch([key])
        return None

    def _skip(self, key: Any, why: str) -> None:
        self.report.skip(f"{self.sessions.model._meta.label} {key}", why)

    def _complete(self, keys: list[Any]) -> None:
        """Fill what old code may have left NULL."""
        said = self.messages.filter(session__in=keys)
        failed = give_times(self.sessions, said, self.created)
        said.filter(position=None, content__isnull=True).update(content="")
        self._leave_out(keys, failed)

    def _place(self, keys: list[Any]) -> bool:
        """Give some messages role and place; return whether there may be more."""
        lock(self.sessions, keys)
        said = self.messages.filter(session__in=keys)
        placed = said.exclude(position=None).order_by().values_list("session_id")
        last: dict[Any, int] = dict(placed.annotate(Max("position")))
        unplaced = said.filter(position=None).order_by("session_id", "created_at", "pk")
        rows = list(unplaced.values_list("pk", "session_id", "created_at", *self._read())[:CHUNK])
        changes: dict[Any, dict[str, Any]] = {}
        answers, failed = [], {}
        for pk, session, moment, value, *texts in rows:
            if session in failed:
                continue
            position = last.get(session, -1) + 1
            try:
                changes[pk] = {"position": position, **self._said(value, texts)}
            except Exception as error:  # noqa: BLE001  a host's function: its row is skipped
                failed[session] = f"message {pk} cannot be read ({type(error).__name__})"
                continue
            if self.answer and texts[-1]:
                position += 1
                answers.append(self._answer(session, moment, texts[-1], position))
            last[session] = position
        write(self.messages, changes)
        self.messages.bulk_create(answers)
        self._leave_out(keys, failed)
        self.report.messages += len(changes)
        return len(rows) == CHUNK

    def _leave_out(self, keys: list[Any], failed: dict[Any, str]) -> None:
        for key, why in failed.items():
            keys.remove(key)
            self._skip(key, why)

    def _read(self) -> list[str]:
        # Long texts are not read where they stay what they are.
        text = [self.text_from] if self.text else []
        return [self.role_from, *text, *([self.answer] if self.answer else [])]

    def _said(self, value: Any, texts: list[Any]) -> dict[str, Any]:
        role = self._role(value)
        content = {"content": storable(self.text(texts[0]))} if self.text is not None else {}
        return {"role": role, "state": _state(role), **content}

    def _role(self, value: Any) -> str:
        roles = self.roles
        role = roles.get(value) if isinstance(roles, Mapping) else roles(value)
        if role is not None:
            return Role(role).value
        spelled = value.strip().lower() if isinstance(value, str) else ""
        return spelled if spelled in Role.values else self.otherwise

    def _answer(self, session: Any, moment: Any, text: str, position: int) -> Any:
        model = self.messages.model
        role = Role.ASSISTANT.value
        key: dict[str, Any] = {"pk": ids.new_primary_key(model)}
        return model(
            **key,
            session_id=session,
            role=role,
            content=text,
            position=position,
            state=_state(role),
            created_at=moment,
        )

    def _close(self, keys: list[Any]) -> None:
        """Write down what the history shows; with it a session is adopted."""
        lock(self.sessions, keys)
        said = self.messages.filter(session=OuterRef("pk"))
        in_order, latest = said.order_by("position"), said.order_by("-position")
        head = head_of(self.messages)
        known = self.sessions.filter(pk__in=keys).annotate(
            adopted_first=Subquery(in_order.filter(role="user").values(_=head)[:1]),
            adopted_last=Subquery(latest.values(_=head)[:1]),
            adopted_place=Subquery(latest.values("position")[:1]),
            adopted_from=Subquery(said.order_by("created_at").values("created_at")[:1]),
            adopted_until=Subquery(said.order_by("-created_at").values("created_at")[:1]),
        )
        rows = list(known)
        read_heads(rows, self.messages)
        changes, failed = {}, {}
        for session in rows:
            problem = "fill fails"
            try:
                filled = self._filled(session)
                problem = "its columns cannot be used"
                changes[session.pk] = {**self._facts(session, filled), **filled}
            except Exception as error:  # noqa: BLE001  a host's function: its row is skipped
                failed[session.pk] = f"{problem} ({type(error).__name__})"
        write(self.sessions, changes)
        self._leave_out(keys, failed)
        self.report.sessions += len(changes)

    def _facts(self, session: Any, filled: Mapping[str, Any]) -> dict[str, Any]:
        now, place, until = clock.now(), session.adopted_place, session.adopted_until
        if until is not None:  # by a wrong clock it would stay on top, and be continued until then
            until = min(until, now)
        facts: dict[str, Any] = {
            "message_count": 0 if place is None else place + 1,
            "preview": preview_of(storable(session.adopted_last or "")),
        }
        if not _waits(session):  # adopted before; old code has added to it
            latest = [moment for moment in (session.last_message_at, until) if moment is not None]
            return {**facts, "last_message_at": max(latest)}
        started = filled.get("started_at") or session.started_at
        created = self.created.of_the_hosts(session, session.adopted_from)
        began = started or created or session.adopted_from or now
        last = until or min(began, now)
        active = max(last, min(session.last_activity_at or last, now))
        ended = min(clock.after(active, self.ended_after.total_seconds()), now)
        facts |= {
            "title": session.title or title_from(storable(session.adopted_first or "")),
            "started_at": began,
            "opened_at": min(began, last),
            "last_activity_at": active,
            "last_message_at": last,
            "expires_at": ended,
            "ended_at": ended,
            "end_reason": self.reason,
        }
        if self.created.is_there and created is None:
            facts["created"] = began
        return facts

    def _filled(self, session: Any) -> Mapping[str, Any]:
        """Return what the host has to say of a session, the first time that it is adopted."""
        return self.fill(session) if self.fill is not None and _waits(session) else {}

    def report_orphans(self) -> None:
        """Name the messages that belong to no session: nothing can show them."""
        home = self.sessions.model._base_manager.using(self.sessions.db)
        orphans = self.messages.filter(~Exists(home.filter(pk=OuterRef("session_id"))))
        for pk in orphans.order_by("pk").values_list("pk", flat=True).iterator():
            self.report.skip(f"{self.messages.model._meta.label} {pk}", "its session is missing")


def _waits(session: Any) -> bool:
    return session.last_activity_at is None or session.opened_at is None


def _state(role: str) -> str:
    # Old code stored an answer when it was complete.
    return "answered" if role == Role.ASSISTANT else ""
