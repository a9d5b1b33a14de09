"""What five minutes without activity do, and what they never do."""

from __future__ import annotations

import datetime

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.chat_page import IDLE, OTHER_QUESTION, QUESTION, Chat, Place
from tests.browser.conftest import Reader, each_once
from tests.browser.site import Site

PAUSED = "This chat paused after 5 minutes without activity"
NEXT_STARTS_NEW = "Your next message starts a new chat."
HOURS = [datetime.timedelta(hours=2), datetime.timedelta(hours=-2)]


def let_pass(seconds: int, site: Site, *pages: Page) -> None:
    """Time passes on the server and, like a laptop that sleeps, in these pages."""
    site.let_pass(seconds)
    for page in pages:
        page.clock.fast_forward(seconds * 1000)


def open_with_own_clock(reader: Reader, place: Place) -> Chat:
    chat = reader.chat(place)
    chat.page.clock.install()
    return chat.open()


def expect_in_history(chat: Chat, *titles: str) -> None:
    """A message changes the list a moment after its answer is there."""
    chat.open_history()
    expect(chat.history.locator(".dcs-history-name")).to_have_text(titles)


@each_once
def test_in_an_open_tab_nothing_disappears_and_the_next_message_starts_a_new_chat(
    reader: Reader, site: Site, place: Place
) -> None:
    chat = open_with_own_clock(reader, place).converse(QUESTION)
    before = chat.transcript()
    chat.field.fill("a draft")
    let_pass(IDLE, site, chat.page)
    expect(chat.status).to_have_text(PAUSED)
    expect(chat.notice).to_contain_text(NEXT_STARTS_NEW)
    expect(chat.field).to_have_value("a draft")
    assert chat.transcript() == before

    chat.converse(OTHER_QUESTION)
    expect(chat.boundary).to_contain_text("New chat started: 5 minutes without activity")
    expect(chat.messages).to_have_count(4)
    expect(chat.notice).to_have_count(0)
    old, new = site.sessions()
    assert (old["end_reason"], old["message_count"]) == ("idle", 2)
    assert (new["previous_id"], new["message_count"]) == (old["id"], 2)
    expect_in_history(chat, OTHER_QUESTION, QUESTION)


@each_once
def test_after_being_away_the_old_chat_is_one_click_away(
    reader: Reader, site: Site, place: Place
) -> None:
    chat = reader.chat(place).open().converse(QUESTION)
    before = chat.transcript()
    chat.page.close()
    site.let_pass(IDLE)
    chat = reader.chat(place).open()
    expect(chat.status).to_have_text(PAUSED)
    expect(chat.notice).to_contain_text(NEXT_STARTS_NEW)
    expect(chat.messages).to_have_count(0)
    expect_in_history(chat, QUESTION)
    chat.page.keyboard.press("Escape")

    chat.notice.get_by_role("button", name="Continue the previous chat").click()
    expect(chat.status).to_have_text("Chat continued")
    expect(chat.messages).to_have_count(2)
    assert chat.transcript() == before
    chat.converse(OTHER_QUESTION)
    [session] = site.sessions()
    assert (session["message_count"], session["ended_at"], session["end_reason"]) == (4, None, "")


@each_once
def test_a_new_chat_after_being_away_leads_back_to_the_old_one(
    reader: Reader, site: Site, place: Place
) -> None:
    reader.chat(place).open().converse(QUESTION).page.close()
    site.let_pass(IDLE)
    chat = reader.chat(place).open().converse(OTHER_QUESTION)
    assert [row["message_count"] for row in site.sessions()] == [2, 2]
    expect_in_history(chat, OTHER_QUESTION, QUESTION)

    chat.row(QUESTION).get_by_role("button").first.click()
    expect(chat.root).to_contain_text("You are reading an older chat.")
    expect(chat.own).to_have_count(1)
    expect(chat.own).to_contain_text(QUESTION)
    chat.root.get_by_role("button", name="Continue this chat").click()
    expect(chat.status).to_have_text("Chat continued")
    chat.converse("What is latent heat?")
    expect(chat.messages).to_have_count(4)
    old, new = site.sessions()
    assert (old["message_count"], old["ended_at"]) == (4, None)
    assert (new["message_count"], new["end_reason"]) == (2, "replaced")


def test_the_boundary_leads_back_too(reader: Reader, site: Site, subject: Place) -> None:
    chat = open_with_own_clock(reader, subject).converse(QUESTION)
    before = chat.transcript()
    let_pass(IDLE, site, chat.page)
    chat.converse(OTHER_QUESTION)
    chat.boundary.get_by_role("button", name="Continue the previous one").click()
    expect(chat.status).to_have_text("Chat continued")
    expect(chat.messages).to_have_count(2)
    assert chat.transcript() == before


def test_looking_and_waiting_leave_no_empty_chat_behind(
    visitor: Reader, site: Site, subject: Place
) -> None:
    chat = open_with_own_clock(visitor, subject)
    for _ in range(2):
        let_pass(IDLE, site, chat.page)
        chat.reload()
    assert site.sessions() == []
    chat.converse(QUESTION)
    let_pass(IDLE + 60, site, chat.page)
    chat.reload()
    assert len(site.sessions()) == 1
    expect_in_history(chat, QUESTION)


@each_once
def test_a_chat_can_be_kept_before_it_pauses(reader: Reader, site: Site, place: Place) -> None:
    chat = open_with_own_clock(reader, place).converse(QUESTION)
    let_pass(IDLE - 45, site, chat.page)
    expect(chat.status).to_contain_text("This chat pauses in 0:4")
    chat.root.get_by_role("button", name="Keep this chat").click()
    expect(chat.status).to_have_text("Active")
    let_pass(IDLE - 90, site, chat.page)
    expect(chat.status).to_have_text("Active")
    assert [row["ended_at"] for row in site.sessions()] == [None]


def read_without_a_trace(route: Route) -> None:
    """Answer as if the chat had been noted as read."""
    known = route.fetch(url=route.request.url.removesuffix("/read"), method="GET").json()
    route.fulfill(json={**known, "session": {**known["session"], "unread": False}})


@each_once
def test_w03_after_a_sleep_the_chat_says_at_once_that_it_has_paused(
    reader: Reader, site: Site, place: Place
) -> None:
    chat = open_with_own_clock(reader, place)
    # It changes the row, of which a stream would speak: after the sleep, as it was before.
    chat.page.route("**/read", read_without_a_trace)
    with chat.page.expect_response("**/read"):
        chat.converse(QUESTION)
    chat.page.unroute("**/read")
    # The network is not back yet: what is said then is the page's own knowledge.
    reader.provokes("ERR_INTERNET_DISCONNECTED")
    chat.page.route("**/chat/**", lambda route: route.abort("internetdisconnected"))
    let_pass(360, site, chat.page)
    expect(chat.status).to_have_text(PAUSED, timeout=1000)
    chat.page.unroute("**/chat/**")
    chat.converse(OTHER_QUESTION)
    assert [row["message_count"] for row in site.sessions()] == [2, 2]


@pytest.mark.parametrize("hours", HOURS, ids=["ahead", "behind"])
def test_w09_a_wrong_clock_pauses_nothing(
    visitor: Reader, site: Site, place: Place, hours: datetime.timedelta
) -> None:
    chat = visitor.chat(place)
    chat.page.clock.install(time=datetime.datetime.now(datetime.UTC) + hours)
    chat.open().converse(QUESTION)
    expect(chat.status).to_have_text("Active")
    let_pass(IDLE - 90, site, chat.page)
    chat.reload()
    expect(chat.status).to_have_text("Welcome back, your chat is still here")
    let_pass(60, site, chat.page)
    expect(chat.status).to_contain_text("This chat pauses in 0:")
    let_pass(60, site, chat.page)
    expect(chat.status).to_have_text(PAUSED)
    assert len(site.sessions()) == 1
