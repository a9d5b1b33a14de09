"""By keyboard alone, by ear, in the dark, on a small screen."""

from __future__ import annotations

import json
import re
import signal
from importlib import resources
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat_page import IDLE, OTHER_QUESTION, QUESTION, Place
from tests.browser.conftest import MakeReader, Reader, Waiting
from tests.browser.site import Site
from tests.browser.test_interruptions import LEASE, STREAMS_CUT, UNREACHABLE

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
LOOKS = [
    pytest.param((scheme, width), id=f"{scheme}-{width}")
    # The gallery is looked at in all four.
    for scheme, width in [("light", 1440), ("dark", 320)]
]
AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


# What moves with time, for what moves with the reader's scrolling has no end.
MOVED = """Promise.all(document.getAnimations().filter((one) => one.timeline === document.timeline)
    .map((one) => one.finished.catch(() => 0)))"""


def violations(page: Page, rules: list[str] = RULES, within: str = "html") -> list[str]:
    """What axe finds against the rules of WCAG 2.2, in a sentence and a place each."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE)
    options = json.dumps({"runOnly": rules, "resultTypes": ["violations"]})
    found: Any = page.evaluate(f"axe.run('{within}', {options})")
    return [
        f"{rule['id']}: {node['failureSummary']} {node['html']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def sideways(page: Page) -> int:
    """How many pixels of the page lie beside the screen."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def check(page: Page, within: str = "html") -> None:
    page.evaluate(MOVED)
    assert violations(page, within=within) == []
    assert sideways(page) <= 0


@pytest.fixture(params=LOOKS)
def look(request: pytest.FixtureRequest) -> dict[str, Any]:
    scheme, width = request.param
    size = {"width": width, "height": 900}
    # Without movement there is no moment at which a colour is only half there.
    return {"color_scheme": scheme, "viewport": size, "reduced_motion": "reduce"}


def test_w13_no_state_of_a_chat_breaks_a_rule(
    visitor: Reader, site: Site, place: Place, look: dict[str, Any]
) -> None:
    visitor.new_context(**look)
    chat = visitor.chat(place)
    chat.page.clock.install()
    chat.open()
    check(chat.page)
    chat.converse(QUESTION)
    check(chat.page)
    site.let_pass(IDLE - 40)
    chat.page.clock.fast_forward((IDLE - 40) * 1000)
    expect(chat.status).to_contain_text("This chat pauses in")
    check(chat.page)
    site.let_pass(60)
    chat.page.clock.fast_forward(60_000)
    expect(chat.notice).to_be_visible()
    check(chat.page)
    chat.converse(OTHER_QUESTION)
    expect(chat.boundary).to_be_visible()
    chat.open_history()
    expect(chat.rows).to_have_count(2)
    check(chat.page)
    chat.row(QUESTION).get_by_role("button").first.click()
    expect(chat.root).to_contain_text("You are reading an older chat.")
    check(chat.page)


@pytest.mark.parametrize("look", LOOKS[:2], indirect=True)
def test_w13_no_state_of_an_answer_breaks_a_rule(
    make_reader: MakeReader, waiting: Waiting, place: Place, look: dict[str, Any]
) -> None:
    reader = make_reader(waiting)
    reader.provokes(*UNREACHABLE, *STREAMS_CUT)
    reader.new_context(**look)
    chat = reader.chat(place).open()
    chat.ask(QUESTION)
    waiting.model.wait_until_asked()
    expect(chat.status).to_have_text("Thinking…")
    check(chat.page)
    waiting.model.go_on("warmth ")
    expect(chat.status).to_have_text("Writing an answer…")
    check(chat.page)
    waiting.restart(signal.SIGKILL)  # a living worker would renew its lease
    waiting.let_pass(LEASE)
    expect(chat.answers.last).to_contain_text("The answer was interrupted.")
    check(chat.page)


def test_no_state_of_the_history_breaks_a_rule(
    visitor: Reader, place: Place, look: dict[str, Any]
) -> None:
    visitor.new_context(**look)
    chat = visitor.chat(place).open().converse(QUESTION)
    chat.new_chat.click()
    expect(chat.greeting).to_be_visible()
    chat.converse(OTHER_QUESTION)
    chat.open_history()
    chat.row(QUESTION).hover()
    chat.row(QUESTION).get_by_role("button", name="Options for").click()
    expect(chat.history.get_by_role("menu")).to_be_visible()
    check(chat.page)
    chat.history.get_by_role("menuitem", name="Rename").click()
    check(chat.page)
    chat.page.keyboard.press("Escape")
    chat.choose(QUESTION, "Pin")
    chat.choose(OTHER_QUESTION, "Delete")
    expect(chat.history.get_by_role("button", name="Undo")).to_be_visible()
    check(chat.page)
    chat.history.get_by_role("searchbox").fill("heat")
    expect(chat.rows.locator("mark").first).to_be_visible()
    check(chat.page)
    chat.history.get_by_role("searchbox").fill("football")
    expect(chat.history.get_by_role("status").filter(has_text="No chat matches")).to_have_count(1)
    check(chat.page)
    chat.history.get_by_role("searchbox").fill("")
    chat.history.get_by_role("button", name="Archived chats").click()
    expect(chat.history).to_contain_text("No archived chats.")
    check(chat.page)


def test_the_other_pages_break_no_rule(
    make_reader: MakeReader, site: Site, subject: Place, look: dict[str, Any]
) -> None:
    reader = make_reader(site, "student")
    reader.new_context(**look)
    reader.chat(subject).open().converse(QUESTION)
    page = reader.context.new_page()
    page.goto("/")
    expect(page.get_by_role("region", name="Go on where you stopped")).to_be_visible()
    check(page)
    visitor = make_reader(site)
    visitor.new_context(**look)
    page = visitor.context.new_page()
    page.goto("/login/")
    check(page)


def test_everything_is_reached_and_done_by_keyboard(visitor: Reader, place: Place) -> None:
    chat = visitor.chat(place).open()
    keyboard = chat.page.keyboard
    to_try = chat.log.get_by_role("region", name="Questions to try").get_by_role("button").all()
    order = [chat.new_chat, chat.log, *to_try, chat.field]
    chat.new_chat.focus()
    for at, element in enumerate(order):
        if at:
            keyboard.press("Tab")
        expect(element).to_be_focused()
    keyboard.type("What is")
    keyboard.press("Shift+Enter")
    keyboard.type("specific heat capacity?")
    expect(chat.field).to_have_value("What is\nspecific heat capacity?")
    keyboard.press("Tab")
    expect(chat.send).to_be_focused()
    keyboard.press("Shift+Tab")
    keyboard.press("Enter")
    expect(chat.finished).to_have_count(1)
    expect(chat.field).to_be_focused()
    keyboard.press("Shift+Tab")
    expect(chat.answers.last.get_by_role("button", name="Copy")).to_be_focused()
    keyboard.press("Shift+Tab")
    expect(chat.answers.last.get_by_role("link").last).to_be_focused()


def test_the_dropdown_closes_by_keyboard_and_gives_the_focus_back(
    visitor: Reader, places: dict[str, Place]
) -> None:
    place = places["plain"]
    chat = visitor.chat(place).open()
    toggle = chat.root.get_by_role("button", name=place.history, exact=True)
    toggle.press("Enter")
    expect(toggle).to_have_attribute("aria-expanded", "true")
    expect(chat.history.get_by_role("searchbox")).to_be_focused()
    chat.page.keyboard.press("Escape")
    expect(chat.history).to_have_count(0)
    expect(toggle).to_be_focused()


def test_w13_what_changes_is_said(visitor: Reader, site: Site, place: Place) -> None:
    chat = visitor.chat(place)
    chat.page.clock.install()
    chat.open().converse(QUESTION)
    said = chat.root.locator("[aria-live=polite] p").last
    expect(said).to_have_text("Answer ready")
    site.let_pass(IDLE - 40)
    chat.page.clock.fast_forward((IDLE - 40) * 1000)
    expect(said).to_have_text(
        re.compile(r"This chat pauses in (1 minute|30 seconds)\. Keep this chat\?")
    )
    site.let_pass(60)
    chat.page.clock.fast_forward(60_000)
    expect(said).to_have_text(
        "This chat paused after 5 minutes without activity. Your next message starts a new chat."
    )
