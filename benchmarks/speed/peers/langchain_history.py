"""langchain-postgres: PostgresChatMessageHistory keeps the messages of a session that has an id.

It has no owners, no sessions to be listed and no limit for what is read: two operations remain.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, message_to_dict
from langchain_postgres import PostgresChatMessageHistory

from benchmarks.speed.peers.tables import connect, copy, run_sql
from benchmarks.speed.rows import message_rows, session_rows
from benchmarks.speed.subject import ANSWER, PAGE, QUESTION, Clock, Place, Sizes

TABLE = "history"


class LangchainHistory:
    """Its table, filled."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.clock = Clock()
        self.open_sessions: dict[int, str] = {}

    def fill(self, sizes: Sizes) -> None:
        with connect(self.place) as connection:
            PostgresChatMessageHistory.create_tables(connection, TABLE)
        for row in session_rows(sizes, self.clock.start):
            if row.is_open:
                self.open_sessions[row.owner] = str(uuid.UUID(int=row.number))
        said = (
            (uuid.UUID(int=row.session), _stored(row.role, row.content), row.moment)
            for row in message_rows(sizes, self.clock.start)
        )
        copy(self.place, TABLE, "session_id, message, created_at", said)
        run_sql(self.place, "VACUUM ANALYZE")

    def client(self) -> LangchainHistoryClient:
        return LangchainHistoryClient(self)


def _stored(role: str, content: str) -> str:
    kind: Any = HumanMessage if role == "user" else AIMessage
    return json.dumps(message_to_dict(kind(content)))


class LangchainHistoryClient:
    """One connection; a history is made for each request, as a web server has to."""

    def __init__(self, subject: LangchainHistory) -> None:
        self.open_sessions = subject.open_sessions
        self.connection = connect(subject.place)
        self.connection.autocommit = False  # as it is documented
        self.close = self.connection.close

    def _history(self, owner: int) -> PostgresChatMessageHistory:
        session = self.open_sessions[owner]
        return PostgresChatMessageHistory(TABLE, session, sync_connection=self.connection)

    def append(self, owner: int) -> None:
        self._history(owner).add_messages([HumanMessage(QUESTION), AIMessage(ANSWER)])

    def page(self, owner: int) -> int:
        shown = self._history(owner).get_messages()[-PAGE:]
        self.connection.rollback()  # it leaves its transaction open
        return len(shown)
