"""This package's services, as a site calls them: no HTTP, no template, the verbs alone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from benchmarks.speed.rows import message_rows, owner_numbers, session_rows
from benchmarks.speed.subject import (
    ANSWER,
    LISTED,
    PAGE,
    QUESTION,
    STEP,
    TIMEOUT,
    Clock,
    Place,
    Sizes,
)
from benchmarks.speed.with_django import analyse, insert, set_up

SESSION_FIELDS = (
    "id",
    "created",
    "modified",
    "user",
    "scope",
    "open_key",
    "started_at",
    "opened_at",
    "last_activity_at",
    "last_message_at",
    "expires_at",
    "ended_at",
    "end_reason",
    "title",
    "preview",
    "message_count",
    "unread",
    "metadata",
)
MESSAGE_FIELDS = (
    "id",
    "session",
    "role",
    "content",
    "position",
    "state",
    "error",
    "attempt",
    "created_at",
    "metadata",
)


class Package:
    """The ready-made tables and the settings as they come."""

    chat_sessions: dict[str, Any] = {}
    options: dict[str, Any] = {}

    def __init__(self, place: Place) -> None:
        apps = ["django_chat_sessions", "django_chat_sessions.default_models"]
        set_up(place, apps, self.options, CHAT_SESSIONS=self.chat_sessions)
        from django_chat_sessions import clock

        self.clock = Clock()
        self.open_sessions: dict[int, Any] = {}
        # The session that a view has in hand when it appends: it was found when the request came.
        self.known: dict[int, Any] = {}
        clock.now = self.clock.now

    def fill(self, sizes: Sizes) -> None:
        from django_chat_sessions import get_message_model, get_session_model

        start = self.clock.start
        people(sizes, start)
        ids: list[uuid.UUID] = []
        insert(get_session_model(), SESSION_FIELDS, self._sessions(sizes, ids))
        insert(
            get_message_model(),
            MESSAGE_FIELDS,
            (
                # Parts of one session are written one after the other in time, as their ids say.
                (
                    _time_ordered(),
                    ids[said.session - 1],
                    said.role,
                    said.content,
                    said.position,
                    "answered" if said.role == "assistant" else "",
                    "",
                    0,
                    said.moment,
                    {},
                )
                for said in message_rows(sizes, start)
            ),
        )
        analyse()

    def _sessions(self, sizes: Sizes, ids: list[uuid.UUID]) -> Iterator[tuple[Any, ...]]:
        from django_chat_sessions.owners import Owner

        for row in session_rows(sizes, self.clock.start):
            ids.append(_time_ordered())
            moment = row.moment
            expires = moment + timedelta(seconds=TIMEOUT)
            if row.is_open:
                self.open_sessions[row.owner] = ids[-1]
            key = Owner(user_id=row.owner).open_key("") if row.is_open else None
            ended = (None, "") if row.is_open else (expires, "idle")
            times = (moment, moment, moment, moment, expires)
            shown = (QUESTION[:80], QUESTION, row.messages, False, {})
            yield ids[-1], moment, moment, row.owner, "", key, *times, *ended, *shown

    def client(self) -> PackageClient:
        return PackageClient(self)


def people(sizes: Sizes, joined: datetime) -> None:
    """Insert an account for each owner."""
    from django.contrib.auth import get_user_model

    empty = {"is_superuser": False, "first_name": "", "last_name": "", "email": "", "password": ""}
    values = {**empty, "is_staff": False, "is_active": True, "date_joined": joined}
    rows = ((owner, str(owner), *values.values()) for owner in owner_numbers(sizes))
    insert(get_user_model(), ("id", "username", *values), rows)


def _time_ordered() -> uuid.UUID:
    from django_chat_sessions.ids import uuid7

    return uuid7()


class PackageWithResolution(Package):
    """A busy host: activity is written down when the stored one is 15 seconds old."""

    chat_sessions = {"ACTIVITY_RESOLUTION": 15}


class PackagePrepared(Package):
    """A host that lets PostgreSQL keep the plans of statements, as RAW's connections do."""

    options = {"server_side_binding": True, "prepare_threshold": 5}


class PackageOfBusyHost(PackageWithResolution, PackagePrepared):
    """Both of them."""


class PackageClient:
    def __init__(self, subject: Package) -> None:
        from django.db import connection

        from django_chat_sessions import get_session_model, services
        from django_chat_sessions.owners import Owner

        self.services, self.owner, self.close = services, Owner, connection.close
        self.clock = subject.clock
        self.known, self.open_sessions = subject.known, subject.open_sessions
        self.model = get_session_model()

    def _session(self, owner: int) -> Any:
        if owner not in self.known:
            self.known[owner] = self.model._default_manager.get(pk=self.open_sessions[owner])
        return self.known[owner]

    def resume(self, owner: int) -> None:
        self.clock.later(owner, STEP)
        arrival = self.services.resume_or_start(self.owner(user_id=owner))
        assert arrival.status == "resumed"

    def first_message(self, owner: int) -> None:
        self.clock.later(owner, TIMEOUT + 1)
        sent = self.services.send(self.owner(user_id=owner), QUESTION, key=uuid.uuid4().hex)
        assert sent.arrival.status == "new"

    def append(self, owner: int) -> None:
        self.clock.later(owner, STEP)
        self.services.add_turn(self._session(owner), QUESTION, ANSWER)

    def turn(self, owner: int) -> None:
        self.clock.later(owner, STEP)
        with self.services.record_turn(self._session(owner), QUESTION) as turn:
            turn.answer = ANSWER

    def recent(self, owner: int) -> int:
        return len(self.services.recent_sessions(self.owner(user_id=owner), LISTED))

    def page(self, owner: int) -> int:
        return len(self.services.transcript(self._session(owner), PAGE).messages)
