"""The network goes, the server dies, a finger slips: nothing is lost and nothing is doubled."""

from __future__ import annotations

import re
import signal
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.chat_page import OTHER_QUESTION, QUESTION, Place, hold
from tests.browser.conftest import MakeReader, Reader, Waiting, each_once
from tests.browser.site import Site
from tests.browser.test_following import until

LEASE = 30  # seconds
# What a browser says about a server that is not there, or no longer.
GONE = ("ERR_EMPTY_RESPONSE", "ERR_INCOMPLETE_CHUNKED", "ERR_CONTENT_LENGTH_MISMATCH")
UNREACHABLE = ("ERR_CONNECTION", "ERR_SOCKET", *GONE)
# And what uvicorn says when a reader's stream does not end in the time it is given.
STREAMS_CUT = ("timeout graceful shutdown exceeded", "Cancel ")
RECONNECTING = "Reconnecting…"


@pytest.mark.parametrize(
    ("who", "how"), [("visitor", signal.SIGTERM), ("student", signal.SIGKILL)], indirect=["who"]
)
def test_a_restart_between_two_questions_is_not_noticed(
    reader: Reader, site: Site, subject: Place, how: signal.Signals
) -> None:
    reader.provokes(*UNREACHABLE, *STREAMS_CUT)
    chat = reader.chat(subject).open().converse(QUESTION)
    before = chat.transcript()
    site.restart(how)
    chat.converse(OTHER_QUESTION)
    chat.reload()
    expect(chat.messages).to_have_count(4)
    assert chat.transcript()[:2] == before
    assert len(site.sessions()) == 1


@pytest.mark.parametrize(
    ("place", "how"), [("subject", signal.SIGKILL), ("plain", signal.SIGTERM)], indirect=["place"]
)
def test_an_answer_that_the_server_left_behind_can_be_asked_for_again(
    make_reader: MakeReader, waiting: Waiting, place: Place, how: signal.Signals
) -> None:
    reader = make_reader(waiting)
    reader.provokes(*UNREACHABLE, *STREAMS_CUT)
    chat = reader.chat(place).open()
    chat.ask(QUESTION)
    waiting.model.wait_until_asked()
    # The model may be asked before the page hears that its message is stored.
    expect(chat.status).to_have_text("Thinking…")
    waiting.stop(how)
    expect(chat.status).to_have_text(RECONNECTING)
    expect(chat.own).to_contain_text(QUESTION)
    waiting.start()
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
    assert waiting.said("user") == [QUESTION]
    states = [row["state"] for row in waiting.messages() if row["role"] != "user"]
    assert states == ["answered"]
    assert len(waiting.sessions()) == 1


@each_once
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


@each_once
def test_w10_a_question_whose_answer_is_cut_off_is_sent_again_with_its_key(
    reader: Reader, site: Site, place: Place
) -> None:
    reader.provokes("ERR_CONNECTION_RESET")
    chat = reader.chat(place).open()
    sent: list[Any] = []

    def cut_the_first(route: Route) -> None:
        sent.append(route.request.post_data_json)
        if len(sent) > 1:
            route.continue_()
            return
        assert route.fetch().status == 201
        route.abort("connectionreset")

    chat.page.route("**/chat/messages", cut_the_first)
    chat.ask(QUESTION)
    # The stream may have told of it before it is sent again.
    expect(chat.finished).to_have_count(1)
    until(chat.page, lambda: len(sent) == 2)
    expect(chat.messages).to_have_count(2)
    # By then it may know its session.
    assert {**sent[0], "session": None} == {**sent[1], "session": None}
    assert site.said("user") == [QUESTION]
    assert len(site.said("assistant")) == 1


def test_a_double_click_sends_once(visitor: Reader, site: Site, place: Place) -> None:
    chat = visitor.chat(place).open()
    chat.field.fill(QUESTION)
    chat.send.dblclick()
    # Nor does its second half take the focus away: what is typed next is in the field.
    chat.page.keyboard.type("And")
    expect(chat.field).to_have_value("And")
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


def test_a_second_question_waits_until_the_first_is_answered(
    make_reader: MakeReader, waiting: Waiting, subject: Place
) -> None:
    reader = make_reader(waiting, "student")
    reader.provokes("409", "Conflict: ")
    here = reader.chat(subject).open()
    reader.new_context()
    there = reader.chat(subject)
    news = hold(there.page, re.compile("/chat/updates"))
    there.open()
    here.ask(QUESTION)
    waiting.model.wait_until_asked()
    there.ask(OTHER_QUESTION)
    question = there.own.filter(has_text=OTHER_QUESTION)
    expect(question).to_contain_text("Waiting for its turn…")
    assert news
    there.page.unroute_all()  # and so let them come
    waiting.model.finish("The first one.")
    waiting.model.wait_until_asked()
    waiting.model.finish("The second one.")
    expect(there.finished).to_have_count(2)
    expect(there.messages).to_have_count(4)
    assert waiting.said("user") == [QUESTION, OTHER_QUESTION]
    assert waiting.said("assistant") == ["The first one.", "The second one."]


def test_an_answer_is_not_missed_because_another_device_has_gone_on(
    make_reader: MakeReader, site: Site, subject: Place
) -> None:
    reader = make_reader(site, "student")
    here = reader.chat(subject)
    news = hold(here.page, re.compile("/chat/updates"))
    here.open().ask(QUESTION)
    expect(here.status).to_have_text("Thinking…")
    reader.new_context()
    there = reader.chat(subject).open()
    expect(there.finished).to_have_count(1)
    there.converse(OTHER_QUESTION)
    assert news
    here.page.unroute_all()  # and so let them come
    expect(here.finished).to_have_count(2)
    expect(here.messages).to_have_count(4)
    expect(here.status).to_have_text("Active")
