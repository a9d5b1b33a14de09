"""Group B: bad input is a 4xx in the one error shape, on every database, and nothing is written."""

from __future__ import annotations

import base64
import json
import os
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from django.db import connection

from django_chat_sessions import get_session_model
from django_chat_sessions.api.urls import urlpatterns
from django_chat_sessions.limits import Limits
from tests.callers import Caller, assert_error, rows

KEY = "key-00000001"
BIGINT = get_session_model()._meta.pk.get_internal_type() == "BigAutoField"


def body(text: str) -> bytes:
    """Return the JSON text as bytes; escapes stand as they are written."""
    return text.encode()


def refused(caller: Caller, response: Any, before: Any, *codes: str) -> None:
    """Refused in the one shape, nothing written, and the history can still be read."""
    assert response.json()["code"] in codes, response.content
    assert_error(response, response.status_code, response.json()["code"], response.json()["field"])
    assert 400 <= response.status_code < 500
    assert rows() == before
    assert caller.get("sessions").status_code == 200


NULS = [r"\u0000", r"a\u0000", r"\u0000a", r"a\u0000b", r"\u0000\u0000"]
SURROGATES = [r"\ud800", r"a\udfff", r"\udc00\ud800", r"\ud83d", r"\ud83dx\ude00"]


@pytest.mark.parametrize(
    ("method", "route", "template"),
    [
        ("POST", "messages", '{"content": "%s", "key": "key-00000001"}'),
        ("POST", "messages", '{"content": "x", "key": "%s"}'),
        ("POST", "messages", '{"content": "x", "key": "key-00000001", "scope": "%s"}'),
        ("POST", "messages", '{"content": "x", "key": "key-00000001", "session": "%s"}'),
        ("POST", "messages", '{"content": "x", "key": "key-00000001", "%s": 1}'),
        ("POST", "messages", '{"content": "x", "key": "key-00000001", "m": {"a": ["%s"]}}'),
        ("POST", "sessions", '{"scope": "%s"}'),
        ("POST", "sessions", '{"%s": ""}'),
        ("PATCH", "sessions/{id}", '{"title": "%s"}'),
    ],
)
def test_b01_b02_nul_and_lone_surrogates_are_refused_everywhere(
    caller: Caller, method: str, route: str, template: str
) -> None:
    session = caller.post("sessions", {"scope": "before"}).json()["session"]["id"]
    before = rows()
    path = route.format(id=session)
    for text in NULS + SURROGATES:
        response = caller.raw(method, path, body(template % text), "application/json")
        refused(caller, response, before, "invalid_json")


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xfe",
        '{"content": "é", "key": "key-00000001"}'.encode("latin-1"),
        '{"content": "x", "key": "key-00000001"}'.encode("utf-16"),
        '{"content": "x", "key": "key-00000001"}'.encode("utf-16-le"),
        b'\xef\xbb\xbf{"content": "x", "key": "key-00000001"}',
        b'{"content": "\xed\xa0\x80", "key": "key-00000001"}',
        b'{"content": "\xc0\x80", "key": "key-00000001"}',
        b'{"content": "a\nb", "key": "key-00000001"}',
    ],
)
def test_b03_bytes_that_are_no_utf8_json_are_refused(caller: Caller, raw: bytes) -> None:
    before = rows()
    refused(caller, caller.raw("POST", "messages", raw, "application/json"), before, "invalid_json")


@pytest.mark.parametrize("route", ["messages", "sessions"])
def test_b04_a_body_that_is_no_object_is_refused(caller: Caller, route: str) -> None:
    before = rows()
    raws = [b"", b" ", b"hello", b"null", b"[1]", b"[]", b"5", b'"x"', b"{", b"{}{}", b"{'a': 1}"]
    for raw in raws:
        response = caller.raw("POST", route, raw, "application/json")
        refused(caller, response, before, "invalid_json")


WRONG_TEXTS: list[Any] = [None, 5, 1.5, True, {}, [], ["x"], {"text": "x"}]
BLANK = [
    "",
    "   ",
    "\n",
    "\r\n\t",
    "\u200b",
    "\u200d\u2060\ufeff",
    "\u00a0",
    "\u2028\u2029",
    "\u202e",
    "\x07\x1b",
]


def test_b05_content_that_is_no_text_or_shows_nothing_is_refused(caller: Caller) -> None:
    before = rows()
    for content in WRONG_TEXTS + BLANK:
        response = caller.post("messages", {"content": content, "key": KEY})
        refused(caller, response, before, "invalid")
        assert response.json()["field"] == "content"


def test_b05_missing_content_and_missing_key_are_refused(caller: Caller) -> None:
    before = rows()
    for data, field in [({"key": KEY}, "content"), ({"content": "x"}, "key"), ({}, "content")]:
        response = caller.post("messages", data)
        refused(caller, response, before, "invalid")
        assert response.json()["field"] == field


def test_keys_of_another_form_are_refused(caller: Caller) -> None:
    before = rows()
    wrong = ["", "x" * 7, "x" * 65, "ä" * 8, "a b c d e", "key\n56789", "key-5678\n"]
    for key in [*WRONG_TEXTS, *wrong]:
        response = caller.post("messages", {"content": "x", "key": key})
        refused(caller, response, before, "invalid")
        assert response.json()["field"] == "key"


UUID_KEY = "0192f0c4-7a10-7c3e-8f6a-2b1d9c5e0a01"


@pytest.mark.parametrize("key", ["x" * 8, "X" * 64, UUID_KEY, "-_-_-_-_"])
def test_keys_of_the_right_form_are_taken(caller: Caller, key: str) -> None:
    assert caller.say("x", key=key).status_code == 201


def test_keys_that_a_database_finds_equal_are_different(caller: Caller, answering: Any) -> None:
    for key in ("abcdefgh", "ABCDEFGH", "abcdefgH"):
        with answering():
            assert caller.say("x", key=key).status_code == 201


@pytest.mark.parametrize("route", ["messages", "sessions"])
def test_scopes_of_another_form_are_refused(caller: Caller, route: str) -> None:
    before = rows()
    more = {"content": "x", "key": KEY} if route == "messages" else {}
    for scope in [*WRONG_TEXTS, "x" * 101, "a b", "ä", "a\n", "a%", "<script>", "a?b", "a'b"]:
        response = caller.post(route, {**more, "scope": scope})
        refused(caller, response, before, "invalid")
        assert response.json()["field"] == "scope"


@pytest.mark.parametrize("route", ["sessions", "sessions/current", "updates"])
@pytest.mark.parametrize("scope", ["x" * 101, "a%20b", "%00", "%ED%A0%80", "%FF", "%C3%A4", "a%0A"])
def test_scopes_of_another_form_in_the_address_are_refused(
    caller: Caller, route: str, scope: str
) -> None:
    assert_error(caller.get(f"{route}?scope={scope}"), 400, "invalid", "scope")


def test_scopes_of_the_right_form_are_taken(caller: Caller) -> None:
    for number, scope in enumerate(["", "x" * 100, "Subject:1/part_2.3-x"]):
        response = caller.say("x", key=f"key-0000000{number}", scope=scope)
        assert response.json()["session"]["scope"] == scope
        assert caller.get(f"sessions/current?scope={scope}").json()["session"]["scope"] == scope


def test_b08_numbers_and_depths_that_json_does_not_have_are_refused(caller: Caller) -> None:
    before = rows()
    endless = ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1" * 5000, "0x10"]
    for value in [*endless, "[" * 40 + "]" * 40]:
        text = f'{{"content": "x", "key": "{KEY}", "metadata": {{"a": {value}}}}}'
        response = caller.raw("POST", "messages", body(text), "application/json")
        refused(caller, response, before, "invalid_json")


@pytest.mark.parametrize("opening", ["[", '{"a":', "[[{"])
@pytest.mark.parametrize("depth", [33, 5_000, 200_000])
def test_endless_nesting_is_refused(caller: Caller, opening: str, depth: int) -> None:
    before = rows()
    response = caller.raw("POST", "messages", body(opening * depth), "application/json")
    refused(caller, response, before, "invalid_json")


@pytest.mark.parametrize("depth", [33, 900, 2_500])
def test_nesting_that_closes_is_refused_at_the_same_depth_on_every_python(
    caller: Caller, depth: int
) -> None:
    before = rows()
    text = f'{{"content": {"[" * depth}{"]" * depth}, "key": "{KEY}"}}'
    response = caller.raw("POST", "messages", body(text), "application/json")
    refused(caller, response, before, "invalid_json")


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/html",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "json",
        "application/json+x",
        "application/vnd.api+json",
    ],
)
@pytest.mark.parametrize(
    ("method", "route"), [("POST", "messages"), ("POST", "sessions"), ("PATCH", "sessions/{id}")]
)
def test_b10_bodies_of_another_type_are_refused(
    caller: Caller, content_type: str, method: str, route: str
) -> None:
    path = route.format(id=caller.post("sessions", {"scope": "b"}).json()["session"]["id"])
    before = rows()
    text = body(f'{{"content": "x", "key": "{KEY}", "title": "x"}}')
    response = caller.raw(method, path, text, content_type)
    refused(caller, response, before, "unsupported_media_type")
    assert response.status_code == 415


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=nope", "application/json;charset=utf-8", "Application/JSON"],
)
def test_b10_a_charset_beside_json_is_ignored(caller: Caller, content_type: str) -> None:
    text = body(f'{{"content": "é", "key": "{KEY}"}}')
    response = caller.raw("POST", "messages", text, content_type)
    assert response.status_code == 201
    assert response.json()["message"]["content"] == "é"


def test_b11_a_body_beyond_the_sites_limit_is_413(caller: Caller) -> None:
    before = rows()
    response = caller.say("x" * 3_000_000)
    refused(caller, response, before, "too_large")
    assert response.status_code == 413


def test_b11_a_message_may_have_exactly_the_maximum(caller: Caller, settings: Any) -> None:
    before = rows()
    response = caller.say("x" * 20_001)
    refused(caller, response, before, "too_long")
    assert response.json()["field"] == "content"
    assert caller.say("😀" * 20_000).status_code == 201


def test_b11_what_is_too_long_is_not_looked_through(caller: Caller) -> None:
    """Megabytes of blanks took most of a second, in which the process did nothing else."""
    session = caller.say("Why?").json()["session"]["id"]
    assert_error(caller.say(" " * 20_001), 400, "too_long", "content")
    renamed = caller.call("PATCH", f"sessions/{session}", {"title": "\u200b" * 201})
    assert_error(renamed, 400, "too_long", "title")


def test_b11_the_maximum_is_the_sites(caller: Caller, settings: Any) -> None:
    settings.CHAT_SESSIONS = {**settings.CHAT_SESSIONS, "LIMITS": Limits(3)}
    assert_error(caller.say("four"), 400, "too_long", "content")
    assert caller.say("3 !").status_code == 201


def wrong_ids(right: str) -> list[str]:
    """Return texts that are no id, among them other ways to write the right one."""
    ids = ["x", "0", "-1", "1.0", str(2**63), str(2**64), "9" * 25, "%00", "a%00", "x" * 3000]
    ids += [f"{right}%0A", f"{right}%20", f"%20{right}", f"+{right}", f"0{right}", f"{right}%00"]
    ids += ["%EF%BC%91", "%D9%A1", "1_0", "0x1", "None", "null", "%ED%A0%80", "..%2F", "1e3"]
    if not BIGINT:
        ids += [f"{{{right}}}", f"urn:uuid:{right}", right.upper(), right.replace("-", "")]
    return ids


def test_b12_ids_have_one_form_and_everything_else_is_404(caller: Caller) -> None:
    session = caller.say("Why?").json()["session"]["id"]
    before = rows()
    for wrong in wrong_ids(session):
        for method, rest in [("GET", ""), ("DELETE", ""), ("GET", "/messages"), ("POST", "/end")]:
            response = caller.call(method, f"sessions/{wrong}{rest}")
            assert_error(response, 404, "not_found")
    assert rows() == before


def test_b12_ids_in_a_body_have_one_form_too(caller: Caller) -> None:
    session = caller.post("sessions").json()["session"]["id"]
    before = rows()
    wrong = ["", "x", "\uff11", "-1", str(2**63), "9" * 5000]
    for text in [*wrong, f" {session}", f"{session}\n", f"{session} ", f"0{session}"]:
        assert_error(caller.say("x", session=text), 404, "not_found")
    for wrong_type in (None, 1, True, [session], {"id": session}):
        assert_error(caller.say("x", session=wrong_type), 400, "invalid", "session")
    assert rows() == before


NUMBERS = ["abc", "-1", "", "1e9", str(2**63), "9" * 5000, "1.5", "%D9%A3", "1_0", "+1"]
NUMBERS += ["%201", "0x1", "%00", "1%00", "NaN", "null", "1%0A", "1,2", "[]"]


def test_b13_a_limit_of_another_form_is_refused(caller: Caller) -> None:
    session = caller.post("sessions").json()["session"]["id"]
    for value in [*NUMBERS, "0", "101"]:
        for path in ("sessions?", f"sessions/{session}/messages?", "sessions/search?q=x&"):
            assert_error(caller.get(f"{path}limit={value}"), 400, "invalid", "limit")


def test_b13_a_position_of_another_form_is_refused(caller: Caller) -> None:
    session = caller.post("sessions").json()["session"]["id"]
    for value in [*NUMBERS, str(2**31)]:
        response = caller.get(f"sessions/{session}/messages?before={value}")
        assert_error(response, 400, "invalid", "before")


def test_b13_the_bounds_themselves_are_taken(caller: Caller) -> None:
    session = caller.say("Why?").json()["session"]["id"]
    for path in ("sessions?", "sessions?archived=true&", "sessions/search?q=Why&"):
        for limit in (1, 100):
            assert caller.get(f"{path}limit={limit}").status_code == 200
    for before, found in (("0", 0), ("1", 1), (str(2**31 - 1), 2)):
        page = caller.get(f"sessions/{session}/messages?before={before}")
        assert len(page.json()["messages"]) == found


@pytest.mark.parametrize("name", ["limit", "before", "cursor", "scope"])
def test_b13_a_parameter_given_twice_is_refused(caller: Caller, name: str) -> None:
    session = caller.post("sessions").json()["session"]["id"]
    path = f"sessions/{session}/messages" if name == "before" else "sessions"
    value = forged("2026-11-22T12:00:00+00:00", session) if name == "cursor" else "1"
    assert caller.get(f"{path}?{name}={value}").status_code == 200
    assert_error(caller.get(f"{path}?{name}={value}&{name}={value}"), 400, "invalid", name)


def test_b13_a_filter_of_another_form_is_refused(caller: Caller) -> None:
    for value in ("", "1", "True", "yes", "null", "%00", "truefalse", "true&archived=true"):
        assert_error(caller.get(f"sessions?archived={value}"), 400, "invalid", "archived")
    for query in ("", "?q=", "?q=%20", "?q=%00", "?q=a%00", "?q=%E2%80%8B", "?q=a&q=b"):
        assert_error(caller.get(f"sessions/search{query}"), 400, "invalid", "q")
    assert_error(caller.get("sessions/search?q=" + "x" * 201), 400, "too_long", "q")


def test_b13_whatever_is_searched_for_is_answered(caller: Caller) -> None:
    caller.say("Why?")
    texts = (
        "x" * 200,
        "%25",
        "_",
        "%5C",
        "%27%22%60",
        "%28%28%28",
        "a%26%7C%21",
        "%3A%2A",
        "%F0%9F%98%80",
    )
    for text in (*texts, "%FF", "%ED%A0%80", "1e9", "--", "or", "-", '"', "a%E2%80%AE"):
        response = caller.get(f"sessions/search?q={text}")
        assert response.status_code == 200, text
        assert response.json()["matches"] == []


TITLES_TAKEN = {
    "😀" * 200: "😀" * 200,
    "one\ntwo\r\nthree\tfour": "one two three four",
    "  blanks   around  ": "blanks around",
    "safe\u202etxt.exe": "safetxt.exe",
    "zero\u200bwidth": "zerowidth",
    "<script>alert(1)</script>": "<script>alert(1)</script>",
    "שלום": "שלום",
    "👨‍👩‍👧": "👨‍👩‍👧",
}


@pytest.mark.parametrize(("given", "stored"), TITLES_TAKEN.items())
def test_b16_titles_are_one_line_without_disguise(caller: Caller, given: str, stored: str) -> None:
    session = caller.say("Why?").json()["session"]["id"]
    response = caller.call("PATCH", f"sessions/{session}", {"title": given})
    assert response.json()["session"]["title"] == stored
    assert caller.get(f"sessions/{session}").json()["session"]["title"] == stored


def test_b16_titles_of_another_form_are_refused(caller: Caller) -> None:
    session = caller.say("Why?").json()["session"]["id"]
    before = rows()
    for title in [*WRONG_TEXTS, *BLANK, "x" * 201, "😀" * 201]:
        response = caller.call("PATCH", f"sessions/{session}", {"title": title})
        refused(caller, response, before, "invalid", "too_long")
        assert response.json()["field"] == "title"


def test_b16_nothing_is_changed_when_one_of_the_changes_is_wrong(caller: Caller) -> None:
    session = caller.say("Why?").json()["session"]["id"]
    before = rows()
    wrong: tuple[Any, ...] = (None, 0, 1, "true", "", [], {})
    for field in ("pinned", "archived"):
        for value in wrong:
            response = caller.call("PATCH", f"sessions/{session}", {"title": "T", field: value})
            assert_error(response, 400, "invalid", field)
    assert_error(caller.call("PATCH", f"sessions/{session}", {}), 400, "invalid")
    body = {"pinned": True, "owner": 1}
    assert_error(caller.call("PATCH", f"sessions/{session}", body), 400, "unknown_field", "owner")
    assert rows() == before


CONTENTS = {
    "emoji": "😀🏳️‍🌈",
    "family": "👨‍👩‍👧‍👦",
    "combining": "e\u0301 \u0065\u0301 é",
    "one long word": "x" * 19_999,
    "line separators": "a\u2028b\u2029c",
    "noncharacters": "a\ufffe\uffffb",
    "controls": "a\x07b\x1b[31m\x7f\u0085",
    "blanks around": "  \n x \r\n ",
    "byte order mark": "\ufeffx",
    "markup": "<script>alert(1)</script> {{7*7}} {% debug %} ]]> </script>",
    "sql": "'; DROP TABLE x; -- %s %(a)s \\",
    "right to left": "\u202eabc",
    "last code point": "\U0010ffff",
}


@pytest.mark.parametrize("name", CONTENTS)
def test_b17_content_comes_back_exactly_as_it_was_sent(
    caller: Caller, name: str, answering: Any
) -> None:
    content = CONTENTS[name]
    with answering():
        sent = caller.say(content)
    assert sent.status_code == 201
    assert sent.json()["message"]["content"] == content
    session = sent.json()["session"]["id"]
    question, reply = caller.get(f"sessions/{session}/messages").json()["messages"]
    assert question["content"] == content
    assert reply["content"] == f"You asked: {content}"
    assert caller.say(content).status_code == 200
    assert len(caller.get("sessions").json()["sessions"]) == 1


def test_b04_unknown_fields_are_named(caller: Caller) -> None:
    before = rows()
    for path in ("messages", "sessions"):
        response = caller.post(path, {"content": "x", "key": KEY, "colour": "red"})
        refused(caller, response, before, "unknown_field")
    long = caller.post("sessions", {"x" * 5000: 1})
    assert_error(long, 400, "unknown_field", "x" * 100)


VERBS = ["touch", "read", "stop", "retry", "restore", "end", "reopen"]


@pytest.mark.parametrize("verb", VERBS)
def test_b26_a_large_body_where_none_is_read_is_413(caller: Caller, verb: str) -> None:
    session = caller.post("sessions").json()["session"]["id"]
    before = rows()
    for size in (10_001, 1_000_000):
        large = caller.raw("POST", f"sessions/{session}/{verb}", b"x" * size, "application/json")
        refused(caller, large, before, "too_large")
        assert large.status_code == 413
    asked = caller.raw("POST", f"sessions/{session}/{verb}", b"", "application/json")
    for small in (b"{", b"null", b"x" * 10_000):
        ignored = caller.raw("POST", f"sessions/{session}/{verb}", small, "application/json")
        assert ignored.status_code == asked.status_code


@pytest.mark.parametrize("length", ["x", "-1", "9" * 5000])
def test_b26_a_length_that_is_none_is_413(caller: Caller, length: str) -> None:
    session = caller.post("sessions").json()["session"]["id"]
    refused(
        caller,
        caller.post(f"sessions/{session}/touch", CONTENT_LENGTH=length),
        rows(),
        "too_large",
        "invalid",
    )


def test_b26_very_many_keys_are_refused(caller: Caller) -> None:
    many = json.dumps({f"k{number}": number for number in range(10_000)}).encode()
    before = rows()
    sent = caller.raw("POST", "sessions", many, "application/json")
    refused(caller, sent, before, "unknown_field")


CURSORS = ["", "x", "abc", "%00", "%FF", "=", "A" * 200, "MjAyNnww", "%D9%A3", "a" * 20_000]


@pytest.mark.parametrize("cursor", CURSORS)
def test_cursors_that_were_not_given_out_are_refused(caller: Caller, cursor: str) -> None:
    assert_error(caller.get(f"sessions?cursor={cursor}"), 400, "invalid", "cursor")


def forged(stamp: str, pk: str) -> str:
    return base64.urlsafe_b64encode(f"{stamp}|{pk}".encode()).decode().rstrip("=")


def test_forged_cursors_never_break_the_list(caller: Caller) -> None:
    pk = caller.say("Why?").json()["session"]["id"]
    stamps = [
        "2026-11-22T12:00:00+00:00",
        "0001-01-01T00:00:00+00:00",
        "9999-12-31T23:59:59.999999+00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-02-30T00:00:00+00:00",
        "2026-11-22T12:00:00",
        "2026-11-22",
        "20261122T120000Z",
        "2026-W47-7",
        "",
        "\x00",
    ]
    for stamp in stamps:
        for key in (pk, str(2**63), "-1", "x", "", f"{pk}|{pk}", f"{pk}\x00"):
            response = caller.get(f"sessions?cursor={forged(stamp, key)}")
            if response.status_code != 200:
                assert_error(response, 400, "invalid", "cursor")


def test_a_cursor_opens_nobody_elses_history(caller: Caller, stranger: Caller) -> None:
    for number in range(3):
        caller.say("?", key=f"key-number-{number}", scope=f"s{number}")
    cursor = caller.get("sessions?limit=1").json()["next_cursor"]
    assert stranger.get(f"sessions?cursor={cursor}").json()["sessions"] == []


NEVER_GIVEN_OUT = {
    "empty": "",
    "blank": "%20",
    "nul": "%00",
    "nul inside": "AQ%00AA",
    "bytes": "%FF%FE",
    "surrogate": "%ED%A0%80",
    "digits of another script": "%D9%A3",
    "padded": "AQAAAAAAAAA%3D",
    "line end": "AAAA%0A",
    "other base64": "AQ%2B%2F",
    "one character": "A",
    "short": "AQ",
    "between two entries": "AQAAAAAAAAAA",
    "list": "[]",
    "3 kB": "A" * 3000,
    "20 kB": "A" * 20_000,
}


@pytest.mark.parametrize("name", NEVER_GIVEN_OUT)
@pytest.mark.parametrize("way", ["since", "Last-Event-ID"])
def test_a_cursor_of_updates_that_was_never_given_out_is_refused(
    caller: Caller, name: str, way: str
) -> None:
    before = rows()
    text = NEVER_GIVEN_OUT[name]
    if way == "since":
        response = caller.get(f"updates?since={text}")
    else:
        header = unquote_to_bytes(text).decode("latin-1")
        response = caller.get("updates", HTTP_LAST_EVENT_ID=header)
        if not header:
            assert response.status_code == 200
            return
    refused(caller, response, before, "invalid")
    assert response.json()["field"] == "since"


def test_a_cursor_of_updates_is_given_once(caller: Caller) -> None:
    cursor = caller.get("updates").json()["cursor"]
    before = rows()
    for query in (f"since={cursor}&since={cursor}", "since=&since="):
        refused(caller, caller.get(f"updates?{query}"), before, "invalid")
    for query in ("since[]=x", "since[0]=x", "Since=x"):  # another parameter, which nobody reads
        assert caller.get(f"updates?{query}").status_code == 200
    assert_error(caller.get("updates?scope=a&scope=a"), 400, "invalid", "scope")
    assert_error(caller.get("updates?scope=%20"), 400, "invalid", "scope")


def test_a_cursor_of_updates_with_bits_flipped_shows_ones_own_and_never_fails(
    caller: Caller, stranger: Caller
) -> None:
    stranger.say("SECRET-4711")
    caller.say("Why?")
    cursor = caller.get("updates").json()["cursor"]
    packed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    before = rows()
    for bit in range(0, 8 * len(packed), 5):  # in every byte
        flipped = bytearray(packed)
        flipped[bit // 8] ^= 1 << bit % 8
        text = base64.urlsafe_b64encode(flipped).decode().rstrip("=")
        response = caller.get(f"updates?since={text}")
        assert response.status_code == 200
        assert b"SECRET" not in response.content
        again = caller.get(f"updates?since={response.json()['cursor']}")
        assert (again.status_code, again.json()["sessions"]) == (200, [])
    assert rows() == before


def test_a_cursor_of_another_version_or_another_owner_is_answered_with_what_is_ones_own(
    caller: Caller, stranger: Caller
) -> None:
    caller.say("Why?")
    first = caller.get("updates").json()
    for since in ("AAAA", "_w", stranger.get("updates").json()["cursor"]):
        told = caller.get(f"updates?since={since}").json()
        assert told["messages"] == first["messages"]
        assert told["cursor"] == first["cursor"]


def test_the_database_of_this_run_is_the_one_that_was_asked_for(db: None) -> None:
    """The rows above mean something only where they ran."""
    wanted = os.environ.get("CHAT_SESSIONS_TEST_DB") or "sqlite"
    assert connection.vendor == {"postgres": "postgresql", "mariadb": "mysql"}.get(wanted, wanted)


def allowed_at(name: str) -> set[str]:
    view = next(route for route in urlpatterns if route.name == name).callback.view_class
    taken = {
        method for method in ("GET", "POST", "PATCH", "DELETE") if hasattr(view, method.lower())
    }
    return taken | {"OPTIONS"} | ({"HEAD"} if "GET" in taken else set())


@pytest.mark.parametrize("name", [route.name for route in urlpatterns if route.name != "nowhere"])
def test_b21_a_route_takes_its_methods_and_names_them_to_others(caller: Caller, name: str) -> None:
    session = caller.post("sessions").json()["session"]["id"]
    pattern = next(str(route.pattern) for route in urlpatterns if route.name == name)
    path = pattern.replace("<str:session_id>", session) + ("?q=x" if name == "search" else "")
    allowed = allowed_at(name)
    for method in {"GET", "POST", "PUT", "PATCH", "TRACE", "CONNECT", "FOO"} - allowed:
        refused = caller.call(method, path)
        assert refused.status_code == 405, method
        assert {word.strip() for word in refused.headers["Allow"].split(",")} == allowed
    assert caller.call("OPTIONS", path).status_code == 200
    if "GET" in allowed:
        full, head = caller.get(path), caller.call("HEAD", path)
        assert (head.status_code, head.content) == (full.status_code, b"")
        assert head.headers["Content-Type"] == full.headers["Content-Type"]
