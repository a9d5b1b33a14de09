"""Words that are sent and not yet stored outlive the page that sent them."""

from __future__ import annotations

import re

from playwright.sync_api import Route, expect

from tests.browser.chat_page import IDLE, OTHER_QUESTION, QUESTION, Chat, Place
from tests.browser.conftest import Reader, each_once, log_in
from tests.browser.site import Site
from tests.browser.test_leaving import SECRET, log_out, stored
from tests.browser.troubles import API

LAST_QUESTION = "What is latent heat?"


def cut_off(reader: Reader) -> None:
    """The page still loads; the chat's server does not answer any of the reader's tabs."""
    reader.provokes("ERR_CONNECTION_REFUSED")
    reader.context.route(API, lambda route: route.abort("connectionrefused"))


def connect(reader: Reader) -> None:
    reader.context.unroute(API)


def assert_waiting(chat: Chat, question: str) -> None:
    expect(chat.own.filter(has_text=question)).to_contain_text(
        re.compile("Waiting|Sending|Not sent")
    )


def with_words_waiting(reader: Reader, place: Place) -> Chat:
    """A chat that has been answered once, whose next question does not reach the server."""
    chat = reader.chat(place).open().converse(QUESTION)
    cut_off(reader)
    chat.ask(OTHER_QUESTION)
    assert_waiting(chat, OTHER_QUESTION)
    return chat


@each_once
def test_an_unsent_message_survives_a_reload_and_arrives_once(
    reader: Reader, site: Site, place: Place
) -> None:
    chat = with_words_waiting(reader, place)
    chat.field.fill(LAST_QUESTION)
    is_signed_in = chat.page.get_by_role("button", name="Log out").count() == 1
    for _ in range(2):
        chat.page.reload()
        if is_signed_in:
            assert_waiting(chat, OTHER_QUESTION)
            expect(chat.own.filter(has_text=OTHER_QUESTION)).to_have_count(1)
        else:  # Nobody can say yet whether this is the visitor of before.
            expect(chat.status).to_have_text("Reconnecting…")
            expect(chat.own).to_have_count(0)
    connect(reader)
    expect(chat.finished).to_have_count(2, timeout=45_000)
    expect(chat.messages).to_have_count(4)
    expect(chat.field).to_have_value(LAST_QUESTION)
    assert site.said("user") == [QUESTION, OTHER_QUESTION]
    chat.reload()
    expect(chat.messages).to_have_count(4)


def test_an_unsent_message_survives_its_tab(visitor: Reader, site: Site, subject: Place) -> None:
    chat = with_words_waiting(visitor, subject)
    chat.page.close()
    connect(visitor)
    chat = visitor.chat(subject).open()
    expect(chat.finished).to_have_count(2)
    assert site.said("user") == [QUESTION, OTHER_QUESTION]


def test_what_goes_out_in_a_new_chat_after_a_pause_says_so(
    visitor: Reader, site: Site, subject: Place
) -> None:
    chat = with_words_waiting(visitor, subject)
    chat.page.close()
    site.let_pass(IDLE + 60)
    connect(visitor)
    chat = visitor.chat(subject).open()
    expect(chat.finished).to_have_count(1)
    expect(chat.boundary).to_contain_text("New chat started")
    chat.boundary.get_by_role("button", name="Continue the previous one").click()
    expect(chat.own).to_have_text([re.compile(QUESTION)])


def test_a_visitors_words_stay_where_their_chat_is_gone(
    visitor: Reader, site: Site, subject: Place
) -> None:
    chat = with_words_waiting(visitor, subject)
    chat.field.fill(LAST_QUESTION)
    chat.page.close()
    site.execute("DELETE FROM subjects_chatmessage")
    site.execute("DELETE FROM subjects_chatsession")
    connect(visitor)
    visitor.provokes("404", "Not Found: ")
    chat = visitor.chat(subject).open()
    expect(chat.field).to_have_value(LAST_QUESTION)
    expect(chat.own).to_contain_text(OTHER_QUESTION)
    chat.own.get_by_role("button", name="Try again").click()
    expect(chat.finished).to_have_count(1)
    assert site.said("user") == [OTHER_QUESTION]


def test_another_tab_sends_what_a_closed_one_could_not(
    visitor: Reader, site: Site, subject: Place
) -> None:
    chat = visitor.chat(subject).open().converse(QUESTION)
    other = visitor.chat(subject).open()
    cut_off(visitor)
    chat.ask(OTHER_QUESTION)
    assert_waiting(chat, OTHER_QUESTION)
    chat.page.close()
    connect(visitor)
    expect(other.finished).to_have_count(2, timeout=45_000)
    expect(other.messages).to_have_count(4)
    assert site.said("user") == [QUESTION, OTHER_QUESTION]


def test_a_message_whose_answer_the_reload_cut_off_is_not_sent_twice(
    visitor: Reader, site: Site, subject: Place
) -> None:
    chat = visitor.chat(subject).open().converse(QUESTION)
    visitor.provokes("ERR_CONNECTION_RESET")

    def cut(route: Route) -> None:
        route.fetch()
        route.abort("connectionreset")

    chat.page.route("**/chat/messages", cut, times=1)
    chat.ask(OTHER_QUESTION)
    expect(chat.own.filter(has_text=OTHER_QUESTION)).to_have_count(1)
    chat.page.reload()
    expect(chat.finished).to_have_count(2)
    expect(chat.messages).to_have_count(4)
    assert site.said("user") == [QUESTION, OTHER_QUESTION]


def test_several_unsent_messages_arrive_in_order(
    visitor: Reader, site: Site, subject: Place
) -> None:
    # The server may have what an earlier page has tried: it does not wait for the answer before it.
    visitor.provokes("409", "Conflict: ")
    chat = visitor.chat(subject).open()
    cut_off(visitor)
    questions = [QUESTION, OTHER_QUESTION, LAST_QUESTION]
    for question in questions:
        chat.ask(question)
        assert_waiting(chat, question)
    chat.page.reload()
    expect(chat.status).to_have_text("Reconnecting…")
    connect(visitor)
    expect(chat.finished).to_have_count(3, timeout=45_000)
    expect(chat.messages).to_have_count(6)
    assert site.said("user") == questions


def test_a_message_that_is_taken_back_is_not_sent_after_all(
    visitor: Reader, site: Site, subject: Place
) -> None:
    chat = visitor.chat(subject).open()
    visitor.provokes("403")
    chat.page.route("**/chat/messages", lambda route: route.fulfill(status=403))
    chat.ask(QUESTION)
    chat.own.get_by_role("button", name="Edit").click()
    expect(chat.field).to_have_value(QUESTION)
    chat.page.unroute("**/chat/messages")
    chat.reload()
    expect(chat.field).to_have_value(QUESTION)
    expect(chat.own).to_have_count(0)
    assert site.said("user") == []


def test_w11_after_logging_out_no_unsent_message_is_stored_or_sent(
    visitor: Reader, site: Site, subject: Place
) -> None:
    page = visitor.context.new_page()
    log_in(page)
    chat = visitor.chat(subject, page).open().converse(QUESTION)
    cut_off(visitor)
    chat.ask(SECRET)
    assert_waiting(chat, SECRET)
    connect(visitor)
    page.route(API, lambda route: route.abort("connectionrefused"))
    log_out(page)
    assert SECRET not in str(stored(page))
    page.unroute(API)
    chat.open()
    expect(chat.greeting).to_be_visible()
    expect(chat.root).not_to_contain_text(SECRET)
    assert site.said("user") == [QUESTION]
