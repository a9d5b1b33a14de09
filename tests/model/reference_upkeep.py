"""The rest of the reference model: replies and their workers, organising, cleaning up, claiming."""

from __future__ import annotations

from typing import Any

from tests.model.reference import (
    ATTEMPTS,
    DAY,
    LEASE,
    UNDO,
    UNFINISHED,
    Chats,
    Message,
    Ref,
    Refused,
    Session,
    View,
)


class Reference(Chats):
    """All of the life cycle."""

    # A worker: what it was handed may come late, twice, or to one that dies with it

    def take(self, reply: Message, attempt: int) -> int | None:
        """Return the token of the worker that may write from now on."""
        fresh = reply.state == "pending" and self.now < reply.lease
        if not fresh or reply.attempt != attempt:
            return None
        self._tokens += 1
        reply.state, reply.token = "running", self._tokens
        self._hold(reply)
        return reply.token

    def write(self, reply: Message, token: int, text: str) -> bool:
        if not self._is_theirs(reply, token):
            return False
        reply.content = text
        return True

    def renew(self, reply: Message, token: int) -> bool:
        if reply.session.is_lapsed(self.now) or not self._is_theirs(reply, token):
            return False
        self._hold(reply)
        return True

    def finish(
        self, reply: Message, token: int, state: str, text: str, *, unread: bool = False
    ) -> bool:
        if not self._is_theirs(reply, token):
            return False
        session = reply.session
        reply.state, reply.content = state, text
        self._turn_is_over(session, text)
        session.unread = session.unread or unread
        facts = {} if state == "answered" else {"state": state}
        signal = "turn_answered" if state == "answered" else "turn_failed"
        self._tell(signal, session, reply=reply.position, **facts)
        return True

    def run(self, reply: Message, failing: str) -> None:
        """A worker that answers with the question at once, or fails where that is asked for."""
        token = self.take(reply, reply.attempt)
        if token is None:
            return
        question = reply.session.messages[reply.position - 1].content
        if question.startswith(failing):
            self.finish(reply, token, "failed", "You asked")
        else:
            self.finish(reply, token, "answered", f"You asked: {question}", unread=True)

    def _is_theirs(self, reply: Message, token: int) -> bool:
        return reply.token == token and reply.state in UNFINISHED

    def _hold(self, reply: Message) -> None:
        reply.lease = self.now + LEASE
        if reply.session.held_until is not None and not reply.session.is_lapsed(self.now):
            reply.session.held_until = reply.lease

    def _turn_is_over(self, session: Session, text: str) -> None:
        session.last_message_at = max(self.now, session.last_message_at)
        if not session.is_lapsed(self.now):
            session.activity_at = max(self.now, session.activity_at)
            session.held_until = None
        session.preview = " ".join(text.split()) or session.preview  # in one line

    # Its reader

    def stop(self, session: Session) -> Message | None:
        if session.is_running(self.now):
            self._turn_is_over(session, self._stop_replies(session))
        replies = [each for each in session.messages if each.state]
        return replies[-1] if replies else None

    def _stop_replies(self, session: Session) -> str:
        text = ""
        for reply in session.messages:
            if reply.state in UNFINISHED:
                reply.state, reply.token, text = "stopped", None, reply.content
                self._tell("turn_failed", session, reply=reply.position, state="stopped")
        return text

    def retry(self, session: Session) -> Message:
        last = session.messages[-1] if session.messages else None
        state = "" if last is None else last.state_at(self.now)
        if state in UNFINISHED:
            self.refuse_if_running(session, last)
        if last is None or state not in ("failed", "stopped", "interrupted"):
            raise Refused("nothing_to_retry", session=self.session_view(session))
        self._ask_again(last, "pending")
        return last

    def _ask_again(self, reply: Message, state: str) -> None:
        session = reply.session
        self._refuse_if_over(session)
        self.refuse_if_running(session, reply)
        reply.state, reply.token, reply.content = state, None, ""
        reply.attempt, reply.lease = reply.attempt + 1, self.now + LEASE
        session.held_until = reply.lease
        session.activity_at = max(self.now, session.activity_at)
        session.preview = session.messages[reply.position - 1].content
        if state == "pending":
            self.handed_over.append((reply, reply.attempt))

    # A host that answers in its own view

    def begin_turn(self, session: Session, question: str, key: str) -> tuple[Message, bool]:
        """Return the reply and whether it is the host's to write."""
        known = self._known(session.owner, key, question)
        if known is None:
            self._refuse_if_over(session)
            self._append(session, [("user", question, key, ""), ("assistant", "", None, "running")])
            reply = session.messages[-1]
        else:
            following = known.session.messages[known.position + 1 : known.position + 2]
            if not following or not following[0].state:
                raise Refused("key_reused")
            reply = following[0]
            if reply.state == "answered":
                return reply, False
            self._ask_again(reply, "running")
        self._tokens += 1
        reply.token = self._tokens
        return reply, True

    # Organising

    def rename(self, session: Session, title: str) -> None:
        session.title = title

    def pin(self, session: Session) -> None:
        if session.pinned_at is None:
            session.pinned_at = self.now

    def unpin(self, session: Session) -> None:
        session.pinned_at = None

    def archive(self, session: Session) -> None:
        if session.archived_at is None:
            self.end(session)
            session.archived_at = self.now

    def unarchive(self, session: Session) -> None:
        session.archived_at = None

    def mark_read(self, session: Session) -> None:
        session.unread = False

    def delete(self, session: Session) -> None:
        if session.held_until is not None:
            self._stop_replies(session)
        if session.open:
            self._close(session, "deleted")
        session.deleted_at, session.held_until = self.now, None

    def restore(self, owner: str, number: int) -> Session:
        for session in self.sessions:
            if session.owner == owner and session.number == number:
                break
        else:
            raise Refused("not_found")
        if session.deleted_at is not None:
            if self.now - session.deleted_at >= UNDO:
                raise Refused("not_found")
            session.deleted_at = None
            if session.end_reason == "deleted":
                session.end_reason = "user"
        return session

    # Cleaning up

    def follow(self, owner: str) -> None:
        """A reader finds what dead workers left behind in what is open."""
        for session in self.in_order(self.owned(owner)):
            if session.open:
                self._recover(session)

    def recover(self) -> None:
        for session in self.sessions:
            self._recover(session)

    def _recover(self, session: Session) -> None:
        if session.held_until is None or session.is_running(self.now):
            return
        lost = [each for each in session.messages if each.state in UNFINISHED]
        if lost and session.is_active(self.now) and lost[-1].attempt < ATTEMPTS:
            self._ask_again(lost[-1], "pending")
            return
        self.interrupt_lost(session)
        if session.open:  # the lease was its activity
            session.activity_at = max(session.held_until, session.activity_at)
        session.held_until = None

    def sweep(self) -> int:
        lapsed = [one for one in self.sessions if one.is_lapsed(self.now)]
        for session in lapsed:
            self.interrupt_lost(session)
            self._close(session, "idle")
        return len(lapsed)

    def purge(self, days: int | None) -> int:
        doomed = [one for one in self.sessions if self._is_doomed(one, days)]
        self._remove(doomed)
        return len(doomed)

    def _is_doomed(self, session: Session, days: int | None) -> bool:
        deleted = session.deleted_at is not None and self.now - session.deleted_at >= UNDO
        since = max(session.last_message_at, session.activity_at)
        old = days is not None and self.now - since > days * DAY
        return not session.open and (deleted or old)

    def erase(self, owner: str) -> None:
        mine = [one for one in self.sessions if one.owner == owner]
        for session in mine:
            if session.open or session.held_until is not None:
                self.delete(session)
        self._remove(mine)

    def _remove(self, doomed: list[Session]) -> None:
        self.sessions = [one for one in self.sessions if one not in doomed]
        for session in self.sessions:
            if session.previous in doomed:
                session.previous = None
        for reply in (each for one in doomed for each in one.messages):
            reply.state, reply.token = "gone", None

    # Logging in

    def claim(self, visitor: str, user: str) -> View:
        moving = [one for one in self.sessions if one.owner == visitor]
        known = {each.key for one in self.sessions if one.owner == user for each in one.messages}
        ended: list[Any] = []
        for session in moving:
            rival = self.held(user, session.scope) if session.open else None
            session.owner = user
            if rival is not None:
                pair = (session, rival)
                kept, loser = pair if self._livelier(session, rival) else pair[::-1]
                self._close(loser, "merged")
                if loser.is_begun and not kept.is_begun:
                    kept.previous = loser
                ended.append(Ref(loser.number))
        for message in (each for one in moving for each in one.messages):
            if message.key in known:  # sent again before the claim: it is there twice already
                message.key = None
        claimed = {"moved": len(moving), "ended": ended}
        if moving:
            self.signals.append(("sessions_claimed", {"owner": user, **claimed}))
        return claimed

    def _livelier(self, one: Session, other: Session) -> bool:
        ways = [
            (each.is_active(self.now), each.is_begun, each.latest_activity())
            for each in (one, other)
        ]
        return ways[0] > ways[1]
