"""The network goes, the server dies, a finger slips: nothing is lost and nothing is doubled."""

from __future__ import annotations

import re
import signal

import pytest
from playwright.sync_api import Route, expect

from tests.browser.chat_page import OTHER_QUESTION, QUESTION, Place
from tests.browser.conftest import MakeReader, Reader, Waiting
from tests.browser.site import Site

LEASE = 30  # seconds
STOPS = [signal.SIGTERM, signal.SIGKILL]
# What a browser says about a server that is not there.
UNREACHABLE = ("ERR_CONNECTION", "ERR_EMPTY_RESPONSE", "ERR_SOCKET")


@pytest.mark.parametrize("how", STOPS)
def test_a_restart_between_two_questions_is_not_noticed(
    reader: Reader, site: Site, subject: Place, how: signal.Signals
) -> None:
    chat = reader.chat(subject).open().converse(QUESTION)
    before = chat.transcript()
    site.restart(how)
    chat.converse(OTHER_QUESTION)
    chat.reload()
    expect(chat.messages).to_have_count(4)
    assert chat.transcript()[:2] == before
    assert len(site.sessions()) == 1


@pytest.mark.parametrize("how", STOPS)
def test_an_answer_that_the_server_left_behind_can_be_asked_for_again(
    make_reader: MakeReader, waiting: Waiting, place: Place, how: signal.Signals
) -> None:
    reader = make_reader(waiting)
    reader.provokes(*UNREACHABLE)
    chat = reader.chat(place).open()
    chat.ask(QUESTION)
    waiting.model.wait_until_asked()
    waiting.stop(how)
    expect(chat.status).to_have_text("Reconnecting…")
    expect(chat.own).to_contain_text(QUESTION)
    waiting.start()
    expect(chat.status).to_have_text("Thinking…")
    waiting.let_pass(LEASE)
    problem = chat.answers.last
    expect(problem).to_contain_text("The answer was interrupted.")
    expect(chat.status).not_to_have_text("Thinking…")
    chat.reload()
    expect(problem).to_contain_text("The answer was interrupted.")
    problem.get_by_role("button", name="Ask again").click()
    waiting.model.wait_until_asked()
    waiting.model.finish("Here it is after all.")
    expect(chat.finished).to_contain_text("Here it is after all.")
    assert waiting.said("user") == [QUESTION, QUESTION]
    states = [row["state"] for row in waiting.messages() if row["role"] != "user"]
    assert states == ["interrupted", "answered"]
    assert len(waiting.sessions()) == 1


def test_a_question_asked_offline_is_sent_once_when_the_connection_is_back(
    reader: Reader, site: Site, place: Place
) -> None:
    reader.provokes("ERR_INTERNET_DISCONNECTED")
    chat = reader.chat(place).open().converse(QUESTION)
    reader.context.set_offline(True)
    expect(chat.status).to_have_text(re.compile("^Offline . your words are kept$"))
    chat.ask(OTHER_QUESTION)
    expect(chat.own.last).to_contain_text("Waiting for the connection…")
    assert len(site.messages()) == 2
    reader.context.set_offline(False)
    expect(chat.finished).to_have_count(2)
    expect(chat.messages).to_have_count(4)
    expect(chat.status).to_have_text("Active")
    assert site.said("user") == [QUESTION, OTHER_QUESTION]


def test_a_question_whose_answer_is_cut_off_is_sent_again_with_its_key(
    reader: Reader, site: Site, place: Place
) -> None:
    reader.provokes("ERR_CONNECTION_RESET")
    chat = reader.chat(place).open()
    sent: list[object] = []

    def cut_the_first(route: Route) -> None:
        sent.append(route.request.post_data_json)
        if len(sent) > 1:
            route.continue_()
            return
        assert route.fetch().status == 201
        route.abort("connectionreset")

    chat.page.route("**/chat/messages", cut_the_first)
    chat.ask(QUESTION)
    expect(chat.own).to_contain_text("Sending…")
    expect(chat.finished).to_have_count(1)
    expect(chat.messages).to_have_count(2)
    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert site.said("user") == [QUESTION]
    assert len(site.said("assistant")) == 1


def test_a_double_click_sends_once(visitor: Reader, site: Site, place: Place) -> None:
    chat = visitor.chat(place).open()
    chat.field.fill(QUESTION)
    chat.send.dblclick()
    expect(chat.finished).to_have_count(1)
    assert site.said("user") == [QUESTION]


def test_enter_twice_sends_once(visitor: Reader, site: Site, place: Place) -> None:
    chat = visitor.chat(place).open()
    chat.field.fill(QUESTION)
    # Both at once, in one turn of the browser's loop, as a bouncing key does.
    chat.field.evaluate(
        """(field) => {
          for (let times = 0; times < 2; times++)
            field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
        }"""
    )
    expect(chat.finished).to_have_count(1)
    chat.field.fill(OTHER_QUESTION)
    chat.field.press("Enter")
    chat.field.press("Enter")
    expect(chat.finished).to_have_count(2)
    assert site.said("user") == [QUESTION, OTHER_QUESTION]


def test_two_questions_from_two_tabs_at_once_are_both_kept(
    visitor: Reader, site: Site, subject: Place
) -> None:
    """One is answered, the other is not lost: it is answered later or waits for its reader."""
    visitor.provokes("409")
    tabs = [visitor.chat(subject).open().converse(), visitor.chat(subject).open()]
    for chat, question in zip(tabs, ["What is entropy?", OTHER_QUESTION], strict=True):
        chat.field.fill(question)
    for chat in tabs:
        chat.field.press("Enter")
    for chat in tabs:
        retry = chat.root.get_by_role("button", name="Try again")
        expect(chat.finished.nth(1)).to_be_visible()
        if retry.is_visible():
            retry.click()
    for chat in tabs:
        expect(chat.finished).to_have_count(3)
    assert sorted(site.said("user")) == sorted([QUESTION, OTHER_QUESTION, "What is entropy?"])
