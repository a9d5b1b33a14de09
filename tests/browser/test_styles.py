"""The chat on a page that is not ours: its reader's scheme, and the site's own styles."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat_page import OTHER_QUESTION, QUESTION
from tests.browser.conftest import MakeReader, Reader
from tests.browser.site import Site
from tests.browser.test_accessibility import check
from tests.browser.test_without_javascript import PLAIN, see_answer, send

PARTS = [".dcs-plain-status", ".dcs-plain-side", ".dcs-plain-dropdown", ".dcs-widget"]


def stays_light(page: Page) -> None:
    """Make the page that of a site which knows no dark scheme."""
    page.evaluate("document.documentElement.style.colorScheme = 'light'")


@pytest.fixture
def in_the_dark(make_reader: MakeReader, site: Site) -> Reader:
    """Somebody who prefers dark pages."""
    reader = make_reader(site, "visitor")
    reader.new_context(color_scheme="dark", viewport={"width": 1440, "height": 900})
    return reader


def test_on_a_light_page_a_reader_who_prefers_dark_ones_can_read_every_part(
    in_the_dark: Reader, site: Site
) -> None:
    page = in_the_dark.context.new_page()
    page.goto(PLAIN)
    widget = page.locator(".dcs-widget")
    for question in (QUESTION, OTHER_QUESTION):
        widget.get_by_role("textbox").fill(question)
        widget.get_by_role("textbox").press("Enter")
        expect(widget.locator("article").last).to_have_attribute("data-state", "answered")
    page.reload()
    expect(widget.locator("article")).to_have_count(4)
    stays_light(page)
    check(page)


def test_on_a_light_page_the_conversation_without_a_script_can_be_read(
    in_the_dark: Reader, site: Site
) -> None:
    page = in_the_dark.context.new_page()
    page.goto(f"/chat/sessions/current/page?scope=subject:{site.subject('physics')}")
    send(page, QUESTION)
    see_answer(page, 1)
    stays_light(page)
    check(page)


@pytest.mark.parametrize("part", PARTS)
def test_a_site_sets_colours_in_a_stylesheet_that_comes_before_that_of_the_widget(
    visitor: Reader, part: str
) -> None:
    page = visitor.context.new_page()
    page.goto(PLAIN)
    expect(page.locator(".dcs-widget")).to_be_visible()
    page.evaluate(
        "const sheet = [...document.styleSheets].find((one) => /study/.test(one.href));"
        "sheet.insertRule('.dcs { --dcs-accent: red }', sheet.cssRules.length)"
    )
    shown = page.locator(part).first.evaluate(
        "(element) => getComputedStyle(element).getPropertyValue('--dcs-accent')"
    )
    assert shown == "red"


def test_colours_that_a_site_gives_its_own_headings_and_paragraphs_stay_out_of_the_chat(
    visitor: Reader,
) -> None:
    page = visitor.context.new_page()
    page.goto(PLAIN)
    expect(page.locator(".dcs-widget")).to_be_visible()
    page.evaluate(
        "const sheet = [...document.styleSheets].find((one) => /study/.test(one.href));"
        "sheet.insertRule('h2, h3, p, ul { color: rgb(1, 2, 3) }', sheet.cssRules.length)"
    )
    for name in ("h2", "p"):
        shown = page.locator(f".dcs-widget {name}").first.evaluate(
            "(element) => getComputedStyle(element).color"
        )
        assert shown != "rgb(1, 2, 3)"
