"""Bad networks, clocks, storage and servers: no typed word is lost, none arrives twice."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.browser.chat_page import IDLE, OTHER_QUESTION, QUESTION, Chat, Place, hold
from tests.browser.conftest import SUBJECT, Reader, arguments, each_once
from tests.browser.site import Site
from tests.browser.test_time import PAUSED, let_pass, open_with_own_clock
from tests.browser.troubles import API, NOTE_REQUESTS, TROUBLES, Trouble, asked
from tests.chromium import chromium

DRAFT = "half a thought, not sent yet"
HERE_AGAIN = "Welcome back, your chat is still here"
POST = "POST /chat/messages"
MESSAGES = "**/chat/messages"


def endure(chat: Chat, site: Site, trouble: Trouble) -> None:
    """Send into the trouble, write on, and see what is said about it."""
    # A stream that was open before would be as quick to say that the server has it.
    held = hold(chat.page, MESSAGES) if trouble.arrives else []
    chat.ask(OTHER_QUESTION)
    message = chat.own.filter(has_text=OTHER_QUESTION)
    expect(message).to_contain_text(re.compile(trouble.note))
    if trouble.arrives:
        chat.page.unroute(MESSAGES)
    for route in held:
        trouble.meets(route)
    chat.field.fill(DRAFT)
    for seconds in trouble.lasts:
        let_pass(seconds, site, chat.page)
    expect(chat.status).to_have_text(re.compile(trouble.status))
    if not trouble.arrives:
        expect(message).to_contain_text(re.compile(trouble.note))
    expect(chat.field).to_have_value(DRAFT)
    assert too_soon(chat.page, trouble) == []


def too_soon(page: Page, trouble: Trouble) -> list[str]:
    """What was asked again before the time that the server had asked for was over."""
    told: dict[str, int] = {}
    found = []
    for one in asked(page):
        what, at = one["what"], one["at"]
        if at - told.get(what, 0) < trouble.pause * 1000:
            found.append(what)
        if one["status"] >= 400:  # what is asked for while the trouble begins may succeed
            told[what] = at
    return found


def recover(chat: Chat, site: Site, trouble: Trouble) -> None:
    """The trouble ends; what was sent arrives, once and as it was."""
    chat.page.unroute(API)
    if trouble.asked_again is not None:
        message = chat.own.filter(has_text=OTHER_QUESTION)
        message.get_by_role("button", name=trouble.asked_again).click()
    for seconds in trouble.heals:
        let_pass(seconds, site, chat.page)
    expect(chat.finished.last).to_contain_text("onvection")
    expect(chat.own.filter(has_text=OTHER_QUESTION)).to_have_count(1)
    expect(chat.status).to_have_text("Active")
    expect(chat.field).to_have_value(DRAFT)
    bodies = [one["body"] for one in asked(chat.page, POST)]
    ours = {body for body in bodies if json.loads(body)["content"] == OTHER_QUESTION}
    assert len(ours) == 1, "the same words under the same key"
    assert site.said("user").count(OTHER_QUESTION) == 1
    assert len(site.sessions()) == 1


@pytest.fixture
def noting(visitor: Reader) -> Reader:
    visitor.context.add_init_script(NOTE_REQUESTS)
    return visitor


@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
def test_a_message_that_is_sent_into_trouble_arrives_once(
    noting: Reader, site: Site, subject: Place, trouble: Trouble
) -> None:
    noting.provokes(*trouble.provokes)
    chat = open_with_own_clock(noting, subject).converse(QUESTION)
    chat.page.evaluate("window.asked = []")
    chat.page.route(API, trouble.meets)
    endure(chat, site, trouble)
    recover(chat, site, trouble)
    expect(chat.messages).to_have_count(4)


# Each kind of trouble once; what differs in no more than a word is the same to a page that loads.
AT_FIRST = [one for one in TROUBLES if one.name not in ("no way there", "a portal sends elsewhere")]


@pytest.mark.parametrize("trouble", AT_FIRST, ids=str)
def test_a_page_that_is_opened_in_trouble_takes_words_and_loses_none(
    noting: Reader, site: Site, places: dict[str, Place], trouble: Trouble
) -> None:
    noting.provokes(*trouble.provokes)
    chat = noting.chat(places["plain"])
    chat.page.clock.install()
    chat.page.route(API, trouble.meets)
    chat.page.goto(chat.place.address)
    endure(chat, site, trouble)
    recover(chat, site, trouble)
    expect(chat.messages).to_have_count(2)


def test_a_strangers_first_message_whose_answer_is_cut_off_is_stored_once(
    visitor: Reader, site: Site, subject: Place
) -> None:
    visitor.provokes("ERR_CONNECTION_RESET")
    chat = visitor.chat(subject)
    cut: list[str] = []

    def cut_the_first(route: Route) -> None:
        what = route.request.url
        if what in cut:
            route.continue_()
            return
        cut.append(what)
        if "/messages" in what:
            # It arrives, and nothing of its answer does: neither the text nor a cookie.
            before = visitor.context.cookies()
            route.fetch()
            visitor.context.clear_cookies()
            visitor.context.add_cookies(before)  # type: ignore[arg-type]
        route.abort("connectionreset")

    chat.page.route(re.compile("/chat/(messages|sessions/current)"), cut_the_first)
    chat.page.goto(subject.address)
    chat.ask(QUESTION)
    expect(chat.finished).to_have_count(1)
    assert site.said("user") == [QUESTION]


def test_an_answer_is_shown_though_the_code_that_follows_it_does_not_come(
    visitor: Reader, site: Site, subject: Place
) -> None:
    """A browser may never ask again for a part of a page that it once failed to get."""
    visitor.provokes("ERR_CONNECTION_RESET")
    chat = visitor.chat(subject)
    cut: list[str] = []

    def cut_it(route: Route) -> None:
        cut.append(route.request.url)
        route.abort("connectionreset")

    chat.page.route("**/sharedUpdates-*.js", cut_it)
    chat.open()
    chat.ask(QUESTION)
    expect(chat.finished).to_have_count(1)
    assert cut


def test_a_slow_network_only_takes_longer(visitor: Reader, site: Site, subject: Place) -> None:
    chat = visitor.chat(subject).open()
    slow = visitor.context.new_cdp_session(chat.page)
    # What Chromium's own tools call "slow 3G".
    speed = {"latency": 2000, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
    slow.send("Network.emulateNetworkConditions", {"offline": False, **speed})
    chat.ask(QUESTION)
    expect(chat.own).to_contain_text("Sending…")
    chat.field.fill(DRAFT)
    expect(chat.finished).to_have_count(1, timeout=20_000)
    expect(chat.field).to_have_value(DRAFT)
    expect(chat.messages).to_have_count(2)
    assert site.said("user") == [QUESTION]


# Clocks


def set_clock(page: Page, seconds: float) -> None:
    """Somebody sets the clock of the device; no timer fires for it."""
    page.clock.set_system_time(page.evaluate("Date.now()") / 1000 + seconds)


@pytest.mark.parametrize("hours", [2, -2], ids=["forward", "back"])
def test_w09_a_clock_that_is_set_while_the_page_is_open_pauses_nothing(
    visitor: Reader, site: Site, place: Place, hours: int
) -> None:
    chat = open_with_own_clock(visitor, place).converse(QUESTION)
    chat.field.fill(DRAFT)
    set_clock(chat.page, hours * 3600)
    let_pass(20, site, chat.page)
    expect(chat.status).to_have_text(re.compile("^(Active|Welcome back.*)$"))
    expect(chat.field).to_have_value(DRAFT)
    chat.converse(OTHER_QUESTION)
    assert [row["message_count"] for row in site.sessions()] == [4]
    let_pass(IDLE, site, chat.page)
    expect(chat.status).to_have_text(PAUSED)


def test_w09_a_clock_that_is_set_back_hides_no_pause(
    visitor: Reader, site: Site, subject: Place
) -> None:
    chat = open_with_own_clock(visitor, subject).converse(QUESTION)
    set_clock(chat.page, -7200)
    let_pass(IDLE, site, chat.page)
    expect(chat.status).to_have_text(PAUSED)
    chat.converse(OTHER_QUESTION)
    assert [row["message_count"] for row in site.sessions()] == [2, 2]


def test_a_journey_to_another_time_zone_changes_the_times_and_nothing_else(
    visitor: Reader, site: Site, places: dict[str, Place]
) -> None:
    chat = visitor.chat(places["plain"]).open().converse(QUESTION)
    chat.field.fill(DRAFT)
    device = visitor.context.new_cdp_session(chat.page)
    device.send("Emulation.setTimezoneOverride", {"timezoneId": "UTC"})
    chat.open_history()
    before = chat.rows.locator("time").inner_text()
    chat.page.keyboard.press("Escape")
    device.send("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Kolkata"})
    chat.open_history()
    after = chat.rows.locator("time").inner_text()
    assert before[-2:] != after[-2:], "half an hour lies between these zones"
    chat.page.keyboard.press("Escape")
    expect(chat.status).to_have_text("Active")
    expect(chat.field).to_have_value(DRAFT)
    chat.converse(OTHER_QUESTION)
    assert [row["message_count"] for row in site.sessions()] == [4]


@each_once
def test_at_midnight_today_becomes_yesterday_and_the_chat_goes_on(
    reader: Reader, site: Site, place: Place
) -> None:
    reader.new_context(timezone_id="UTC")
    now = datetime.datetime.now(datetime.UTC)
    late = now.replace(hour=23, minute=58, second=0) + datetime.timedelta(days=1)
    site.let_pass((late - now).total_seconds())
    chat = reader.chat(place)
    chat.page.clock.install(time=late)
    chat.open().converse(QUESTION)
    chat.field.fill(DRAFT)
    chat.open_history()
    days = chat.history.get_by_role("heading", level=3)
    expect(days).to_have_text(["Today"])
    let_pass(150, site, chat.page)
    expect(days).to_have_text(["Yesterday"])
    expect(chat.field).to_have_value(DRAFT)
    chat.page.keyboard.press("Escape")
    chat.converse(OTHER_QUESTION)
    assert [row["message_count"] for row in site.sessions()] == [4]


# Pages that nobody looks at


def hold_back(page: Page) -> Callable[[], None]:
    """What the page says until the returned is called is its own knowledge: nobody answers it.

    Nor does anything fail, of which the page would have to speak instead.
    """
    held: list[Route] = []
    is_held = True
    page.route(API, lambda route: held.append(route) if is_held else route.continue_())

    def let_go() -> None:
        nonlocal is_held
        is_held = False
        for route in held:
            route.continue_()

    return let_go


@each_once
def test_a_tab_whose_timers_were_throttled_is_right_as_soon_as_it_is_seen(
    reader: Reader, site: Site, place: Place
) -> None:
    chat = open_with_own_clock(reader, place).converse(QUESTION)
    chat.field.fill(DRAFT)
    let_go = hold_back(chat.page)
    site.let_pass(IDLE)
    set_clock(chat.page, IDLE)
    chat.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(chat.status).to_have_text(PAUSED, timeout=1000)
    expect(chat.field).to_have_value(DRAFT)
    let_go()
    chat.converse(OTHER_QUESTION)
    assert [row["message_count"] for row in site.sessions()] == [2, 2]


def test_a_tab_that_was_frozen_shows_what_happened_meanwhile(
    visitor: Reader, site: Site, subject: Place
) -> None:
    awake = visitor.chat(subject).open().converse(QUESTION)
    frozen = visitor.chat(subject).open()
    frozen.field.fill(DRAFT)
    tab = visitor.context.new_cdp_session(frozen.page)
    tab.send("Page.setWebLifecycleState", {"state": "frozen"})
    awake.converse(OTHER_QUESTION)
    tab.send("Page.setWebLifecycleState", {"state": "active"})
    expect(frozen.finished).to_have_count(2)
    expect(frozen.messages).to_have_count(4)
    expect(frozen.field).to_have_value(DRAFT)


# Time passes for a page although it is not there to see it; what passed is set by `sleep`.
OWN_TIME = """
const now = Date.now.bind(Date);
Date.now = () => now() + 1000 * Number(sessionStorage.getItem('seconds passed'));
addEventListener('pageshow', ({ persisted }) => { window.kept = persisted; });
"""


def go_away(chat: Chat) -> None:
    chat.page.goto("/")
    expect(chat.page.get_by_role("heading", level=1)).to_be_visible()


def scope(site: Site) -> str:
    return f"subject:{site.subject(SUBJECT)}"


def come_back(chat: Chat) -> None:
    chat.page.evaluate("history.back()")
    expect(chat.root).to_be_visible()
    assert chat.page.evaluate("window.kept") is True, "the browser did not keep the page"


def test_w01_a_page_that_the_browser_kept_shows_what_happened_meanwhile(
    visitor_with_windows: Reader, site: Site, place: Place
) -> None:
    visitor = visitor_with_windows
    visitor.context.add_init_script(OWN_TIME)
    chat = visitor.chat(place).open().converse(QUESTION)
    chat.field.fill(DRAFT)
    go_away(chat)
    # Not in another tab of this browser: its news would make the browser let the page go.
    [token] = [one["value"] for one in visitor.context.cookies() if one["name"] == "csrftoken"]
    message = {"content": OTHER_QUESTION, "key": "from-another-device", "scope": scope(site)}
    headers = {"X-CSRFToken": token, "Origin": site.url}
    sent = visitor.context.request.post("/chat/messages", data=message, headers=headers)
    assert sent.status == 201
    come_back(chat)
    expect(chat.finished).to_have_count(2)
    expect(chat.messages).to_have_count(4)
    expect(chat.field).to_have_value(DRAFT)
    chat.converse("What is latent heat?")
    assert [row["message_count"] for row in site.sessions()] == [6]


def test_w01_a_page_that_the_browser_kept_too_long_says_at_once_that_its_chat_has_paused(
    visitor_with_windows: Reader, site: Site, place: Place
) -> None:
    visitor = visitor_with_windows
    visitor.context.add_init_script(OWN_TIME)
    chat = visitor.chat(place).open().converse(QUESTION)
    chat.field.fill(DRAFT)
    go_away(chat)
    site.let_pass(IDLE)
    chat.page.evaluate("(seconds) => sessionStorage.setItem('seconds passed', seconds)", IDLE)
    let_go = hold_back(chat.page)
    come_back(chat)
    expect(chat.status).to_have_text(PAUSED, timeout=1000)
    expect(chat.field).to_have_value(DRAFT)
    let_go()
    chat.converse(OTHER_QUESTION)
    assert [row["message_count"] for row in site.sessions()] == [2, 2]


# Storage

THROWS = """
for (const name of ['localStorage', 'sessionStorage', 'indexedDB'])
  Object.defineProperty(window, name, { get() { throw new DOMException('no', 'SecurityError'); } });
"""
FULL = """
Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };
"""
ALONE = """
delete Navigator.prototype.locks;
delete window.BroadcastChannel;
"""
# As in Firefox, where storage is blocked.
REFUSED = """
window.BroadcastChannel = function () { throw new DOMException('no', 'SecurityError'); };
"""
FILL = """() => {
  for (let size = 1 << 22; size > 0; size >>= 1)
    try {
      for (let at = 0; at < 9; at++) localStorage.setItem(`theirs ${size} ${at}`, 'x'.repeat(size));
    } catch {}
}"""
LIMITS = {
    "private mode": THROWS,
    "full": FULL,
    "nothing shared between tabs": ALONE,
    "nothing at all": THROWS + ALONE,
    "no talk between tabs": REFUSED,
}


def go_on_without(chat: Chat, reader: Reader, site: Site) -> None:
    """All that a chat needs, and a message that has to wait for the connection."""
    reader.provokes("ERR_INTERNET_DISCONNECTED")
    chat.converse(QUESTION)
    reader.context.set_offline(True)
    expect(chat.status).to_contain_text("Offline")
    chat.ask(OTHER_QUESTION)
    expect(chat.own.last).to_contain_text("Waiting")
    chat.field.fill(DRAFT)
    reader.context.set_offline(False)
    expect(chat.finished).to_have_count(2)
    expect(chat.field).to_have_value(DRAFT)
    chat.reload()
    expect(chat.status).to_have_text(HERE_AGAIN)
    expect(chat.finished).to_have_count(2)
    assert site.said("user") == [QUESTION, OTHER_QUESTION]
    assert len(site.sessions()) == 1


@pytest.mark.parametrize("limit", LIMITS)
def test_a_browser_that_stores_nothing_loses_nothing_that_is_on_the_page(
    visitor: Reader, site: Site, subject: Place, limit: str
) -> None:
    visitor.context.add_init_script(LIMITS[limit])
    if LIMITS[limit] == REFUSED:
        visitor.provokes("uncaught: no")
    go_on_without(visitor.chat(subject).open(), visitor, site)


def test_a_storage_that_others_have_filled_breaks_nothing(
    visitor: Reader, site: Site, places: dict[str, Place]
) -> None:
    chat = visitor.chat(places["plain"])
    chat.page.goto("/login/")
    chat.page.evaluate(FILL)
    go_on_without(chat.open(), visitor, site)


@pytest.fixture
def without_cookies(browser: Browser, site: Site, tmp_path: Path) -> Iterator[BrowserContext]:
    """A browser whose settings block all cookies, and with them all storage."""
    settings = tmp_path / "Default" / "Preferences"
    settings.parent.mkdir()
    blocked = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    settings.write_text(json.dumps(blocked))
    context = browser.browser_type.launch_persistent_context(
        str(tmp_path), executable_path=chromium(), args=arguments(), base_url=site.url
    )
    yield context
    context.close()


def test_blocked_cookies_are_an_error_with_a_way_out_and_no_loop(
    visitor: Reader, without_cookies: BrowserContext, subject: Place
) -> None:
    without_cookies.add_init_script(NOTE_REQUESTS)
    visitor.provokes("Forbidden")
    chat = Chat(without_cookies.pages[0], subject)
    chat.page.clock.install()
    chat.open()
    assert chat.page.evaluate("document.cookie = 'a=b', document.cookie") == ""
    chat.ask(QUESTION)
    problem = chat.own.get_by_role("alert")
    expect(problem).to_contain_text("CSRF token is missing")
    expect(chat.own).to_contain_text(QUESTION)
    chat.page.clock.fast_forward(120_000)
    expect(problem.get_by_role("button", name="Try again")).to_be_visible()
    assert len(asked(chat.page, POST)) == 1
    assert len(asked(chat.page)) < 10
    problem.get_by_role("button", name="Edit").click()
    expect(chat.field).to_have_value(QUESTION)
