"""The example site around the chat: found by keyboard, and at rest while the chat arrives."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.chat_page import Place
from tests.browser.conftest import Reader
from tests.browser.gallery_page import Gallery

# What browsers call good: https://web.dev/articles/cls
STILL = 0.1
COUNT_SHIFTS = """
    shifted = 0;
    new PerformanceObserver((list) => {
        for (const shift of list.getEntries()) shifted += shift.value;
    }).observe({ type: "layout-shift", buffered: true });
"""
TWO_FRAMES = "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"


def test_the_first_key_leads_past_the_bar(visitor: Reader) -> None:
    page = visitor.context.new_page()
    page.goto("/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_every_page_leads_to_the_gallery_and_it_names_what_it_shows(visitor: Reader) -> None:
    page = visitor.context.new_page()
    page.goto("/plain/")
    page.get_by_role("contentinfo").get_by_role("link", name="Gallery").click()
    expect(page).to_have_title("Gallery · XP study site")
    page.get_by_role("link", name="Nothing said yet").click()
    expect(page).to_have_title("Nothing said yet · Gallery · XP study site")
    expect(page.get_by_role("heading", level=1, name="Nothing said yet")).to_be_focused()
    page.go_back()
    expect(page.get_by_role("heading", level=1, name="Gallery")).to_be_focused()


def test_the_gallery_keeps_its_look_from_state_to_state(visitor: Reader) -> None:
    gallery = Gallery(visitor.context.new_page()).open(theme="dark", dir="rtl")
    stage = gallery.show("status-active")
    expect(stage).to_have_attribute("dir", "rtl")
    gallery.next.click()
    expect(gallery.page).to_have_url(re.compile("state=status-resumed.*theme=dark.*dir=rtl"))
    look = gallery.page.get_by_role("link", name="Dark", exact=True)
    expect(look).to_have_attribute("aria-current", "true")


@pytest.mark.parametrize("width", [360, 1440])
def test_nothing_jumps_while_the_chat_arrives(visitor: Reader, subject: Place, width: int) -> None:
    visitor.new_context(viewport={"width": width, "height": 900})
    visitor.context.add_init_script(COUNT_SHIFTS)
    chat = visitor.chat(subject).open()
    expect(chat.page.get_by_role("region", name="Questions to try")).to_be_visible()
    chat.page.evaluate(TWO_FRAMES)
    assert chat.page.evaluate("shifted") < STILL
