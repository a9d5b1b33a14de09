"""openai-agents: SQLAlchemySession keeps the items of a session that has a name.

It has no owners, no timeout and no list. A host's lines around it: the owner is the beginning of
the session's name, and the latest session is found, and marked as used, by SQL on its table.
"""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

from agents.extensions.memory import SQLAlchemySession
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks.speed.peers.tables import Awaiting, address, copy, naive, run_sql
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

ASKED: Any = {"role": "user", "content": QUESTION}
ANSWERED: Any = {"role": "assistant", "content": ANSWER}
LATEST = text(
    "SELECT session_id, updated_at FROM agent_sessions WHERE session_id >= :first "
    "AND session_id < :last ORDER BY updated_at DESC LIMIT :most"
)
USED = text("UPDATE agent_sessions SET updated_at = :now WHERE session_id = :name")


class OpenaiAgents:
    """Its tables, filled."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.clock = Clock()
        self.open_sessions: dict[int, str] = {}

    def fill(self, sizes: Sizes) -> None:
        made = OpenaiAgentsClient(self)
        made.wait(SQLAlchemySession("", engine=made.engine, create_tables=True).get_items())
        made.close()
        names: dict[int, str] = {}
        sessions = []
        for row in session_rows(sizes, self.clock.start):
            names[row.number] = f"{row.owner}:{row.number}"
            if row.is_open:
                self.open_sessions[row.owner] = names[row.number]
            sessions.append((names[row.number], naive(row.moment), naive(row.moment)))
        copy(self.place, "agent_sessions", "session_id, created_at, updated_at", sessions)
        said = (
            (names[row.session], _stored(row.role, row.content), naive(row.moment))
            for row in message_rows(sizes, self.clock.start)
        )
        copy(self.place, "agent_messages", "session_id, message_data, created_at", said)
        run_sql(self.place, "VACUUM ANALYZE")

    def client(self) -> OpenaiAgentsClient:
        return OpenaiAgentsClient(self)


def _stored(role: str, content: str) -> str:
    return json.dumps({"role": role, "content": content})


class OpenaiAgentsClient(Awaiting):
    """A session object is made for each request, as a web server has to."""

    def __init__(self, subject: OpenaiAgents) -> None:
        super().__init__()
        self.clock, self.open_sessions = subject.clock, subject.open_sessions
        self.engine = create_async_engine(address(subject.place))

    async def leave(self) -> None:
        await self.engine.dispose()

    def resume(self, owner: int) -> None:
        self.wait(self._resume(owner))

    async def _resume(self, owner: int) -> None:
        now = naive(self.clock.later(owner, STEP))
        async with self.engine.begin() as connection:
            [(name, used)] = await connection.execute(LATEST, _of(owner, 1))
            assert used > now - timedelta(seconds=TIMEOUT)
            await connection.execute(USED, {"now": now, "name": name})

    def first_message(self, owner: int) -> None:
        self.wait(self._first_message(owner))

    async def _first_message(self, owner: int) -> None:
        now = naive(self.clock.later(owner, TIMEOUT + 1))
        async with self.engine.connect() as connection:
            assert (await connection.execute(LATEST, _of(owner, 1))).all()
        name = f"{owner}:{uuid.uuid4()}"
        await SQLAlchemySession(name, engine=self.engine).add_items([ASKED])
        async with self.engine.begin() as connection:
            await connection.execute(USED, {"now": now, "name": name})

    def append(self, owner: int) -> None:
        name = self.open_sessions[owner]
        self.wait(SQLAlchemySession(name, engine=self.engine).add_items([ASKED, ANSWERED]))

    def recent(self, owner: int) -> int:
        return int(self.wait(self._recent(owner)))

    async def _recent(self, owner: int) -> int:
        async with self.engine.connect() as connection:
            found = (await connection.execute(LATEST, _of(owner, LISTED))).all()
        # A title, a preview and a count can be told by the items only.
        shown = [await SQLAlchemySession(row[0], engine=self.engine).get_items() for row in found]
        return len(shown)

    def page(self, owner: int) -> int:
        name = self.open_sessions[owner]
        return len(self.wait(SQLAlchemySession(name, engine=self.engine).get_items(limit=PAGE)))


def _of(owner: int, most: int) -> dict[str, Any]:
    """Return what bounds an owner's names: ";" is what follows ":"."""
    return {"first": f"{owner}:", "last": f"{owner};", "most": most}
