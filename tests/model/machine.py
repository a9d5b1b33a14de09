"""Asks the package and the model for the same, and compares all that can be seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from django_chat_sessions import get_message_model, get_session_model
from django_chat_sessions.testing import FrozenClock
from tests.model.comparing import Names, moment_of
from tests.model.follower import Follower
from tests.model.recorder import Recorder
from tests.model.reference import IDLE, SECOND, UNDO, UNFINISHED, Message, Ref, Refused, Session
from tests.model.reference_upkeep import Reference
from tests.model.views import View, stored
from tests.model.workers import FAILING, Queue, Workers

SCOPES = ("", "subject:1")
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


class ChatMachine(RuleBasedStateMachine):
    """Rules that both ways of asking know."""

    driver: ClassVar[Any]
    clock: ClassVar[FrozenClock]
    recorder: ClassVar[Recorder]
    ran: ClassVar[Counter[str]] = Counter()
    met: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        for model in (get_message_model(), get_session_model()):
            model._base_manager.all().delete()
        self.driver.reset()
        self.recorder.taken()
        Queue.items.clear()
        self.model, self.names, self.workers = Reference(), Names(), Workers()
        self.followers: dict[str, Follower] = {}
        self.sent: list[tuple[str, str, str, str]] = []
        self.ever: list[int] = []
        self.texts = self.turn = 0
        self.last = ""
        self.rows: dict[str, list[View]] = {"sessions": [], "messages": []}
        self.pass_time(0)

    # One step

    def pass_time(self, span: int) -> None:
        self.model.now += span
        self.clock.move_to(moment_of(self.model.now))

    def both(
        self, name: str, owner: str, expected: Callable[[], Any], actual: Callable[[], Any]
    ) -> View | None:
        """Ask the model, then the package; compare the answers and everything that is there."""
        self.ran[name] += 1
        self.last = name
        wanted, found = outcome(expected), outcome(actual)
        self.names.match(wanted, found, name)
        told, self.model.signals = self.model.signals, []
        self.names.match(told, self.recorder.taken(), f"the signals of {name}")
        self.note(wanted, told)
        handed = [Ref((one.session.number, one.position)) for one, _ in self.model.handed_over]
        self.names.match(handed, [str(one.pk) for one, _ in Queue.items], "what was handed over")
        self.observe(owner)
        return wanted if isinstance(wanted, dict) else None

    def note(self, wanted: Any, told: list[tuple[str, View]]) -> None:
        """Count what was met, so that a run can say what it has seen."""
        if isinstance(wanted, dict):
            arrival = wanted.get("arrival", wanted)
            if "refused" in wanted:
                self.met[f"refused: {wanted['refused']}"] += 1
            if "status" in arrival:
                self.met[f"arrival: {arrival['status']}, {arrival['reason']}"] += 1
            if wanted.get("created") is False:
                self.met["a known key: stored once"] += 1
        if wanted is False:
            self.met["a worker too late: refused"] += 1
        for signal, facts in told:
            more = facts.get("reason") or facts.get("state") or ""
            self.met[f"signal: {signal} {more}".rstrip()] += 1
        self.ever += [one.number for one in self.model.sessions if one.number not in self.ever]
        self.note_time()

    def note_time(self) -> None:
        """Count the moments at which a wrong bound would show."""
        for one in self.model.sessions:
            if one.is_active(self.model.now) and one.activity_at + IDLE <= self.model.now:
                self.met["open because its reply is being written"] += 1
            if one.open and one.deadline()[0] == self.model.now:
                self.met["asked at the very moment of expiry"] += 1
            if one.is_active(self.model.now) and one.deadline()[0] <= self.model.now + 1000:
                self.met["asked within a millisecond before expiry"] += 1

    def observe(self, owner: str) -> None:
        """Compare every row there is, and, in turn, each way in which the owner sees them."""
        self.rows = stored(self.driver.owners)
        self.names.match(self.expected_rows(), self.rows, "stored")
        self.turn += 1
        (self.see_places, self.see_history, self.see_transcript)[self.turn % 3](owner)

    def see_places(self, owner: str) -> None:
        for scope in SCOPES:
            wanted = self.model.look(owner, scope)
            self.names.match(wanted, self.driver.look(owner, scope), "look")

    def see_history(self, owner: str) -> None:
        for archived in (False, True):
            rows = self.model.history(owner, archived=archived)
            shown = [self.model.session_view(one) for one in rows]
            self.names.match(shown, self.driver.history(owner, archived=archived), "history")

    def see_transcript(self, owner: str) -> None:
        mine = self.model.owned(owner)
        if mine:
            latest = max(mine, key=lambda one: one.last_message_at)
            page = {
                "session": self.model.session_view(latest),
                "messages": [self.model.message_view(each) for each in latest.messages],
            }
            seen = self.driver.transcript(owner, self.real(latest.number))
            self.names.match(page, seen, "transcript")

    def expected_rows(self) -> dict[str, list[View]]:
        sessions, messages = [], []
        for one in self.model.sessions:
            seen = self.model.session_view(one)
            del seen["state"], seen["running"]
            more = {"owner": one.owner, "open": one.open, "deleted_at": one.deleted_at}
            more |= {"ended_at": one.ended_at, "end_reason": one.end_reason}
            more["expires_at"] = one.deadline()[0] if one.open else None
            sessions.append({**seen, **more})
            for message in one.messages:
                kept = self.model.message_view(message)
                messages.append({**kept, "state": message.state, "keyed": bool(message.key)})
        return {"sessions": sessions, "messages": messages}

    # Choosing

    def real(self, number: int) -> str:
        return str(self.names.real[number])

    def some(self, owner: str, which: int) -> int:
        """Return a session: one of the owner's, the newest first; or any there ever was."""
        mine = [one.number for one in self.model.owned(owner)]
        if mine and which < 10:
            return mine[-1 - which % len(mine)]
        return self.ever[-1 - (which * 5) % len(self.ever)]

    def text(self, *, failing: bool = False) -> str:
        self.texts += 1
        return f"{FAILING if failing else 'Question'} {self.texts}"

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

    @rule(owner=OWNERS, scope=KNOWN_SCOPES, failing=st.integers(0, 4), other_case=ANY)
    def send(self, owner: str, scope: str, failing: int, other_case: int) -> None:
        key = f"key-{len(self.sent):08}"
        if other_case == 0 and self.sent:  # some databases find ABC and abc equal
            key = self.sent[-1][2].swapcase()
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
    @rule(owner=OWNERS, which=ANY)
    def touch(self, owner: str, which: int) -> None:
        number = self.some(owner, which)

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

        def expected() -> View:
            session = self.model.find(owner, number)
            return self.with_reply(session, self.model.retry(session))

        actual = self.driver.retry
        self.both("retry", owner, expected, lambda: actual(owner, self.real(number), stale=stale))

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
    @rule(owner=OWNERS, which=ANY)
    def restore(self, owner: str, which: int) -> None:
        deleted = [one for one in self.model.sessions if one.deleted_at is not None]
        number = self.some(owner, which)
        if deleted and which < 9:
            number, owner = deleted[-1 - which % len(deleted)].number, deleted[-1].owner
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

    @precondition(lambda self: self.ever)
    @rule(span=SPANS)
    def time_passes(self, span: int) -> None:
        self.ran["time_passes"] += 1
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
        worker = len(self.model.writing) - 1 - which % len(self.model.writing)
        reply, token = self.model.writing[worker]
        text, unread = f"Answer {which}", state == "answered"
        if state == "running":
            self.both(
                "write",
                owner,
                lambda: self.model.write(reply, token, text),
                lambda: self.workers.write(worker, text),
            )
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
    @rule(owner=OWNERS, days=st.sampled_from((None, None, RETENTION, 0)), sweep=st.booleans())
    def clean_up(self, owner: str, days: int | None, sweep: bool) -> None:
        from django_chat_sessions import services

        if sweep:
            self.both("sweep", owner, self.model.sweep, services.sweep)
            return

        def expected() -> list[int]:
            self.model.recover()
            return [self.model.sweep(), self.model.purge(days)]

        def actual() -> list[int]:
            services.recover(ended=True)
            return [services.sweep(), services.purge(older_than_days=days)]

        self.both("clean_up", owner, expected, actual)

    # Whatever happens

    @invariant()
    def promises_hold(self) -> None:
        """What the design promises of the rows, whatever the model says."""
        sessions, messages = self.rows["sessions"], self.rows["messages"]
        held = Counter((row["owner"], row["scope"]) for row in sessions if row["open"])
        assert max(held.values(), default=1) == 1, "two open sessions in one place"
        assert all(row["owner"] != "somebody" for row in sessions), "nobody's session"
        places: dict[str, list[int]] = {row["id"]: [] for row in sessions}
        for row in messages:
            places[row["session"]].append(row["position"])
        for row in sessions:
            assert places[row["id"]] == list(range(row["message_count"])), "a gap"
        waiting = [row["session"] for row in messages if row["state"] in UNFINISHED]
        assert len(waiting) == len(set(waiting)), "two turns at once"


def outcome(ask: Callable[[], Any]) -> Any:
    """Return what was answered, or what was refused and why."""
    try:
        return ask()
    except Refused as refusal:
        return {"refused": refusal.code, **refusal.facts}
