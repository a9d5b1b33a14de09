"""google-adk: DatabaseSessionService keeps sessions of an app's users, and their events.

It has no timeout, no verb for an activity and no limit for a list. A host's lines around it: the
latest of all sessions is the open one, an activity is an event that changes the session's state,
and what a list shows is in that state.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from google.adk.events import Event, EventActions
from google.adk.sessions import DatabaseSessionService
from google.adk.sessions.base_session_service import GetSessionConfig
from google.genai.types import Content, Part

from benchmarks.speed.peers.tables import Awaiting, address, copy, naive, run_sql
from benchmarks.speed.rows import MessageRow, message_rows, owner_numbers, session_rows
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

APP = "measured"
SHOWN = {"title": QUESTION[:80], "preview": QUESTION, "count": 4}
SESSION = "app_name, user_id, id, state, create_time, update_time"
EVENT = "id, app_name, user_id, session_id, invocation_id, timestamp, event_data"


class GoogleAdk:
    """Its tables, filled."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.clock = Clock()
        self.open_sessions: dict[int, str] = {}

    def fill(self, sizes: Sizes) -> None:
        made = GoogleAdkClient(self)
        made.wait(made.service.prepare_tables())
        made.close()
        owners: dict[int, str] = {}
        sessions = []
        for row in session_rows(sizes, self.clock.start):
            owners[row.number] = str(row.owner)
            if row.is_open:
                self.open_sessions[row.owner] = str(row.number)
            moments = (naive(row.moment), naive(row.moment))
            sessions.append((APP, str(row.owner), str(row.number), json.dumps(SHOWN), *moments))
        users = [(APP, str(owner), "{}", self.clock.start) for owner in owner_numbers(sizes)]
        copy(self.place, "sessions", SESSION, sessions)
        copy(self.place, "app_states", "app_name, state, update_time", [(APP, "{}", users[0][3])])
        copy(self.place, "user_states", "app_name, user_id, state, update_time", users)
        said = (
            _stored(number, owners[row.session], row)
            for number, row in enumerate(message_rows(sizes, self.clock.start))
        )
        copy(self.place, "events", EVENT, said)
        run_sql(self.place, "VACUUM ANALYZE")

    def client(self) -> GoogleAdkClient:
        return GoogleAdkClient(self)


def _stored(number: int, owner: str, row: MessageRow) -> tuple[Any, ...]:
    moment = row.moment + timedelta(microseconds=row.position)
    event = _event(row.role, row.content, moment.timestamp())
    facts = json.dumps(event.model_dump(exclude_none=True, mode="json"))
    return str(number), APP, owner, str(row.session), "", naive(moment), facts


def _event(role: str, content: str, timestamp: float) -> Event:
    said = Content(role="user" if role == "user" else "model", parts=[Part(text=content)])
    return Event(author=role, content=said, timestamp=timestamp)


class GoogleAdkClient(Awaiting):
    """One service, as a server keeps it."""

    def __init__(self, subject: GoogleAdk) -> None:
        super().__init__()
        self.clock, self.open_sessions = subject.clock, subject.open_sessions
        self.service = DatabaseSessionService(address(subject.place))

    async def leave(self) -> None:
        await self.service.close()

    def resume(self, owner: int) -> None:
        self.wait(self._resume(owner))

    async def _latest(self, owner: int) -> Any:
        listed = await self.service.list_sessions(app_name=APP, user_id=str(owner))
        return max(listed.sessions, key=lambda session: session.last_update_time)

    async def _resume(self, owner: int) -> None:
        now = self.clock.later(owner, STEP).timestamp()
        session = await self._latest(owner)
        assert session.last_update_time > now - TIMEOUT
        active = EventActions(state_delta={"active_at": now})
        await self.service.append_event(
            session, Event(author="user", actions=active, timestamp=now)
        )

    def first_message(self, owner: int) -> None:
        self.wait(self._first_message(owner))

    async def _first_message(self, owner: int) -> None:
        now = self.clock.later(owner, TIMEOUT + 1).timestamp()
        assert await self._latest(owner)
        opened = await self.service.create_session(app_name=APP, user_id=str(owner), state=SHOWN)
        await self.service.append_event(opened, _event("user", QUESTION, now))

    def append(self, owner: int) -> None:
        self.wait(self._append(owner))

    async def _append(self, owner: int) -> None:
        now = self.clock.later(owner, STEP).timestamp()
        session = await self._session(owner, 0)
        await self.service.append_event(session, _event("user", QUESTION, now))
        await self.service.append_event(session, _event("assistant", ANSWER, now + 0.001))

    async def _session(self, owner: int, events: int) -> Any:
        number, config = self.open_sessions[owner], GetSessionConfig(num_recent_events=events)
        found = await self.service.get_session(
            app_name=APP, user_id=str(owner), session_id=number, config=config
        )
        assert found
        return found

    def recent(self, owner: int) -> int:
        listed = self.wait(self.service.list_sessions(app_name=APP, user_id=str(owner)))
        shown = sorted(listed.sessions, key=lambda session: session.last_update_time)[-LISTED:]
        return len([session.state["title"] for session in shown])

    def page(self, owner: int) -> int:
        return len(self.wait(self._session(owner, PAGE)).events)
