"""Two tabs, three tabs: one reader, one chat, one stream; each figure is printed by `pytest -s`."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

from tests.browser.chat_page import OTHER_QUESTION, QUESTION, Chat, Place, hold
from tests.browser.conftest import MakeReader, Reader, Waiting, each_once
from tests.browser.site import Site
from tests.browser.test_following import until
from tests.browser.test_interleavings import crash
from tests.browser.test_time import let_pass

ROUNDS = 10
SEEN_WITHIN = 100  # milliseconds, in median
TAKEN_OVER_WITHIN = 2  # seconds
HANDED_OVER_WITHIN = 1  # seconds, in which a stream is not closed yet and the next is open
BETWEEN_HEARTBEATS = 30  # seconds
# Notes when the page shows something else, on a clock that all pages of this machine share.
NOTE_WHAT_IS_SHOWN = """
window.noted = [{ shows: 'nothing', at: 0 }];
const now = () => performance.timeOrigin + performance.now();
const shows = () => {
  const rows = [...document.querySelectorAll('[role=log] :is(article, .dcs-boundary)')];
  if (rows.at(-1)?.matches('article') !== true) return 'a new chat';
  const status = document.querySelector('.dcs-status-text').textContent;
  return status === 'Thinking…' ? 'a message' : 'an answer';
};
const note = () => {
  const shown = shows();
  if (shown !== window.noted.at(-1).shows) window.noted.push({ shows: shown, at: now() });
};
const changes = { childList: true, subtree: true, characterData: true };
new MutationObserver(note).observe(document, changes);
for (const deed of ['keydown', 'click'])
  addEventListener(deed, () => { window.acted = now(); }, true);
"""
ASK_AND_WAIT = "fetch('/chat/sessions/current').then((answer) => answer.text())"
IS_SHOWN = "(what) => window.noted.at(-1).shows === what"
SHOWN_AT = "window.noted.at(-1).at"
# The page is hidden and shown again, left and focused; none of it is a deed.
COME_AND_GO = """() => {
  for (const state of ['hidden', 'visible']) {
    Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }
  for (const type of ['blur', 'focus']) window.dispatchEvent(new Event(type));
  window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
}"""

Tell = Callable[[str], None]


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """Print a figure: shown by -s, and by pytest where a test fails."""

    def telling(figure: str) -> None:
        sys.stdout.write(f"\n{request.node.name}: {figure}")
        sys.stdout.flush()

    return telling


class Streams:
    """The event streams that the pages of a browser have open."""

    def __init__(self, context: BrowserContext) -> None:
        self.begun: list[Request] = []
        # For how many seconds an old stream went on beside a new one.
        self.overlaps: list[float] = []
        self._open: dict[Request, float] = {}
        context.on("request", self._begin)
        context.on("requestfinished", self._end)
        context.on("requestfailed", self._end)

    @property
    def open(self) -> list[Request]:
        """Those of pages that are still there."""
        return [request for request in self._open if not request.frame.page.is_closed()]

    def reader(self) -> Page:
        """The page that reads for all of them."""
        [request] = self.open
        return request.frame.page

    def _begin(self, request: Request) -> None:
        if is_stream(request):
            self.begun.append(request)
            self._open[request] = time.monotonic()

    def _end(self, request: Request) -> None:
        if request in self._open:
            del self._open[request]
            self.overlaps += [time.monotonic() - began for began in self._open.values()]


def is_stream(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    return "/updates" in request.url and accepted.startswith("text/event-stream")


def by_another(leader: Page) -> Callable[[Request], bool]:
    return lambda request: is_stream(request) and request.frame.page is not leader


def heartbeats_of(context: BrowserContext) -> list[Request]:
    heard: list[Request] = []
    context.on("request", lambda one: heard.append(one) if one.url.endswith("/touch") else None)
    return heard


def open_tabs(reader: Reader, place: Place, count: int) -> list[Chat]:
    """Tabs of a chat that has begun, so that nobody gets another name any more."""
    first = reader.chat(place).open().converse()
    return [first, *(reader.chat(place).open() for _ in range(count - 1))]


@pytest.mark.parametrize("count", [2, 3])
def test_what_happens_in_one_tab_is_seen_at_once_in_the_others(
    make_reader: MakeReader, waiting: Waiting, subject: Place, count: int, tell: Tell
) -> None:
    reader = make_reader(waiting, "student")
    reader.context.add_init_script(NOTE_WHAT_IS_SHOWN)
    waiting.model.answer_at_once("Because.")
    tabs = open_tabs(reader, subject, count)
    waiting.model.reset()
    measured: dict[str, list[tuple[float, float]]] = {"a message": [], "a new chat": []}
    for number in range(ROUNDS):
        # Once the tab that reads the stream, and once one that does not.
        acting = tabs[number % count]
        acting.ask(f"Question {number + 1}?")
        measured["a message"].append(seen(tabs, acting, "a message"))
        waiting.model.wait_until_asked()
        waiting.model.finish("Because.")
        seen(tabs, acting, "an answer")
        acting.new_chat.click()
        measured["a new chat"].append(seen(tabs, acting, "a new chat"))
    medians = []
    for what, pairs in measured.items():
        apart, since = zip(*pairs, strict=True)
        medians.append(statistics.median(apart))
        tell(
            f"{what} is shown in all of {count} tabs {medians[-1]:.0f} ms after the first"
            f" (median of {ROUNDS}, worst {max(apart):.0f}),"
            f" {statistics.median(since):.0f} ms after the deed"
        )
    assert max(medians) <= SEEN_WITHIN


def seen(tabs: list[Chat], acting: Chat, what: str) -> tuple[float, float]:
    """Milliseconds until the last tab shows this: after the acting tab did, and after the deed."""
    for tab in tabs:
        tab.page.wait_for_function(IS_SHOWN, arg=what, polling=20)
    shown = {tab: float(tab.page.evaluate(SHOWN_AT)) for tab in tabs}
    last = max(at for tab, at in shown.items() if tab is not acting)
    return last - shown[acting], last - float(acting.page.evaluate("window.acted"))


@pytest.mark.parametrize("end", [Page.close, crash], ids=["closed", "crashed"])
def test_when_the_tab_that_reads_is_gone_another_one_takes_over(
    make_reader: MakeReader,
    waiting: Waiting,
    subject: Place,
    end: Callable[[Page], None],
    tell: Tell,
) -> None:
    reader = make_reader(waiting, "student")
    streams = Streams(reader.context)
    waiting.model.answer_at_once("Because.")
    tabs = open_tabs(reader, subject, 3)
    waiting.model.reset()
    tabs[-1].ask(OTHER_QUESTION)
    waiting.model.wait_until_asked()
    waiting.model.go_on("warmth ")
    for word in ("and light ", "and so on "):
        leader = streams.reader()
        began = time.monotonic()
        with reader.context.expect_event("request", by_another(leader), timeout=5000):
            end(leader)
        took = time.monotonic() - began
        tabs = [tab for tab in tabs if tab.page is not leader]
        assert streams.reader() in [tab.page for tab in tabs]
        waiting.model.go_on(word)
        for tab in tabs:
            expect(tab.answers.last).to_contain_text(word * 2)
        tell(f"another of {len(tabs)} tabs reads after {took * 1000:.0f} ms")
        assert took <= TAKEN_OVER_WITHIN
    waiting.model.finish("at last.")
    [tab] = tabs
    expect(tab.finished.last).to_contain_text("at last.")
    assert len(streams.open) == 1


def test_a_browser_has_one_stream_whatever_its_tabs_do(
    visitor: Reader, site: Site, subject: Place, tell: Tell
) -> None:
    streams = Streams(visitor.context)
    tabs = open_tabs(visitor, subject, 3)
    for tab in tabs:
        for step in (tab.converse, tab.reload):
            step()
            until(tab.page, lambda: len(streams.open) == 1)
    tabs[-1].new_chat.click()
    while len(tabs) > 1:
        streams.reader().close()
        tabs = [tab for tab in tabs if not tab.page.is_closed()]
        until(tabs[0].page, lambda: len(streams.open) == 1)
    tell(
        f"{len(streams.begun)} streams one after another; where one took over,"
        f" two were open for {max(streams.overlaps, default=0) * 1000:.0f} ms at most"
    )
    assert max(streams.overlaps, default=0) <= HANDED_OVER_WITHIN


def test_d14_messages_that_overtake_each_other_stand_in_one_order_in_every_tab(
    visitor: Reader, site: Site, subject: Place
) -> None:
    first, second = open_tabs(visitor, subject, 2)
    late = hold(first.page, "**/chat/messages")
    first.ask("Asked first")
    until(first.page, lambda: len(late) == 1)
    second.converse("Asked second")
    late[0].continue_()
    for tab in (first, second):
        expect(tab.finished).to_have_count(3)
    order = ["Asked second", "Asked first"]
    assert site.said("user")[1:] == order
    for reloaded in (False, True):
        for tab in (first, second):
            if reloaded:
                tab.reload()
            expect(tab.own).to_contain_text([QUESTION, *order])


@each_once
def test_w05_activity_in_one_tab_extends_the_countdown_of_the_other(
    reader: Reader, site: Site, place: Place
) -> None:
    first = reader.chat(place).open().converse()
    second = reader.chat(place).open()
    site.let_pass(250)
    for tab in (first, second):
        tab.reload()
        expect(tab.status).to_contain_text("This chat pauses in")
    first.field.press("a")
    for tab in (first, second):
        expect(tab.status).not_to_contain_text("pauses", timeout=2000)
    assert len(site.messages()) == 2


def test_looking_at_a_chat_sends_no_heartbeat(visitor: Reader, subject: Place, tell: Tell) -> None:
    visitor.context.clock.install()
    heartbeats = heartbeats_of(visitor.context)
    first = visitor.chat(subject).open().converse()
    second = visitor.chat(subject).open()
    for tab in (first, second, first):
        visitor.context.clock.fast_forward((BETWEEN_HEARTBEATS + 1) * 1000)
        tab.page.bring_to_front()
        box = tab.root.bounding_box()
        assert box is not None
        tab.page.mouse.move(1, 1)
        tab.page.mouse.move(box["x"] + 20, box["y"] + 20)
        tab.page.mouse.wheel(0, 100)
        tab.field.focus()
        # What comes back asks where the chat stands; it says nothing about its visitor.
        with tab.page.expect_response("**/sessions/current*"):
            tab.page.evaluate(COME_AND_GO)
    tell(f"{len(heartbeats)} heartbeats from looking, pointing, focusing, hiding and showing")
    assert heartbeats == []


def let_others_hear(*tabs: Chat) -> None:
    """As long as it takes a report to be answered, and the other tabs to hear of it."""
    for tab in (*tabs, *tabs):
        tab.page.evaluate(ASK_AND_WAIT)


def test_heartbeats_are_few_and_come_from_one_tab(
    visitor: Reader, site: Site, subject: Place, tell: Tell
) -> None:
    visitor.context.clock.install()
    heartbeats = heartbeats_of(visitor.context)
    first, second = visitor.chat(subject), visitor.chat(subject)
    # Time jumps here: what chance keeps apart in a second must not fall into the same jump.
    first.page.add_init_script("Math.random = () => 0")
    second.page.add_init_script("Math.random = () => 0.9")
    first.open().converse()
    second.open()
    let_pass(BETWEEN_HEARTBEATS + 1, site, first.page)
    minutes, step = 1, 1
    began = first.page.evaluate("Date.now()")
    first.field.press("a")
    let_others_hear(first, second)
    for _ in range(minutes * 60 // step):
        for tab in (first, second):
            tab.field.press("a")
        let_pass(step, site, first.page)
        let_others_hear(first, second)
    # The time that this took has passed in the pages, too.
    seconds = (first.page.evaluate("Date.now()") - began) // 1000
    most = seconds // BETWEEN_HEARTBEATS + 1
    tell(f"{len(heartbeats)} heartbeats from {seconds} seconds of typing in two tabs")
    assert 1 < len(heartbeats) <= most
