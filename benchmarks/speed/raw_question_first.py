"""RAW for who promises what this package does: a question is committed before it is answered.

Everything but `append` is as `raw` has it, and is not measured again.
"""

from __future__ import annotations

from benchmarks.speed.raw import RawPostgres, RawSqlite
from benchmarks.speed.subject import ANSWER, QUESTION, STEP

SAY = """
    WITH counted AS (
        UPDATE session SET message_count = message_count + 1, last_activity_at = %(now)s,
                           preview = coalesce(%(preview)s, preview)
        WHERE id = %(session)s AND active RETURNING id, message_count
    )
    INSERT INTO message (session_id, seq, role, content, created_at)
    SELECT id, message_count - 1, %(role)s, %(content)s, %(now)s FROM counted
    RETURNING session_id"""


class RawPostgresQuestionFirst(RawPostgres):
    """Each message one statement."""

    def client(self) -> RawPostgresQuestionFirstClient:
        return RawPostgresQuestionFirstClient(self)


class RawPostgresQuestionFirstClient:
    def __init__(self, subject: RawPostgres) -> None:
        self.clock, self.open_sessions = subject.clock, subject.open_sessions
        self.connection = subject.connect()

    def append(self, owner: int) -> None:
        now, session = self.clock.later(owner, STEP), self.open_sessions[owner]
        asked = {"role": "user", "content": QUESTION, "preview": QUESTION[:140]}
        answered = {"role": "assistant", "content": ANSWER, "preview": None}
        for said in (asked, answered):
            facts = {"session": session, "now": now}
            assert self.connection.execute(SAY, facts | said).fetchone()


class RawSqliteQuestionFirst(RawSqlite):
    """Each message two statements in a transaction, begun IMMEDIATE."""

    def client(self) -> RawSqliteQuestionFirstClient:
        return RawSqliteQuestionFirstClient(self)


class RawSqliteQuestionFirstClient:
    def __init__(self, subject: RawSqlite) -> None:
        self.clock, self.open_sessions = subject.clock, subject.open_sessions
        self.connection = subject.connect()

    def append(self, owner: int) -> None:
        now, session = str(self.clock.later(owner, STEP)), self.open_sessions[owner]
        run = self.connection.execute
        for role, content, preview in (
            ("user", QUESTION, QUESTION[:140]),
            ("assistant", ANSWER, None),
        ):
            run("BEGIN IMMEDIATE")
            [(count,)] = run(
                "UPDATE session SET message_count = message_count + 1, last_activity_at = ?, "
                "preview = coalesce(?, preview) WHERE id = ? AND active RETURNING message_count",
                (now, preview, session),
            ).fetchall()
            said = (session, count - 1, role, content, now)
            run("INSERT INTO message VALUES (?, ?, ?, ?, ?)", said)
            run("COMMIT")
