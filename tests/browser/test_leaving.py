"""Somebody else sits down at the same computer: nothing of the one before is there to be read."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.chat_page import OTHER_QUESTION, QUESTION, Chat, Place
from tests.browser.conftest import Reader, log_in
from tests.browser.site import Site
from tests.browser.test_following import until

EVERYTHING_STORED = """async () => {
  const databases = await indexedDB.databases();
  return { local: { ...localStorage }, session: { ...sessionStorage }, databases };
}"""
NOTE_WHETHER_KEPT = "addEventListener('pageshow', ({ persisted }) => { window.kept = persisted; })"
ERASE = """async () => {
  const token = /csrftoken=([^;]+)/.exec(document.cookie)[1];
  const headers = { "X-CSRFToken": token };
  return (await fetch("/chat/sessions", { method: "DELETE", headers })).status;
}"""
# The stream that is opened anew once there is a chat.
FOLLOWED = re.compile(r"/chat/updates\?since=")
READ = re.compile(r"/chat/sessions/\d+/read$")
SECRET = "a secret that was never sent"


def log_out(page: Page) -> None:
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/")
    expect(page.get_by_role("link", name="Log in")).to_be_visible()


def converse(chat: Chat) -> Chat:
    """Ask and be answered; wait for what the page does then, which would find the login gone."""
    with chat.page.expect_response(FOLLOWED), chat.page.expect_response(READ):
        return chat.converse(QUESTION)


def visitor_keys(reader: Reader) -> set[str]:
    """Return the keys in a browser's cookies, without what signs them."""
    cookies = reader.context.cookies()
    return {one["value"].split(":")[0] for one in cookies if "chat_visitor" in one["name"]}


def stored(page: Page) -> Any:
    return page.evaluate(EVERYTHING_STORED)


def test_w07_after_logging_out_the_back_button_shows_nothing(
    visitor: Reader, site: Site, place: Place
) -> None:
    visitor.context.add_init_script(NOTE_WHETHER_KEPT)
    page = visitor.context.new_page()
    log_in(page)
    chat = converse(visitor.chat(place, page).open())
    log_out(page)
    page.evaluate("history.back()")
    expect(page).to_have_url(site.url + place.address)
    # A page that the browser had kept would show everything until it has asked again.
    until(page, lambda: page.evaluate("window.kept") is False)
    chat.wait()
    expect(chat.messages).to_have_count(0)
    expect(chat.root).not_to_contain_text(QUESTION)
    chat.open_history()
    expect(chat.history).to_contain_text("will appear here")
    expect(page.get_by_text("student", exact=True)).to_have_count(0)


def test_w11_after_logging_out_nothing_that_was_written_is_stored(
    visitor: Reader, site: Site, place: Place
) -> None:
    page = visitor.context.new_page()
    log_in(page)
    chat = converse(visitor.chat(place, page).open())
    chat.field.fill(SECRET)
    log_out(page)
    kept = str(stored(page))
    for text in (QUESTION, "specific heat", SECRET):
        assert text not in kept
    # An id may be left behind as a hint; it opens nothing.
    [session] = site.sessions()
    answer = page.request.get(f"/chat/sessions/{session['id']}/messages")
    assert answer.status == 404
    visitor.provokes(": 404", "Not Found: ")


def test_p09_after_erasing_everything_the_next_page_clears_what_is_stored(
    visitor: Reader, site: Site, place: Place
) -> None:
    visitor.provokes(": 404", "404 (Not Found)", "Not Found: ")  # the chat it knew is gone
    chat = visitor.chat(place).open().converse(QUESTION)
    chat.field.fill(SECRET)
    until(chat.page, lambda: SECRET in str(stored(chat.page)))
    keys = visitor_keys(visitor)
    assert keys
    assert chat.page.evaluate(ERASE) == 204
    assert site.messages() == []
    # The page that is still open asks who it is, and may have been given a key of its own since.
    assert not keys & visitor_keys(visitor)
    chat.reload()
    expect(chat.messages).to_have_count(0)
    expect(chat.field).to_have_value("")
    assert SECRET not in str(stored(chat.page))


def test_a_draft_is_not_shown_to_the_next_one(visitor: Reader, site: Site, place: Place) -> None:
    page = visitor.context.new_page()
    log_in(page)
    chat = visitor.chat(place, page).open()
    chat.field.fill(SECRET)
    chat.reload()
    expect(chat.field).to_have_value(SECRET)
    log_out(page)
    chat.open()
    expect(chat.greeting).to_be_visible()
    expect(chat.field).to_have_value("")
    chat.converse(OTHER_QUESTION)


def test_a_draft_stays_with_the_one_who_wrote_it(visitor: Reader, place: Place) -> None:
    chat = visitor.chat(place).open()
    chat.field.fill(SECRET)
    chat.reload()
    expect(chat.field).to_have_value(SECRET)
    chat.converse(QUESTION)
    chat.field.fill(SECRET)
    chat.reload()
    expect(chat.finished).to_have_count(1)
    expect(chat.field).to_have_value(SECRET)


def test_z08_a_visitors_chat_goes_with_them_into_their_account(
    visitor: Reader, site: Site, place: Place
) -> None:
    chat = visitor.chat(place).open().converse(QUESTION)
    said = chat.transcript()
    log_in(chat.page)
    chat.open()
    expect(chat.messages).to_have_count(2)
    assert chat.transcript() == said
    chat.converse(OTHER_QUESTION)
    [session] = site.sessions()
    assert (session["message_count"], session["user_id"] is None) == (4, False)
    log_out(chat.page)
    chat.open()
    expect(chat.messages).to_have_count(0)
    log_in(chat.page)
    chat.open()
    expect(chat.finished).to_have_count(2)


def test_what_is_written_in_a_page_left_open_is_not_sent_as_somebody_elses(
    visitor: Reader, site: Site, place: Place
) -> None:
    page = visitor.context.new_page()
    log_in(page)
    chat = visitor.chat(place, page).open()
    elsewhere = visitor.context.new_page()
    elsewhere.goto("/")
    log_out(elsewhere)
    visitor.provokes("422", "Unprocessable Content: ")
    chat.ask(SECRET)
    expect(chat.own).to_contain_text("written before somebody signed in or out here")
    expect(chat.own).to_contain_text(SECRET)
    assert site.said("user") == []
    chat.own.get_by_role("button", name="Try again").click()
    expect(chat.finished).to_have_count(1)
    assert site.said("user") == [SECRET]


def test_z16_a_tab_that_stays_open_shows_nothing_soon_after_the_logout(
    visitor: Reader, subject: Place
) -> None:
    visitor.provokes(": 404", "404 (Not Found)", "Not Found: ")
    page = visitor.context.new_page()
    log_in(page)
    chat = converse(visitor.chat(subject, page).open())
    elsewhere = visitor.context.new_page()
    elsewhere.goto("/")
    log_out(elsewhere)
    expect(chat.messages).to_have_count(0)  # long before its stream would look at the login itself
    expect(chat.root).not_to_contain_text(QUESTION)


def test_who_logs_in_again_in_another_tab_goes_on_in_the_first(
    visitor: Reader, site: Site, place: Place
) -> None:
    page = visitor.context.new_page()
    log_in(page)
    chat = converse(visitor.chat(place, page).open())
    visitor.context.clear_cookies(name="xp_session")  # the login ended in the night
    log_in(visitor.context.new_page())  # Django gives another CSRF cookie
    chat.converse(OTHER_QUESTION)
    [session] = site.sessions()
    assert session["message_count"] == 4
