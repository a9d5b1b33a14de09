"""Django's own sessions, which keep one blob for each visitor: all that many sites have today."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from benchmarks.speed.rows import session_rows
from benchmarks.speed.subject import QUESTION, Clock, Place, Sizes
from benchmarks.speed.with_django import analyse, insert, set_up


class LoginSessions:
    """django.contrib.sessions in the database: no list and no messages, so it only resumes."""

    def __init__(self, place: Place) -> None:
        set_up(place, ["django.contrib.sessions"], SESSION_COOKIE_AGE=300)
        self.clock = Clock()
        self.keys: dict[int, Any] = {}  # of those who have got a new one

    def fill(self, sizes: Sizes) -> None:
        from django.contrib.sessions.backends.db import SessionStore
        from django.contrib.sessions.models import Session

        later = self.clock.start + timedelta(days=1)
        data = SessionStore().encode({"title": QUESTION, "messages": 4, "last": later.isoformat()})
        rows = (
            (_key(row.owner if row.is_open else 10_000_000 + row.number), data, later)
            for row in session_rows(sizes, self.clock.start)
        )
        insert(Session, ("session_key", "session_data", "expire_date"), rows)
        analyse()

    def client(self) -> LoginSessionsClient:
        return LoginSessionsClient(self)


def _key(number: int) -> str:
    return f"{number:032d}"


class LoginSessionsClient:
    def __init__(self, subject: LoginSessions) -> None:
        from django.contrib.sessions.backends.db import SessionStore
        from django.db import connection

        self.clock, self.close, self.store = subject.clock, connection.close, SessionStore
        self.keys = subject.keys

    def resume(self, owner: int) -> None:
        now = self.clock.later(owner, 2)
        store = self.store(self.keys.get(owner, _key(owner)))
        assert store["messages"]
        store["last"] = now.isoformat()
        store.save()

    def first_message(self, owner: int) -> None:
        now = self.clock.later(owner, 301)
        store = self.store(self.keys.get(owner, _key(owner)))
        assert store["messages"]
        store.flush()
        store.update({"title": QUESTION, "messages": 1, "last": now.isoformat()})
        store.save()
        self.keys[owner] = store.session_key
