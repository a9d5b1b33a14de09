"""The tags in templates as hosts write them; none raises in a page."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import django
import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest
from django.template import Context, Template
from django.test import RequestFactory
from django.utils.functional import SimpleLazyObject

from django_chat_sessions import get_session_model, services
from django_chat_sessions.authentication import VISITOR_COOKIE
from django_chat_sessions.owners import Owner
from tests.callers import Caller, person, rows

Statements = Callable[[], AbstractContextManager[list[str]]]

TAGS = (
    "{% recent_chat_sessions as found %}{{ found|length }}",
    "{% chat_history %}",
    "{% chat_session_status %}",
    "{% chat_widget %}",
)
PAYLOADS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"'><b>bold</b>",
    "{{ 7|add:7 }}{% debug %}",
    "</script>",
    "javascript:alert(1)",
    "&lt;b&gt;",
)


def render(source: str, request: HttpRequest | None = None, **context: Any) -> str:
    """Render a page that loads the tags."""
    if request is not None:
        context["request"] = request
    return Template("{% load chat_sessions %}" + source).render(Context(context))


def request_of(caller: Caller) -> HttpRequest:
    """Return a page request of this caller."""
    request: Any = RequestFactory().get("/page/")
    request.user = AnonymousUser()
    if caller.owner.user_id is not None:
        from django.contrib.auth import get_user_model

        request.user = get_user_model().objects.get(pk=caller.owner.user_id)
    else:
        request.COOKIES[VISITOR_COOKIE] = caller.client.cookies[VISITOR_COOKIE].value
    return request  # type: ignore[no-any-return]


@pytest.fixture(params=["user", "visitor"])
def reader(request: pytest.FixtureRequest, db: None) -> Caller:
    return person(request.param)


def test_the_history_lists_the_readers_chats_latest_first(
    reader: Caller, statements: Statements, noon: Any
) -> None:
    services.send(Owner.for_visitor("somebody else"), "Not yours", key="key-00000001")
    services.send(reader.owner, "First question", key="key-00000001", scope="a")
    noon.shift(600)
    services.send(reader.owner, "Second question", key="key-00000002", scope="b")
    request = request_of(reader)
    with statements() as sent:
        page = render("{% chat_history page='/chat/' %}", request)
    assert len(sent) == 1
    assert page.index("Second question") < page.index("First question")
    assert "Not yours" not in page
    assert "answer being written" in page
    assert "expired" in page
    assert page.index(">just now<") < page.index(">10\xa0minutes ago<")
    session = get_session_model()._base_manager.get(title="First question")
    assert f'href="/chat/?chat={session.pk}"' in page


def test_the_history_costs_one_statement_whatever_its_size(
    reader: Caller, statements: Statements
) -> None:
    for number in range(30):
        services.send(reader.owner, "?", key=f"key-000000{number}", scope=f"s{number}")
    request = request_of(reader)
    with statements() as sent:
        page = render("{% chat_history %}", request)
    assert len(sent) == 1
    assert page.count("<li>") == 30


def test_the_history_can_be_limited_to_a_number_and_a_scope(reader: Caller) -> None:
    for number in range(3):
        services.send(reader.owner, "?", key=f"key-000000{number}", scope=f"s{number}")
    request = request_of(reader)
    assert render("{% chat_history limit=2 %}", request).count("<li>") == 2
    assert render("{% chat_history scope='s1' %}", request).count("<li>") == 1
    assert render("{% recent_chat_sessions 2 as found %}{{ found|length }}", request) == "2"


def test_an_empty_history_says_so(reader: Caller) -> None:
    assert "No chats yet." in render("{% chat_history %}", request_of(reader))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_x01_what_people_write_is_shown_as_text(reader: Caller, payload: str) -> None:
    services.send(reader.owner, payload, key="key-00000001")
    page = render("{% chat_history page='/chat/' %}", request_of(reader))
    assert html.escape(payload) in page
    assert "<script" not in page
    assert "<img" not in page
    assert "<b>" not in page
    assert 'href="javascript' not in page


def test_x01_options_of_the_widget_are_escaped() -> None:
    evil = '"><script>alert(1)</script>'
    page = render(
        "{% chat_widget scope=e title=e greeting=e placeholder=e history=e %}",
        RequestFactory().get("/"),
        e=evil,
    )
    assert "<script>" not in page
    assert page.count(html.escape(evil)) == 5


def status(caller: Caller, scope: str = "") -> str:
    """Return the words of the status tag."""
    page = render(f"{{% chat_session_status scope='{scope}' %}}", request_of(caller))
    assert 'role="status"' in page
    return re.sub(r"<[^>]+>", "", page).strip()


def test_the_status_is_said_in_words(reader: Caller, noon: Any) -> None:
    assert status(reader) == "The next message starts a new chat."
    session = services.send(reader.owner, "Why?", key="key-00000001").session
    assert status(reader).startswith("Your chat is open")
    assert status(reader, "elsewhere") == "The next message starts a new chat."
    noon.shift(3600)
    assert status(reader).startswith("Your last chat has expired")
    services.reopen(session)
    services.end(session)
    assert status(reader) == "The next message starts a new chat."


def test_the_status_costs_two_statements_at_most(reader: Caller, statements: Statements) -> None:
    request = request_of(reader)
    with statements() as sent:
        render("{% chat_session_status %}", request)
    assert len(sent) == 2
    services.send(reader.owner, "Why?", key="key-00000001")
    with statements() as sent:
        render("{% chat_session_status %}", request)
    assert len(sent) == 1


def test_the_widget_asks_the_database_nothing_and_has_no_inline_code(
    reader: Caller, statements: Statements
) -> None:
    request = request_of(reader)
    with statements() as sent:
        page = render("{% chat_widget scope='subject:1' title='Help' %}", request)
    assert sent == []
    assert 'data-base-url="/chat"' in page
    assert 'data-scope="subject:1"' in page
    assert 'data-title="Help"' in page
    assert "data-greeting" not in page
    assert re.search(r'data-csrf-token="\w{64}"', page)
    assert not re.search(r"<script(?![^>]*src=)", page)
    assert "style=" not in page
    assert " on" not in re.sub(r">[^<]*<", "><", page)


def reader_in(page: str) -> str | None:
    found = re.search(r'data-owner="([0-9a-f]{16})"', page)
    return found and found[1]


def test_the_widget_keeps_the_drafts_of_two_people_apart(db: None) -> None:
    pages = [render("{% chat_widget %}", request_of(person("user", name))) for name in "aba"]
    first, second, again = map(reader_in, pages)
    assert first is not None
    assert first == again
    assert second not in (None, first)


def test_the_widget_gives_a_stranger_who_becomes_a_visitor_no_other_drafts(db: None) -> None:
    """The first page knows no visitor yet; what is typed there must be there on the second."""
    visitor = render("{% chat_widget %}", request_of(person("visitor")))
    assert reader_in(visitor) == reader_in(render("{% chat_widget %}", RequestFactory().get("/")))


def test_the_csrf_token_of_the_widget_is_accepted(reader: Caller) -> None:
    reader.client.handler.enforce_csrf_checks = True
    request = request_of(reader)
    page = render("{% chat_widget %}", request)
    found = re.search(r'data-csrf-token="(\w+)"', page)
    assert found is not None
    reader.client.cookies["csrftoken"] = request.META["CSRF_COOKIE"]
    assert reader.call("POST", "sessions", {}, HTTP_X_CSRFTOKEN=found[1]).status_code == 201


def test_x04_the_script_carries_the_hosts_nonce() -> None:
    page = render("{% chat_widget %}", RequestFactory().get("/"), csp_nonce="abc123")
    assert '.js" nonce="abc123"></script>' in page


if django.VERSION >= (6, 0):

    def test_x04_the_script_carries_djangos_own_nonce_which_is_made_when_it_is_used() -> None:
        from django.utils.csp import LazyNonce

        nonce = LazyNonce()
        page = render("{% chat_widget %}", RequestFactory().get("/"), csp_nonce=nonce)
        assert f'.js" nonce="{nonce}"></script>' in page


def test_without_a_nonce_there_is_none() -> None:
    assert "nonce" not in render("{% chat_widget %}", RequestFactory().get("/"))


@pytest.mark.parametrize("tag", TAGS)
def test_x05_a_page_without_a_request_has_no_chat_and_no_error(db: None, tag: str) -> None:
    render(tag)


@pytest.mark.parametrize("tag", TAGS)
def test_x05_a_stranger_gets_a_page_and_nothing_is_stored(
    db: None, tag: str, statements: Statements
) -> None:
    request = RequestFactory().get("/")
    before = rows()
    with statements() as sent:
        render(tag, request)
    assert sent == []
    assert rows() == before


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize("tag", TAGS)
def test_x05_d13_without_a_database_the_page_is_rendered_and_the_outage_logged(
    reader: Caller, tag: str, error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: Any) -> Any:
        raise error("SECRET-4711")

    request = request_of(reader)
    with connection.execute_wrapper(fail):
        page = render("before " + tag + " after", request)
    assert page.startswith("before")
    assert page.endswith("after")
    if "widget" not in tag:
        assert error.__name__ in caplog.text
    assert "SECRET" not in caplog.text


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize("tag", TAGS)
def test_x05_d13_not_even_the_login_can_be_read_and_still_the_page_is_rendered(
    tag: str, error: type[Exception]
) -> None:
    def load() -> Any:
        raise error("SECRET-4711")

    request: Any = RequestFactory().get("/")
    request.user = SimpleLazyObject(load)
    page = render("before " + tag + " after", request)
    assert page.startswith("before")
    assert page.endswith("after")


@pytest.mark.parametrize("tag", TAGS)
def test_x05_bad_credentials_mean_no_chat_and_no_error(
    db: None, tokens_too: None, tag: str
) -> None:
    request = RequestFactory().get("/", headers={"Authorization": "Token of-nobody"})
    render(tag, request)


def test_the_filter_says_the_state(reader: Caller, noon: Any) -> None:
    session = services.send(reader.owner, "Why?", key="key-00000001").session
    assert render("{{ session|chat_state }}", session=session) == "active"
    noon.shift(3600)
    assert render("{{ session|chat_state }}", session=session) == "expired"


@pytest.mark.parametrize("nothing", [None, "", SimpleLazyObject(lambda: None)])
def test_the_filter_says_nothing_of_no_session(nothing: Any) -> None:
    assert render("{{ session|chat_state }}", session=nothing) == ""
