"""The chat on a page that is not ours: its reader's scheme, and the site's own styles."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.chat_page import OTHER_QUESTION, QUESTION
from tests.browser.conftest import MakeReader, Reader
from tests.browser.site import Site
from tests.browser.test_accessibility import check
from tests.browser.test_without_javascript import PLAIN, see_answer, send

PARTS = [".dcs-plain-status", ".dcs-plain-side", ".dcs-plain-dropdown", ".dcs-widget"]


def say_of_the_page(page: Page, rules: str) -> None:
    """Add these rules, in a way that its Content-Security-Policy allows."""
    page.evaluate(
        "(rules) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(rules);"
        " document.adoptedStyleSheets = [sheet] }",
        rules,
    )


def stays_light(page: Page) -> None:
    """Make the page that of a site which knows no dark scheme."""
    page.evaluate("document.documentElement.style.colorScheme = 'light'")


@pytest.fixture
def in_the_dark(make_reader: MakeReader, site: Site) -> Reader:
    """Somebody who prefers dark pages."""
    reader = make_reader(site, "visitor")
    reader.new_context(color_scheme="dark", viewport={"width": 1440, "height": 900})
    return reader


def test_on_a_light_page_a_reader_who_prefers_dark_ones_can_read_every_part(
    in_the_dark: Reader, site: Site
) -> None:
    page = in_the_dark.context.new_page()
    page.goto(PLAIN)
    widget = page.locator(".dcs-widget")
    for question in (QUESTION, OTHER_QUESTION):
        widget.get_by_role("textbox").fill(question)
        widget.get_by_role("textbox").press("Enter")
        expect(widget.locator("article").last).to_have_attribute("data-state", "answered")
    page.reload()
    expect(widget.locator("article")).to_have_count(4)
    stays_light(page)
    check(page)


def test_on_a_light_page_the_conversation_without_a_script_can_be_read(
    in_the_dark: Reader, site: Site
) -> None:
    page = in_the_dark.context.new_page()
    page.goto(f"/chat/sessions/current/page?scope=subject:{site.subject('physics')}")
    send(page, QUESTION)
    see_answer(page, 1)
    stays_light(page)
    check(page)


@pytest.mark.parametrize("part", PARTS)
def test_a_site_sets_colours_in_a_stylesheet_that_comes_before_that_of_the_widget(
    visitor: Reader, part: str
) -> None:
    page = visitor.context.new_page()
    page.goto(PLAIN)
    expect(page.locator(".dcs-widget")).to_be_visible()
    page.evaluate(
        "const sheet = [...document.styleSheets].find((one) => /study/.test(one.href));"
        "sheet.insertRule('.dcs { --dcs-accent: red }', sheet.cssRules.length)"
    )
    shown = page.locator(part).first.evaluate(
        "(element) => getComputedStyle(element).getPropertyValue('--dcs-accent')"
    )
    assert shown == "red"


def test_colours_that_a_site_gives_its_own_headings_and_paragraphs_stay_out_of_the_chat(
    visitor: Reader,
) -> None:
    page = visitor.context.new_page()
    page.goto(PLAIN)
    expect(page.locator(".dcs-widget")).to_be_visible()
    page.evaluate(
        "const sheet = [...document.styleSheets].find((one) => /study/.test(one.href));"
        "sheet.insertRule('h2, h3, p, ul { color: rgb(1, 2, 3) }', sheet.cssRules.length)"
    )
    for name in ("h2", "p"):
        shown = page.locator(f".dcs-widget {name}").first.evaluate(
            "(element) => getComputedStyle(element).color"
        )
        assert shown != "rgb(1, 2, 3)"


# What ordinary stylesheets say of every element of a kind.
ORDINARY = """
  section, article, header, footer, nav, form { padding: 64px; margin: 64px; border: 9px solid }
  footer { background: rgb(1, 2, 3); color: rgb(255, 255, 255) }
  article { box-shadow: 0 0 9px rgb(1, 2, 3) }
  button { padding: 40px; min-width: 200px; text-transform: uppercase }
  textarea, input { max-width: 100px; color: rgb(255, 255, 255) }
"""
LOOKS = """(widget) => [...widget.querySelectorAll('*')].map((element) => {
  const { width, height } = element.getBoundingClientRect();
  const { color, backgroundColor, textTransform, boxShadow } = getComputedStyle(element);
  return [element.className, width, height, color, backgroundColor, textTransform, boxShadow];
}).slice(1).map(String)"""


def test_what_a_site_says_of_all_its_elements_leaves_the_chat_as_it_is(visitor: Reader) -> None:
    page = visitor.context.new_page()
    page.emulate_media(reduced_motion="reduce")
    page.goto(PLAIN)
    widget = page.locator(".dcs-widget")
    widget.get_by_role("textbox").fill(QUESTION)
    widget.get_by_role("textbox").press("Enter")
    expect(widget.locator("article").last).to_have_attribute("data-state", "answered")
    # In a frame of its own, as what the site says of it moves it about.
    page.evaluate(
        "document.body.append(document.querySelector('.dcs-widget').parentElement);"
        "document.querySelector('.dcs-widget').style ="
        " 'position: fixed; inset: 0 auto auto 0; margin: 0; width: 900px; height: 500px;"
        "  border: 1px solid; box-sizing: border-box'"
    )
    widget.get_by_role("textbox").blur()
    before = widget.evaluate(LOOKS)
    say_of_the_page(page, ORDINARY)
    assert widget.evaluate(LOOKS) == before


@pytest.mark.parametrize("page_is", ["light", "dark"])
@pytest.mark.parametrize("chat_is", ["light", "dark"])
def test_a_chat_that_is_told_to_be_light_or_dark_is_so_on_every_page(
    visitor: Reader, page_is: str, chat_is: str
) -> None:
    page = visitor.context.new_page()
    page.goto(PLAIN)
    widget = page.locator(".dcs-widget")
    expect(widget).to_be_visible()
    page.evaluate(
        "([page, chat]) => { document.documentElement.dataset.theme = page;"
        " document.querySelector('.dcs-widget').dataset.theme = chat }",
        [page_is, chat_is],
    )
    for part in (widget, widget.get_by_role("textbox")):
        assert part.evaluate("one => getComputedStyle(one).colorScheme") == chat_is


def test_a_floating_chat_is_written_in_the_colour_that_a_site_chooses(visitor: Reader) -> None:
    page = visitor.context.new_page()
    page.goto(f"{PLAIN}&layout=floating" if "?" in PLAIN else f"{PLAIN}?layout=floating")
    page.get_by_role("button", name="Open chat").click()
    say_of_the_page(page, ".dcs { --dcs-text: rgb(1, 2, 3) }")
    for part in (page.get_by_role("dialog"), page.get_by_role("dialog").get_by_role("textbox")):
        expect(part).to_have_css("color", "rgb(1, 2, 3)")


# What Pico CSS says of them.
PICO = """
  dialog { display: flex; align-items: center; justify-content: center; min-width: 100% }
  button[type="submit"] { width: 100% }
"""


def test_a_floating_chat_fills_its_window_where_a_site_centres_what_is_in_its_dialogs(
    visitor: Reader,
) -> None:
    page = visitor.context.new_page()
    page.goto(f"{PLAIN}&layout=floating" if "?" in PLAIN else f"{PLAIN}?layout=floating")
    page.get_by_role("button", name="Open chat").click()
    chat = page.get_by_role("dialog")
    expect(chat.get_by_role("textbox")).to_be_visible()
    say_of_the_page(page, PICO)
    main = chat.locator(".dcs-main")
    assert main.evaluate("one => one.clientHeight === one.parentElement.clientHeight")


def test_the_button_leaves_the_field_free_where_a_site_makes_its_own_as_wide_as_their_forms(
    visitor: Reader,
) -> None:
    page = visitor.context.new_page()
    page.goto(PLAIN)
    field = page.locator(".dcs-widget").get_by_role("textbox")
    field.fill(QUESTION)
    say_of_the_page(page, PICO)
    field.click(timeout=5000)  # in its middle, where a wide button would send what is not done
    expect(field).to_have_value(QUESTION)


# What MVP.css, Skeleton, Materialize, Pico CSS and Water.css say of them.
MVP = """
  section { display: flex; flex-wrap: wrap } nav { align-items: center; font-weight: bold }
  header { text-align: center }
"""
SKELETON = "button { height: 38px; white-space: nowrap } li { margin-bottom: 1rem }"
MATERIALIZE = """
  nav { height: 56px; background: rgb(1, 2, 3); line-height: 56px } nav ul li { float: left }
"""
PICO_LISTS = "nav ul { display: flex } nav li { display: inline-block }"
WATER = "details { overflow: hidden } time { padding: 9px; background: rgb(1, 2, 3) }"


def asked(reader: Reader) -> Page:
    """The page of the template tags, loaded again after a question."""
    page = reader.context.new_page()
    page.emulate_media(reduced_motion="reduce")
    page.goto(PLAIN)
    widget = page.locator(".dcs-widget")
    for question in (QUESTION, OTHER_QUESTION):
        widget.get_by_role("textbox").fill(question)
        widget.get_by_role("textbox").press("Enter")
        expect(widget.locator("article").last).to_have_attribute("data-state", "answered")
    page.reload()
    expect(widget.locator("article")).to_have_count(4)
    return page


def test_the_field_stays_in_the_chat_where_a_site_wraps_what_is_in_its_sections(
    visitor: Reader,
) -> None:
    page = asked(visitor)
    # A chat that its conversation does not fit into.
    say_of_the_page(page, ".dcs { --dcs-height: 20rem }" + MVP)
    widget = page.locator(".dcs-widget")
    assert widget.locator(".dcs-main").evaluate(
        "one => one.clientHeight === one.parentElement.clientHeight"
    )
    expect(widget.locator(".dcs-heading h2")).to_have_css("text-align", "start")


@pytest.mark.parametrize("theirs", [SKELETON, PICO_LISTS])
def test_a_row_of_the_history_keeps_its_measures_where_a_site_gives_its_own_others(
    visitor: Reader, theirs: str
) -> None:
    page = asked(visitor)
    page.locator(".dcs-widget").get_by_role("button", name="Chats").click()
    row = page.locator(".dcs-widget .dcs-history-open").first
    expect(row).to_be_visible()
    before = row.bounding_box()
    say_of_the_page(page, theirs)
    assert row.bounding_box() == before
    expect(row).to_have_css("white-space", "normal")


@pytest.mark.parametrize("theirs", [MVP, SKELETON, MATERIALIZE, WATER])
@pytest.mark.parametrize("part", [".dcs-plain-side", ".dcs-plain-dropdown .dcs-popover"])
def test_the_history_of_a_template_tag_looks_the_same_on_sites_that_style_their_elements(
    visitor: Reader, part: str, theirs: str
) -> None:
    page = asked(visitor)
    history = page.locator(part).first
    if not history.is_visible():
        page.locator(".dcs-plain-dropdown > summary").click()
    before = looks_and_background(history)
    say_of_the_page(page, theirs)
    assert looks_and_background(history) == before


def looks_and_background(history: Locator) -> tuple[list[str], str]:
    """How it looks under the pointer, which nothing may cover and nothing cut off."""
    history.get_by_role("link").first.hover(timeout=5000)
    whole_and_background = history.evaluate(
        "one => `${one.scrollHeight <= one.clientHeight} ${getComputedStyle(one).backgroundColor}`"
    )
    return history.evaluate(LOOKS), whole_and_background


# What Milligram, Tailwind and Water say of them.
RESETS = """
  button:focus, textarea:focus { outline: 0 }
  a { color: inherit; text-decoration: inherit }
  time { padding: 2px 5px; background: rgb(1, 2, 3) }
"""


def test_the_keyboard_is_seen_where_a_site_takes_the_ring_from_its_own_buttons(
    visitor: Reader,
) -> None:
    page = visitor.context.new_page()
    page.goto(PLAIN)
    field = page.locator(".dcs-widget").get_by_role("textbox")
    field.fill(QUESTION)
    say_of_the_page(page, RESETS)
    for key in ("Tab", "Shift+Tab"):
        page.keyboard.press(key)
        focused = page.locator(".dcs-widget :focus")
        expect(focused).to_have_css("outline-style", "solid")
        expect(focused).to_have_css("outline-width", "2px")


def test_links_and_times_look_like_what_they_are_where_a_site_resets_its_own(
    visitor: Reader,
) -> None:
    page = visitor.context.new_page()
    page.goto(PLAIN)
    widget = page.locator(".dcs-widget")
    widget.get_by_role("textbox").fill(QUESTION)
    widget.get_by_role("textbox").press("Enter")
    answer = widget.locator("article").last
    expect(answer).to_have_attribute("data-state", "answered")
    say_of_the_page(page, RESETS)
    source = answer.locator("a.dcs-source-name").first
    expect(source).to_have_css("text-decoration-line", "underline")
    expect(answer.locator("time").last).to_have_css("background-color", "rgba(0, 0, 0, 0)")
    expect(answer.locator("time").last).to_have_css("padding-left", "0px")
