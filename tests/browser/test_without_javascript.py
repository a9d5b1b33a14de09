"""Everything that template tags promise to those whose browser runs no script."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.chat_page import IDLE, OTHER_QUESTION, QUESTION
from tests.browser.conftest import MakeReader, Reader
from tests.browser.site import Site
from tests.browser.test_accessibility import check

PLAIN = "/plain/?subject=physics"
LOOKS = [
    pytest.param(scheme, width, id=f"{scheme}-{width}")
    for scheme, width in [("light", 1440), ("dark", 320), ("light", 320), ("dark", 1440)]
]


@pytest.fixture(params=["visitor", "student"])
def scriptless(request: pytest.FixtureRequest, make_reader: MakeReader, site: Site) -> Reader:
    """Somebody whose browser runs no script."""
    reader = make_reader(site, request.param)
    reader.new_context(java_script_enabled=False)
    return reader


def send(page: Page, question: str) -> None:
    page.get_by_role("textbox", name="Message").fill(question)
    follow(page, page.get_by_role("button", name="Send", exact=True))


def follow(page: Page, way: Locator) -> None:
    """Click what leads to a page, and have all of it before anything else is clicked."""
    with page.expect_navigation(wait_until="load"):
        way.click()


def see_answer(page: Page, number: int) -> Locator:
    """Look again until the answer is complete, as a reader does."""
    answer = page.locator("article[data-role=assistant]").nth(number - 1)
    for _ in range(20):
        again = page.get_by_role("link", name="Look again")
        if again.count() == 0:
            break
        follow(page, again)
    expect(answer).to_have_attribute("data-state", "answered")
    return answer


def test_a_chat_is_begun_read_and_continued_without_a_script(
    scriptless: Reader, site: Site
) -> None:
    page = scriptless.context.new_page()
    page.goto(PLAIN)
    page.get_by_role("link", name="Chat without it").click()
    send(page, QUESTION)
    answer = see_answer(page, 1)
    expect(answer).to_contain_text("energy needed to warm one kilogram")
    expect(answer.get_by_role("link").first).to_have_attribute("href", re.compile("/subjects/"))
    site.let_pass(IDLE)
    page.goto(PLAIN)
    expect(page.get_by_role("status")).to_contain_text("Your last chat has paused")
    page.get_by_role("link", name=QUESTION).last.click()
    expect(page.get_by_text("This chat has paused")).to_be_visible()
    expect(page.get_by_role("link", name=QUESTION)).to_have_attribute("aria-current", "page")
    follow(page, page.get_by_role("button", name="Continue this chat"))
    send(page, OTHER_QUESTION)
    see_answer(page, 2)
    assert site.said("user") == [QUESTION, OTHER_QUESTION]
    assert [row["message_count"] for row in site.sessions()] == [4]


def test_the_subjects_own_page_leads_to_the_chat_without_a_script(
    scriptless: Reader, site: Site
) -> None:
    page = scriptless.context.new_page()
    page.goto(f"/subjects/{site.subject('physics')}/")
    follow(page, page.get_by_role("link", name="Chat without it"))
    expect(page.get_by_role("textbox", name="Message")).to_be_visible()
    assert page.url.endswith(f"scope=subject%3A{site.subject('physics')}")


def test_the_dropdown_opens_without_a_script_and_leads_to_a_chat(
    scriptless: Reader, site: Site
) -> None:
    page = scriptless.context.new_page()
    page.goto(f"/chat/sessions/current/page?scope=subject:{site.subject('physics')}")
    send(page, QUESTION)
    see_answer(page, 1)
    page.goto(PLAIN)
    history = page.get_by_role("navigation", name="All my chats")
    expect(history).to_be_hidden()
    page.locator("summary", has_text="All my chats").click()
    expect(history.get_by_role("heading", name="Today")).to_be_visible()
    history.get_by_role("link", name=QUESTION).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(QUESTION)


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_no_page_without_a_script_breaks_a_rule(
    visitor: Reader, site: Site, scheme: Any, width: int
) -> None:
    """axe is a script: the pages are the same with it."""
    visitor.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    page = visitor.context.new_page()
    page.goto(f"/chat/sessions/current/page?scope=subject:{site.subject('physics')}")
    check(page)
    send(page, QUESTION)
    see_answer(page, 1)
    check(page)
    address = page.url
    page.goto(PLAIN)
    page.locator("summary", has_text="All my chats").click()
    # What lies below it, half covered, is not what is looked at.
    check(page, "details[open]")
    site.let_pass(IDLE)
    page.goto(address)
    expect(page.get_by_role("button", name="Continue this chat")).to_be_visible()
    check(page)


def test_the_conversation_without_a_script_is_printed_alone(scriptless: Reader, site: Site) -> None:
    page = scriptless.context.new_page()
    page.goto(f"/chat/sessions/current/page?scope=subject:{site.subject('physics')}")
    send(page, QUESTION)
    see_answer(page, 1)
    page.emulate_media(media="print")
    expect(page.get_by_role("article").last).to_be_visible()
    for part in (".dcs-plain-form", ".dcs-plain-aside"):
        expect(page.locator(part)).to_be_hidden()


@pytest.mark.parametrize("width", [768, 1024, 1440])
def test_the_list_of_all_chats_lies_on_the_screen(visitor: Reader, width: int) -> None:
    visitor.new_context(viewport={"width": width, "height": 900})
    page = visitor.context.new_page()
    page.goto(PLAIN)
    page.locator("summary", has_text="All my chats").click()
    for direction in ("ltr", "rtl"):
        page.locator("html").evaluate("(html, dir) => { html.dir = dir; }", direction)
        expect(page.get_by_role("navigation", name="All my chats")).to_be_in_viewport(ratio=1)
