"""The life of chat sessions as the simplest possible program: lists, one thread, no database.

It is written from the design and imports nothing of the package: what it does is what the package
must do. Times are whole microseconds. What can be seen is given as plain values, in which a `Ref`
stands for an id.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SECOND = 1_000_000
DAY = 24 * 3600 * SECOND
IDLE = 300 * SECOND
MAX_AGE = 1800 * SECOND
LEASE = 30 * SECOND
RESOLUTION = SECOND
UNDO = DAY
ATTEMPTS = 2
DELIBERATE = ("user", "replaced", "merged", "staff", "deleted")
UNFINISHED = ("pending", "running")
View = dict[str, Any]


class Refused(Exception):
    """What was asked for is not done; the code says why, the facts what stood against it."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


@dataclass(frozen=True)
class Ref:
    """The id of a session (its number) or of a message (number and position)."""

    of: Any


@dataclass(eq=False)
class Message:
    session: Session
    role: str
    content: str
    created_at: int
    key: str | None = None
    state: str = ""
    attempt: int = 0
    lease: int = 0
    token: int | None = None

    @property
    def position(self) -> int:
        return self.session.messages.index(self)

    def state_at(self, now: int) -> str:
        """A reply whose worker let its lease pass is no spinner for ever."""
        lost = self.state in UNFINISHED and self.lease <= now
        return "interrupted" if lost else self.state


@dataclass(eq=False)
class Session:
    number: int
    owner: str
    scope: str
    started_at: int
    opened_at: int
    activity_at: int
    last_message_at: int
    previous: Session | None
    open: bool = True
    held_until: int | None = None  # the end of the lease of the turn that pins it
    ended_at: int | None = None
    end_reason: str = ""
    title: str = ""
    preview: str = ""
    unread: bool = False
    pinned_at: int | None = None
    archived_at: int | None = None
    deleted_at: int | None = None
    messages: list[Message] = field(default_factory=list)

    @property
    def is_begun(self) -> bool:
        spoke = self.title or any(each.role == "user" for each in self.messages)
        return bool(self.messages and spoke)

    def latest_activity(self) -> int:
        if self.held_until is None:
            return self.activity_at
        return max(self.activity_at, self.held_until)

    def deadline(self) -> tuple[int, str]:
        latest = self.latest_activity()
        moment, reason = min((latest + IDLE, "idle"), (self.opened_at + MAX_AGE, "max_age"))
        return max(moment, latest), reason

    def is_lapsed(self, now: int) -> bool:
        return self.open and now >= self.deadline()[0]

    def is_active(self, now: int) -> bool:
        return self.open and now < self.deadline()[0]

    def is_running(self, now: int) -> bool:
        return any(each.state in UNFINISHED and now < each.lease for each in self.messages)

    def ending(self, now: int) -> tuple[int | None, str]:
        """When and why it is over; the same before and after a sweep."""
        return self.deadline() if self.is_lapsed(now) else (self.ended_at, self.end_reason)

    def state(self, now: int) -> str:
        if self.is_active(now):
            return "active"
        return "ended" if self.ending(now)[1] in DELIBERATE else "expired"


class Chats:
    """Everything that is stored, and what was told to the host and to the runner."""

    def __init__(self) -> None:
        self.now = 0
        self.sessions: list[Session] = []
        self.signals: list[tuple[str, View]] = []
        self.handed_over: list[tuple[Message, int]] = []
        self.writing: list[tuple[Message, int]] = []  # with the token of its worker
        self._numbers = 0
        self._tokens = 0

    # Finding

    def owned(self, owner: str) -> list[Session]:
        return [one for one in self.sessions if one.owner == owner and one.deleted_at is None]

    def find(self, owner: str, number: int) -> Session:
        for one in self.owned(owner):
            if one.number == number:
                return one
        raise Refused("not_found")

    def held(self, owner: str, scope: str) -> Session | None:
        held = [one for one in self.owned(owner) if one.open and one.scope == scope]
        assert len(held) <= 1
        return held[0] if held else None

    def latest(self, owner: str, scope: str) -> Session | None:
        said = [one for one in self.owned(owner) if one.scope == scope and one.is_begun]
        return max(said, key=lambda one: (one.last_message_at, one.number), default=None)

    def followed(self, owner: str, scope: str) -> Session | None:
        """What a new session would follow: nobody is led back to one in which nothing was said."""
        held = self.held(owner, scope)
        return held if held and held.is_begun else self.latest(owner, scope) or held

    def in_order(self, sessions: list[Session]) -> list[Session]:
        """Pinned ones first, the one pinned last before them all; then the latest message."""
        return sorted(
            sessions,
            key=lambda one: (
                one.pinned_at is not None,
                one.last_message_at if one.pinned_at is None else one.pinned_at,
                one.number,
            ),
            reverse=True,
        )

    def history(self, owner: str, *, archived: bool = False) -> list[Session]:
        said = [one for one in self.owned(owner) if one.messages]
        if archived:
            put_away = [one for one in said if one.archived_at is not None]
            return sorted(put_away, key=lambda one: (-one.last_message_at, -one.number))
        return self.in_order([one for one in said if one.archived_at is None])

    # Coming and going

    def look(self, owner: str, scope: str) -> View:
        held = self.held(owner, scope)
        if held is None or not held.is_active(self.now):
            return self.new(None, self.followed(owner, scope))
        return self.resumed(held) if held.is_begun else self.new(held, held.previous)

    def resume_or_start(self, owner: str, scope: str) -> View:
        held = self.held(owner, scope)
        if held is None or not held.is_active(self.now):
            return self._open_new(owner, scope)
        self._extend(held)
        arrival = self.resumed(held)
        self._tell("session_resumed", held, arrival=arrival)
        return arrival

    def start(self, owner: str, scope: str) -> View:
        held = self.held(owner, scope)
        if held is not None and held.is_active(self.now) and not held.is_begun:
            self._extend(held)
            return self.new(held, held.previous)
        return self._open_new(owner, scope)

    def touch(self, session: Session) -> None:
        if session.is_active(self.now):
            self._extend(session)

    def end(self, session: Session) -> None:
        if session.open:
            self._close(session, "user")

    def reopen(self, session: Session) -> View:
        if session.is_active(self.now):
            self._extend(session)
            return self.resumed(session)
        left = self.held(session.owner, session.scope)
        if left is session:
            left = None
        if left is not None:
            self._close(left, "replaced")
        session.open, session.opened_at = True, self.now
        session.ended_at, session.end_reason, session.archived_at = None, "", None
        session.activity_at = max(self.now, session.activity_at)
        session.last_message_at = max(self.now, session.last_message_at)
        arrival = self._arrival(session, "reopened", "user", left)
        self._tell("session_reopened", session, arrival=arrival)
        return arrival

    # Saying something

    def send(self, owner: str, content: str, key: str, scope: str, named: int | None) -> View:
        known = self._known(owner, key, content)
        if known is not None:
            return self._sent_before(known)
        session = None if named is None else self.find(owner, named)
        scope = scope if session is None else session.scope
        held = self.held(owner, scope)
        if held is not None and not held.is_active(self.now):
            held = None
        is_over = session is not None and session is not held
        if session and is_over and (held or session.ending(self.now)[1] in DELIBERATE):
            current = None if held is None else self.session_view(held)
            raise Refused("session_ended", session=self.session_view(session), current=current)
        rows = [("user", content, key, ""), ("assistant", "", None, "pending")]
        if held is None:
            arrival = self._open_new(owner, scope, rows)
            held = self.sessions[-1]
        else:
            arrival = self.resumed(held) if held.is_begun else self.new(held, held.previous)
            self._append(held, rows)
            arrival["session"] = self.session_view(held)
        asked, reply = held.messages[-2:]
        self.handed_over.append((reply, 1))
        return self._sent(arrival, asked, reply, created=True)

    def add_message(self, session: Session, role: str, content: str, key: str | None) -> Message:
        known = None if key is None else self._known(session.owner, key, content)
        if known is not None:
            return known
        self._refuse_if_over(session)
        self._append(session, [(role, content, key, "")])
        return session.messages[-1]

    def _known(self, owner: str, key: str, content: str) -> Message | None:
        mine = [one for one in self.sessions if one.owner == owner]
        for message in (each for one in mine for each in one.messages):
            if message.key == key:
                if message.content != content:
                    raise Refused("key_reused")
                if message.session.deleted_at is not None:
                    raise Refused("not_found")
                return message
        return None

    def _sent_before(self, message: Message) -> View:
        session, position = message.session, message.position
        is_first = all(each.role != "user" for each in session.messages[:position])
        arrival = self.new(session, session.previous) if is_first else self.resumed(session)
        following = session.messages[position + 1 : position + 2]
        reply = following[0] if following and following[0].state else None
        return self._sent(arrival, message, reply, created=False)

    def _sent(self, arrival: View, asked: Message, reply: Message | None, *, created: bool) -> View:
        return {
            "arrival": arrival,
            "message": self.message_view(asked),
            "reply": None if reply is None else self.message_view(reply),
            "created": created,
        }

    def _refuse_if_over(self, session: Session) -> None:
        if not session.is_active(self.now):
            raise Refused("session_ended", session=self.session_view(session), current=None)

    def refuse_if_running(self, session: Session, reply: Message | None = None) -> None:
        unfinished = [each for each in session.messages if each.state in UNFINISHED]
        if session.is_running(self.now):
            running = self.message_view(reply or unfinished[-1])
            raise Refused("turn_in_progress", session=self.session_view(session), running=running)

    def _append(self, session: Session, rows: list[tuple[str, str, str | None, str]]) -> None:
        self.refuse_if_running(session)
        self.interrupt_lost(session)
        session.activity_at = max(self.now, session.activity_at)
        session.last_message_at = max(self.now, session.last_message_at)
        self._store(session, rows)

    def _store(self, session: Session, rows: list[tuple[str, str, str | None, str]]) -> None:
        role, said = rows[0][:2]
        session.preview, session.held_until = said, None
        if role == "user":
            session.unread = False
            session.title = session.title or said
        for role, content, key, state in rows:
            message = Message(session, role, content, self.now, key, state)
            session.messages.append(message)
            if state:
                message.attempt, message.lease = 1, self.now + LEASE
                session.held_until = message.lease
            else:
                self._tell("message_added", session, message=message.position)

    # The steps that all of these are made of

    def interrupt_lost(self, session: Session) -> None:
        lost = [each for each in session.messages if each.state in UNFINISHED]
        for reply in lost:
            if reply.lease <= self.now:
                reply.state, reply.token = "interrupted", None
                self._tell("turn_failed", session, reply=reply.position, state="interrupted")

    def _extend(self, session: Session) -> None:
        if self.now - session.activity_at >= RESOLUTION:
            session.activity_at = self.now

    def _close(self, session: Session, reason: str) -> None:
        moment = self.now
        if session.is_lapsed(self.now):
            moment, reason = session.deadline()
        session.open, session.ended_at, session.end_reason = False, moment, reason
        self._tell("session_ended", session, reason=reason)

    def _open_new(
        self, owner: str, scope: str, rows: list[tuple[str, str, str | None, str]] | None = None
    ) -> View:
        held = self.held(owner, scope)
        previous = self.followed(owner, scope)
        if held is not None:
            self._close(held, "user")
        now = self.now
        self._numbers += 1
        session = Session(self._numbers, owner, scope, now, now, now, now, previous)
        self.sessions.append(session)
        said: list[tuple[str, View]] = []
        if rows:
            before, self.signals = self.signals, said
            self._store(session, rows)
            self.signals = before
        arrival = self.new(session, previous)
        self._tell("session_started", session, arrival=arrival)
        self.signals += said
        return arrival

    def _tell(self, signal: str, session: Session, **facts: Any) -> None:
        self.signals.append((signal, {"session": Ref(session.number), **facts}))

    # What can be seen

    def new(self, session: Session | None, previous: Session | None) -> View:
        if previous is not None and previous.deleted_at is not None:
            previous = None
        reason = "" if previous is None else previous.ending(self.now)[1]
        return self._arrival(session, "new", reason or "first", previous)

    def resumed(self, session: Session) -> View:
        return self._arrival(session, "resumed", "open", None)

    def _arrival(
        self, session: Session | None, status: str, reason: str, previous: Session | None
    ) -> View:
        return {
            "status": status,
            "reason": reason,
            "session": None if session is None else self.session_view(session),
            "previous": None if previous is None else self.session_view(previous),
        }

    def session_view(self, session: Session) -> View:
        active = session.is_active(self.now)
        ended_at, reason = session.ending(self.now)
        return {
            "id": Ref(session.number),
            "scope": session.scope,
            "state": session.state(self.now),
            "running": session.is_running(self.now),
            "title": session.title,
            "preview": session.preview,
            "message_count": len(session.messages),
            "unread": session.unread,
            "started_at": session.started_at,
            "last_activity_at": session.activity_at,
            "last_message_at": session.last_message_at,
            "expires_at": session.deadline()[0] if active else None,
            "ended_at": None if active else ended_at,
            "end_reason": "" if active else reason,
            "previous": None if session.previous is None else Ref(session.previous.number),
            "pinned_at": session.pinned_at,
            "archived_at": session.archived_at,
        }

    def message_view(self, message: Message) -> View:
        return {
            "id": Ref((message.session.number, message.position)),
            "session": Ref(message.session.number),
            "role": message.role,
            "content": message.content,
            "position": message.position,
            "state": message.state_at(self.now),
            "attempt": message.attempt,
            "created_at": message.created_at,
        }
