"""A question and its answer: what the reader sees from the first moment on."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.chat_page import QUESTION, Place, hold
from tests.browser.conftest import MakeReader, Reader, Waiting, each_once
from tests.browser.site import Site


@each_once
def test_an_answer_has_a_source_that_leads_to_its_passage(
    reader: Reader, site: Site, place: Place
) -> None:
    chat = reader.chat(place).open()
    chat.converse(QUESTION)
    expect(chat.own).to_have_count(1)
    expect(chat.answers.last).to_contain_text("energy needed to warm one kilogram")
    source = chat.answers.last.get_by_role("link").first
    title = source.inner_text()
    source.click()
    passage = chat.page.locator(".passage:target")
    expect(passage).to_be_in_viewport()
    expect(passage).to_contain_text(title)
    assert site.said("user") == [QUESTION]
    assert [row["state"] for row in site.messages()] == ["", "answered"]


def test_a_question_is_shown_before_the_server_has_it(visitor: Reader, place: Place) -> None:
    chat = visitor.chat(place).open()
    held = hold(chat.page, "**/chat/messages")
    chat.ask(QUESTION)
    bubble = chat.own.last
    expect(bubble).to_contain_text(QUESTION)
    expect(bubble).to_contain_text("Sending…")
    expect(chat.field).to_have_value("")
    held[0].continue_()
    expect(bubble).not_to_contain_text("Sending…")
    expect(chat.finished).to_have_count(1)
    expect(chat.own).to_have_count(1)


@each_once
def test_the_status_says_how_far_the_answer_is(
    make_reader: MakeReader, waiting: Waiting, place: Place, who: str
) -> None:
    chat = make_reader(waiting, who).chat(place).open()
    chat.ask(QUESTION)
    waiting.model.wait_until_asked()
    expect(chat.status).to_have_text("Thinking…")
    waiting.model.go_on("warmth ")
    expect(chat.status).to_have_text("Writing an answer…")
    expect(chat.answers.last).to_contain_text(re.compile("warmth( warmth)+"))
    waiting.model.finish("and that is all [1].")
    expect(chat.answers.last).to_contain_text("and that is all [1].")
    expect(chat.status).to_have_text("Active")
    expect(chat.answers.last.get_by_role("link")).to_have_count(1)
