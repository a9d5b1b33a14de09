"""The example site around the chat: found by keyboard, and at rest while the chat arrives."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.chat_page import OTHER_QUESTION, QUESTION, Place, hold
from tests.browser.conftest import Reader
from tests.browser.frames import draw
from tests.browser.gallery_page import Gallery
from tests.browser.site import Site

# What browsers call good: https://web.dev/articles/cls
STILL = 0.1
COUNT_SHIFTS = """
    shifted = 0;
    new PerformanceObserver((list) => {
        for (const shift of list.getEntries()) shifted += shift.value;
    }).observe({ type: "layout-shift", buffered: true });
"""
MORE_THAN_A_PAGE = """
from django_chat_sessions import services
from django_chat_sessions.owners import Owner
for number in range(101):
    services.start(Owner.for_visitor(f"visitor {number}"))
"""
PLACE_IN_CHAT = """(field) => {
    const chat = field.closest(".dcs-widget").getBoundingClientRect();
    return field.getBoundingClientRect().top - chat.top;
}"""


def test_all_of_a_conversation_about_a_subject_is_printed(visitor: Reader, subject: Place) -> None:
    page = visitor.context.new_page()
    chat = visitor.chat(subject, page).open().converse(QUESTION, *[OTHER_QUESTION] * 5)
    page.emulate_media(media="print")
    card = page.locator(".xp-chat")
    assert card.evaluate("card => card.scrollHeight - card.clientHeight") == 0
    assert chat.log.evaluate("log => log.scrollHeight - log.clientHeight") == 0


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


@pytest.mark.parametrize("size", [(390, 350), (1440, 900)])
def test_questions_to_try_leave_room_and_their_going_moves_no_composer(
    visitor: Reader, subject: Place, size: tuple[int, int]
) -> None:
    visitor.new_context(viewport={"width": size[0], "height": size[1]})
    page = visitor.chat(subject).open().page
    question = page.get_by_role("region", name="Questions to try").get_by_role("button").last
    field = page.get_by_role("textbox", name="Message")
    place = field.evaluate(PLACE_IN_CHAT)
    field.fill("one\ntwo\nthree\nfour\nfive")
    assert page.get_by_role("log").evaluate("log => log.clientHeight") > 72
    field.fill("")
    question.click()
    expect(question).to_have_count(0)
    assert field.evaluate(PLACE_IN_CHAT) == place


def test_a_chat_is_printed_without_what_the_others_are_about(
    visitor: Reader, subject: Place
) -> None:
    visitor.new_context(viewport={"width": 1440, "height": 900})
    chat = visitor.chat(subject).open().converse(QUESTION)
    history = chat.page.get_by_role("navigation", name="Chats")
    expect(history.first).to_be_visible()
    chat.page.emulate_media(media="print")
    expect(chat.messages.last).to_be_visible()
    for one in history.all():
        expect(one).to_be_hidden()


def test_staff_chooses_sessions_one_by_one(visitor: Reader, site: Site) -> None:
    """Without a script error, which the reader would have noticed at the end."""
    visitor.provokes("favicon.ico", "404 (Not Found)")  # the admin names none
    site.manage("shell", "-c", MORE_THAN_A_PAGE)
    page = visitor.context.new_page()
    page.goto("/admin/login/?next=/admin/subjects/chatsession/")
    page.get_by_label("Username").fill("teacher")
    page.get_by_label("Password").fill("teacher-pass")
    page.get_by_role("button", name="Log in").click()
    counter = page.locator(".action-counter")
    expect(counter).to_have_text("0 of 100 selected")
    page.locator(".action-select").first.check()
    expect(counter).to_have_text("1 of 100 selected")
    page.locator("#action-toggle").check()
    expect(counter).to_have_text("100 of 100 selected")
    expect(page.get_by_text("Select all")).to_be_hidden()


@pytest.mark.parametrize("width", [360, 1440])
def test_nothing_jumps_while_the_chat_arrives(visitor: Reader, subject: Place, width: int) -> None:
    visitor.new_context(viewport={"width": width, "height": 900})
    visitor.context.add_init_script(COUNT_SHIFTS)
    chat = visitor.chat(subject).open()
    expect(chat.page.get_by_role("region", name="Questions to try")).to_be_visible()
    draw(chat.page)
    assert chat.page.evaluate("shifted") < STILL


@pytest.mark.parametrize("width", [360, 1440])
def test_an_embedded_chat_has_its_place_before_its_script_is_there(
    visitor: Reader, places: dict[str, Place], width: int
) -> None:
    visitor.new_context(viewport={"width": width, "height": 900})
    visitor.context.add_init_script(COUNT_SHIFTS)
    chat = visitor.chat(places["plain"])
    scripts = hold(chat.page, re.compile(r"chat-sessions\.[^/]*js"))
    chat.page.goto(chat.place.address, wait_until="commit")
    expect(chat.page.get_by_role("contentinfo")).to_be_visible()
    draw(chat.page)
    for script in scripts:
        script.continue_()
    draw(chat.wait().page)
    assert chat.page.evaluate("shifted") < STILL


def test_the_way_back_to_the_chat_is_offered_only_where_the_chat_is_out_of_sight(
    visitor: Reader, subject: Place
) -> None:
    page = visitor.new_context(viewport={"width": 390, "height": 780}).new_page()
    chat = visitor.chat(subject, page).open()
    back = page.get_by_role("link", name="Back to the chat")
    chat.field.scroll_into_view_if_needed()
    expect(back).to_be_hidden()
    page.locator("#passage-9").scroll_into_view_if_needed()
    expect(back).to_be_visible()
    back.click()
    expect(back).to_be_hidden()
