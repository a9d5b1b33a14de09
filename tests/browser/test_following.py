"""An answer is followed from everywhere, and is there when its reader comes back."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.chat_page import QUESTION, Place
from tests.browser.conftest import MakeReader, Reader, Waiting, each_once
from tests.browser.site import Site

GROWN = re.compile("warmth( warmth){3}")


def begin(waiting: Waiting, reader: Reader, place: Place, word: str = "warmth ") -> Page:
    """Ask, and let the answer grow; return the page that asked."""
    chat = reader.chat(place).open()
    chat.ask(QUESTION)
    waiting.model.wait_until_asked()
    waiting.model.go_on(word)
    expect(chat.answers.last).to_contain_text(GROWN)
    return chat.page


def assert_exact(waiting: Waiting, shown: str) -> None:
    """What is shown is what is stored: nothing missing, nothing doubled."""
    [answer] = waiting.said("assistant")
    assert " ".join(answer.split()) in " ".join(shown.split())


@each_once
def test_w02_a_reload_in_the_middle_goes_on_where_the_answer_is(
    make_reader: MakeReader, waiting: Waiting, place: Place, who: str
) -> None:
    reader = make_reader(waiting, who)
    page = begin(waiting, reader, place)
    chat = reader.chat(place, page)
    for _ in range(3):
        chat.reload()
        expect(chat.answers.last).to_contain_text(GROWN)
    waiting.model.finish("and no more.")
    expect(chat.finished).to_contain_text("and no more.")
    assert_exact(waiting, chat.answers.last.inner_text())
    assert waiting.said("user") == [QUESTION]


def test_the_answer_goes_on_when_everybody_has_left_and_is_marked_unread(
    make_reader: MakeReader, waiting: Waiting, subject: Place
) -> None:
    reader = make_reader(waiting, "student")
    page = begin(waiting, reader, subject)
    chat = reader.chat(subject, page)
    chat.new_chat.click()
    expect(chat.messages).to_have_count(0)
    page.goto("about:blank")
    waiting.model.finish("while nobody looked.")
    until(page, lambda: [row["state"] for row in waiting.messages()][-1:] == ["answered"])
    assert len(unread(waiting)) == 1
    chat.open().open_history()
    expect(chat.row(QUESTION)).to_contain_text("New answer")
    chat.row(QUESTION).get_by_role("button").first.click()
    expect(chat.finished).to_contain_text("while nobody looked.")
    assert_exact(waiting, chat.answers.last.inner_text())
    until(page, lambda: not unread(waiting))
    chat.open_history()
    expect(chat.row(QUESTION)).not_to_contain_text("New answer")


def test_the_tabs_of_a_browser_share_one_stream_and_the_next_one_takes_it_over(
    make_reader: MakeReader, waiting: Waiting, subject: Place
) -> None:
    reader = make_reader(waiting, "student")
    streams: list[Request] = []
    reader.context.on(
        "request",
        lambda request: (
            streams.append(request)
            if "/updates" in request.url
            and request.headers.get("accept", "").startswith("text/event-stream")
            else None
        ),
    )
    first = begin(waiting, reader, subject)
    before = len(streams)  # a first message may have made a visitor of a stranger: one more
    second = reader.chat(subject).open()
    third = reader.chat(subject).open()
    for chat in (second, third):
        expect(chat.answers.last).to_contain_text(GROWN)
    assert len(streams) == before
    first.close()
    waiting.model.finish("at last.")
    for chat in (second, third):
        expect(chat.finished).to_contain_text("at last.")
        assert_exact(waiting, chat.answers.last.inner_text())
    assert len(streams) == before + 1


def test_another_device_sees_the_question_and_the_answer_as_they_come(
    make_reader: MakeReader, waiting: Waiting, subject: Place
) -> None:
    reader = make_reader(waiting, "student")
    there = reader.chat(subject).open()
    reader.new_context()
    begin(waiting, reader, subject)
    expect(there.own).to_contain_text(QUESTION)
    expect(there.answers.last).to_contain_text(GROWN)
    waiting.model.finish("for both.")
    expect(there.finished).to_contain_text("for both.")
    assert_exact(waiting, there.answers.last.inner_text())


@each_once
def test_stop_keeps_what_was_written_and_try_again_begins_anew(
    make_reader: MakeReader, waiting: Waiting, place: Place, who: str
) -> None:
    reader = make_reader(waiting, who)
    chat = reader.chat(place, begin(waiting, reader, place))
    chat.root.get_by_role("button", name="Stop").click()
    expect(chat.answers.last).to_contain_text("The answer was stopped.")
    expect(chat.answers.last).to_contain_text("warmth warmth")
    expect(chat.status).to_have_text("Active")
    expect(chat.field).to_be_focused()
    chat.answers.last.get_by_role("button", name="Ask again").click()
    waiting.model.wait_until_asked()
    waiting.model.finish("Anew.")
    expect(chat.finished).to_contain_text("Anew.")
    expect(chat.messages).to_have_count(2)
    assert waiting.said("assistant") == ["Anew."]
    assert waiting.said("user") == [QUESTION]


@pytest.fixture
def slow_site(built: None, site: Site, tmp_path: Path) -> Iterator[Site]:
    """The site whose answers take a few seconds, and that may be killed in the middle."""
    running = Site(tmp_path, XP_ANSWER_PACE="0.1")
    running.prepare_like(site)
    running.start()
    yield running
    running.stop()


def test_d01_an_answer_whose_server_is_killed_is_there_after_all(
    make_reader: MakeReader, slow_site: Site, subject: Place
) -> None:
    reader = make_reader(slow_site)
    reader.provokes("ERR_CONNECTION", "ERR_EMPTY_RESPONSE", "ERR_INCOMPLETE", "ERR_SOCKET")
    reader.provokes("timeout graceful shutdown exceeded")
    chat = reader.chat(subject).open()
    chat.ask(QUESTION)
    expect(chat.answers.last).to_contain_text("energy")
    slow_site.stop(signal.SIGKILL)
    expect(chat.status).to_contain_text("econnecting")
    expect(chat.finished).to_have_count(0)
    slow_site.start()
    expect(chat.finished).to_have_count(1, timeout=40_000)
    expect(chat.messages).to_have_count(2)
    [answer] = slow_site.said("assistant")
    expect(chat.answers.last).to_contain_text(answer[-30:])


def unread(site: Site) -> list[int]:
    return [row["id"] for row in site.query("SELECT id FROM subjects_chatsession WHERE unread")]


def until(page: Page, holds: object, attempts: int = 100) -> None:
    """Wait for what the database will say."""
    assert callable(holds)
    for _ in range(attempts):
        if holds():
            return
        page.wait_for_timeout(50)
    raise AssertionError("It never came to pass.")
