"""Z-15, Z-18: every page of ours in the admin, every method, and who gets what."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.admin.pages import LIST, SECRET
from tests.attack.matrix import READING, everything, served
from tests.callers import person

# Nobody, somebody without the admin, and staff with none or some of our permissions, of which
# `view` comes with those after it. A change that is refused or not asked for leaves everything.
# FOO stands for every method that is no POST: Django shows its page, and changes nothing.
TABLE = """
page              method  nobody  person  staff  view  change  delete  read
                  GET     302     302     403    200   200     200     200
                  POST    302     302     403    200   200     200     200
                  FOO     302     302     403    200   200     200     200
add/              GET     302     302     403    403   403     403     403
add/              POST    302     302     403    403   403     403     403
add/              FOO     302     302     403    403   403     403     403
{id}/change/      GET     302     302     403    200   200     200     200
{id}/change/      POST    302     302     403    403   403     403     403
{id}/change/      FOO     302     302     403    200   200     200     200
{id}/delete/      GET     302     302     403    403   403     200     403
{id}/delete/      POST    302     302     403    403   403     302     403
{id}/delete/      FOO     302     302     403    403   403     200     403
{id}/history/     GET     302     302     403    200   200     200     200
{id}/history/     POST    302     302     403    200   200     200     200
{id}/history/     FOO     302     302     403    200   200     200     200
{id}/             GET     302     302     302    302   302     302     302
{id}/             POST    302     302     302    302   302     302     302
{id}/             FOO     302     302     405    405   405     405     405
statistics/       GET     302     302     403    200   200     200     200
statistics/       POST    302     302     403    200   200     200     200
statistics/       FOO     302     302     403    200   200     200     200
"""
PEOPLE = TABLE.strip().splitlines()[0].split()[2:]
GRANTED = {
    "staff": (),
    "view": ("view",),
    "change": ("view", "change"),
    "delete": ("view", "delete"),
    "read": ("view", "read"),
}


def rows() -> dict[tuple[str, str], dict[str, int]]:
    found = {}
    for line in TABLE.strip("\n").splitlines()[1:]:
        page, method, *statuses = [line[:18].strip(), *line[18:].split()]
        found[page, method] = dict(zip(PEOPLE, map(int, statuses), strict=True))
    return found


ROWS = rows()


def browser(who: str, staff: Any) -> Client:
    """Return the browser of one of these people."""
    if who == "nobody":
        return Client()
    if who == "person":
        return person("user", "eve").client
    client: Client = staff(*GRANTED[who])
    return client


def test_z18_every_page_of_ours_has_its_rows() -> None:
    pages = {route.replace("<path:object_id>", "{id}") for route in served(LIST.removeprefix("/"))}
    assert pages == {page for page, _method in ROWS}


@pytest.mark.parametrize("who", PEOPLE)
def test_z15_everybody_gets_what_the_table_says(staff: Any, chat: Any, who: str) -> None:
    client = browser(who, staff)
    before = everything()
    found, wanted = {}, {}
    for (page, method), statuses in ROWS.items():
        if (page, method, who) == ("{id}/delete/", "POST", "delete"):
            continue  # the last thing that is tried
        path = LIST + page.format(id=chat.pk)
        response = client.generic(method, path)
        found[page, method], wanted[page, method] = response.status_code, statuses[who]
        if response.status_code < 400:  # a refusal is Django's own page, the same for everybody
            assert {"private", "no-store"} <= set(response.headers["Cache-Control"].split(", "))
        if who != "read":
            assert SECRET not in response.content.decode()
    assert found == wanted
    assert everything() == before
    if who == "delete":
        gone = client.post(f"{LIST}{chat.pk}/delete/", {"post": "yes"})
        assert gone.status_code == ROWS["{id}/delete/", "POST"][who]


@pytest.mark.parametrize("who", PEOPLE)
def test_z15_only_who_may_end_ends_and_only_who_may_delete_deletes(
    staff: Any, chat: Any, who: str
) -> None:
    client = browser(who, staff)
    for action, permission in (("end_chosen", "change"), ("delete_selected", "delete")):
        if who != permission:
            before = everything()
            data = {"action": action, "_selected_action": [str(chat.pk)], "post": "yes"}
            client.post(LIST, data)
            assert everything() == before


@pytest.mark.parametrize("method", [*READING, "PUT", "DELETE"])
def test_z11_z12_no_action_is_run_by_an_address(staff: Any, chat: Any, method: str) -> None:
    client = staff("view", "change", "delete")
    before = everything()
    action = f"?action=delete_selected&_selected_action={chat.pk}&post=yes&_method=POST"
    for page in (LIST, f"{LIST}{chat.pk}/delete/"):
        client.generic(method, page + action, HTTP_X_HTTP_METHOD_OVERRIDE="POST")
    assert everything() == before


def test_z11_staff_need_the_token_too(staff: Any, chat: Any) -> None:
    client = staff("view", "change", "delete")
    client.handler.enforce_csrf_checks = True
    before = everything()
    for page in (LIST, f"{LIST}{chat.pk}/delete/"):
        data = {"action": "end_chosen", "_selected_action": [str(chat.pk)], "post": "yes"}
        assert client.post(page, data).status_code == 403
    assert everything() == before
