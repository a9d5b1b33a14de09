"""Every component in every state: no rule of accessibility broken, nothing beside the screen."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

from tests.browser.conftest import Reader
from tests.browser.gallery_page import Gallery
from tests.browser.test_accessibility import RULES, sideways, violations

EVERY_RULE = [*RULES, "best-practice"]
# All that a theme can change.
COLOURS = ["color-contrast", "link-in-text-block"]
LINE = 24  # pixels
ROOM_BESIDE_PLACEHOLDER = """(field) => {
  const style = getComputedStyle(field);
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.font = style.font;
  const paddings = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
  const toClear = parseFloat(style.fontSize);  // The browser's own button has a place there.
  return field.clientWidth - paddings - toClear - canvas.measureText(field.placeholder).width;
}"""

# A browser that translates the page replaces texts, and React goes on with what it had put there.
TEXTS_BESIDE_OTHERS = """() => [...document.querySelectorAll(".dcs *")]
  .filter((one) => !one.closest("svg, option") && one.childNodes.length > 1)
  .flatMap((one) => [...one.childNodes].filter((node) => node.nodeType === 3 && node.data.trim())
    .map((text) => `${one.outerHTML.slice(0, 120)}: ${text.data}`))"""


@pytest.mark.parametrize("width", [320, 1440])
def test_no_state_breaks_a_rule(visitor: Reader, width: int) -> None:
    gallery = open_gallery(visitor, width)
    page = gallery.page
    listed = gallery.names()
    assert len(listed) > 50
    assert violations(page, EVERY_RULE) == []
    found: dict[str, list[str]] = {}
    rooms: set[str | None] = set()
    for name, stage in gallery.walk():
        room = stage.get_attribute("data-room")
        # The page around it is the same each time: it is looked at once for each kind of state.
        within = ".gallery-state" if room in rooms else "html"
        rooms.add(room)
        found[name] = [*violations(page, EVERY_RULE, within), *beside(page)]
        with gallery.in_the_dark():
            found[name] += violations(page, COLOURS, within)
    assert {name: problems for name, problems in found.items() if problems} == {}
    assert list(found) == listed


def test_each_text_is_alone_in_its_element(visitor: Reader) -> None:
    gallery = open_gallery(visitor, 1440)
    found = {name: gallery.page.evaluate(TEXTS_BESIDE_OTHERS) for name, _ in gallery.walk()}
    assert {name: texts for name, texts in found.items() if texts} == {}


@pytest.mark.parametrize(
    ("name", "said"),
    [("history-none-found", "No chat matches “gravity”."), ("history-found", "8 chats found")],
)
def test_a_search_is_looked_at_when_it_has_ended(visitor: Reader, name: str, said: str) -> None:
    stage = open_gallery(visitor, 1440).show(name)
    # Not expected: what comes later is too late.
    assert said in stage.get_by_role("status").all_text_contents()


def test_longer_words_from_right_to_left_have_room_too(visitor: Reader) -> None:
    gallery = open_gallery(visitor, 320)
    gallery.open(lang="de", dir="rtl")
    found = {name: beside(gallery.page) for name, _ in gallery.walk()}
    assert {name: problems for name, problems in found.items() if problems} == {}
    direction = gallery.page.locator(".dcs").last.evaluate("one => getComputedStyle(one).direction")
    assert direction == "rtl"
    expect(gallery.page.get_by_role("searchbox", name="Chats suchen")).to_be_visible()


def test_at_four_hundred_percent_all_of_a_chat_can_be_reached(visitor: Reader) -> None:
    # What a screen of 1280 by 1024 shows when everything on it is four times as large.
    gallery = open_gallery(visitor, 320, height=256)
    stage = gallery.show("chat-sources")
    last = stage.get_by_role("article").last.get_by_role("listitem").last
    field = stage.get_by_role("textbox", name="Message")
    stage.get_by_role("log").focus()
    gallery.page.keyboard.press("End")
    expect(last).to_be_in_viewport(ratio=1)
    field.focus()
    field.evaluate("field => field.scrollIntoView({ block: 'center' })")
    expect(field).to_be_in_viewport(ratio=1)
    gallery.page.keyboard.type("And in autumn?")
    expect(field).to_have_value("And in autumn?")
    assert beside(gallery.page) == []


def test_at_four_hundred_percent_a_long_draft_leaves_the_conversation_in_sight(
    visitor: Reader,
) -> None:
    stage = open_gallery(visitor, 320, height=256).show("chat-sources")
    stage.get_by_role("textbox", name="Message").fill("And why is that so? " * 20)
    assert height_of(stage.get_by_role("log")) >= 3 * LINE


def test_at_four_hundred_percent_an_older_chat_can_be_read(visitor: Reader) -> None:
    stage = open_gallery(visitor, 320, height=256).show("session-older")
    assert height_of(stage.get_by_role("log")) >= 3 * LINE


def test_all_of_a_conversation_is_printed(visitor: Reader) -> None:
    gallery = open_gallery(visitor, 1440)
    log = gallery.show("chat-many-messages").get_by_role("log")
    gallery.page.emulate_media(media="print")
    assert log.evaluate("log => log.scrollHeight - log.clientHeight") == 0
    expect(gallery.page.get_by_role("textbox", name="Message")).to_be_hidden()


def test_what_can_only_be_pressed_or_scrolled_is_not_printed_so(visitor: Reader) -> None:
    stage = open_gallery(visitor, 390).show("chat-markdown")
    cell = stage.locator("td").first
    cell.evaluate("one => { one.textContent = 'Concentration'.repeat(9) }")
    stage.page.emulate_media(media="print")
    for tool in ("New chat", "Copy"):
        expect(stage.get_by_role("button", name=tool, include_hidden=True)).to_be_hidden()
    table, answer = box_of(stage.locator("table")), box_of(stage.locator(".dcs-markdown"))
    assert table["width"] <= answer["width"]


def test_a_finger_finds_the_name_of_the_sources_in_the_middle_of_its_room(visitor: Reader) -> None:
    gallery = open_gallery(visitor, 390, has_touch=True, is_mobile=True)
    name = gallery.show("chat-sources").locator("summary")
    text = name.evaluate(
        "one => { const range = document.createRange(); range.selectNodeContents(one);"
        " const { y, height } = range.getBoundingClientRect(); return y + height / 2 }"
    )
    room = box_of(name)
    assert room["height"] >= 44
    assert abs(text - room["y"] - room["height"] / 2) < 2


# Beyond its edges, a message shows nothing.
RING_BEYOND_MESSAGE = """(one) => {
  const { outlineOffset, outlineWidth } = getComputedStyle(one);
  const ring = parseFloat(outlineOffset) + parseFloat(outlineWidth);
  const [inner, outer] = [one, one.closest("article")].map((part) => part.getBoundingClientRect());
  return Math.max(outer.left - inner.left, inner.right - outer.right,
    outer.top - inner.top, inner.bottom - outer.bottom) + ring;
}"""


@pytest.mark.parametrize("width", [320, 1440])
def test_the_ring_around_what_the_keyboard_is_at_is_shown_whole_in_an_answer(
    visitor: Reader, width: int
) -> None:
    stage = open_gallery(visitor, width).show("chat-sources")
    for part in stage.locator("article").last.locator("button, a, summary").all():
        part.focus()
        stage.page.keyboard.press("Shift")  # as a ring is shown to whom uses the keyboard
        assert part.evaluate(RING_BEYOND_MESSAGE) <= 0


def test_a_sources_passage_is_shown_whole_on_a_narrow_screen(visitor: Reader) -> None:
    quotes = open_gallery(visitor, 320).show("chat-sources").locator(".dcs-quote")
    quotes.evaluate_all("all => all.forEach((quote) => quote.append(' and so on'.repeat(20)))")
    assert quotes.count() > 0
    for quote in quotes.all():
        assert quote.evaluate("one => one.scrollHeight - one.clientHeight") == 0


def test_a_wide_table_is_scrolled_and_not_broken_into_letters(visitor: Reader) -> None:
    gallery = open_gallery(visitor, 390)
    stage = gallery.show("chat-markdown")
    heading = stage.locator("th").first
    expect(heading).to_be_visible()
    heading.evaluate(
        """(one) => {
          for (let more = 0; more < 8; more++) one.after(one.cloneNode(true));
          for (const th of one.parentElement.children) th.textContent = 'Concentration';
        }"""
    )
    assert height_of(heading) < 2 * LINE
    assert sideways(gallery.page) <= 0


ROOM_BEFORE_ITEMS = """(list) => {
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.font = getComputedStyle(list).font;
  const longest = `${list.start + list.children.length - 1}. `;
  return parseFloat(getComputedStyle(list).paddingInlineStart) - canvas.measureText(longest).width;
}"""


def test_the_numbers_of_a_list_are_shown_whole(visitor: Reader) -> None:
    lists = open_gallery(visitor, 390).show("chat-markdown").locator("ol")
    expect(lists).to_have_count(2)  # one of them is about years
    assert all(one.evaluate(ROOM_BEFORE_ITEMS) >= 0 for one in lists.all())


def test_headings_are_no_smaller_than_what_they_are_above(visitor: Reader) -> None:
    answer = open_gallery(visitor, 390).show("chat-markdown").locator(".dcs-markdown")
    expect(answer.locator("h4, h5, h6")).to_have_count(3)
    size = "(one) => parseFloat(getComputedStyle(one).fontSize)"
    smallest = min(one.evaluate(size) for one in answer.locator("h4, h5, h6").all())
    assert smallest >= answer.evaluate(size)


def test_a_rule_between_two_parts_is_as_wide_as_they_are(visitor: Reader) -> None:
    answer = open_gallery(visitor, 390).show("chat-markdown").locator(".dcs-markdown")
    assert box_of(answer.locator("hr"))["width"] == box_of(answer)["width"]


def test_paragraphs_within_a_quotation_or_an_item_are_told_apart(visitor: Reader) -> None:
    answer = open_gallery(visitor, 390).show("chat-markdown").locator(".dcs-markdown")
    for second in ("blockquote > p + p", "li > p + p", "li + li:has(p)"):
        expect(answer.locator(second)).to_have_css("margin-top", "12px")


def test_what_the_chat_on_screen_is_doing_can_be_read_in_the_history(visitor: Reader) -> None:
    gallery = open_gallery(visitor, 1440)
    stage = gallery.show("history-running")
    writing = gallery.page.locator(".dcs-history-writing")
    row = stage.locator(".dcs-history-open").filter(has=writing)
    row.evaluate("one => one.setAttribute('aria-current', 'true')")
    # Not the site's colour: the package's own.
    row.evaluate(
        "one => one.closest('.dcs').style"
        ".setProperty('--dcs-accent', 'light-dark(#3b5bdb, #8ea6ff)')"
    )
    assert violations(gallery.page, COLOURS, ".gallery-state") == []
    with gallery.in_the_dark():
        assert violations(gallery.page, COLOURS, ".gallery-state") == []


def test_a_keyboard_and_a_long_draft_leave_the_latest_words_in_sight(visitor: Reader) -> None:
    gallery = open_gallery(visitor, 390, height=844)
    stage = gallery.show("layout-floating-open")
    latest = stage.get_by_role("article").last.locator(".dcs-message-foot")
    expect(latest).to_be_in_viewport(ratio=1)
    gallery.page.set_viewport_size({"width": 390, "height": 480})
    expect(latest).to_be_in_viewport(ratio=1)
    stage.get_by_role("textbox", name="Message").fill("And why is that so? " * 20)
    expect(latest).to_be_in_viewport(ratio=1)
    expect(stage.get_by_role("button", name="Jump to latest")).to_have_count(0)


@pytest.mark.parametrize("lang", ["de", "fr", "es"])
@pytest.mark.parametrize("is_touched", [False, True])
def test_where_a_session_stands_moves_nothing_and_no_sentence_becomes_a_column(
    visitor: Reader, is_touched: bool, lang: str
) -> None:
    gallery = open_gallery(visitor, 320, has_touch=is_touched, is_mobile=is_touched)
    gallery.open(lang=lang, theme="light")
    states = ["resumed", "expiring", "expired", "offline"]
    shown = ((state, gallery.show(f"session-{state}")) for state in states)
    heights = {state: height_of(stage.locator(".dcs-header")) for state, stage in shown}
    assert len(set(heights.values())) == 1, heights
    sentence = gallery.show("history-more-failed").locator(".dcs-history-bar > span")
    assert height_of(sentence) <= 4 * LINE


def test_what_keeps_a_chat_does_not_lie_upon_its_countdown(visitor: Reader) -> None:
    stage = open_gallery(visitor, 320).show("session-expiring")
    for width in (320, 390, 1440):
        stage.page.set_viewport_size({"width": width, "height": 900})
        words = box_of(stage.locator(".dcs-status-text"))
        way = box_of(stage.get_by_role("button", name="Keep this chat"))
        # Its words are in the middle of a button that may be higher than they are.
        first_pixel = way["y"] + way["height"] / 2 - LINE / 3
        is_beside = way["x"] >= words["x"] + words["width"]
        assert is_beside or first_pixel >= words["y"] + words["height"], width


def test_a_status_of_two_lines_or_three_touches_no_edge(visitor: Reader) -> None:
    stage = open_gallery(visitor, 390).show("session-expired")
    status = stage.locator(".dcs-status-text")
    for lines in (2, 3):
        header, heading = (box_of(stage.locator(f".dcs-{one}")) for one in ("header", "heading"))
        assert height_of(status) > (lines - 1) * 18
        assert heading["y"] - header["y"] >= 4
        status.evaluate("one => one.append(' and more so, '.repeat(3))")


@pytest.mark.parametrize("lang", ["en", "de"])
def test_what_takes_an_error_away_stays_in_its_corner(visitor: Reader, lang: str) -> None:
    gallery = open_gallery(visitor, 320).open(theme="light", lang=lang)
    banner = gallery.show("session-error").locator(".dcs-banner")
    for width in (320, 390, 600):
        gallery.page.set_viewport_size({"width": width, "height": 900})
        words, close = box_of(banner.locator("> span")), box_of(banner.locator("> .dcs-tool"))
        assert words["height"] < 4 * LINE, width
        assert close["x"] >= words["x"] + words["width"], width


def test_the_two_ways_on_from_an_older_chat_stand_beside_one_another(visitor: Reader) -> None:
    ways = open_gallery(visitor, 480).show("session-older").locator(".dcs-reading button")
    for width in (480, 540, 600, 1440):
        ways.page.set_viewport_size({"width": width, "height": 900})
        assert box_of(ways.nth(0))["y"] == box_of(ways.nth(1))["y"], width


def test_from_right_to_left_too_all_sources_begin_at_one_line(visitor: Reader) -> None:
    gallery = open_gallery(visitor, 1440).open(theme="light", dir="rtl")
    names = gallery.show("chat-sources").locator(".dcs-source-name")
    assert names.count() > 1
    assert len({round(box_of(one)["x"]) for one in names.all()}) == 1


@pytest.mark.parametrize("lang", ["en", "de", "fr", "es"])
def test_what_the_field_is_for_takes_one_line(visitor: Reader, lang: str) -> None:
    gallery = open_gallery(visitor, 320).open(theme="light", lang=lang)
    field = gallery.show("chat-sources").locator(".dcs-composer-field")
    assert height_of(field) < 3 * LINE


@pytest.mark.parametrize(("reading", "tip"), [("ltr", "left"), ("rtl", "right")])
def test_the_way_back_points_to_where_one_reads_from(
    visitor: Reader, reading: str, tip: str
) -> None:
    gallery = open_gallery(visitor, 390).open(theme="light", dir=reading)
    stage = gallery.show("history-archived")
    arrow = stage.get_by_role("button", name="Back to all chats").locator("path")
    # It is drawn from its end to its tip.
    assert arrow.evaluate("one => one.getPointAtLength(12).x") == (4 if tip == "left" else 16)


def test_what_the_search_is_for_can_be_read(visitor: Reader) -> None:
    gallery = open_gallery(visitor, 1440)
    for lang in ("en", "de"):
        gallery.open(theme="light", lang=lang)
        field = gallery.show("layout-full-history").get_by_role("searchbox")
        assert field.evaluate(ROOM_BESIDE_PLACEHOLDER) >= 0, lang


def test_the_colours_of_the_system_leave_everything_to_be_seen(visitor: Reader) -> None:
    """With forced colours a border is all that tells a button or a bubble from the page."""
    gallery = open_gallery(visitor, 1440, forced_colors="active")
    stage = gallery.show("layout-full-history")
    for selector in (
        ".dcs-message[data-role=user] .dcs-message-body",
        ".dcs-send .dcs-icon",
        ".dcs-composer-field",
    ):
        assert border_of(stage.locator(selector)) not in ("", "none"), selector
    current = stage.locator(".dcs-history-row:has([aria-current])")
    assert current.evaluate("row => getComputedStyle(row).borderInlineStartStyle") == "solid"
    stage = gallery.show("status-expiring")
    assert stage.locator(".dcs-icon").evaluate("icon => icon.getBoundingClientRect().width") > 0
    line = gallery.show("history-loading").locator(".dcs-skeleton > span").first
    assert border_of(line) not in ("", "none")
    # A black bar would say more than that something is on its way.
    assert line.evaluate(
        "one => getComputedStyle(one).backgroundColor !== getComputedStyle(one).color"
    )


def test_who_asks_for_more_contrast_gets_it(visitor: Reader) -> None:
    stage = open_gallery(visitor, 390, contrast="more").show("session-expired")
    colour = "(one) => getComputedStyle(one).color"
    words = stage.locator(".dcs-message-body").first.evaluate(colour)
    for quiet in (".dcs-status", ".dcs-author", ".dcs-notice", ".dcs-quote"):
        assert stage.locator(quiet).first.evaluate(colour) == words, quiet


def height_of(element: Locator) -> float:
    return float(element.evaluate("one => one.getBoundingClientRect().height"))


def box_of(element: Locator) -> FloatRect:
    box = element.bounding_box()
    assert box is not None
    return box


def border_of(element: Locator) -> str:
    return str(element.evaluate("one => getComputedStyle(one).borderStyle"))


def beside(page: Page) -> list[str]:
    """What is cut off or has to be scrolled to sideways: of the page, its lists or its messages."""
    boxes = page.locator(".dcs-log, .dcs-history-groups, .dcs-message").evaluate_all(
        "all => all.filter((one) => one.scrollWidth > one.clientWidth + 1)"
        ".map((one) => one.className)"
    )
    wide = [*boxes, *(["page"] if sideways(page) > 0 else [])]
    return [f"{one} is too wide" for one in wide]


def open_gallery(reader: Reader, width: int, height: int = 900, **options: Any) -> Gallery:
    size = {"width": width, "height": height}
    # Without movement there is no moment at which a colour is only half there.
    reader.new_context(viewport=size, reduced_motion="reduce", **options)
    return Gallery(reader.context.new_page()).open(theme="light")
