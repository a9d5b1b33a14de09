"""The widget itself: floating in a corner, by keyboard, and where the focus goes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Error, Locator, Page, Route, expect

from tests.browser.chat_page import IDLE, OTHER_QUESTION, QUESTION, Chat, Place
from tests.browser.conftest import MakeReader, Reader, Waiting
from tests.browser.frames import draw
from tests.browser.site import Site
from tests.browser.test_accessibility import check

PHONE = {"width": 360, "height": 740}
NOTE_VIOLATIONS = """
window.violations = [];
addEventListener("securitypolicyviolation", (one) => violations.push(one.effectiveDirective));
"""
IN_THE_CHAT = "document.activeElement.closest('.dcs-widget') !== null"


@pytest.fixture
def corner(places: dict[str, Place]) -> Place:
    """The plain page with a chat that opens from a button."""
    plain = places["plain"]
    return Place("corner", f"{plain.address}&layout=floating", plain.assistant, plain.history)


@pytest.fixture
def floating(make_reader: MakeReader, waiting: Waiting, corner: Place) -> Chat:
    """It is closed, and its answers wait for the test."""
    chat = make_reader(waiting).chat(corner)
    chat.page.goto(corner.address)
    expect(launcher(chat.page)).to_be_visible()
    return chat


def launcher(page: Page) -> Locator:
    return page.get_by_role("button", name=re.compile("^Open chat"))


def test_a_chat_in_the_corner_opens_and_closes_by_keyboard(floating: Chat) -> None:
    page = floating.page
    expect(floating.field).to_be_hidden()
    launcher(page).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Physics")).to_be_visible()
    expect(floating.field).to_be_focused()
    check(page)
    page.keyboard.type("half a thought")
    page.keyboard.press("Escape")
    expect(floating.field).to_be_hidden()
    expect(launcher(page)).to_be_focused()
    check(page)
    page.keyboard.press("Enter")
    expect(floating.field).to_have_value("half a thought")
    # It lies beside the page, which can still be used.
    page.get_by_role("link", name="Put it here").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(floating.field).to_have_value("half a thought")


def test_an_answer_that_comes_while_it_is_closed_is_marked(
    floating: Chat, waiting: Waiting
) -> None:
    page = floating.page
    launcher(page).click()
    floating.wait().ask()
    waiting.model.wait_until_asked()
    page.get_by_role("button", name="Close chat").click()
    waiting.model.finish("It says how much warmth a kilogram takes up.")
    expect(launcher(page)).to_have_accessible_name("Open chat New answer")
    expect(page.locator(".dcs-floating > [role=status]")).to_have_text("Answer ready")
    check(page)
    launcher(page).click()
    expect(floating.answers.last).to_contain_text("It says how much warmth")
    page.get_by_role("button", name="Close chat").click()
    expect(launcher(page)).to_have_accessible_name("Open chat")


def test_it_has_its_own_colours_on_a_page_that_writes_in_others(
    visitor: Reader, places: dict[str, Place]
) -> None:
    page = visitor.chat(places["plain"]).page
    page.goto(places["plain"].address)
    page.locator("body").evaluate("body => { body.style.color = 'white'; }")
    expect(page.locator(".dcs-widget")).to_be_visible()
    expect(page.locator(".dcs-widget")).not_to_have_css("color", "rgb(255, 255, 255)")


def test_on_a_phone_it_fills_the_screen_and_keeps_the_focus(visitor: Reader, corner: Place) -> None:
    visitor.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    chat = visitor.chat(corner)
    page = chat.page
    page.goto(corner.address)
    launcher(page).tap()
    box = page.get_by_role("dialog").bounding_box()
    assert box == {"x": 0, "y": 0, **PHONE}
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate(f"document.activeElement === document.body || {IN_THE_CHAT}")
    check(page)
    chat.open_history()
    frame = chat.history.bounding_box()
    assert frame is not None
    assert frame["x"] >= 0
    assert frame["x"] + frame["width"] <= PHONE["width"]
    page.keyboard.press("Escape")
    expect(chat.history).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(launcher(page)).to_be_focused()


def test_an_open_chat_is_printed_whole_and_lies_on_nothing_of_the_page(
    visitor: Reader, corner: Place
) -> None:
    chat = visitor.chat(corner)
    page = chat.page
    page.goto(corner.address)
    launcher(page).click()
    chat.converse(*[QUESTION] * 4)
    page.emulate_media(media="print")
    assert chat.log.evaluate("log => log.scrollHeight - log.clientHeight") == 0
    text, printed = page.get_by_text("It waits in the corner"), page.get_by_role("dialog")
    above, below = text.bounding_box(), printed.bounding_box()
    assert above is not None
    assert below is not None
    assert below["y"] >= above["y"] + above["height"]
    assert page.evaluate("document.documentElement.scrollHeight") >= below["y"] + below["height"]


def test_on_a_phone_a_title_is_given_up_or_kept_without_leaving_the_chat(
    visitor: Reader, corner: Place
) -> None:
    visitor.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    chat = visitor.chat(corner)
    page = chat.page
    page.goto(corner.address)
    launcher(page).tap()
    chat.converse(QUESTION)
    chat.open_history()
    title = chat.history.get_by_role("textbox", name="Title")
    chat.choose(QUESTION, "Rename")
    title.fill("Given up")
    page.keyboard.press("Escape")
    expect(title).to_have_count(0)
    expect(page.get_by_role("dialog")).to_be_visible()
    chat.choose(QUESTION, "Rename")
    title.fill("Warmth")
    with page.expect_response(lambda one: one.request.method == "PATCH"):
        chat.log.tap(position={"x": 10, "y": 500})
    expect(chat.history).to_have_count(0)
    chat.open_history()
    expect(chat.row("Warmth")).to_be_visible()


def test_escape_uncovers_what_has_the_focus_in_the_page(floating: Chat) -> None:
    page = floating.page
    page.evaluate(
        """() => {
          const make = (id, inset) => Object.assign(document.createElement('button'), {
            id, textContent: id, style: `position: fixed; inset: ${inset}` });
          document.body.append(
            make('below', 'auto 3rem 3rem auto'), make('beside', '1rem auto auto 1rem'));
        }"""
    )
    launcher(page).click()
    expect(floating.field).to_be_visible()
    page.locator("#beside").focus()
    page.keyboard.press("Escape")
    expect(floating.field).to_be_visible()
    page.locator("#below").focus()
    page.keyboard.press("Escape")
    expect(floating.field).to_be_hidden()
    expect(page.locator("#below")).to_be_focused()


def test_escape_stops_an_answer_before_it_closes_the_chat(floating: Chat, waiting: Waiting) -> None:
    launcher(floating.page).click()
    floating.wait().ask()
    waiting.model.wait_until_asked()
    waiting.model.go_on("word ")
    expect(floating.status).to_have_text("Writing an answer…")
    floating.page.keyboard.press("Escape")
    expect(floating.answers.last).to_contain_text("The answer was stopped.")
    expect(floating.field).to_be_focused()
    floating.page.keyboard.press("Escape")
    expect(launcher(floating.page)).to_be_focused()


def test_the_focus_is_never_lost(visitor: Reader, site: Site, place: Place) -> None:
    chat = visitor.chat(place)
    chat.page.clock.install()
    chat.open().converse(QUESTION)
    site.let_pass(IDLE + 60)
    chat.page.clock.fast_forward((IDLE + 60) * 1000)
    way_on = chat.notice.get_by_role("button", name="Continue this chat")
    way_on.press("Enter")
    expect(way_on).to_have_count(0)
    expect(chat.field).to_be_focused()
    chat.new_chat.focus()
    chat.page.keyboard.press("/")
    expect(chat.field).to_be_focused()
    expect(chat.field).to_have_value("")
    chat.page.keyboard.press("ArrowUp")
    expect(chat.field).to_have_value("")


def test_its_script_may_come_from_another_origin_that_knows_nothing_of_ours(
    visitor: Reader, site: Site, places: dict[str, Place]
) -> None:
    visitor.new_context(bypass_csp=True)  # the site's own allows no other origin
    chat = visitor.chat(places["plain"])
    page = chat.page
    ours, theirs = "/static/django_chat_sessions/", site.url.replace("127.0.0.1", "localhost")
    html = page.request.get(places["plain"].address).text()
    assert f'src="{ours}' in html
    page.goto(f"{ours}plain.css")
    page.set_content(html.replace(f'src="{ours}', f'src="{theirs}{ours}'))
    chat.wait().converse(QUESTION)


def test_x04_it_works_where_a_policy_trusts_no_text_as_markup(
    visitor: Reader, place: Place
) -> None:
    """The site's own policy, of nothing inline, and Trusted Types beside it."""

    def trust_nothing(route: Route) -> None:
        page = route.fetch()
        policy = page.headers["content-security-policy"]
        more = "require-trusted-types-for 'script'; trusted-types 'none'"
        headers = {**page.headers, "content-security-policy": f"{policy}; {more}"}
        route.fulfill(response=page, headers=headers)

    chat = visitor.chat(place)
    chat.page.route(f"**{place.address}", trust_nothing)
    chat.page.add_init_script(NOTE_VIOLATIONS)
    chat.open().converse(QUESTION, OTHER_QUESTION)
    chat.open_history()
    chat.choose(QUESTION, "Pin")
    expect(chat.rows).to_have_count(1)
    assert chat.page.evaluate("violations") == []
    visitor.provokes("requires 'TrustedHTML'")  # that it is in force, which this shows
    with pytest.raises(Error, match="TrustedHTML"):
        chat.page.evaluate("document.body.innerHTML = ''")
    assert chat.page.evaluate("violations") == ["require-trusted-types-for"]


def test_a_part_that_is_put_into_the_page_later_brings_its_chat_along(
    visitor: Reader, places: dict[str, Place]
) -> None:
    chat = visitor.chat(places["plain"]).open()
    # As htmx does it: scripts of a part run only when they are made anew.
    chat.page.evaluate(
        """async () => {
          const text = await (await fetch("")).text();
          const parsed = new DOMParser().parseFromString(text, "text/html");
          const body = document.importNode(parsed.body, true);
          for (const old of body.querySelectorAll("script[src]")) {
            const made = document.createElement("script");
            for (const { name, value } of old.attributes) made.setAttribute(name, value);
            old.replaceWith(made);
          }
          document.body.replaceWith(body);
        }"""
    )
    chat.wait().converse(QUESTION)
    expect(chat.root).to_have_count(1)


def test_an_answer_can_be_copied(visitor: Reader, place: Place) -> None:
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    chat = visitor.chat(place).open().converse(QUESTION)
    chat.answers.last.get_by_role("button", name="Copy").click()
    expect(chat.root.locator("[aria-live=polite] p").last).to_have_text("Copied")
    copied = chat.page.evaluate("navigator.clipboard.readText()")
    assert copied.splitlines()[0] in (chat.answers.last.text_content() or "")


def test_an_answer_can_be_copied_where_the_page_may_not_use_the_clipboard(
    visitor: Reader, place: Place
) -> None:
    visitor.provokes("Permissions policy violation")
    visitor.context.route("**", forbid_the_clipboard)
    chat = visitor.chat(place).open().converse(QUESTION)
    chat.answers.last.get_by_role("button", name="Copy").click()
    expect(chat.root.locator("[aria-live=polite] p").last).to_have_text("Copied")
    chat.field.press("Control+v")
    pasted = chat.field.input_value()
    assert pasted.splitlines()[0] in (chat.answers.last.text_content() or "")


def forbid_the_clipboard(route: Route) -> None:
    """As for a page in a frame of another site."""
    if route.request.resource_type != "document":
        route.continue_()
        return
    page = route.fetch()
    forbidding = {**page.headers, "permissions-policy": "clipboard-write=()"}
    route.fulfill(response=page, headers=forbidding)


def test_what_arrives_further_down_is_told(
    make_reader: MakeReader, waiting: Waiting, place: Place
) -> None:
    reader = make_reader(waiting)
    reader.new_context(viewport={"width": 700, "height": 420})
    chat = reader.chat(place).open().ask()
    waiting.model.wait_until_asked()
    waiting.model.finish("So much.\n\n" * 20)
    expect(chat.finished).to_have_count(1)
    chat.ask(OTHER_QUESTION)
    waiting.model.wait_until_asked()
    expect(chat.status).to_have_text("Thinking…")
    chat.log.evaluate("log => { log.scrollTop = 0 }")
    expect(chat.root.get_by_role("button", name="Jump to latest")).to_be_visible()
    waiting.model.finish("The end.")
    jump = chat.root.get_by_role("button", name="New answer")
    jump.press("Enter")
    expect(jump).to_have_count(0)
    expect(chat.log).to_be_focused()
    expect(chat.answers.last.get_by_text("The end.")).to_be_in_viewport()


def test_a_long_message_leaves_the_page_where_it_is(
    make_reader: MakeReader, site: Site, subject: Place
) -> None:
    reader = make_reader(site)
    reader.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    chat = reader.chat(subject).open()
    # So that the page, too, could scroll after the rows, or after a field that becomes small again.
    chat.page.evaluate("scrollTo({ top: 400, behavior: 'instant' })")
    chat.field.fill(f"{QUESTION} {'Slowly, please. ' * 30}")
    before = chat.root.bounding_box()
    chat.field.press("Enter")
    expect(chat.finished).to_have_count(1)
    draw(chat.page, frames=20)  # a page scrolls after the rows in a later frame
    assert chat.root.bounding_box() == before


def test_earlier_messages_leave_the_reader_where_they_are(
    visitor: Reader, site: Site, place: Place
) -> None:
    chat = visitor.chat(place).open().converse(QUESTION)
    add_messages(site, 120)
    chat.reload()
    earlier = chat.log.get_by_role("button", name="Show earlier messages")
    expect(earlier).to_be_attached()
    scroll_to_the_top(chat)
    first = chat.messages.first.element_handle()
    top = "(row) => row.getBoundingClientRect().top"
    before, count = first.evaluate(top), chat.messages.count()
    # As it is: to come into sight first would move what is measured.
    earlier.dispatch_event("click")
    expect(chat.messages).not_to_have_count(count)
    draw(chat.page, frames=20)  # rows around it get their real heights
    assert abs(first.evaluate(top) - before) < 2


@pytest.mark.parametrize("page_reads", ["ltr", "rtl"])
@pytest.mark.parametrize("text", ["", "Why does it warm up slowly?", "لماذا يسخن البحر ببطء؟"])
def test_the_button_never_lies_on_what_is_written(
    visitor: Reader, subject: Place, page_reads: str, text: str
) -> None:
    chat = visitor.chat(subject).open()
    chat.page.evaluate("(reads) => { document.documentElement.dir = reads }", page_reads)
    chat.field.fill(text)
    inside = chat.field.evaluate(
        """(field) => {
            const { left, right } = field.getBoundingClientRect();
            const { paddingLeft, paddingRight } = getComputedStyle(field);
            return [left + parseFloat(paddingLeft), right - parseFloat(paddingRight)];
        }"""
    )
    button = chat.send.bounding_box()
    assert button is not None
    assert button["x"] >= inside[1] or button["x"] + button["width"] <= inside[0]


def add_messages(site: Site, count: int) -> None:
    """As if so much more had been said in the only chat, some of it at length."""
    site.execute(
        "INSERT INTO subjects_chatmessage (chat_session_id, sender, text, sent_at, position,"
        " state) WITH RECURSIVE numbers(n) AS"
        " (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < ? + 1)"
        " SELECT chat_session_id, sender, text || replace(hex(zeroblob(n % 9 * 10)), '0', ' more'),"
        " sent_at, n, state FROM numbers JOIN subjects_chatmessage ON position = n % 2",
        [count],
    )
    site.execute("UPDATE subjects_chatsession SET message_count = message_count + ?", [count])


def scroll_to_the_top(chat: Chat) -> None:
    """As a reader does: what comes into sight on the way gets its real height."""
    chat.log.hover()
    while chat.log.evaluate("log => log.scrollTop") > 0:
        chat.page.mouse.wheel(0, -500)
        draw(chat.page, frames=1)
