"""chainlit: SQLAlchemyDataLayer keeps threads of users and the steps in them.

It has no timeout and no verb for an activity. A host's lines around it: the first of the list is
the open thread, and an activity is a change of its metadata. The tables are those that its queries
need, with four indexes that its documentation does not ask for, without which it reads all steps.
"""

from __future__ import annotations

import logging
import uuid
from typing import Any

from chainlit.context import init_http_context
from chainlit.data.sql_alchemy import SQLAlchemyDataLayer
from chainlit.types import Pagination, ThreadFilter

from benchmarks.speed.peers.tables import Awaiting, address, copy, run_sql
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

TABLES = """
    CREATE TABLE users (
        id uuid PRIMARY KEY, identifier text UNIQUE, metadata jsonb, "createdAt" text
    );
    CREATE TABLE threads (
        id uuid PRIMARY KEY, "createdAt" text, name text, "userIdentifier" text, tags text[],
        "userId" uuid REFERENCES users ON DELETE CASCADE, metadata jsonb
    );
    CREATE TABLE steps (
        id uuid PRIMARY KEY, name text, type text, "parentId" uuid, streaming boolean,
        "threadId" uuid REFERENCES threads ON DELETE CASCADE, "waitForAnswer" boolean,
        "isError" boolean, metadata jsonb, tags text[], input text, output text, "createdAt" text,
        start text, "end" text, generation jsonb, "showInput" text, language text
    );
    CREATE TABLE feedbacks (
        id uuid PRIMARY KEY, "forId" uuid, "threadId" uuid, value int, comment text
    );
    CREATE TABLE elements (
        id uuid PRIMARY KEY, "threadId" uuid, type text, "chainlitKey" text, url text,
        "objectKey" text, name text, display text, size text, language text, page int,
        "forId" uuid, mime text, props jsonb
    );
    CREATE INDEX ON threads ("userId");
    CREATE INDEX ON steps ("threadId");
    CREATE INDEX ON feedbacks ("forId");
    CREATE INDEX ON elements ("threadId");
"""
THREAD = 'id, "createdAt", name, "userId", "userIdentifier", metadata'
SAID = 'id, name, type, "threadId", streaming, metadata, output, "createdAt", generation'


class _RefusesErrors(logging.Handler):
    """Raises what the layer would only mention: a statement that failed must not look fast."""

    def emit(self, record: logging.LogRecord) -> None:
        if "error occurred" in record.getMessage():
            raise RuntimeError(record.getMessage())


class ChainlitLayer:
    """Its tables, filled."""

    def __init__(self, place: Place) -> None:
        logger = logging.getLogger("chainlit")
        logger.handlers, logger.propagate = [_RefusesErrors()], False
        self.place = place
        self.clock = Clock()
        self.open_sessions: dict[int, str] = {}

    def fill(self, sizes: Sizes) -> None:
        run_sql(self.place, TABLES)
        start = self.clock.start.isoformat()
        users = ((_user(owner), str(owner), "{}", start) for owner in owner_numbers(sizes))
        copy(self.place, "users", 'id, identifier, metadata, "createdAt"', users)
        threads = []
        for row in session_rows(sizes, self.clock.start):
            if row.is_open:
                self.open_sessions[row.owner] = str(uuid.UUID(int=row.number))
            owner = (_user(row.owner), str(row.owner))
            named = (uuid.UUID(int=row.number), row.moment.isoformat(), QUESTION[:80])
            threads.append((*named, *owner, "{}"))
        copy(self.place, "threads", THREAD, threads)
        steps = (
            _step(number, row) for number, row in enumerate(message_rows(sizes, self.clock.start))
        )
        copy(self.place, "steps", SAID, steps)
        run_sql(self.place, "VACUUM ANALYZE")

    def client(self) -> ChainlitLayerClient:
        return ChainlitLayerClient(self)


def _step(number: int, row: MessageRow) -> tuple[Any, ...]:
    named = (uuid.UUID(int=number), "said", f"{row.role}_message", uuid.UUID(int=row.session))
    return *named, False, "{}", row.content, row.moment.isoformat(), "{}"


def _user(owner: int) -> uuid.UUID:
    return uuid.UUID(int=owner)


class ChainlitLayerClient(Awaiting):
    """One data layer, as a server keeps it."""

    def __init__(self, subject: ChainlitLayer) -> None:
        super().__init__()
        self.clock, self.open_sessions = subject.clock, subject.open_sessions
        self.layer = SQLAlchemyDataLayer(address(subject.place))

    async def leave(self) -> None:
        await self.layer.engine.dispose()

    async def _list(self, owner: int, most: int) -> list[Any]:
        wanted = ThreadFilter(userId=str(_user(owner)))
        found = await self.layer.list_threads(Pagination(first=most), wanted)
        return list(found.data)

    def resume(self, owner: int) -> None:
        self.wait(self._resume(owner))

    async def _resume(self, owner: int) -> None:
        now = self.clock.later(owner, STEP)
        [thread] = await self._list(owner, 1)
        await self.layer.update_thread(thread["id"], metadata={"active_at": now.isoformat()})

    def first_message(self, owner: int) -> None:
        self.wait(self._first_message(owner))

    async def _first_message(self, owner: int) -> None:
        moment = self.clock.later(owner, TIMEOUT + 1).isoformat()
        assert await self._list(owner, 1)
        opened = str(uuid.uuid4())
        await self.layer.update_thread(opened, name=QUESTION[:80], user_id=str(_user(owner)))
        await self._say(opened, "user", QUESTION, moment)

    def append(self, owner: int) -> None:
        self.wait(self._append(owner))

    async def _append(self, owner: int) -> None:
        moment = self.clock.later(owner, STEP).isoformat()
        await self._say(self.open_sessions[owner], "user", QUESTION, moment)
        await self._say(self.open_sessions[owner], "assistant", ANSWER, moment)

    async def _say(self, thread: str, role: str, content: str, moment: str) -> None:
        init_http_context()  # it will not store without one
        step: Any = {
            "id": str(uuid.uuid4()),
            "threadId": thread,
            "name": "said",
            "type": f"{role}_message",
            "streaming": False,
            "output": content,
            "createdAt": moment,
        }
        await self.layer.create_step(step)

    def recent(self, owner: int) -> int:
        return len(self.wait(self._list(owner, LISTED)))

    def page(self, owner: int) -> int:
        thread = self.wait(self.layer.get_thread(self.open_sessions[owner]))
        return len(thread["steps"][-PAGE:])
