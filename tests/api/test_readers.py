"""Whoever wrote it: what one person left on a page is not sent as the next one's."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.callers import Caller, person, rows
from tests.conversations import listen_only

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def silent(settings: Any) -> None:
    listen_only(settings)


def reader_of(caller: Caller) -> str:
    reader: str = caller.get("sessions/current").json()["reader"]
    return reader


def test_the_name_stays_with_a_user_and_tells_nothing() -> None:
    ada, on_another_device, bob = person("user"), person("user"), person("user", "bob")
    assert reader_of(ada) == reader_of(on_another_device) != reader_of(bob)
    assert len(reader_of(ada)) == 32
    assert "ada" not in reader_of(ada)


def test_a_visitor_has_one_too_and_any_visitor_sends_what_one_wrote() -> None:
    """The cookie of a browser may change before anything is said."""
    one, two = person("visitor"), person("visitor")
    assert reader_of(one) == reader_of(one) != reader_of(two)
    assert str(one.owner.visitor_key) not in reader_of(one)
    assert two.say("Hello", reader=reader_of(one)).status_code == 201
    assert person("user").say("Hello", reader=reader_of(one)).status_code == 422


def test_a_visitor_whose_cookie_is_gone_sends_what_they_wrote_as_a_new_one() -> None:
    visitor = person("visitor")
    writer = reader_of(visitor)
    visitor.client.cookies.clear()
    assert visitor.say("Hello", reader=writer).status_code == 201


@pytest.mark.parametrize("kind", ["user", "visitor"])
def test_an_open_page_outlives_the_secret_key_that_it_began_with(kind: str, settings: Any) -> None:
    one = person(kind)
    writer = reader_of(one)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next secret key, long enough to be one"
    assert reader_of(one) != writer
    assert one.say("Typed before", reader=writer).status_code == 201
    assert person("user", "bob").say("Hello", reader=writer).status_code == 422
    settings.SECRET_KEY_FALLBACKS = []
    assert one.say("Of an unknown key", reader=writer).status_code == 422


def test_a_message_says_who_wrote_it() -> None:
    ada = person("user")
    assert ada.say("Mine", reader=reader_of(ada)).status_code == 201
    assert ada.say("Mine, too", key="key-00000002").status_code == 201


@pytest.mark.parametrize("now", ["bob", None])
def test_what_somebody_else_wrote_is_refused_and_nothing_is_stored(now: str | None) -> None:
    ada = person("user")
    writer = reader_of(ada)
    here = person("visitor") if now is None else person("user", now)
    refused = here.say("Ada's own", reader=writer)
    assert refused.status_code == 422
    assert (refused.json()["code"], refused.json()["field"]) == ("other_reader", "reader")
    assert not any(rows().values())


def test_what_a_visitor_wrote_is_refused_where_nobody_claimed_them() -> None:
    writer = reader_of(person("visitor"))
    assert person("user").say("A visitor's", reader=writer).json()["code"] == "other_reader"


@pytest.mark.parametrize("given", ["", "visitor", "0" * 32, "\u2019"])
def test_a_name_that_was_not_given_out_is_nobodys(given: str) -> None:
    assert person("user").say("Hello", reader=given).status_code == 422


@pytest.mark.parametrize("given", [None, 12, ["a"]])
def test_what_is_no_text_is_no_name(given: Any) -> None:
    refused = person("user").say("Hello", reader=given)
    assert (refused.status_code, refused.json()["field"]) == (400, "reader")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seconds", [119, 121])
def test_a_visitor_who_has_just_logged_in_is_still_its_writer(
    settings: Any, django_user_model: Any, noon: Any, seconds: int
) -> None:
    settings.ROOT_URLCONF = "tests.test_login"
    django_user_model.objects.create_user("ada")
    visitor = person("visitor")
    writer = reader_of(visitor)
    visitor.say("Before")
    client: Client = visitor.client
    client.get("/log-in/?as=ada")
    noon.shift(seconds)
    sent = visitor.say("After", key="key-00000002", reader=writer)
    assert sent.status_code == (201 if seconds < 120 else 422)
