"""Whatever happens to tabs, network and server, and in whatever order: no text is lost or doubled.

Each test is one random story of one reader with up to three tabs. It is told from a seed that it
prints; the same seed and number tell the same story again:

    CHAT_SESSIONS_SEED=7 pytest -s "tests/browser/test_interleavings.py::test_interleaving[12]"

`CHAT_SESSIONS_INTERLEAVINGS` is how many stories there are.
"""

from __future__ import annotations

import os
import random
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Error, Page, Route, expect

from tests.browser.chat_page import IDLE, Chat, Place
from tests.browser.conftest import MakeReader, Reader, Waiting
from tests.browser.site import Site
from tests.browser.test_following import until
from tests.browser.test_interruptions import LEASE, STREAMS_CUT, UNREACHABLE

SEED = os.environ.get("CHAT_SESSIONS_SEED") or "1"
HOW_MANY = int(os.environ.get("CHAT_SESSIONS_INTERLEAVINGS") or 3)
TABS = 3
LENGTH = (8, 14)
PATIENCE = 0.5  # how often somebody waits for an answer before they go on
ANSWER = "It depends."
QUIET_WITHIN = 40_000  # milliseconds; the longest pause between two attempts is 30 seconds
# What the reader provokes: the network is gone, the server too, and two tabs ask at the same time.
NETWORK = (*UNREACHABLE, "ERR_INTERNET_DISCONNECTED", "ERR_NETWORK_CHANGED", *STREAMS_CUT)
REFUSED = (": 409", "status of 409", "Conflict: ")

UNSENT = "article[data-role=user]:is([data-state=sending], [data-state=queued])"
FAILED = "article[data-role=user][data-state=failed]"
UNFINISHED = "article:is([data-state=pending], [data-state=running]), .dcs-skeleton"
AT_REST = re.compile("^(?!Loading|Offline|Reconnecting|Connection|Thinking|Writing).+")
# Every row of the transcript in its order; a boundary is null.
ROWS = """(log) => [...log.querySelectorAll('article, .dcs-boundary')].map((row) =>
  row.matches('article')
    ? {
        role: row.dataset.role,
        state: row.dataset.state ?? '',
        text: row.querySelector('.dcs-message-body').textContent,
      }
    : null
)"""


@pytest.mark.parametrize("number", range(HOW_MANY))
def test_interleaving(
    make_reader: MakeReader, waiting: Waiting, places: dict[str, Place], number: int
) -> None:
    chance = random.Random(f"{SEED}:{number}")  # noqa: S311  no secret
    reader = make_reader(waiting, chance.choice(["visitor", "student"]))
    place = places[chance.choice(["subject", "plain"])]
    say(f"\nCHAT_SESSIONS_SEED={SEED}, interleaving {number}, on the {place.name} page:")
    story = Story(chance, reader, waiting, place)
    try:
        story.tell()
        story.come_to_rest()
    except AssertionError:
        say("\n" + "\n".join(story.seen()))
        raise
    found: list[str] = []

    def holds() -> bool:
        found[:] = story.complaints()
        return not found

    try:
        until(story.tabs[0].page, holds)
    except AssertionError:
        pytest.fail("\n".join([*found, *story.seen()]))


class Story:
    """A reader with tabs, what they do and what happens to them, and what they have sent."""

    def __init__(self, chance: random.Random, reader: Reader, site: Waiting, place: Place) -> None:
        self.chance = chance
        self.reader = reader
        self.site = site
        self.place = place
        self.tabs: list[Chat] = []
        self.unreachable: list[Chat] = []
        self.texts: list[str] = []
        self.sent: list[str] = []
        self.is_online = True
        self.answers_come = True
        self.restarts = 0
        reader.provokes(*NETWORK, *REFUSED)
        site.model.answer_at_once(ANSWER)
        # Time passes in the pages too, whether they look or not.
        reader.context.clock.install()

    def tell(self) -> None:
        for _ in range(self.chance.randint(1, TABS)):
            self.open_tab()
        self.send()
        for step in self.steps():
            step()

    def steps(self) -> Iterator[Callable[[], None]]:
        frequent: list[Callable[[], None]] = [self.send, self.send, self.send, self.send]
        others = [self.reload, self.close, self.crash, self.open_tab, self.go_offline]
        others += [
            self.go_online,
            self.go_online,
            self.expire,
            self.restart,
            self.start_new,
            self.send_and_cut,
        ]
        others += [self.hold_answers, self.release_answers]
        for _ in range(self.chance.randint(*LENGTH)):
            yield self.chance.choice(frequent + others)

    # What the reader does

    def send(self) -> None:
        tab = self.some_tab()
        if tab is not None:
            self.send_in(tab, PATIENCE)

    def send_in(self, tab: Chat, patience: float) -> None:
        if self.is_online and self.answers_come and self.chance.random() < patience:
            self.wait_for(tab)
        text = f"Question {len(self.texts) + 1:02}?"
        self.note(f"send {text[9:11]} in {self.name(tab)}")
        self.texts.append(text)
        tab.ask(text)
        # While something is under way the composer may keep the text instead of taking it.
        if tab.field.input_value() == "":
            self.sent.append(text)
        else:
            self.note("(kept)")
            tab.field.fill("")

    def send_and_cut(self) -> None:
        """Send; the server has the message, and the page never hears that it has."""
        tab = self.some_tab()
        if tab is None:
            return
        self.note("cut the next answer")
        tab.page.route("**/chat/messages", cut, times=1)
        self.send_in(tab, patience=1)

    def start_new(self) -> None:
        tab = self.some_tab()
        if tab is not None:
            self.note(f"new chat in {self.name(tab)}")
            tab.new_chat.click()

    def open_tab(self) -> None:
        if len(self.tabs) < TABS and self.is_online:
            self.note("open a tab")
            tab = self.reader.chat(self.place)
            tab.page.goto(self.place.address)
            self.tabs.append(tab)

    def close(self) -> None:
        tab = self.some_tab()
        if tab is not None:
            self.note(f"close {self.name(tab)}")
            self.tabs.remove(tab)
            tab.page.close()

    def reload(self) -> None:
        tab = self.some_tab()
        if tab is None:
            return
        self.note(f"reload {self.name(tab)}")
        try:
            tab.page.reload()
        except Error:  # offline, a page says that there is no page
            assert not self.is_online
            self.tabs.remove(tab)
            self.unreachable.append(tab)

    def hold_answers(self) -> None:
        self.note("hold answers")
        self.answers_come = False
        self.site.model.hold_answers()

    def release_answers(self) -> None:
        self.note("release answers")
        self.answers_come = True
        self.site.model.answer_at_once(ANSWER)

    # What happens to them

    def crash(self) -> None:
        tab = self.some_tab()
        if tab is None:
            return
        self.note(f"crash {self.name(tab)}")
        crash(tab.page)
        self.tabs.remove(tab)

    def go_offline(self) -> None:
        self.note("offline")
        self.is_online = False
        self.reader.context.set_offline(True)

    def go_online(self) -> None:
        self.note("online")
        self.is_online = True
        self.reader.context.set_offline(False)
        for tab in self.unreachable:
            tab.page.goto(self.place.address)
            self.tabs.append(tab)
        self.unreachable.clear()

    def expire(self) -> None:
        self.note("idle")
        self.let_pass(IDLE)

    def restart(self) -> None:
        if self.restarts:  # it takes seconds
            return
        self.restarts += 1
        how = self.chance.choice([signal.SIGTERM, signal.SIGKILL, signal.SIGKILL])
        self.note(f"restart by {how.name}")
        self.site.stop(how)
        self.let_pass(LEASE)  # whoever wrote an answer then does so no longer
        self.site.start()

    def let_pass(self, seconds: int) -> None:
        self.site.let_pass(seconds)
        self.reader.context.clock.fast_forward(seconds * 1000)

    # What must be there then

    def come_to_rest(self) -> None:
        """Everything works again: wait until no tab has anything left to do."""
        self.release_answers()
        self.go_online()
        if not self.tabs:
            self.open_tab()
        for tab in self.tabs:
            self.wait_for(tab)

    def wait_for(self, tab: Chat) -> None:
        expect(tab.log.locator(UNSENT)).to_have_count(0, timeout=QUIET_WITHIN)
        expect(tab.log.locator(UNFINISHED)).to_have_count(0, timeout=QUIET_WITHIN)
        expect(tab.status).to_have_text(AT_REST, timeout=QUIET_WITHIN)

    def complaints(self) -> list[str]:
        """Return how the database and the tabs differ from what was promised."""
        return [
            *stored_wrongly(self.site),
            *lost_or_doubled(self.sent, self.site.said("user"), self.shown_unsent()),
            *(f"tab {name}: {what}" for name, tab in self.named() for what in self.differs(tab)),
        ]

    def shown_unsent(self) -> list[str]:
        """Texts that are not stored, but kept for the reader to see."""
        rows = [row for tab in self.tabs for row in rows_of(tab) if row and is_unsent(row)]
        return [row["text"] for row in rows] + [tab.field.input_value() for tab in self.tabs]

    def differs(self, tab: Chat) -> Iterator[str]:
        rows = rows_of(tab)
        own = [row["text"] for row in rows if row and row["role"] == "user"]
        yield from (f"{text} is shown twice" for text in repeated(own))
        latest: list[dict[str, Any]] = []
        for row in rows:
            latest = [] if row is None else [*latest, row]
        shown = [row["text"] for row in latest if not is_unsent(row)]
        session = self.current(tab)
        stored = transcripts(self.site)
        if session is not None and shown != stored.get(session, []):
            yield f"shows {shown}, and session {session} has {stored.get(session)}"
        elif session is None and shown and shown not in stored.values():
            yield f"shows {shown}, which no session has"

    def current(self, tab: Chat) -> int | None:
        """The session that the server would go on with."""
        scope = tab.page.locator("[data-scope]").first.get_attribute("data-scope")
        answer = tab.page.request.get("/chat/sessions/current", params={"scope": scope or ""})
        session = answer.json()["session"]
        return None if session is None else int(session["id"])

    def seen(self) -> list[str]:
        """What a person needs who has to find out what went wrong."""
        tabs = [
            f"tab {name}: {tab.status.text_content()} {rows_of(tab)}" for name, tab in self.named()
        ]
        return [f"sent: {self.sent}", *map(str, self.site.messages()), *tabs]

    # How they are told apart

    def some_tab(self) -> Chat | None:
        return self.chance.choice(self.tabs) if self.tabs else None

    def named(self) -> Iterator[tuple[str, Chat]]:
        return ((self.name(tab), tab) for tab in self.tabs)

    def name(self, tab: Chat) -> str:
        return str(self.reader.context.pages.index(tab.page) + 1)

    def note(self, what: str) -> None:
        say(f" {what};")


def say(what: str) -> None:
    """Shown by -s, and by pytest where a story ends badly."""
    sys.stdout.write(what)
    sys.stdout.flush()


def stored_wrongly(site: Site) -> Iterator[str]:
    """What is wrong with the rows, whoever has sent what."""
    rows = site.messages()
    by_session: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        by_session.setdefault(row["session"], []).append(row)
    for number, messages in by_session.items():
        positions = [row["position"] for row in messages]
        if positions != list(range(len(messages))):
            yield f"session {number} has the positions {positions}"
        authors = [row["role"] == "user" for row in messages]
        if authors != [True, False] * (len(messages) // 2):
            yield f"session {number} has not one reply after each message: {messages}"
    sessions = site.sessions()
    for session in sessions:
        if session["message_count"] != len(by_session.get(session["id"], [])):
            yield f"session {session['id']} counts {session['message_count']} messages"
    empty = [session for session in sessions if session["message_count"] == 0]
    # Who asks for a new chat has one; it stays when they say nothing in it until it expires.
    if any(session["end_reason"] != "idle" for session in empty[:-1]):
        yield f"empty sessions: {sessions}"
    if sum(session["ended_at"] is None for session in sessions) > 1:
        yield f"several open sessions: {sessions}"
    owners = site.query("SELECT DISTINCT user_id, visitor_key FROM subjects_chatsession")
    if len(owners) > 1:
        yield f"one reader is several: {owners}"


def lost_or_doubled(sent: list[str], stored: list[str], unsent: list[str]) -> Iterator[str]:
    yield from (f"{text} is stored twice" for text in repeated(stored))
    yield from (f"{text} is lost" for text in sent if text not in {*stored, *unsent})
    yield from (f"{text} was not sent by anybody" for text in stored if text not in sent)
    yield from (f"{text} is stored and still unsent" for text in unsent if text in stored)


def repeated(texts: list[str]) -> list[str]:
    return [text for text, times in Counter(texts).items() if times > 1]


def transcripts(site: Site) -> dict[int, list[str]]:
    texts: dict[int, list[str]] = {row["id"]: [] for row in site.sessions()}
    for row in site.messages():
        texts[row["session"]].append(str(row["text"]))
    return texts


def rows_of(tab: Chat) -> list[dict[str, Any] | None]:
    rows: list[dict[str, Any] | None] = tab.log.evaluate(ROWS)
    return rows


def is_unsent(row: dict[str, Any]) -> bool:
    return row["role"] == "user" and row["state"] in ("queued", "sending", "failed")


def cut(route: Route) -> None:
    """Let the server have the request, and nobody its answer."""
    try:
        route.fetch()
        route.abort("connectionreset")
    except Error:
        pass  # the server or the page was gone before: that is a cut too


def crash(page: Page) -> None:
    """End the process that renders this page, as a person sees it: "Aw, snap!"."""
    with page.expect_event("crash"):
        try:
            page.goto("chrome://crash")
        except Error:
            pass  # it says that the page has crashed
    page.close()
