"""The tags in templates as hosts write them; none raises in a page."""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import django
import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.cache import SessionStore
from django.core.cache import cache
from django.db import InterfaceError, OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template import Context, RequestContext, Template
from django.test import RequestFactory
from django.urls import include, path
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

import django_chat_sessions
from django_chat_sessions import clock, get_session_model, services
from django_chat_sessions.authentication import VISITOR_COOKIE
from django_chat_sessions.owners import Owner
from django_chat_sessions.policies import Activity, Deadline, IdleTimeoutPolicy
from tests.callers import Caller, person, rows
from tests.conversations import configure, fill_history, listen_only, refusing_to_read, talked

Statements = Callable[[], AbstractContextManager[list[str]]]

TAGS = (
    "{% recent_chat_sessions as found %}{{ found|length }}",
    "{% chat_history %}",
    "{% chat_history variant='dropdown' title='Chats' %}",
    "{% chat_styles %}",
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
    "JAVA\tSCRIPT:alert(1)",
    "\u202eevil",
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
    noon.shift(600.25)  # HTML's moments have no microseconds
    services.send(reader.owner, "Second question", key="key-00000002", scope="b")
    request = request_of(reader)
    with statements() as sent:
        page = render("{% chat_history page='/chat/' %}", request)
    assert len(sent) == 1
    assert page.index("Second question") < page.index("First question")
    assert "Not yours" not in page
    assert "Answer being written" in page
    assert page.count('data-state="active"') == page.count('data-state="expired"') == 1
    assert '<time datetime="2026-11-22T12:10:00+00:00">12:10 p.m.</time>' in page
    session = get_session_model()._base_manager.get(title="First question")
    assert f'href="/chat/?chat={session.pk}"' in page


@pytest.mark.parametrize(
    "tag",
    [
        "{% chat_history %}",
        "{% chat_history variant='dropdown' %}",
        "{% recent_chat_sessions as all %}{% for one in all %}<li {{ one|chat_state }}{% endfor %}",
    ],
)
def test_s13_the_history_costs_one_statement_whatever_its_size(
    reader: Caller, statements: Statements, tag: str
) -> None:
    request = request_of(reader)
    for count in (3, 30):
        fill_history(reader.owner, count - get_session_model()._base_manager.count())
        with statements() as sent:
            page = render(tag, request)
        assert len(sent) == 1
        assert page.count("<li ") == count


def test_the_history_is_grouped_by_the_readers_days(reader: Caller, noon: Any) -> None:
    services.send(reader.owner, "First", key="key-00000001", scope="a")
    noon.shift(24 * 3600)
    services.send(reader.owner, "Second", key="key-00000002", scope="b")
    request = request_of(reader)
    page = render("{% chat_history %}", request)
    assert re.findall(r"<h3>(.+?)</h3>", page) == ["Today", "Yesterday"]
    assert re.findall(r'data-days="(.+?)"', page) == ["today", "yesterday"]
    with timezone.override("Pacific/Kiritimati"):  # 14 hours ahead: 2 o'clock of the next day
        page = render("{% chat_history %}", request)
    assert re.findall(r"<time[^>]+>(.+?)</time>", page) == ["2 a.m.", "2 a.m."]
    assert '<time datetime="2026-11-23T12:00:00+00:00">' in page


def test_both_variants_are_links_in_a_navigation_that_has_a_name(reader: Caller) -> None:
    session = services.send(reader.owner, "Why?", key="key-00000001").session
    request = request_of(reader)
    link = f'href="/chat/sessions/{session.pk}/page"'
    side = render("{% chat_history title='Chats so far' %}", request)
    drop = render("{% chat_history variant='dropdown' title='Chats so far' %}", request)
    assert '<h2 class="dcs-history-title" dir="auto">Chats so far</h2>' in side
    assert "<details" not in side
    assert drop.index("<details") < drop.index("Chats so far</") < drop.index("<nav")
    assert '<h2 class="dcs-hidden" dir="auto">Chats so far</h2>' in drop  # its button is seen
    for page in (side, drop):
        assert 'aria-label="Chats so far"' in page
        assert link in page
        assert page.count('dir="auto"') >= 2
        assert "aria-current" not in page
        assert "style=" not in page
        assert "<script" not in page
    assert 'aria-label="Your chats"' in render("{% chat_history %}", request)


@pytest.mark.parametrize("title", ["", " title='Chats so far'"])
@pytest.mark.parametrize("variant", ["sidebar", "dropdown"])
def test_w13_no_level_of_headings_is_left_out_above_the_days(
    reader: Caller, variant: str, title: str
) -> None:
    services.send(reader.owner, "Why?", key="key-00000001")
    page = render("{% chat_history variant='" + variant + "'" + title + " %}", request_of(reader))
    assert re.findall(r"<(h\d)", page) == ["h2", "h3"]
    assert page.index("<nav") < page.index("<h2")


def test_the_direction_of_a_preview_is_its_own_and_not_that_of_the_badge(reader: Caller) -> None:
    services.send(reader.owner, "لماذا؟", key="key-00000001")
    page = render("{% chat_history %}", request_of(reader))
    preview = page.partition('<span class="dcs-history-preview" dir="auto">')[2]
    # What has a direction of its own does not decide that of what is around it.
    assert preview.startswith('<span class="dcs-badge" dir="auto">')


def test_an_answer_that_nobody_has_read_is_said_in_words(reader: Caller) -> None:
    session = services.send(reader.owner, "Why?", key="key-00000001").session
    request = request_of(reader)
    tag = "{% chat_history variant='dropdown' %}"
    assert "New answer" not in render(tag, request)
    get_session_model()._base_manager.filter(pk=session.pk).update(unread=True)
    assert render(tag, request).count("New answer") == 2  # on the closed dropdown, and in it


def test_a_closed_dropdown_tells_of_one_new_answer_among_others(reader: Caller) -> None:
    for scope in ("read", "unread"):
        session = talked(reader.owner, scope=scope)
    get_session_model()._base_manager.filter(pk=session.pk).update(unread=True)
    page = render("{% chat_history variant='dropdown' %}", request_of(reader))
    assert "New answer" in page.partition("</summary>")[0]


@pytest.mark.parametrize("page", ["/x/", "/x/?a=b", "/x/?a=b#c", "/x/#c"])
def test_the_hosts_own_page_is_linked_and_the_chat_that_it_shows_is_marked(
    reader: Caller, page: str
) -> None:
    session = services.send(reader.owner, "Why?", key="key-00000001", scope="a").session
    services.send(reader.owner, "Why not?", key="key-00000002", scope="b")
    request = request_of(reader)
    shown = render("{% chat_history page=page %}", request, page=page)
    [link] = [
        html.unescape(href)
        for href in re.findall(r'href="([^"]+)"', shown)
        if str(session.pk) in href
    ]
    parts = urlsplit(link)
    assert parts.path == "/x/"
    assert parse_qs(parts.query) == {
        **({"a": ["b"]} if "?" in page else {}),
        "chat": [str(session.pk)],
    }
    assert parts.fragment == urlsplit(page).fragment
    request.GET = QueryDict(parts.query)
    for tag in ("{% chat_history %}", "{% chat_history current=session %}"):
        marked = render(tag, request, session=session)
        assert marked.count('aria-current="page"') == 1
        assert marked.index(str(session.pk)) < marked.index('aria-current="page"')
        assert marked.index("Why not?") < marked.index('aria-current="page"')


def test_x05_where_our_addresses_are_not_included_nothing_is_linked_and_the_log_says_why(
    reader: Caller, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    services.send(reader.owner, "Why?", key="key-00000001")
    settings.ROOT_URLCONF = ()
    request = request_of(reader)
    page = render("{% chat_history %}", request)
    assert "Why?" in page
    assert "href" not in page
    assert caplog.text.count("include('django_chat_sessions.urls')") == 1
    assert render("{% chat_widget %}", request).strip() == ""


def test_x05_a_cached_fragment_is_rendered_once(reader: Caller, statements: Statements) -> None:
    cache.clear()
    services.send(reader.owner, "Why?", key="key-00000001")
    request = request_of(reader)
    fragment = (
        "{% load cache %}{% cache 60 chats request.user.pk request.COOKIES.chat_visitor %}"
        "{% chat_history %}{% chat_session_status %}{% endcache %}"
    )
    first = render(fragment, request)
    with statements() as sent:
        assert render(fragment, request) == first
    assert sent == []
    assert "Why?" not in render(fragment, request_of(person("user", "eve")))


def test_the_tags_speak_the_readers_language_and_its_direction(reader: Caller) -> None:
    with translation.override("ar"):
        page = reader.get("sessions/current/page").text
    assert '<html lang="ar" dir="rtl">' in page
    with translation.override("de"):
        assert "Deine Chats" in render("{% chat_history %}", request_of(reader))


def test_a_template_of_the_hosts_takes_its_place_or_extends_it(
    reader: Caller, settings: Any, tmp_path: Any
) -> None:
    services.send(reader.owner, "Why?", key="key-00000001")
    folder = tmp_path / "mine"
    folder.mkdir()
    package = Path(django_chat_sessions.__file__).parent / "templates" / "django_chat_sessions"
    shutil.copy(package / "history.html", folder / "packaged.html")
    (tmp_path / "django_chat_sessions").mkdir()
    (tmp_path / "django_chat_sessions" / "history.html").write_text(
        "{% extends 'mine/packaged.html' %}"
        "{% block chat_history_row %}<li>mine: {{ row.session.title }}</li>{% endblock %}"
    )
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    assert "<li>mine: Why?</li>" in render("{% chat_history %}", request_of(reader))


def test_the_history_can_be_limited_to_a_number_and_a_scope(reader: Caller) -> None:
    for number in range(3):
        services.send(reader.owner, "?", key=f"key-000000{number}", scope=f"s{number}")
    request = request_of(reader)
    assert render("{% chat_history limit=2 %}", request).count("<li ") == 2
    assert render("{% chat_history scope='s1' %}", request).count("<li ") == 1
    assert render("{% recent_chat_sessions 2 as found %}{{ found|length }}", request) == "2"


def test_an_empty_history_says_so(reader: Caller) -> None:
    assert "Your chats will appear here." in render("{% chat_history %}", request_of(reader))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_x01_what_people_write_is_shown_as_text(reader: Caller, payload: str) -> None:
    services.send(reader.owner, payload, key="key-00000001")
    tags = "{% chat_history page='/chat/' %}{% chat_history variant='dropdown' title=p %}"
    page = render(tags, request_of(reader), p=payload)
    found = "{% recent_chat_sessions as found %}{{ found.0.title|json_script:'chats' }}"
    data = render(found, request_of(reader))
    assert data.count("<") == 2
    assert json.loads(re.sub(r"^<script[^>]*>|</script>$", "", data)) == " ".join(payload.split())
    assert html.escape(" ".join(payload.split())) in page
    assert "<script" not in page
    assert "<img" not in page
    assert "<b>" not in page
    assert 'href="javascript' not in page


def test_x01_options_of_the_widget_are_escaped() -> None:
    evil = '"><script>alert(1)</script>'
    page = render(
        "{% chat_widget scope=e title=e greeting=e placeholder=e history=e layout=e theme=e %}",
        RequestFactory().get("/"),
        e=evil,
    )
    assert "<script>" not in page
    assert page.count(html.escape(evil)) == 4  # of the last three none but known words are written


@pytest.mark.parametrize(
    "tag",
    ["chat_history title=e", "chat_history title=e variant='dropdown'", "chat_widget title=e"],
)
def test_x01_where_a_host_has_turned_escaping_off_the_tags_escape_all_the_same(
    reader: Caller, tag: str
) -> None:
    """Such as around a body that an editor has written; the words are still people's."""
    evil = "<img src=x onerror=alert(1)>"
    services.send(reader.owner, evil, key="key-00000001")
    source = "{% autoescape off %}{{ b }}{% TAG %}{% endautoescape %}".replace("TAG", tag)
    page = render(source, request_of(reader), e=evil, b="<b>body</b>")
    assert "<b>body</b>" in page
    assert "<img" not in page
    assert html.escape(evil) in page


def status(caller: Caller, scope: str = "") -> str:
    """Return the words of the status tag."""
    page = render(f"{{% chat_session_status scope='{scope}' %}}", request_of(caller))
    assert 'role="status"' in page
    return re.sub(r"<[^>]+>", "", page).strip()


def test_the_status_is_said_in_words(reader: Caller, noon: Any) -> None:
    assert status(reader) == "The next message starts a new chat."
    session = services.send(reader.owner, "Why?", key="key-00000001").session
    assert status(reader) == "An answer is being written."
    services.stop(session)
    assert status(reader) == "Your chat is open until 12:05 p.m.; go on where you stopped."
    assert status(reader, "elsewhere") == "The next message starts a new chat."
    services.start(reader.owner, "elsewhere")  # and nothing is said in it
    assert status(reader, "elsewhere") == "The next message starts a new chat."
    noon.shift(3600)
    assert status(reader).startswith("Your last chat has paused")
    services.reopen(session)
    services.end(session)
    assert status(reader) == "The next message starts a new chat."


def test_a_chat_that_is_open_for_days_says_until_which(
    reader: Caller, settings: Any, noon: Any
) -> None:
    listen_only(settings)
    configure(settings, TIMEOUT_POLICY=IdleTimeoutPolicy(36 * 3600))
    services.send(reader.owner, "Why?", key="key-00000001")
    assert "open until Nov. 24, 2026, midnight;" in status(reader)
    noon.shift(25 * 3600)
    assert "open until Nov. 24, 2026, midnight;" in status(reader)
    with timezone.override("Pacific/Honolulu"):  # where that is today
        assert "open until 2 p.m.;" in status(reader)


class ClosingTime(IdleTimeoutPolicy):
    """Ends a chat for a reason of the host's."""

    def deadline(self, activity: Activity) -> Deadline:
        return Deadline(activity.last_activity_at + timedelta(minutes=5), "closing_time")


@pytest.mark.parametrize("swept", [True, False])
def test_a_chat_that_a_rule_of_the_hosts_has_paused_is_said_to_have_paused(
    reader: Caller, settings: Any, noon: Any, swept: bool
) -> None:
    listen_only(settings)
    configure(settings, TIMEOUT_POLICY=ClosingTime())
    services.send(reader.owner, "Why?", key="key-00000001")
    noon.shift(3600)
    if swept:
        services.sweep()
    assert status(reader).startswith("Your last chat has paused")
    page = render("{% chat_session_status %}", request_of(reader))
    assert 'data-status="expired"' in page


def test_a_pinned_chat_says_its_day_where_no_heading_does(reader: Caller, noon: Any) -> None:
    session = services.send(reader.owner, "Why?", key="key-00000001").session
    services.pin(session)
    noon.shift(24 * 3600)
    page = render("{% chat_history %}", request_of(reader))
    assert re.findall(r"<h3>(.+?)</h3>.*?<time[^>]*>(.+?)</time>", page, re.DOTALL) == [
        ("Pinned", "Sun")
    ]


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
    assert request.META["CSRF_COOKIE_NEEDS_UPDATE"]
    assert "data-csrf-token" not in page
    assert not re.search(r"<script(?![^>]*src=)", page)
    assert "style=" not in page
    assert " on" not in re.sub(r">[^<]*<", "><", page)


def test_the_widget_is_told_how_to_look_and_which_language_to_speak() -> None:
    request = RequestFactory().get("/")
    page = render("{% chat_widget %}", request)
    assert 'data-layout="panel" data-lang="en"' in page
    assert "data-theme" not in page
    with translation.override("de"):
        page = render("{% chat_widget layout='floating' theme='dark' %}", request)
    assert 'data-layout="floating" data-lang="de" data-theme="dark"' in page
    with translation.override(None):  # a site that speaks no language of its own
        assert 'data-lang=""' in render("{% chat_widget %}", request)


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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CSRF_USE_SESSIONS", True),
        ("CSRF_COOKIE_HTTPONLY", True),
        ("CSRF_COOKIE_NAME", "shop_csrf"),
        ("CSRF_COOKIE_PATH", "/chat"),
    ],
)
def test_the_widget_has_the_csrf_token_where_its_cookie_cannot_be_read(
    reader: Caller, settings: Any, name: str, value: Any
) -> None:
    setattr(settings, name, value)
    request = request_of(reader)
    request.session = SessionStore()
    assert re.search(r'data-csrf-token="\w{64}"', render("{% chat_widget %}", request))


def test_the_widget_leaves_a_cookie_that_can_be_read_to_its_script(reader: Caller) -> None:
    """A page has a token of its own, which is old once somebody has logged in from another tab."""
    page = Template("{% load chat_sessions %}{% csrf_token %}{% chat_widget %}")
    shown = page.render(RequestContext(request_of(reader)))
    assert "csrfmiddlewaretoken" in shown
    assert "data-csrf-token" not in shown


def test_the_csrf_token_of_the_widget_is_accepted(reader: Caller, settings: Any) -> None:
    settings.CSRF_COOKIE_HTTPONLY = True
    reader.client.handler.enforce_csrf_checks = True
    request = request_of(reader)
    page = render("{% chat_widget %}", request)
    found = re.search(r'data-csrf-token="(\w+)"', page)
    assert found is not None
    reader.client.cookies["csrftoken"] = request.META["CSRF_COOKIE"]
    assert reader.call("POST", "sessions", {}, HTTP_X_CSRFTOKEN=found[1]).status_code == 201


def test_the_script_is_read_as_what_it_is_on_a_page_of_any_encoding_and_from_any_origin() -> None:
    page = render("{% chat_widget %}", RequestFactory().get("/"))
    # A module would be refused from an origin that sends no CORS headers, as many a CDN.
    assert '<script defer charset="utf-8" src=' in page


def test_x04_the_script_carries_the_hosts_nonce() -> None:
    page = render("{% chat_widget %}", RequestFactory().get("/"), csp_nonce="abc123")
    assert '.js" nonce="abc123"></script>' in page


if django.VERSION >= (6, 0):

    @pytest.mark.parametrize("processor", [True, False])
    def test_x04_djangos_own_policy_names_the_nonce_that_the_tags_have_used(
        settings: Any, processor: bool
    ) -> None:
        from django.middleware.csp import ContentSecurityPolicyMiddleware
        from django.template.context_processors import csp
        from django.utils.csp import CSP

        settings.SECURE_CSP = {"script-src": [CSP.NONCE], "style-src": [CSP.NONCE]}

        def view(request: HttpRequest) -> HttpResponse:
            more: Any = csp(request) if processor else {}
            return HttpResponse(render("{% chat_styles %}{% chat_widget %}", request, **more))

        response: Any = ContentSecurityPolicyMiddleware(view)(RequestFactory().get("/"))
        nonces = re.findall(r'nonce="([^"]+)"', response.text)
        assert len(nonces) == 4
        policy = f"script-src 'nonce-{nonces[0]}'; style-src 'nonce-{nonces[0]}'"
        assert response.headers["Content-Security-Policy"] == policy
        assert len(set(nonces)) == 1

    def test_x04_the_script_carries_djangos_own_nonce_which_is_made_when_it_is_used() -> None:
        from django.utils.csp import LazyNonce

        nonce = LazyNonce()
        page = render("{% chat_widget %}", RequestFactory().get("/"), csp_nonce=nonce)
        assert f'.js" nonce="{nonce}"></script>' in page


@pytest.mark.parametrize("name", ["csp_nonce", "_csp_nonce"])
@pytest.mark.parametrize("tag", ["{% chat_widget %}", "{% chat_styles %}"])
def test_x04_script_and_styles_carry_the_nonce_of_either_middleware(tag: str, name: str) -> None:
    """django-csp puts it on the request, as Django 6.0 does; both are false until they are used."""
    request = RequestFactory().get("/")

    class Nonce(SimpleLazyObject):  # type: ignore[type-arg]
        def __bool__(self) -> bool:
            return False

    setattr(request, name, Nonce(lambda: "abc123"))
    page = render(tag, request)
    assert page.count('nonce="abc123"') == 2


def test_without_a_nonce_there_is_none() -> None:
    for tag in ("{% chat_widget %}", "{% chat_styles %}"):
        assert "nonce" not in render(tag, RequestFactory().get("/"))


def test_the_widget_leads_those_without_a_script_to_the_page_that_needs_none() -> None:
    page = render("{% chat_widget scope='subject:1' %}", RequestFactory().get("/"))
    assert "<noscript><p " in page
    assert 'href="/chat/sessions/current/page?scope=subject%3A1#latest"' in page
    assert 'href="/chat/sessions/current/page#latest"' in render(
        "{% chat_widget %}", RequestFactory().get("/")
    )


@pytest.mark.parametrize(
    ("scope", "text"), [(None, ""), (0, "0"), (12345, "12345"), ("a&b", "a&b")]
)
def test_the_scope_of_the_widget_is_that_of_the_other_tags(
    settings: Any, scope: Any, text: str
) -> None:
    settings.USE_THOUSAND_SEPARATOR = True  # which writes numbers in a page as 12,345
    page = render("{% chat_widget scope=scope %}", RequestFactory().get("/"), scope=scope)
    assert f'data-scope="{html.escape(text)}"' in page
    link = re.search(r'href="([^"]+)#latest"', page)
    assert link
    query = urlsplit(html.unescape(link[1])).query
    assert parse_qs(query) == ({"scope": [text]} if text else {})


@pytest.mark.parametrize("others", [{}, {"request": "an offer"}, {"request": None}])
@pytest.mark.parametrize("tag", TAGS)
def test_x05_a_page_without_a_request_has_no_chat_and_no_error(
    db: None, tag: str, others: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    page = render(tag, **others)
    if "styles" not in tag:
        assert "context_processors.request" in caplog.text
    if "widget" not in tag and "styles" not in tag:
        assert page.strip() in ("", "0")


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
    if "widget" not in tag and "styles" not in tag:
        assert error.__name__ in caplog.text
        assert page.split()[1:-1] in ([], ["0"])
    assert "SECRET" not in caplog.text


def test_a_database_that_is_not_migrated_is_told_of_in_the_log(
    reader: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    request = request_of(reader)

    def fail(*args: Any) -> Any:
        raise OperationalError("no such table: chats")

    with connection.execute_wrapper(fail):
        render("{% chat_history %}", request)
    assert "the database is not migrated: no such table: chats; run migrate" in caplog.text


@pytest.mark.parametrize("tag", TAGS)
def test_x05_what_a_tag_cannot_read_breaks_no_transaction_of_the_page(
    reader: Caller, tag: str
) -> None:
    """PostgreSQL would undo at the end what the host's view has written, and say nothing."""
    request = request_of(reader)
    with transaction.atomic():
        written = talked(reader.owner)
        with refusing_to_read():
            render(tag, request)
        assert services.recent_sessions(reader.owner) == [written]


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
def test_x05_an_async_view_that_renders_by_itself_is_told_how_and_the_page_is_rendered(
    db: None, tag: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Django reads no database there, not even for the login, which the widget asks for."""
    known = request_of(person("user"))
    lazy: Any = RequestFactory().get("/")
    lazy.user = SimpleLazyObject(lambda: get_user_model().objects.get(username="ada"))

    async def view(request: HttpRequest) -> str:
        return render("before " + tag + " after", request)

    for request in (lazy, known):
        page = async_to_sync(view)(request)
        assert page.startswith("before")
        assert page.endswith("after")
    if "styles" not in tag:
        assert "sync_to_async" in caplog.text


@pytest.mark.parametrize("tag", TAGS)
def test_x05_an_address_with_more_parameters_than_django_reads_breaks_no_page(
    reader: Caller, tag: str, settings: Any
) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 2
    talked(reader.owner)
    request = request_of(reader)
    page = render(tag, request)
    request.META["QUERY_STRING"] = "a=1&b=2&c=3"
    vars(request).pop("GET", None)
    assert render(tag, request) == page


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


@pytest.mark.parametrize("use_tz", [True, False])
def test_the_filter_takes_a_naive_moment_as_the_readers_and_an_aware_one_as_it_is(
    reader: Caller, noon: Any, settings: Any, use_tz: bool
) -> None:
    settings.USE_TZ, settings.TIME_ZONE = use_tz, "Europe/Vienna"
    session = services.send(reader.owner, "Why?", key="key-00000001").session
    services.stop(session)
    session.refresh_from_db()
    assert session.expires_at
    here = (
        clock.aware(session.expires_at).astimezone(ZoneInfo("Europe/Vienna")).replace(tzinfo=None)
    )
    for moment in (here, here.replace(tzinfo=ZoneInfo("Europe/Vienna"))):
        before = moment - timedelta(microseconds=1)
        template = "{{ session|chat_state:moment }}"
        assert render(template, session=session, moment=moment) == "expired"
        assert render(template, session=session, moment=before) == "active"


@pytest.mark.parametrize("nothing", [None, "", SimpleLazyObject(lambda: None)])
def test_the_filter_says_nothing_of_no_session(nothing: Any) -> None:
    assert render("{{ session|chat_state }}", session=nothing) == ""


@pytest.mark.parametrize(
    "tag",
    [
        '{% chat_history limit="1" %}',
        "{% chat_history limit=nothing %}",
        "{% chat_history page=5 %}",
        "{% chat_history current=5 %}",
        '{% recent_chat_sessions "1" as found %}{{ found.0.title }}',
        "{% chat_session_status scope=5 %}",
        "{% chat_session_status scope=missing %}",
        "{% for one in found %}{{ one|chat_state:'x' }}{% endfor %}",
    ],
)
def test_an_argument_that_can_be_understood_is(reader: Caller, tag: str) -> None:
    for scope in ("", "5"):
        services.send(reader.owner, "Hello", key=f"key-0000000{scope}", scope=scope)
    found = services.recent_sessions(reader.owner)
    shown = render(tag, request_of(reader), found=found, missing=None)
    assert re.search("Hello|An answer is being written|active", shown)
    assert shown.count("dcs-history-open") <= (1 if "limit=" in tag and "1" in tag else 2)


@pytest.mark.parametrize(
    ("tag", "named"),
    [
        ("{% chat_history limit=-1 %}", "-1"),
        ("{% chat_history limit=1.5 %}", "1.5"),
        ('{% chat_history limit="many" %}', "'many'"),
        ("{% chat_history limit=99999999999999999999 %}", "99999999999999999999"),
        ('{% recent_chat_sessions "many" as found %}{{ found|join:"" }}', "'many'"),
        ("{{ 'x'|chat_state }}", "SafeString"),
        ("{{ 5|chat_state }}", "int"),
    ],
)
def test_an_argument_that_means_nothing_is_in_the_log_and_not_in_the_page(
    reader: Caller, tag: str, named: str, caplog: pytest.LogCaptureFixture
) -> None:
    services.send(reader.owner, "Hello", key="key-00000001")
    assert render(tag, request_of(reader)).strip() == ""
    assert named in caplog.text


@pytest.mark.parametrize(
    ("tag", "named", "shown"),
    [
        ("{% chat_history variant='list' %}", "variant='list'; give one of sidebar", "nav"),
        ("{% chat_widget history='list' %}", "history='list'", 'data-history="dropdown"'),
        ("{% chat_widget layout='wide' %}", "layout='wide'", 'data-layout="panel"'),
        ("{% chat_widget theme='pink' %}", "theme='pink'; give one of light, dark", "data-lang"),
    ],
)
def test_for_a_word_that_an_argument_does_not_know_the_default_is_taken(
    reader: Caller, tag: str, named: str, shown: str, caplog: pytest.LogCaptureFixture
) -> None:
    services.send(reader.owner, "Hello", key="key-00000001")
    page = render(tag, request_of(reader))
    assert shown in page
    assert "pink" not in page
    assert named in caplog.text


def test_a_variable_that_is_not_there_chooses_nothing(
    reader: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    page = render("{% chat_widget history=no layout=no theme=no %}", request_of(reader))
    assert 'data-history="dropdown"' in page
    assert 'data-layout="panel"' in page
    assert caplog.text == ""


@pytest.mark.parametrize("tag", ["{% chat_history scope=nul %}", "{% chat_session_status nul %}"])
def test_a_scope_that_cannot_be_looked_for_raises_on_no_database(reader: Caller, tag: str) -> None:
    render(tag, request_of(reader), nul="\x00")


def test_what_the_database_cannot_be_asked_for_is_in_the_log(
    reader: Caller, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any) -> Any:
        raise ValueError("A string literal cannot contain NUL characters.")

    monkeypatch.setattr(services, "look", refuse)
    assert render("{% chat_session_status nul %}", request_of(reader), nul="\x00").strip() == ""
    assert "cannot contain NUL" in caplog.text


def nested(included: Any) -> Any:
    """Return a URLconf that has our addresses in an app's own one, in another place each."""
    app = [path("chat/", included)]
    return (
        path("", include(([path("help/", include((app, "help"))), *BESIDE], "site"))),
        path("elsewhere/", include((BESIDE, "elsewhere"))),
    )


BESIDE = [path("beside/", lambda request: HttpResponse(), name="beside")]


@pytest.mark.parametrize("namespace", [None, "talk"])
def test_our_addresses_are_found_in_whatever_namespace_they_are(
    reader: Caller, settings: Any, namespace: str | None
) -> None:
    settings.ROOT_URLCONF = nested(include("django_chat_sessions.urls", namespace=namespace))
    listen_only(settings)
    session = services.send(reader.owner, "Why?", key="key-00000001").session
    page = f"/help/chat/sessions/{session.pk}/page"
    assert f'href="{page}"' in render("{% chat_history %}", request_of(reader))
    assert 'data-base-url="/help/chat"' in render("{% chat_widget %}", request_of(reader))
    for shown in (reader.client.get(page), reader.client.get("/help/chat/sessions/current/page")):
        assert f'action="{page}"' in shown.text
    sent = reader.client.post(page, {"content": "And why?", "key": "key-00000002"})
    assert sent.headers["Location"] == f"{page}#latest"
