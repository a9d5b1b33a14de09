"""The rules that both ways of asking know: people, workers, cron and time."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.model.agreement import SCOPES, Agreement
from tests.model.follower import Follower
from tests.model.reference import (
    DAY,
    SECOND,
    UNDO,
    UNFINISHED,
    Message,
    Session,
)
from tests.model.views import View
from tests.model.workers import FAILING

KNOWN_SCOPES = st.sampled_from(SCOPES)
OWNERS = st.sampled_from(("ada", "vera", "ada", "vera", "eve"))
ANY = st.integers(0, 11)
RETENTION = 1  # days
# Whole answers, leases and timeouts, a hair before and after each; and a clock that was set back.
SPANS = st.sampled_from(
    [
        *(0, 1, SECOND // 2, SECOND - 1, SECOND, 5 * SECOND, 20 * SECOND, 60 * SECOND),
        *(30 * SECOND - 1000, 30 * SECOND, 30 * SECOND + 1000),
        *(300 * SECOND - 1000, 300 * SECOND, 300 * SECOND + 1000),
        *(-SECOND, -20 * SECOND, 1800 * SECOND, 86_400 * SECOND),
    ]
)
HAIRS = st.sampled_from([0, 0, -1, 1, -1000, 1000])
ORGANISING = ("rename", "pin", "unpin", "archive", "unarchive", "mark_read")


class ChatMachine(Agreement):
    """A story of people, their tabs, workers and clocks."""

    @precondition(lambda self: self.ever)
    @rule(owner=OWNERS, which=ANY, stale=st.booleans(), verb=st.sampled_from(("end", "delete")))
    def put_an_end(self, owner: str, which: int, stale: bool, verb: str) -> None:
        number = self.some(owner, which)

        def expected() -> View | None:
            session = self.model.find(owner, number)
            getattr(self.model, verb)(session)
            return self.model.session_view(session) if verb == "end" else None

        act = getattr(self.driver, verb)
        self.both(verb, owner, expected, lambda: act(owner, self.real(number), stale=stale))

    # What people do

    @rule(owner=OWNERS, scope=KNOWN_SCOPES, failing=st.integers(0, 4), case=st.integers(0, 3))
    def send(self, owner: str, scope: str, failing: int, case: int) -> None:
        key = f"key-{len(self.sent):08}"
        used = [key for sender, _text, key, _scope in self.sent if sender == owner]
        if case == 0 and used:  # some databases find ABC and abc equal
            key = used[-1].swapcase()
        self._send("send", (owner, self.text(failing=not failing), key, scope), None)

    @initialize(scope=KNOWN_SCOPES)
    def begin(self, scope: str) -> None:
        """Two people have asked something already; most stories are about them."""
        for owner in ("ada", "vera"):
            self._send("send", (owner, self.text(), f"key-{len(self.sent):08}", scope), None)

    @rule(owner=OWNERS, scope=KNOWN_SCOPES)
    def talk(self, owner: str, scope: str) -> None:
        """Ask, and get the answer."""
        self._send("send", (owner, self.text(), f"key-{len(self.sent):08}", scope), None)
        self.work_at_once(owner, len(self.model.handed_over) - 1)

    @precondition(lambda self: self.ever)
    @rule(owner=OWNERS, which=ANY)
    def send_to(self, owner: str, which: int) -> None:
        """A tab sends to the session that it shows, which may be long over, or gone."""
        key = f"key-{len(self.sent):08}"
        self._send("send_to", (owner, self.text(), key, SCOPES[1]), self.some(owner, which))

    @precondition(lambda self: self.sent)
    @rule(which=ANY, named=ANY, how=st.sampled_from(("same", "same", "text", "owner")))
    def send_again(self, which: int, named: int, how: str) -> None:
        """From another tab or much later, or what only looks like it."""
        owner, text, key, scope = self.sent[-1 - which % len(self.sent)]
        owner = {"ada": "vera", "vera": "eve", "eve": "ada"}[owner] if how == "owner" else owner
        text = self.text() if how == "text" else text
        shown = self.some(owner, named) if named < 4 else None
        self._send("send_again", (owner, text, key, scope), shown)

    def _send(self, name: str, what: tuple[str, str, str, str], named: int | None) -> None:
        owner = what[0]
        self.sent.append(what)
        real = None if named is None else self.real(named)
        self.both(
            name,
            owner,
            lambda: self.model.send(*what, named),
            lambda: self.driver.send(*what, real),
        )

    @rule(owner=OWNERS, scope=KNOWN_SCOPES)
    def start(self, owner: str, scope: str) -> None:
        self.both(
            "start",
            owner,
            lambda: self.model.start(owner, scope),
            lambda: self.driver.start(owner, scope),
        )

    @precondition(lambda self: self.ever)
    @rule(owner=OWNERS, which=ANY, wait=st.sampled_from((0, SECOND - 1, SECOND, 5 * SECOND)))
    def touch(self, owner: str, which: int, wait: int) -> None:
        """Type, while an answer is being written too; sooner than is written down, or later."""
        number = self.running_or(owner, which)
        self.pass_time(wait)

        def expected() -> View:
            session = self.model.find(owner, number)
            self.model.touch(session)
            return self.model.session_view(session)

        self.both("touch", owner, expected, lambda: self.driver.touch(owner, self.real(number)))

    @precondition(lambda self: self.ever)
    @rule(owner=OWNERS, which=ANY, stale=st.booleans())
    def reopen(self, owner: str, which: int, stale: bool) -> None:
        number = self.some(owner, which)
        self.both(
            "reopen",
            owner,
            lambda: self.model.reopen(self.model.find(owner, number)),
            lambda: self.driver.reopen(owner, self.real(number), stale=stale),
        )

    @precondition(lambda self: self.ever)
    @rule(owner=OWNERS, which=ANY, stale=st.booleans())
    def stop(self, owner: str, which: int, stale: bool) -> None:
        number = self.running_or(owner, which)

        def expected() -> View:
            session = self.model.find(owner, number)
            return self.with_reply(session, self.model.stop(session))

        actual = self.driver.stop
        self.both("stop", owner, expected, lambda: actual(owner, self.real(number), stale=stale))

    @precondition(lambda self: self.ever)
    @rule(owner=OWNERS, which=ANY, stale=st.booleans())
    def retry(self, owner: str, which: int, stale: bool) -> None:
        number = self.some(owner, which)
        failed = [one for one in self.model.owned(owner) if self.has_failed(one)]
        if failed and which < 8:
            number = failed[-1 - which % len(failed)].number
            self.pass_time(SECOND)

        def expected() -> View:
            session = self.model.find(owner, number)
            return self.with_reply(session, self.model.retry(session))

        actual = self.driver.retry
        self.both("retry", owner, expected, lambda: actual(owner, self.real(number), stale=stale))

    def has_failed(self, session: Session) -> bool:
        last = session.messages[-1].state_at(self.model.now) if session.messages else ""
        return session.is_active(self.model.now) and last in ("failed", "stopped", "interrupted")

    def with_reply(self, session: Session, reply: Message | None) -> View:
        shown = None if reply is None else self.model.message_view(reply)
        return {"session": self.model.session_view(session), "reply": shown}

    def running_or(self, owner: str, which: int) -> int:
        """Return one that waits for an answer where there is one; else any."""
        mine = [one for one in self.model.owned(owner) if one.is_running(self.model.now)]
        return mine[-1].number if mine and which < 8 else self.some(owner, which)

    @precondition(lambda self: self.ever)
    @rule(owner=OWNERS, which=ANY, what=st.sampled_from(ORGANISING))
    def organise(self, owner: str, which: int, what: str) -> None:
        number, title = self.some(owner, which), self.text()

        def expected() -> View:
            session = self.model.find(owner, number)
            getattr(self.model, what)(session, *([title] if what == "rename" else []))
            return self.model.session_view(session)

        actual = self.driver.organise
        self.both(what, owner, expected, lambda: actual(owner, self.real(number), what, title))

    @precondition(lambda self: self.ever)
    @rule(owner=OWNERS, which=ANY, hair=st.sampled_from((None, None, -1, 0, 1)))
    def restore(self, owner: str, which: int, hair: int | None) -> None:
        """Take a deletion back, also at the last moment at which that can be done, or too late."""
        deleted = [one for one in self.model.sessions if one.deleted_at is not None]
        number = self.some(owner, which)
        if deleted and which < 9:
            chosen = deleted[-1 - which % len(deleted)]
            number, owner = chosen.number, chosen.owner
            self.wait_until((chosen.deleted_at or 0) + UNDO, hair)
        self.both(
            "restore",
            owner,
            lambda: self.model.session_view(self.model.restore(owner, number)),
            lambda: self.driver.restore(owner, self.real(number)),
        )

    @precondition(lambda self: self.ever)
    @rule(visitor=st.sampled_from(("vera", "vito")), user=st.sampled_from(("ada", "eve")))
    def log_in(self, visitor: str, user: str) -> None:
        self.both(
            "claim",
            user,
            lambda: self.model.claim(visitor, user) and None,
            lambda: self.driver.claim(visitor, user),
        )
        self.followers.pop(visitor, None)

    @precondition(lambda self: len(self.model.sessions) > 5)
    @rule(owner=OWNERS)
    def erase(self, owner: str) -> None:
        self.both(
            "erase",
            owner,
            lambda: self.model.erase(owner),
            lambda: self.driver.erase(owner),
        )
        self.followers.pop(owner, None)

    # Not twice in a row: the first story of every run is the plainest, one rule again and again.
    @precondition(lambda self: self.ever and self.last != "follow")
    @rule(owner=OWNERS)
    def follow(self, owner: str) -> None:
        """Ask for what is new since the last time, and have all of what is open then."""
        follower = self.followers.setdefault(owner, Follower())
        self.both(
            "follow",
            owner,
            lambda: self.model.follow(owner),
            lambda: follower.read(lambda since: self.driver.updates(owner, since)),
        )
        live = [
            one
            for one in self.model.owned(owner)
            if one.is_active(self.model.now) or one.is_running(self.model.now)
        ]
        follower.keep({self.real(one.number) for one in live})
        for one in live:
            seen = follower.seen_of(self.real(one.number))
            self.names.match(self.model.session_view(one), seen["session"], "followed")
            said = [self.model.message_view(each) for each in one.messages]
            self.names.match(said[-2:], seen["messages"][-2:], "followed")
            start = len(said) - len(seen["messages"])
            self.names.match(said[start:], seen["messages"], "followed")

    @precondition(lambda self: len(self.ever) > 1)
    @rule(owner=OWNERS, size=st.integers(1, 3), archived=st.booleans())
    def turn_pages(self, owner: str, size: int, archived: bool) -> None:
        def shown() -> list[View]:
            rows = self.model.history(owner, archived=archived)
            return [self.model.session_view(one) for one in rows]

        self.both(
            "turn_pages",
            owner,
            shown,
            lambda: self.driver.history(owner, archived=archived, size=size),
        )

    # Time

    @precondition(lambda self: self.ever and self.last != "time_passes")
    @rule(span=SPANS)
    def time_passes(self, span: int) -> None:
        self.ran["time_passes"] += 1
        self.last = "time_passes"
        self.pass_time(span)

    @precondition(lambda self: self.edges())
    @rule(which=ANY, hair=HAIRS)
    def to_the_edge(self, which: int, hair: int) -> None:
        """Go to a moment at which something changes although nobody acts, or a hair beside it."""
        self.ran["to_the_edge"] += 1
        edges = self.edges()
        self.pass_time(edges[which % len(edges)] + hair - self.model.now)
        for owner in ("ada", "vera"):
            self.see_places(owner)
        self.note_time()

    def wait_until(self, moment: int, hair: int | None) -> None:
        """Let time pass until a hair beside a moment that is still to come."""
        if hair is not None and moment + hair > self.model.now:
            self.pass_time(moment + hair - self.model.now)

    def edges(self) -> list[int]:
        found = set()
        for one in self.model.sessions:
            if one.open:
                found.add(one.deadline()[0])
            if one.deleted_at is not None:
                found.add(one.deleted_at + UNDO)
            found |= {each.lease for each in one.messages if each.state in UNFINISHED}
        return sorted(moment for moment in found if moment > self.model.now)

    # Workers and cron

    @precondition(lambda self: self.model.handed_over)
    @rule(which=ANY, owner=OWNERS, at_once=st.booleans())
    def work(self, which: int, owner: str, at_once: bool) -> None:
        """A worker gets what was handed over: now, again, or after others had it."""
        item = len(self.model.handed_over) - 1 - which % len(self.model.handed_over)
        reply, attempt = self.model.handed_over[item]
        if at_once:
            self.work_at_once(owner, item)
            return

        def expected() -> bool:
            token = self.model.take(reply, attempt)
            if token is not None:
                self.model.writing.append((reply, token))
            return token is not None

        self.both("work", owner, expected, lambda: self.workers.take(item))

    def work_at_once(self, owner: str, item: int) -> None:
        reply = self.model.handed_over[item][0]
        self.both(
            "work_at_once",
            owner,
            lambda: self.model.run(reply, FAILING),
            lambda: self.workers.run(item),
        )

    @precondition(lambda self: self.model.writing)
    @rule(which=ANY, owner=OWNERS, state=st.sampled_from(("answered", "failed", "running")))
    def write(self, which: int, owner: str, state: str) -> None:
        """Also one that was stopped, or taken for dead, or is: whoever slept comes too late."""
        worker = len(self.model.writing) - 1 - which % 3 % len(self.model.writing)
        reply, token = self.model.writing[worker]
        text, unread = f"{reply.content} and {which}", state == "answered"
        reader = reply.session.owner
        if state == "running":
            self.both(
                "write",
                owner,
                lambda: self.model.write(reply, token, text),
                lambda: self.workers.write(worker, text),
            )
            self.follow(reader)
            return
        self.both(
            state,
            owner,
            lambda: self.model.finish(reply, token, state, text, unread=unread),
            lambda: self.workers.finish(worker, state, text, unread=unread),
        )

    @precondition(lambda self: self.model.writing)
    @rule(which=ANY, owner=OWNERS, times=st.sampled_from((1, 1, 11)))
    def renew(self, which: int, owner: str, times: int) -> None:
        """Keep the lease, once, or for longer than a session may be idle."""
        worker = len(self.model.writing) - 1 - which % len(self.model.writing)
        reply, token = self.model.writing[worker]
        for _ in range(times - 1):
            assert self.model.renew(reply, token) == self.workers.renew(worker)
            self.pass_time(29 * SECOND)
        self.both(
            "renew",
            owner,
            lambda: self.model.renew(reply, token),
            lambda: self.workers.renew(worker),
        )

    @precondition(lambda self: self.ever)
    @rule(
        owner=OWNERS,
        days=st.sampled_from((None, None, RETENTION, 0)),
        sweep=st.booleans(),
        hair=st.sampled_from((None, None, -1, 0, 1)),
    )
    def clean_up(self, owner: str, days: int | None, sweep: bool, hair: int | None) -> None:
        """Cron comes, also when something is a hair from being old enough to go."""
        from django_chat_sessions import services

        if sweep:
            self.both("sweep", owner, self.model.sweep, services.sweep, several=True)
            return

        for one in self.model.sessions[:1]:
            latest = max(one.last_message_at, one.activity_at)
            since = latest if one.deleted_at is None else one.deleted_at
            self.wait_until(since + DAY, hair)

        def expected() -> list[int]:
            self.model.recover()
            return [self.model.sweep(), self.model.purge(days)]

        def actual() -> list[int]:
            services.recover(ended=True)
            return [services.sweep(), services.purge(older_than_days=days)]

        self.both("clean_up", owner, expected, actual, several=True)
