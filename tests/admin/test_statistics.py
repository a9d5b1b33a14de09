"""The page of figures: who sees it, that it is right, and that it needs no script or style."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.utils import translation

from django_chat_sessions import services
from django_chat_sessions.admin.statistics import HEADINGS, _broken
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.statistics import COLUMNS
from tests.admin.pages import LIST, MODEL, SECRET
from tests.conversations import fill_history

PAGE = f"{LIST}statistics/"


@pytest.fixture
def three(noon: Any, user: Any) -> None:
    """Two sessions of yesterday and one of today."""
    for number in range(2):
        services.send(Owner.for_visitor(f"v{number}"), SECRET, key="key-00000001")
    noon.shift(24 * 3600)
    services.send(Owner.for_visitor("v0"), SECRET, key="key-00000002")


def cells(page: str, first: str) -> list[str]:
    """Return the cells of the line that begins with this one."""
    [line] = re.findall(rf'<tr><th scope="row">{first}</th>(.*?)</tr>', page)
    return re.findall(r"<td>(.*?)</td>", line)


def test_the_figures_are_shown_in_a_table_and_as_bars(staff: Any, three: None) -> None:
    page = staff("view").get(PAGE).content.decode()
    assert cells(page, "in all")[:2] == ["3", "0"]
    assert cells(page, "11/22/2026")[:2] == ["2", "0"]
    assert cells(page, "11/23/2026")[:2] == ["1", "0"]
    assert cells(page, "first chat here") == ["2"]
    assert cells(page, "no activity") == ["1"]
    assert re.findall(r'height="([\d.]+)"><title>([^<]+)</title>', page) == [
        ("100.0", "11/22/2026: 2"),
        ("50.0", "11/23/2026: 1"),
        ("100.0", "11/22/2026: 2"),  # nobody came to write their replies
    ]


def test_the_latest_day_and_the_most_frequent_reason_come_first(staff: Any, three: None) -> None:
    for number in range(3):  # each takes the place of the one before
        services.start(Owner.for_visitor("v0"))
        services.send(Owner.for_visitor("v0"), SECRET, key=f"key-0000001{number}")
    page = staff("view").get(PAGE).text
    names = re.findall(r'<tr><th scope="row">([^<]+)</th>', page)
    assert names[-3:] == ["in all", "11/23/2026", "11/22/2026"]
    counts = [int(cells(page, name)[0]) for name in names[:-3]]
    assert counts == [3, 2, 1]


def test_the_bars_stand_side_by_side_one_for_each_day(staff: Any, three: None) -> None:
    page = staff("view").get(f"{PAGE}?days=7").text
    bar = r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"><title>'
    assert re.findall(bar, page)[:2] == [
        ("714.29", "0.0", "114.29", "100.0"),
        ("857.14", "50.0", "114.29", "50.0"),
    ]


def test_days_on_which_nothing_began_have_no_line_and_what_is_unknown_no_figure(
    staff: Any, three: None
) -> None:
    page = staff("view").get(PAGE).text
    assert len(re.findall(r'<tr><th scope="row">\d+/', page)) == 2
    assert cells(page, "in all")[-1] == "-"  # no answer has been timed


def test_what_went_wrong_is_added_up() -> None:
    assert _broken(services.Figures(failed=1, interrupted=2, lost=4, stopped=8)) == 7


def test_every_figure_has_a_heading() -> None:
    assert tuple(HEADINGS) == COLUMNS


def test_numbers_of_a_drawing_are_the_same_in_every_language(
    staff: Any, three: None, settings: Any
) -> None:
    settings.USE_THOUSAND_SEPARATOR = True
    with translation.override("de"):
        page = staff("view").get(PAGE).content.decode()
    assert 'viewBox="0 0 1000 100"' in page
    assert 'height="50.0"' in page
    assert "Warum Chats begonnen haben" in page


@pytest.mark.parametrize("permissions", [(), ("read",), ("delete",)])
def test_z15_who_may_not_see_sessions_sees_no_figures(
    staff: Any, three: None, permissions: tuple[str, ...]
) -> None:
    assert staff(*permissions).get(PAGE).status_code == 403


def test_z15_the_figures_hold_no_content_and_no_owner(staff: Any, three: None) -> None:
    page = staff("view").get(PAGE).content.decode()
    assert SECRET not in page
    assert str(Owner.for_visitor("v0").visitor_key) not in page


def test_nothing_on_it_needs_an_inline_script_or_style(staff: Any, three: None) -> None:
    page = staff("view").get(PAGE).content.decode()
    ours = page.partition('id="content-main"')[2].partition("</main>")[0]
    assert "<svg" in ours
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", ours)


@pytest.mark.parametrize(
    ("days", "shown"),
    [("7", "7"), ("365", "365"), ("x", "30"), ("", "30"), ("8", "30")],
)
def test_the_range_is_one_of_those_offered(staff: Any, three: None, days: str, shown: str) -> None:
    page = staff("view").get(f"{PAGE}?days={days}").content.decode()
    assert f'<strong aria-current="page">{shown}</strong>' in page


def test_the_page_without_sessions_says_so(staff: Any) -> None:
    page = staff("view").get(PAGE).content.decode()
    assert "No session started in these days." in page


def test_the_page_costs_the_same_for_many_sessions(
    staff: Any, three: None, statements: Any
) -> None:
    client = staff("view")
    client.get(PAGE)
    with statements() as few:
        client.get(PAGE)
    fill_history(Owner.for_visitor("v0"), 200)
    with statements() as many:
        assert cells(client.get(PAGE).content.decode(), "in all")[0] == "203"
    assert len(many) == len(few)


def test_the_way_back_leads_over_the_list_and_its_app(staff: Any, three: None) -> None:
    page = staff("view").get(PAGE).content.decode()
    [way] = re.findall(r'class="breadcrumbs">(.*?)</(?:ol|div)>', page, re.DOTALL)
    app = f"/admin/{MODEL._meta.app_label}/"
    assert re.findall(r'href="([^"]+)"', way) == ["/admin/", app, LIST]
    assert ">Home</a>" in way
    assert 'id="user-tools"' in page  # in the admin's frame, with its way out


def test_a_skin_of_the_admin_that_resets_tables_leaves_the_figures_apart(
    staff: Any, three: None
) -> None:
    page = staff("view").get(PAGE).content.decode()
    assert 'href="/static/django_chat_sessions/admin.css"' in page
    assert '<div id="content-main" class="chat-figures">' in page
    style = Path(str(finders.find("django_chat_sessions/admin.css"))).read_text()
    assert re.search(r":where\(\.chat-figures\) :is\(th, td\) {\s+padding: 8px;", style)
    # Nor is the way back numbered, on this page and the one that asks before it ends sessions.
    assert re.search(r":where\(ol\.breadcrumbs > li\) {\s+display: inline;", style)


def test_the_list_leads_to_it(staff: Any, three: None) -> None:
    assert f'href="{PAGE}"' in staff("view").get(LIST).content.decode()
