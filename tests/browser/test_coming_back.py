"""Reload, another page, another tab: the conversation is where it was."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat_page import OTHER_QUESTION, QUESTION, Place, hold
from tests.browser.conftest import MakeReader, Reader, Waiting, each_once
from tests.browser.site import Site

HERE_AGAIN = "Welcome back, your chat is still here"

# Notes what the conversation's place shows, each time that it changes.
NOTE_WHAT_IS_SHOWN = """
window.shown = [];
const look = () => {
  const log = document.querySelector('[role=log]');
  if (log === null) return;
  const isBlank = log.querySelector('.dcs-greeting') ?? document.querySelector('.xp-questions');
  const isLoading = log.querySelector('.dcs-skeleton');
  const now = isBlank ? 'blank' : isLoading ? 'loading' : log.querySelectorAll('article').length;
  if (window.shown.at(-1) !== now) window.shown.push(now);
};
new MutationObserver(look).observe(document, { childList: true, subtree: true });
window.addEventListener('pageshow', (event) => { window.restored = event.persisted; });
"""


def shown(page: Page) -> object:
    return page.evaluate("window.shown")


def test_w01_a_reload_shows_the_whole_conversation_and_never_a_blank_one(
    reader: Reader, site: Site, place: Place
) -> None:
    reader.context.add_init_script(NOTE_WHAT_IS_SHOWN)
    chat = reader.chat(place).open()
    chat.converse(QUESTION, OTHER_QUESTION)
    before = chat.transcript()
    current = chat.reload().json()
    expect(chat.status).to_have_text(HERE_AGAIN)
    expect(chat.messages).to_have_count(4)
    assert chat.transcript() == before
    assert shown(chat.page) == ["loading", 4]
    assert [str(row["id"]) for row in site.sessions()] == [current["session"]["id"]]
    chat.converse("What is latent heat?")
    assert [row["message_count"] for row in site.sessions()] == [6]


@pytest.mark.parametrize("who", ["student"], indirect=True)
def test_w01_another_page_and_the_back_button_lose_nothing(reader: Reader, place: Place) -> None:
    reader.context.add_init_script(NOTE_WHAT_IS_SHOWN)
    chat = reader.chat(place).open()
    chat.converse(QUESTION)
    before = chat.transcript()
    chat.page.get_by_role("link", name="XP", exact=True).first.click()
    expect(chat.page.get_by_role("heading", level=1)).to_have_text(re.compile("understand"))
    # Not `go_back`, which waits for a load: a page that the browser has kept does not load.
    chat.page.evaluate("history.back()")
    expect(chat.finished).to_have_count(1)
    assert chat.transcript() == before
    assert "blank" not in chat.page.evaluate("window.shown.slice(-2)")
    chat.converse(OTHER_QUESTION)


@pytest.mark.parametrize("who", ["visitor"], indirect=True)
def test_w01_a_closed_tab_is_opened_again_where_it_was(
    reader: Reader, site: Site, place: Place
) -> None:
    reader.context.add_init_script(NOTE_WHAT_IS_SHOWN)
    chat = reader.chat(place).open()
    chat.converse(QUESTION)
    before = chat.transcript()
    chat.page.close()
    again = reader.chat(place).open()
    expect(again.status).to_have_text(HERE_AGAIN)
    assert again.transcript() == before
    assert shown(again.page) == ["loading", 2]
    assert len(site.sessions()) == 1


def test_the_start_page_leads_back_to_the_conversation(
    reader: Reader, site: Site, subject: Place
) -> None:
    reader.chat(subject).open().converse(QUESTION).page.close()
    chat = reader.chat(subject)
    chat.page.goto("/")
    recent = chat.page.get_by_role("region", name="Go on where you stopped")
    recent.get_by_role("link", name=QUESTION).click()
    chat.wait()
    expect(chat.finished).to_have_count(1)
    chat.converse(OTHER_QUESTION)
    assert [row["message_count"] for row in site.sessions()] == [4]


def test_the_same_conversation_is_on_both_kinds_of_page(
    reader: Reader, site: Site, places: dict[str, Place]
) -> None:
    first = reader.chat(places["subject"]).open().converse(QUESTION)
    second = reader.chat(places["plain"]).open()
    expect(second.status).to_have_text(HERE_AGAIN)
    expect(second.messages).to_have_count(2)
    second.converse(OTHER_QUESTION)
    expect(first.finished).to_have_count(2)
    assert len(site.sessions()) == 1


@each_once
def test_two_tabs_show_the_same_conversation(reader: Reader, site: Site, place: Place) -> None:
    first = reader.chat(place).open().converse(QUESTION)
    second = reader.chat(place).open()
    site.let_pass(250)
    for chat in (first, second):
        chat.reload()
        expect(chat.status).to_contain_text("This chat pauses in")
    second.ask(OTHER_QUESTION)
    expect(first.own.filter(has_text=OTHER_QUESTION)).to_have_count(1, timeout=2000)
    expect(first.status).not_to_contain_text("pauses", timeout=2000)
    for chat in (first, second):
        expect(chat.finished).to_have_count(2)
        expect(chat.messages).to_have_count(4)
    assert first.transcript() == second.transcript()
    assert [row["message_count"] for row in site.sessions()] == [4]


@each_once
def test_a_reload_while_the_answer_is_written_loses_nothing(
    make_reader: MakeReader, waiting: Waiting, place: Place, who: str
) -> None:
    chat = make_reader(waiting, who).chat(place).open()
    chat.ask(QUESTION)
    waiting.model.wait_until_asked()
    chat.reload()
    expect(chat.own).to_have_count(1)
    expect(chat.status).to_have_text("Thinking…")
    waiting.model.go_on("warmth ")
    expect(chat.answers.last).to_contain_text("warmth warmth")
    chat.reload()
    expect(chat.answers.last).to_contain_text("warmth warmth")
    waiting.model.finish("is all.")
    expect(chat.finished).to_contain_text("is all.")
    expect(chat.messages).to_have_count(2)
    assert waiting.said("user") == [QUESTION]
    assert len(waiting.said("assistant")) == 1


def test_an_answer_goes_on_while_nobody_looks(
    make_reader: MakeReader, waiting: Waiting, subject: Place
) -> None:
    reader = make_reader(waiting)
    chat = reader.chat(subject).open()
    chat.ask(QUESTION)
    waiting.model.wait_until_asked()
    chat.page.close()
    waiting.model.finish("It went on.")
    again = reader.chat(subject).open()
    expect(again.finished).to_contain_text("It went on.")
    expect(again.messages).to_have_count(2)


def test_a_late_answer_does_not_make_another_visitor_of_the_first_one(
    visitor: Reader, site: Site, subject: Place
) -> None:
    chat = visitor.chat(subject)
    history = re.compile(r"/chat/sessions\?")
    # Asked for before anybody knew this visitor, and answered after the first conversation.
    late = hold(chat.page, history)
    # The late answer brings another CSRF cookie: nothing may be on its way with the one before.
    with chat.page.expect_response("**/read"):
        chat.open().converse(QUESTION)
    headers = late[0].request.headers
    nobody = {name: value for name, value in headers.items() if name != "cookie"}
    for route in late:
        route.fulfill(response=route.fetch(headers={**nobody, "cookie": ""}))
    chat.page.unroute(history)
    chat.reload()
    expect(chat.status).to_have_text(HERE_AGAIN)
    expect(chat.finished).to_have_count(1)
