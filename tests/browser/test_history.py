"""The chats of before: found, named, deleted, and never an empty one among them."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.chat_page import OTHER_QUESTION, QUESTION, Place
from tests.browser.conftest import Reader, each_once
from tests.browser.site import Site


@each_once
def test_new_chat_twice_leaves_nothing_empty_behind(
    reader: Reader, site: Site, place: Place
) -> None:
    chat = reader.chat(place).open().converse(QUESTION)
    for _ in range(2):
        chat.new_chat.click()
        expect(chat.greeting).to_be_visible()
        expect(chat.status).to_have_text("New chat")
    chat.open_history()
    expect(chat.rows).to_have_count(1)
    expect(chat.rows).to_contain_text(QUESTION)
    assert len([row for row in site.sessions() if row["message_count"] == 0]) <= 1
    chat.page.keyboard.press("Escape")
    chat.reload()
    chat.open_history()
    expect(chat.rows).to_have_count(1)
    chat.page.keyboard.press("Escape")
    chat.converse(OTHER_QUESTION)
    assert [row["message_count"] for row in site.sessions()] == [2, 2]
    chat.open_history()
    expect(chat.rows).to_have_count(2)


@each_once
def test_a_chat_gets_another_name(reader: Reader, site: Site, place: Place) -> None:
    chat = reader.chat(place).open().converse(QUESTION)
    chat.open_history()
    row = chat.rows.first
    row.hover()
    row.get_by_role("button", name=f"Rename “{QUESTION}”").click()
    field = chat.history.get_by_role("textbox", name="Title")
    expect(field).to_be_focused()
    field.fill("Heat, for the exam")
    field.press("Enter")
    expect(chat.row("Heat, for the exam")).to_have_count(1)
    expect(chat.row("Heat, for the exam").get_by_role("button").first).to_be_focused()
    chat.reload()
    chat.open_history()
    expect(chat.row("Heat, for the exam")).to_have_count(1)
    assert [row["title"] for row in site.sessions()] == ["Heat, for the exam"]


@each_once
def test_a_chat_is_deleted_after_a_question(reader: Reader, site: Site, place: Place) -> None:
    chat = reader.chat(place).open().converse(QUESTION)
    chat.new_chat.click()
    expect(chat.greeting).to_be_visible()
    chat.converse(OTHER_QUESTION)
    chat.open_history()
    expect(chat.rows).to_have_count(2)
    for answer, left in (("Cancel", 2), ("Delete", 1)):
        row = chat.row(QUESTION)
        row.hover()
        row.get_by_role("button", name=f"Delete “{QUESTION}”").click()
        asked = chat.history.get_by_role("group", name="Delete this chat?")
        asked.get_by_role("button", name=answer).click()
        expect(chat.rows).to_have_count(left)
    expect(chat.messages).to_have_count(2)
    chat.reload()
    expect(chat.messages).to_have_count(2)
    chat.open_history()
    expect(chat.rows).to_have_count(1)
    assert [row["title"] for row in site.sessions()] == [OTHER_QUESTION]


@each_once
def test_deleting_the_chat_on_screen_leaves_a_blank_one(
    reader: Reader, site: Site, place: Place
) -> None:
    chat = reader.chat(place).open().converse(QUESTION)
    chat.open_history()
    chat.rows.first.hover()
    chat.rows.first.get_by_role("button", name=f"Delete “{QUESTION}”").click()
    chat.history.get_by_role("button", name="Delete", exact=True).click()
    expect(chat.messages).to_have_count(0)
    expect(chat.greeting).to_be_visible()
    assert site.sessions() == []
    chat.page.keyboard.press("Escape")
    chat.converse(OTHER_QUESTION)


def test_a_chat_is_found_by_its_words(visitor: Reader, place: Place) -> None:
    chat = visitor.chat(place).open().converse(QUESTION)
    chat.new_chat.click()
    expect(chat.greeting).to_be_visible()
    chat.converse(OTHER_QUESTION)
    chat.open_history().get_by_role("searchbox", name="Search chats").fill("CONVECTION")
    expect(chat.rows).to_have_count(1)
    expect(chat.rows).to_contain_text(OTHER_QUESTION)
    chat.history.get_by_role("searchbox").fill("football")
    expect(chat.history).to_contain_text("No chat matches “football”.")


def test_the_history_is_used_by_keyboard(visitor: Reader, subject: Place) -> None:
    chat = visitor.chat(subject).open().converse(QUESTION)
    chat.new_chat.click()
    expect(chat.greeting).to_be_visible()
    chat.converse(OTHER_QUESTION)
    chat.open_history()
    expect(chat.rows).to_have_count(2)
    first, second = (chat.rows.nth(at).get_by_role("button").first for at in (0, 1))
    first.focus()
    for key, focused in (("ArrowDown", second), ("ArrowDown", second), ("Home", first)):
        chat.page.keyboard.press(key)
        expect(focused).to_be_focused()
    chat.page.keyboard.press("End")
    chat.page.keyboard.press("F2")
    expect(chat.history.get_by_role("textbox", name="Title")).to_be_focused()
    chat.page.keyboard.press("Escape")
    expect(second).to_be_focused()
    chat.page.keyboard.press("Delete")
    expect(chat.history.get_by_role("button", name="Cancel")).to_be_focused()
    chat.page.keyboard.press("Escape")
    expect(second).to_be_focused()
    chat.page.keyboard.press("Enter")
    expect(chat.own).to_contain_text(QUESTION)
