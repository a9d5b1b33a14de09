"""Asks the package and the model for the same, and compares all that can be seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis.stateful import RuleBasedStateMachine, invariant

from django_chat_sessions import get_message_model, get_session_model
from django_chat_sessions.testing import FrozenClock
from tests.model.comparing import Names, moment_of
from tests.model.follower import Follower
from tests.model.recorder import Recorder
from tests.model.reference import (
    IDLE,
    UNFINISHED,
    Ref,
    Refused,
)
from tests.model.reference_upkeep import Reference
from tests.model.views import View, stored
from tests.model.workers import FAILING, Queue, Workers

SCOPES = ("", "subject:1")


class Agreement(RuleBasedStateMachine):
    """A story as it is told to both; its rules are in subclasses."""

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
        self,
        name: str,
        owner: str,
        expected: Callable[[], Any],
        actual: Callable[[], Any],
        *,
        several: bool = False,
    ) -> View | None:
        """Ask the model, then the package; compare the answers and everything that is there.

        ``several`` sessions may be dealt with in any order, each with its signals in their own.
        """
        self.ran[name] += 1
        self.last = name
        wanted, found = outcome(expected), outcome(actual)
        self.names.match(wanted, found, name)
        told, self.model.signals = self.model.signals, []
        heard = self.recorder.taken()
        if several:
            told.sort(key=lambda signal: signal[1]["session"].of)
            heard.sort(key=lambda signal: self.names.known.get((int, signal[1]["session"]), 0))
        self.names.match(told, heard, f"the signals of {name}")
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
