"""The chats of before: found, named, deleted, and never an empty one among them."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.chat_page import OTHER_QUESTION, QUESTION, Chat, Place
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
    chat.choose(QUESTION, "Rename")
    field = chat.history.get_by_role("textbox", name="Title")
    expect(field).to_be_focused()
    field.fill("Heat, for the exam")
    with chat.page.expect_response(lambda one: one.request.method == "PATCH"):
        field.press("Enter")
    expect(chat.row("Heat, for the exam")).to_have_count(1)
    expect(chat.row("Heat, for the exam").get_by_role("button").first).to_be_focused()
    chat.reload()
    chat.open_history()
    expect(chat.row("Heat, for the exam")).to_have_count(1)
    assert [row["title"] for row in site.sessions()] == ["Heat, for the exam"]


@each_once
def test_a_deleted_chat_comes_back_with_undo(reader: Reader, site: Site, place: Place) -> None:
    chat = two_chats(reader, place)
    chat.choose(QUESTION, "Delete")
    expect(chat.rows).to_have_count(1)
    expect(chat.row(OTHER_QUESTION).get_by_role("button").first).to_be_focused()
    bar = chat.history.get_by_role("status").filter(has_text="Chat deleted")
    with chat.page.expect_response("**/restore"):
        bar.get_by_role("button", name="Undo").click()
    expect(chat.rows).to_have_count(2)
    expect(chat.row(QUESTION).get_by_role("button").first).to_be_focused()
    expect(chat.messages).to_have_count(2)
    chat.reload()
    chat.open_history()
    expect(chat.rows).to_have_count(2)
    chat.choose(QUESTION, "Delete")
    expect(bar).to_be_visible()
    chat.reload()
    chat.open_history()
    expect(chat.rows).to_have_count(1)
    assert [row["title"] for row in site.sessions()] == [OTHER_QUESTION]


@each_once
def test_deleting_the_chat_on_screen_leaves_a_blank_one(
    reader: Reader, site: Site, place: Place
) -> None:
    chat = reader.chat(place).open().converse(QUESTION)
    chat.open_history()
    chat.choose(QUESTION, "Delete")
    expect(chat.messages).to_have_count(0)
    expect(chat.greeting).to_be_visible()
    assert site.sessions() == []
    expect(chat.history).to_contain_text("appear here.")
    chat.page.keyboard.press("Tab")
    expect(chat.history.get_by_role("button", name="Undo")).to_be_focused()
    chat.page.keyboard.press("Escape")
    chat.converse(OTHER_QUESTION)


@each_once
def test_a_pinned_chat_stays_on_top(reader: Reader, place: Place) -> None:
    chat = two_chats(reader, place)
    chat.choose(QUESTION, "Pin")
    for _ in range(2):
        expect(chat.history.get_by_role("heading", name="Pinned")).to_be_visible()
        expect(chat.rows.first).to_contain_text(QUESTION)
        chat.reload()
        chat.open_history()
    chat.choose(QUESTION, "Unpin")
    expect(chat.history.get_by_role("heading", name="Pinned")).to_have_count(0)
    expect(chat.rows.first).to_contain_text(OTHER_QUESTION)


@each_once
def test_a_chat_is_archived_and_moved_back(reader: Reader, place: Place) -> None:
    chat = two_chats(reader, place)
    chat.choose(QUESTION, "Archive")
    expect(chat.rows).to_have_count(1)
    chat.reload()
    chat.open_history()
    expect(chat.rows).to_have_count(1)
    chat.history.get_by_role("button", name="Archived chats").click()
    expect(chat.rows).to_have_count(1)
    expect(chat.rows).to_contain_text(QUESTION)
    chat.choose(QUESTION, "Move back")
    expect(chat.history).to_contain_text("No archived chats.")
    chat.history.get_by_role("button", name="Back to all chats").click()
    expect(chat.rows).to_have_count(2)


def test_archiving_the_chat_on_screen_ends_it(visitor: Reader, site: Site, subject: Place) -> None:
    chat = visitor.chat(subject).open().converse(QUESTION)
    chat.open_history()
    chat.choose(QUESTION, "Archive")
    expect(chat.greeting).to_be_visible()
    assert [row["end_reason"] for row in site.sessions()] == ["user"]
    chat.converse(OTHER_QUESTION)
    expect(chat.rows).to_have_count(1)


def test_a_chat_is_found_by_its_words(visitor: Reader, place: Place) -> None:
    chat = two_chats(visitor, place)
    chat.history.get_by_role("searchbox", name="Search chats").fill("CONVECTION")
    expect(chat.rows).to_have_count(1)
    expect(chat.rows).to_contain_text(OTHER_QUESTION)
    expect(chat.rows.locator("mark").first).to_have_text("convection")
    chat.history.get_by_role("searchbox").fill("football")
    expect(chat.history.get_by_role("status").filter(has_text="No chat matches")).to_have_count(1)
    expect(chat.rows).to_have_count(0)


@each_once
def test_the_server_finds_what_was_said_in_a_chat_that_is_not_loaded(
    reader: Reader, site: Site, place: Place
) -> None:
    chat = reader.chat(place).open().converse(QUESTION)
    add_65_older_chats(site)
    chat.reload()
    chat.open_history()
    expect(chat.rows).to_have_count(30)
    chat.history.get_by_role("searchbox").fill("brine number 61")
    expect(chat.rows).to_have_count(1)
    expect(chat.history.get_by_role("status").filter(has_text="1 chat found")).to_have_count(1)
    expect(chat.rows).to_contain_text("Chat 61")
    expect(chat.rows.locator("mark")).to_have_text(["61", "brine", "number", "61"])
    chat.page.keyboard.press("ArrowDown")
    chat.page.keyboard.press("Enter")
    expect(chat.own).to_contain_text("Why does steel need brine number 61?")


@each_once
def test_a_long_history_is_loaded_as_far_as_it_is_read(
    reader: Reader, site: Site, place: Place
) -> None:
    chat = reader.chat(place).open().converse(QUESTION)
    add_65_older_chats(site)
    chat.reload()
    chat.open_history()
    for loaded in (30, 60):
        expect(chat.rows).to_have_count(loaded)
        chat.history.get_by_role("button", name="Show more").scroll_into_view_if_needed()
    expect(chat.rows).to_have_count(66)
    expect(chat.history.get_by_role("button", name="Show more")).to_have_count(0)
    titles = chat.rows.locator(".dcs-history-name").all_text_contents()
    assert titles == [QUESTION, *(f"Chat {number}" for number in range(1, 66))]


def test_to_undo_a_deletion_undoes_nothing_that_was_written(
    visitor: Reader, subject: Place
) -> None:
    chat = two_chats(visitor, subject)
    # Put there as pasted words are: the browser itself could undo it in one piece.
    chat.field.focus()
    chat.page.keyboard.insert_text("half a thought")
    chat.rows.first.get_by_role("button").first.focus()
    chat.page.keyboard.press("Delete")
    expect(chat.rows).to_have_count(1)
    chat.page.keyboard.press("Control+z")
    expect(chat.rows).to_have_count(2)
    chat.page.keyboard.press("Control+z")
    expect(chat.rows.first.get_by_role("button").first).to_be_focused()
    expect(chat.field).to_have_value("half a thought")


def test_a_row_that_has_the_focus_still_says_when_it_was(visitor: Reader, subject: Place) -> None:
    chat = visitor.chat(subject).open().converse(QUESTION)
    chat.open_history()
    row = chat.rows.get_by_role("button").first
    when = row.get_by_role("time").text_content() or "nothing"
    row.focus()
    expect(row).to_have_accessible_name(re.compile(re.escape(when)))


def test_the_history_is_used_by_keyboard(visitor: Reader, subject: Place) -> None:
    chat = two_chats(visitor, subject)
    press = chat.page.keyboard.press
    first, second = (chat.rows.nth(at).get_by_role("button").first for at in (0, 1))
    chat.history.get_by_role("searchbox").focus()
    for key, focused in (("ArrowDown", first), ("ArrowDown", second), ("ArrowDown", second)):
        press(key)
        expect(focused).to_be_focused()
    press("F2")
    expect(chat.history.get_by_role("textbox", name="Title")).to_be_focused()
    press("Escape")
    expect(second).to_be_focused()
    press("Tab")
    expect(chat.rows.nth(1).get_by_role("button", name="Options for")).to_be_focused()
    press("Enter")
    items = chat.history.get_by_role("menuitem")
    expect(items.first).to_be_focused()
    press("ArrowUp")
    expect(items.filter(has_text="Delete")).to_be_focused()
    press("Escape")
    expect(items).to_have_count(0)
    expect(chat.rows.nth(1).get_by_role("button", name="Options for")).to_be_focused()
    press("Shift+Tab")
    press("Delete")
    expect(chat.rows).to_have_count(1)
    expect(first).to_be_focused()
    press("Tab")
    press("Tab")
    expect(chat.history.get_by_role("button", name="Undo")).to_be_focused()
    press("Enter")
    expect(chat.rows).to_have_count(2)
    expect(second).to_be_focused()
    press("Enter")
    expect(chat.own).to_contain_text(QUESTION)


def two_chats(reader: Reader, place: Place) -> Chat:
    """A reader who has asked in one chat and then in another, with the history in sight."""
    chat = reader.chat(place).open().converse(QUESTION)
    chat.new_chat.click()
    expect(chat.greeting).to_be_visible()
    chat.converse(OTHER_QUESTION)
    chat.open_history()
    expect(chat.rows).to_have_count(2)
    return chat


def add_65_older_chats(site: Site) -> None:
    """As if the reader of the only chat had had 65 before, a minute after each other."""
    site.execute(
        "INSERT INTO subjects_chatsession (subject_id, user_id, visitor_key, scope, opened_at,"
        " last_activity_at, last_message_at, ended_at, end_reason, title, preview, message_count)"
        " WITH RECURSIVE numbers(n) AS"
        " (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 65),"
        " moments AS (SELECT n, strftime('%Y-%m-%d %H:%M:%f000', last_message_at,"
        " '-' || n || ' minutes') AS moment, subject_id, user_id, visitor_key, scope"
        " FROM numbers, subjects_chatsession)"
        " SELECT subject_id, user_id, visitor_key, scope, moment, moment, moment, moment, 'idle',"
        " 'Chat ' || n, 'Because it cools.', 2 FROM moments"
    )
    site.execute(
        "INSERT INTO subjects_chatmessage (chat_session_id, sender, text, sent_at, position,"
        " state) SELECT id, 'user', 'Why does steel need brine number ' || substr(title, 6) || '?',"
        " last_message_at, 0, '' FROM subjects_chatsession WHERE title LIKE 'Chat %'"
    )
