"""The chat without JavaScript, as a browser uses it: links and forms."""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.views.debug import ExceptionReporter

from django_chat_sessions import get_message_model, get_session_model, services
from django_chat_sessions.api.pages import safe_url
from tests.callers import Caller, assert_private, person, rows
from tests.conversations import fill, leave_replies, listen_only, missing_id

Statements = Callable[[], AbstractContextManager[list[str]]]
CURRENT = "sessions/current/page?scope=s"


@pytest.fixture(params=["user", "visitor"])
def reader(request: pytest.FixtureRequest, db: None) -> Caller:
    return person(request.param)


def page_of(session: Any) -> str:
    return f"sessions/{session.pk}/page"


def post(reader: Caller, path: str, **form: str) -> Any:
    """Send a form as a browser does."""
    return reader.raw("POST", path, urlencode(form).encode(), "application/x-www-form-urlencoded")


def test_a_stranger_writes_reads_and_writes_again(db: None, answering: Any) -> None:
    """From nothing, with the CSRF token of each form, and the cookies of one browser."""
    client = Client(enforce_csrf_checks=True)
    address, text = f"/chat/{CURRENT}", "Why is the sky blue?"
    for question in (text, "And the sea?"):
        shown = client.get(address)
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', shown.text))
        action = re.search(r'action="([^"]+)"', shown.text)
        assert action
        with answering():
            answer = client.post(html.unescape(action[1]), {**hidden, "content": question})
        assert answer.status_code == 303
        assert_private(answer)
        address = answer.headers["Location"]
    read = client.get(address.removesuffix("#latest"))
    assert read.text.count("<article") == 4
    assert read.text.index(text) < read.text.index("And the sea?")
    assert get_session_model()._base_manager.count() == 1
    assert "Your chats" in read.text
    assert 'aria-current="page"' in read.text


def test_the_same_form_sent_twice_is_one_message(reader: Caller, settings: Any) -> None:
    listen_only(settings)
    form = {"content": "Once\r\nonly", "key": "key-of-a-form"}
    answers = [post(reader, CURRENT, **form) for _ in range(2)]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    assert [row.content for row in get_message_model()._base_manager.all()] == ["Once\nonly"]
    other = post(reader, CURRENT, **{**form, "content": "Another"})
    assert other.status_code == 422
    assert "Another" in other.text
    assert "This page was out of date" in other.text  # as after the Back button; not of keys
    assert 'value="key-of-a-form"' not in other.text


def test_what_cannot_be_sent_stays_in_the_form_and_a_sentence_says_why(
    reader: Caller, settings: Any
) -> None:
    leave_replies(settings)
    session = services.send(reader.owner, "First", key="key-00000001", scope="s").session
    busy = post(reader, page_of(session), content="I <3 this", key="key-00000002")
    assert busy.status_code == 409
    assert busy.headers["Retry-After"] == "1"
    assert "I &lt;3 this</textarea>" in busy.text
    assert 'value="key-00000002"' in busy.text
    assert 'role="alert"' in busy.text
    assert "An answer is being written" in busy.text
    # That link would take what was written away; to send it again tells the same.
    assert "Look again" not in busy.text
    assert "Look again" in reader.get(page_of(session)).text
    before = rows()
    blank = post(reader, CURRENT, content=" ", key="key-00000002")
    assert blank.status_code == 400
    assert "Write a message first." in blank.text
    assert post(reader, page_of(session)).status_code == 400
    assert rows() == before


def test_each_look_again_is_another_address_or_a_browser_would_only_scroll(
    reader: Caller, settings: Any
) -> None:
    leave_replies(settings)
    session = services.send(reader.owner, "Why?", key="key-00000001", scope="s").session
    looked: list[str] = []
    path = page_of(session)
    for _ in range(3):
        again = re.search(r'href="/chat/([^"]+)">Look again', reader.get(path).text)
        assert again
        address, _hash, place = again[1].partition("#")
        assert place == "latest"
        looked.append(address)
        path = address
    assert len({path, page_of(session), *looked}) == 4


def test_an_expired_chat_says_so_and_is_taken_up_again_with_what_was_written(
    reader: Caller, settings: Any, noon: Any
) -> None:
    listen_only(settings)
    session = services.send(reader.owner, "First", key="key-00000001", scope="s").session
    noon.shift(300)
    paused = reader.get(page_of(session)).text
    assert "This chat has paused" in paused
    assert "<textarea" not in paused
    assert "Continue this chat" in paused
    other = services.send(reader.owner, "Second", key="key-00000002", scope="s").session
    assert f"/chat/{page_of(session)}" in reader.get(page_of(other)).text  # the one before
    late = post(reader, page_of(session), content="Late", key="key-00000003")
    assert late.status_code == 409
    assert "Late</textarea>" in late.text
    taken_up = post(reader, page_of(session), reopen="1", content="Late", key="key-00000003")
    assert taken_up.headers["Location"] == f"/chat/{page_of(session)}#latest"
    assert "Late" in reader.get(page_of(session)).text
    services.end(session)
    assert "This chat has ended" in reader.get(page_of(session)).text
    assert post(reader, page_of(session), reopen="1").status_code == 303
    assert "Late" in reader.get(CURRENT).text


def test_the_page_of_a_scope_says_which_chat_has_paused_and_continues_it(
    reader: Caller, settings: Any, noon: Any, statements: Statements
) -> None:
    listen_only(settings)
    session = services.send(reader.owner, "First", key="key-00000001", scope="s").session
    noon.shift(300)
    with statements() as made:
        shown = reader.get(CURRENT).text
    assert len([statement for statement in made if "chat_message" in statement]) == 0
    assert "Your last chat has paused; the next message starts a new one" in shown
    assert "How can I help?" not in shown
    assert f'action="/chat/{page_of(session)}"' in shown
    assert 'name="reopen"' in shown
    assert post(reader, page_of(session), reopen="1").status_code == 303
    assert "First" in reader.get(CURRENT).text
    services.end(session)
    assert "paused" not in reader.get(CURRENT).text  # its reader wished it to end


def test_what_was_typed_below_a_paused_chat_is_in_the_field_once_that_goes_on(
    reader: Caller, settings: Any, noon: Any
) -> None:
    listen_only(settings)
    session = services.send(reader.owner, "First", key="key-00000001", scope="s").session
    noon.shift(300)
    page = reader.get(CURRENT).text.partition('<form class="dcs-plain-form"')[2]
    form = page.partition("</form>")[0]
    button = re.search(r'<button[^>]* formaction="/chat/([^"]+)"[^>]*>', form)
    assert button
    assert "formnovalidate" in button[0]
    assert 'name="reopen" value="unsent"' in button[0]
    typed = {"content": "Half a quest", "key": "key-00000002", "reopen": "unsent"}
    shown = post(reader, button[1], **typed)
    assert shown.status_code == 200
    assert stored() == ["First"]
    assert "First</p>" in shown.text
    where, form_again = posted_again(shown)
    assert where == page_of(session)
    assert form_again["content"] == "Half a quest"
    assert post(reader, where, **form_again).status_code == 303
    assert stored() == ["First", "Half a quest"]
    noon.shift(300)
    blank = post(reader, button[1], content=" \r\n", key="key-00000003", reopen="unsent")
    assert blank.headers["Location"] == f"/chat/{page_of(session)}#latest"


def test_a_message_to_an_expired_chat_begins_a_new_one_that_says_so(
    reader: Caller, settings: Any, noon: Any
) -> None:
    listen_only(settings)
    session = services.send(reader.owner, "First", key="key-00000001", scope="s").session
    noon.shift(300)
    answer = post(reader, page_of(session), content="Second", key="key-00000002")
    shown = reader.client.get(answer.headers["Location"].removesuffix("#latest")).text
    assert "New chat started" in shown
    assert f'href="/chat/{page_of(session)}"' in shown


def test_no_link_leads_to_a_chat_before_that_its_reader_has_deleted(
    reader: Caller, settings: Any, statements: Statements
) -> None:
    listen_only(settings)
    before = services.send(reader.owner, "First", key="key-00000001", scope="s").session
    services.end(before)
    session = services.send(reader.owner, "Second", key="key-00000002", scope="s").session
    assert page_of(before) in reader.get(page_of(session)).text
    services.delete(before)
    with statements() as sent:
        answer = reader.get(page_of(session))
    shown = answer.text
    assert answer.status_code == 200
    assert shown.count("<article") == 1
    assert "See the chat before" not in shown
    assert page_of(before) not in shown
    chats = get_session_model()._meta.db_table
    assert len([one for one in sent if f'FROM "{chats}"' in one.replace("`", '"')]) == 3


def test_a_long_chat_is_read_in_pages_of_two_statements(
    reader: Caller, settings: Any, statements: Statements
) -> None:
    listen_only(settings)
    session = services.send(reader.owner, "The first", key="key-00000001").session
    fill(session, 60)
    with statements() as sent:
        latest = reader.get(page_of(session))
    tables = [model._meta.db_table for model in (get_session_model(), get_message_model())]
    found = [one for one in sent if any(table in one for table in tables)]
    assert len(found) == 3  # the session, its messages, the history
    assert "The first</p>" not in latest.text
    assert "Newest messages" not in latest.text
    earlier = reader.get(link_in(latest, "Show earlier messages"))
    assert "The first</p>" in earlier.text
    assert link_in(earlier, "Newest messages") == f"{page_of(session)}#latest"
    assert reader.get(page_of(session) + "?before=x").status_code == 400


def link_in(answer: Any, words: str) -> str:
    """Return where a link of these words leads to."""
    found = re.search(rf'href="/chat/([^"]+)">{words}<', answer.text)
    assert found
    return html.unescape(found[1])


@pytest.mark.parametrize("path", [CURRENT, "sessions/current/page?scope=s&before=1100"])
def test_earlier_messages_are_those_of_the_same_chat_however_numbers_are_written(
    reader: Caller, settings: Any, path: str
) -> None:
    listen_only(settings)
    settings.USE_THOUSAND_SEPARATOR = True
    session = services.send(reader.owner, "The first", key="key-00000001", scope="s").session
    fill(session, 1200)
    earlier = link_in(reader.get(path), "Show earlier messages")
    assert earlier in (f"{page_of(session)}?before={number}" for number in (1150, 1050))
    assert reader.get(earlier).text.count("<article") == 50


def test_z01_anothers_chat_is_a_page_like_that_of_one_that_is_not_there(reader: Caller) -> None:
    theirs = services.send(person("user", "eve").owner, "SECRET-4711", key="key-00000001").session
    for path in (page_of(theirs), f"sessions/{missing_id()}/page", "sessions/nonsense/page"):
        for method in ("GET", "POST"):
            answer = reader.call(method, path)
            assert answer.status_code == 404
            assert answer.headers["Content-Type"].startswith("text/html")
            assert "There is no such chat." in answer.text
            assert "SECRET" not in answer.text
            assert_private(answer)


def posted_again(answer: Any) -> tuple[str, dict[str, str]]:
    """Return where the form of a page goes, and what is in it."""
    form = answer.text.partition('<form class="dcs-plain-form"')[2].partition("</form>")[0]
    where = re.search(r'action="/chat/([^"]+)"', form)
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    words = re.search(r"<textarea[^>]*>\n([^<]*)</textarea>", form)
    assert where
    content = {} if words is None else {"content": html.unescape(words[1])}
    return html.unescape(where[1]), {**hidden, **content}


def to_copy(answer: Any) -> str:
    """Return what a page without a form shows to be copied."""
    assert "<form" not in answer.text
    words = re.search(r"<textarea[^>]* readonly [^>]*>\n([^<]*)</textarea>", answer.text)
    assert words
    return html.unescape(words[1])


def without_database() -> AbstractContextManager[None]:
    def fail(*args: Any) -> Any:
        raise OperationalError("SECRET-4711")

    return connection.execute_wrapper(fail)


def stored() -> list[str]:
    return [row.content for row in get_message_model()._base_manager.order_by("created_at")]


def test_z11_a_form_without_a_token_changes_nothing(reader: Caller) -> None:
    session = services.send(reader.owner, "First", key="key-00000001").session
    reader.client.handler.enforce_csrf_checks = True
    before = rows()
    for path in (page_of(session), CURRENT):
        for form in ({"content": "x", "key": "key-00000002"}, {"reopen": "1"}):
            answer = post(reader, path, **form)
            assert answer.status_code == 403
            assert "send them again" in answer.text
            assert "reload the page" not in answer.text  # it would post the same token again
    assert rows() == before


def test_where_the_origin_is_not_trusted_the_page_says_so_for_sending_again_is_no_help(
    reader: Caller,
) -> None:
    reader.client.handler.enforce_csrf_checks = True
    form = urlencode({"content": "Words", "key": "key-00000001"}).encode()
    kind = "application/x-www-form-urlencoded"
    refused = reader.raw("POST", CURRENT, form, kind, HTTP_ORIGIN="http://proxied.example")
    assert refused.status_code == 403
    assert "CSRF_TRUSTED_ORIGINS" in refused.text


@pytest.mark.parametrize("host_has_middleware", [True, False])
def test_what_was_written_before_a_login_elsewhere_is_sent_with_the_next_click(
    reader: Caller, settings: Any, host_has_middleware: bool
) -> None:
    listen_only(settings)
    if not host_has_middleware:
        csrf = "django.middleware.csrf.CsrfViewMiddleware"
        settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if each != csrf]
    session = services.send(reader.owner, "First", key="key-00000001", scope="s").session
    reader.client.handler.enforce_csrf_checks = True
    for number, path in enumerate((CURRENT, page_of(session)), start=2):
        written = {"content": f"\n {number} <3\nyou", "key": f"key-0000000{number}"}
        refused = post(reader, path, csrfmiddlewaretoken="x" * 64, **written)
        assert refused.status_code == 403
        where, form = posted_again(refused)
        assert where == path
        assert form.items() >= written.items()
        assert post(reader, where, **form).status_code == 303
        assert stored()[-1] == written["content"]


def test_every_tab_has_a_good_form_where_the_host_has_no_csrf_middleware(
    reader: Caller, settings: Any
) -> None:
    listen_only(settings)
    csrf = "django.middleware.csrf.CsrfViewMiddleware"
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if each != csrf]
    session = services.send(reader.owner, "First", key="key-00000001", scope="s").session
    reader.client.handler.enforce_csrf_checks = True
    forms = [posted_again(reader.get(page_of(session)))[1] for _tab in range(2)]
    for form in forms:
        assert post(reader, page_of(session), **{**form, "content": "Second"}).status_code == 303
    refused = post(reader, page_of(session), **{**forms[0], "content": "x" * 20_001})
    assert refused.status_code == 400
    where, form = posted_again(refused)
    form |= {"content": "Shorter", "key": "key-00000002"}
    assert post(reader, where, **form).status_code == 303


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_the_words_of_another_site_are_in_no_form_that_a_click_would_send(
    reader: Caller, origin: str
) -> None:
    session = services.send(reader.owner, "First", key="key-00000001", scope="s").session
    reader.client.handler.enforce_csrf_checks = True
    reader.client.defaults["HTTP_ORIGIN"] = origin
    for path in (CURRENT, page_of(session)):
        refused = post(reader, path, content="Tell evil", key="key-00000002")
        assert refused.status_code == 403
        assert "origin is not trusted" in refused.text
        assert "<form" not in refused.text
        assert "csrftoken" not in refused.cookies
        assert "What you wrote, to be copied" in refused.text  # a proxy may have changed the host


def test_an_old_token_does_not_keep_an_expired_chat_from_being_continued(
    reader: Caller, settings: Any, noon: Any
) -> None:
    listen_only(settings)
    session = services.send(reader.owner, "First", key="key-00000001", scope="s").session
    noon.shift(300)
    reader.client.handler.enforce_csrf_checks = True
    refused = post(reader, page_of(session), reopen="1")
    assert refused.status_code == 403
    assert "First" in refused.text
    assert "Continue this chat" in refused.text
    where, form = posted_again(refused)
    assert post(reader, where, reopen="1", **form).status_code == 303


def test_p01_no_error_report_shows_what_was_written(
    reader: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Django sends one to ADMINS, with everything that was posted."""

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("a defect of ours")

    reader.client.raise_request_exception = False
    monkeypatch.setattr(services, "send", fail)
    assert post(reader, CURRENT, content="SECRET-4711", key="key-00000001").status_code == 500
    record: Any = next(one for one in caplog.records if one.levelname == "ERROR")
    report = ExceptionReporter(record.request, *record.exc_info).get_traceback_text()
    assert "a defect of ours" in report
    assert "SECRET-4711" not in report


def test_d13_without_a_database_the_page_says_so(reader: Caller) -> None:
    with without_database():
        answer = reader.get(CURRENT)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "cannot be reached" in answer.text
    assert "SECRET" not in answer.text
    assert "<form" not in answer.text


def test_d13_what_was_written_while_the_database_was_away_is_sent_when_it_is_back(
    reader: Caller, settings: Any
) -> None:
    listen_only(settings)
    session = services.send(reader.owner, "First", key="key-00000001", scope="s").session
    for number, path in enumerate((CURRENT, page_of(session)), start=2):
        written = {"content": f"Words {number}", "key": f"key-0000000{number}"}
        with without_database():
            refused = post(reader, path, **written)
        assert refused.status_code == 503
        where, form = posted_again(refused)
        assert where == path
        assert form.items() >= written.items()
        assert post(reader, where, **form).status_code == 303
        assert stored()[-1] == written["content"]
    with without_database():
        assert "<form" not in post(reader, page_of(session), reopen="1").text


def test_what_was_written_to_a_chat_that_is_gone_can_be_copied(reader: Caller) -> None:
    session = services.send(reader.owner, "First", key="key-00000001").session
    services.delete(session)
    for path in (page_of(session), "sessions/nonsense/page"):
        answer = post(reader, path, content="Some <b>\nwords", key="key-00000002")
        assert answer.status_code == 404
        assert to_copy(answer) == "Some <b>\nwords"
    assert "<textarea" not in post(reader, page_of(session), reopen="1").text


def test_what_was_written_into_no_scope_can_be_copied(reader: Caller) -> None:
    answer = post(reader, "sessions/current/page?scope=a+b", content="Words", key="key-00000002")
    assert answer.status_code == 400
    assert to_copy(answer) == "Words"


@pytest.mark.parametrize("key", ["", "short", None])
def test_a_form_whose_key_is_wrong_gets_one_that_is_right(
    reader: Caller, settings: Any, key: str | None
) -> None:
    listen_only(settings)
    written = {"content": "Words"} | ({} if key is None else {"key": key})
    refused = post(reader, CURRENT, **written)
    assert refused.status_code == 400
    where, form = posted_again(refused)
    assert post(reader, where, **form).status_code == 303
    assert stored() == ["Words"]


def test_a_form_that_cannot_be_read_is_refused_all_the_same(reader: Caller) -> None:
    endless = b"content=x&" * 1001
    answer = reader.raw("POST", CURRENT, endless, "application/x-www-form-urlencoded")
    assert answer.status_code == 400
    assert "The request cannot be read." in answer.text


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["sessions/current/page", "sessions/nowhere/page"])
def test_an_address_with_more_parameters_than_django_reads_is_refused_on_the_page(
    reader: Caller, path: str, method: str
) -> None:
    address, form = f"{path}?{'&'.join(['a=1'] * 1500)}", b"content=Why%3F&key=key-of-a-form"
    answer = reader.raw(method, address, form, "application/x-www-form-urlencoded")
    assert answer.status_code in (400, 404)
    assert_private(answer)
    assert 'role="alert"' in answer.text
    assert ("Why?" in answer.text) == (method == "POST")


@pytest.mark.parametrize(
    "path", [CURRENT, "sessions/nowhere/page", "sessions/current/page?scope=!"]
)
def test_b02_a_charset_that_makes_lone_surrogates_makes_no_page_that_cannot_be_sent(
    reader: Caller, path: str
) -> None:
    kind = "multipart/form-data; charset=unicode_escape; boundary=x"
    form = b'--x\r\nContent-Disposition: form-data; name="content"\r\n\r\nWhy\\ud800?\r\n--x--\r\n'
    answer = reader.raw("POST", path, form, kind)
    assert answer.status_code in (400, 404)
    assert "Why\ufffd?" in answer.text


def test_no_page_asks_for_what_is_not_there_which_django_logs_with_all_that_is(
    reader: Caller, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "django.template")
    reader.get(CURRENT)
    listen_only(settings)
    session = services.send(reader.owner, "My words", key="key-00000001", scope="s").session
    for path in (CURRENT, page_of(session), page_of(session) + "?before=x", "sessions/x/page"):
        reader.get(path)
        post(reader, path, content="My words", key="wrong")
    services.end(session)
    reader.get(page_of(session))
    assert "My words" not in caplog.text


PAYLOADS = ("<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_x01_what_is_read_is_shown_as_text(reader: Caller, settings: Any, payload: str) -> None:
    listen_only(settings)
    session = services.send(reader.owner, payload, key="key-00000001").session
    services.rename(session, payload)
    bad = {"title": payload, "url": "javascript:alert(1)", "quote": payload}
    sources = [bad, {"title": "", "url": ""}, {"title": "Good", "url": "/here"}, "nonsense"]
    sources += [{"title": "Told by hand", "url": ""}, {"url": "https://untitled.example/"}]
    answer = services.add_message(session, "assistant", f"{payload}\n\n{payload}")
    model = get_message_model()._base_manager
    model.filter(pk=answer.pk).update(metadata={"sources": sources})
    page = reader.get(page_of(session)).text
    assert page.count("https://untitled.example/") == 2  # where it leads is what it is called
    assert page.count(html.escape(payload)) >= 7
    assert payload not in page
    assert "javascript:" not in page
    assert 'href="/here"' in page
    assert "Told by hand" in page
    assert "<script" not in page
    assert " style=" not in page
    shapes: list[Any] = [None, [], {"sources": 5}]
    for wrong in shapes:
        model.filter(pk=answer.pk).update(metadata=wrong)
        assert reader.get(page_of(session)).status_code == 200


def test_x01_it_is_shown_as_text_where_the_hosts_templates_do_not_escape(
    reader: Caller, settings: Any
) -> None:
    [engine] = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "OPTIONS": {**engine["OPTIONS"], "autoescape": False}}]
    session = services.send(reader.owner, PAYLOADS[0], key="key-00000001", scope="s").session
    services.rename(session, PAYLOADS[0])
    unsent = post(reader, CURRENT, content="</textarea>" + PAYLOADS[0], key="wrong")
    for page in (reader.get(page_of(session)).text, unsent.text):
        assert html.escape(PAYLOADS[0]) in page
        assert "<script" not in page


def test_x01_so_it_is_where_the_hosts_layout_takes_the_place_of_ours(
    reader: Caller, settings: Any, tmp_path: Path
) -> None:
    layout = tmp_path / "django_chat_sessions" / "page.html"
    layout.parent.mkdir()
    layout.write_text('<main>{% include "django_chat_sessions/transcript.html" %}</main>')
    [engine] = settings.TEMPLATES
    options = {**engine["OPTIONS"], "autoescape": False}
    settings.TEMPLATES = [{**engine, "DIRS": [tmp_path], "OPTIONS": options}]
    session = services.send(reader.owner, PAYLOADS[0], key="key-00000001", scope="s").session
    page = reader.get(page_of(session)).text
    assert page.startswith("<main>")
    assert html.escape(PAYLOADS[0]) in page
    assert "<script" not in page


@pytest.mark.parametrize("url", ["https://a.b/c", "http://a", "mailto:a@b.c", "/x?y#z", "x", ""])
def test_addresses_that_may_be_followed(url: str) -> None:
    assert safe_url(f" {url} ") == url


@pytest.mark.parametrize(
    "url",
    [
        "javascript:x",
        "JAVA\tSCRIPT:x",
        "data:x",
        "vbscript:x",
        "//evil",
        "/\\evil",
        "a b",
        "https:x",
    ],
)
def test_addresses_that_may_not(url: str) -> None:
    assert safe_url(url) == ""


@pytest.mark.parametrize("state", ["failed", "stopped", "interrupted"])
def test_an_answer_that_did_not_come_says_why(reader: Caller, settings: Any, state: str) -> None:
    listen_only(settings)
    session = services.send(reader.owner, "Why?", key="key-00000001").session
    answer = services.add_message(session, "assistant", "")
    get_message_model()._base_manager.filter(pk=answer.pk).update(state=state)
    page = reader.get(page_of(session)).text
    words = {"failed": "answer failed", "stopped": "was stopped", "interrupted": "interrupted"}
    assert words[state] in page


def test_x08_an_answer_of_the_api_opened_in_a_browser_is_never_a_page(reader: Caller) -> None:
    text = "<script>alert(1)</script>"
    session = services.send(reader.owner, text, key="key-00000001").session
    as_browser = {"HTTP_ACCEPT": "text/html,application/xhtml+xml"}
    for path in ("sessions", f"sessions/{session.pk}", f"sessions/{session.pk}/messages"):
        answer = reader.get(path, **as_browser)
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_reader_without_an_account_is_asked_to_log_in_where_visitors_are_not_welcome(
    db: None, settings: Any
) -> None:
    settings.CHAT_SESSIONS = {
        **settings.CHAT_SESSIONS,
        "AUTHENTICATORS": ["django_chat_sessions.authentication.DjangoSession"],
    }
    answer = Client().get("/chat/sessions/current/page")
    assert answer.status_code == 401
    assert "Log in to use the chat." in answer.text
    assert "<form" not in answer.text
    written = Client().post("/chat/sessions/current/page", {"content": "Words"})
    assert written.status_code == 401
    assert to_copy(written) == "Words"
    assert Client().put("/chat/sessions/current/page").headers["Content-Type"].startswith("text/")
