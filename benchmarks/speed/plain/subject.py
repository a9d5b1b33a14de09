"""Plain Django ORM, written with care: no query too many, transactions where they are needed."""

from __future__ import annotations

import uuid
from datetime import timedelta

from benchmarks.speed.package import people
from benchmarks.speed.rows import message_rows, session_rows
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


class PlainOrm:
    """Models like RAW's tables."""

    def __init__(self, place: Place) -> None:
        set_up(place, ["benchmarks.speed.plain"])
        self.clock = Clock()
        self.open_sessions: dict[int, int] = {}

    def fill(self, sizes: Sizes) -> None:
        from django.core.management.color import no_style
        from django.db import connection

        from benchmarks.speed.plain.models import Message, Session

        people(sizes, self.clock.start)
        insert(Session, [field.name for field in Session._meta.fields], self._sessions(sizes))
        said = (
            (number, *row) for number, row in enumerate(message_rows(sizes, self.clock.start), 1)
        )
        names = ("id", "session", "seq", "role", "content", "created_at")
        insert(Message, names, said)
        with connection.cursor() as cursor:
            for reset in connection.ops.sequence_reset_sql(no_style(), [Session, Message]):
                cursor.execute(reset)
        analyse()

    def _sessions(self, sizes: Sizes):  # type: ignore[no-untyped-def]
        for row in session_rows(sizes, self.clock.start):
            if row.is_open:
                self.open_sessions[row.owner] = row.number
            ended = None if row.is_open else row.moment + timedelta(seconds=TIMEOUT)
            shown = (QUESTION[:80], QUESTION, row.messages)
            times = (row.moment, row.moment, ended)
            yield row.number, uuid.uuid4(), row.owner, *shown, *times, row.is_open

    def client(self) -> PlainOrmClient:
        return PlainOrmClient(self)


class PlainOrmClient:
    def __init__(self, subject: PlainOrm) -> None:
        from django.db import connection, transaction

        from benchmarks.speed.plain.models import Message, Session

        self.clock, self.open_sessions = subject.clock, subject.open_sessions
        self.sessions, self.messages = Session.objects, Message.objects
        self.message, self.atomic, self.close = Message, transaction.atomic, connection.close

    def resume(self, owner: int) -> None:
        now = self.clock.later(owner, STEP)
        found = self.sessions.filter(owner_id=owner, active=True).first()
        assert found
        assert found.last_activity_at > now - timedelta(seconds=TIMEOUT)
        self.sessions.filter(pk=found.pk, active=True).update(last_activity_at=now)

    def first_message(self, owner: int) -> None:
        now = self.clock.later(owner, TIMEOUT + 1)
        found = self.sessions.filter(owner_id=owner, active=True).first()
        assert found
        assert found.last_activity_at <= now - timedelta(seconds=TIMEOUT)
        with self.atomic():
            self.sessions.filter(pk=found.pk, active=True).update(active=False, ended_at=now)
            opened = self.sessions.create(
                public_id=uuid.uuid4(),
                owner_id=owner,
                title=QUESTION[:80],
                preview=QUESTION,
                message_count=1,
                started_at=now,
                last_activity_at=now,
                active=True,
            )
            self.messages.create(
                session=opened, seq=0, role="user", content=QUESTION, created_at=now
            )

    def append(self, owner: int) -> None:
        now = self.clock.later(owner, STEP)
        with self.atomic():
            session = self.sessions.select_for_update().get(pk=self.open_sessions[owner])
            first = session.message_count
            session.message_count += 2
            session.last_activity_at = now
            session.preview = QUESTION
            session.save(update_fields=["message_count", "last_activity_at", "preview"])
            said = (("user", QUESTION), ("assistant", ANSWER))
            self.messages.bulk_create(
                self.message(session=session, seq=seq, role=role, content=text, created_at=now)
                for seq, (role, text) in enumerate(said, first)
            )

    def recent(self, owner: int) -> int:
        return len(self.sessions.filter(owner_id=owner).order_by("-last_activity_at")[:LISTED])

    def page(self, owner: int) -> int:
        session = self.open_sessions[owner]
        return len(self.messages.filter(session_id=session).order_by("-seq")[:PAGE][::-1])
