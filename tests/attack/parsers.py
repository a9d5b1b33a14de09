"""Every parser of what comes from outside, with real beginnings and what must hold of all it takes.

Fuzzed for seconds by `test_parsers.py`, for minutes by `python -m benchmarks.fuzz`. A parser may
refuse with the errors it documents; every other exception, and every broken promise, is a failure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.core import signing
from django.http import HttpRequest, QueryDict, parse_cookie

from django_chat_sessions import clock, get_message_model, get_session_model, ids
from django_chat_sessions.api import inputs, pages
from django_chat_sessions.api.errors import ApiError
from django_chat_sessions.authentication import VISITOR_COOKIE, AnonymousCookie
from django_chat_sessions.exceptions import InvalidDocument, WrongCursor
from django_chat_sessions.owners import Owner
from django_chat_sessions.services import Place, formats, importing
from django_chat_sessions.services.documents import read_document
from django_chat_sessions.services.following.cursors import DIGEST, Cursor, Known

NOON = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
OWNER = Owner.for_visitor("a visitor's secret key")
MOST = 100
BLANK = "".join(map(chr, range(33)))
SESSION: Any = get_session_model()
MESSAGE: Any = get_message_model()


@dataclass(frozen=True)
class Parser:
    """What is fuzzed: ``seeds`` are what our own encoders make, ``check`` parses and judges."""

    name: str
    seeds: Callable[[], list[bytes]]
    check: Callable[[bytes], None]


def check_cursor(data: bytes) -> None:
    """A place in the history has one form."""
    with suppress(ApiError):
        place = inputs.decode_cursor(_asked(cursor=_text(data)))
        assert inputs.encode_cursor(place) == _text(data)


def check_event_id(data: bytes) -> None:
    """What a reader of updates has is one text, from the address and from the header."""
    with suppress(ApiError, WrongCursor):
        given = inputs.since(_asked(since=_text(data)))
        assert given == _text(data)
        cursor = Cursor.decode(given)
        assert cursor is None or cursor.encode() == given
    request = HttpRequest()
    request.META["HTTP_LAST_EVENT_ID"] = data.decode("latin-1")
    with suppress(ApiError):
        inputs.since(request)


def check_number(data: bytes) -> None:
    """A limit or a position is a whole number between its bounds, in digits of ASCII."""
    text = _text(data)
    for least, most in ((1, inputs.LARGEST_PAGE), (0, inputs.LAST_POSITION)):
        with suppress(ApiError):
            found = inputs.number(_asked(limit=text), "limit", least=least, most=most)
            assert found is not None
            assert least <= found <= most
            assert str(found) == (text.lstrip("0") or "0")


def check_query(data: bytes) -> None:
    """Whatever stands in an address is read or refused, parameter by parameter."""
    request = HttpRequest()
    with suppress(UnicodeDecodeError):
        request.GET = QueryDict(data)
    for read in (
        lambda: inputs.scope_in_query(request),
        lambda: inputs.flag(request, "archived"),
        lambda: inputs.choice(request, "format", formats.FORMATS),
        lambda: inputs.wanted(request).encode(),
        lambda: inputs.since(request),
        lambda: inputs.decode_cursor(request),
        lambda: inputs.number(request, "limit", least=1, most=MOST),
    ):
        with suppress(ApiError):
            read()


def check_session_id(data: bytes) -> None:
    """An id has one form."""
    with suppress(ApiError):
        assert str(inputs.session_id(_text(data))) == _text(data)


def check_body(data: bytes) -> None:
    """What passes the gate is an object that can be stored, and a message is what was typed."""
    request: Any = HttpRequest()
    request._body = data
    request.content_type = "application/json"
    try:
        given = inputs.parse_json(request)
    except ApiError:
        return
    stored = json.dumps(given, ensure_ascii=False, allow_nan=False)
    assert not [text for text in _texts(given) if "\x00" in text]
    assert json.loads(stored.encode()) == given
    with suppress(ApiError):
        message = inputs.Message.parse(given)
        assert (message.content, message.key) == (given["content"], given["key"])
        assert message.key.isascii()
        assert message.scope == given.get("scope", "")
    with suppress(ApiError):
        changes = inputs.Changes.parse(given)
        if changes.title is not None:
            assert 0 < len(changes.title) <= inputs.LONGEST_TITLE
            assert inputs.Changes.parse({"title": changes.title}).title == changes.title
    with suppress(ApiError):
        assert inputs.parse_start(given) == given.get("scope", "")


def check_document(data: bytes) -> None:
    """What is imported is what was given, and fits into the columns."""
    try:
        value = importing._parsed(data)
        found = read_document(value)
    except InvalidDocument:
        return
    assert [_as_given(each) for each in found] == value["sessions"]
    for facts in found:
        session = importing._session(OWNER, facts)
        _fits(session)
        for position, message in enumerate(facts["messages"]):
            _fits(importing._message(session, position, message))
        json.dumps(facts["metadata"], allow_nan=False).encode()


def check_cookie(data: bytes) -> None:
    """Only what we have signed is a visitor's cookie, to the last character."""
    for value in (_text(data), parse_cookie(data.decode("latin-1")).get(VISITOR_COOKIE, "")):
        request = HttpRequest()
        request.COOKIES[VISITOR_COOKIE] = value
        owner = AnonymousCookie().authenticate(request)
        assert (owner is not None) == (value in _given_out())


def check_address(data: bytes) -> None:
    """An address that is shown leads to http, https, mailto or this site, as a browser reads it."""
    text = _text(data)
    shown = pages.safe_url(text)
    assert shown in (text.strip(), "")
    if shown:
        # Browsers drop tabs and line ends anywhere, and blanks and controls around.
        read = "".join(one for one in shown if one not in "\t\r\n").strip(
            "".join(map(chr, range(33)))
        )
        assert not read.startswith(("//", "\\", "/\\"))
        with suppress(ValueError):
            assert urlsplit(read).scheme in ("", "http", "https", "mailto")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in a piece of JSON, names too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value:
            yield from _texts(inner)
        if isinstance(value, dict):
            yield from _texts(list(value.values()))


def _asked(**query: str) -> HttpRequest:
    request: Any = HttpRequest()
    request.GET = QueryDict(mutable=True)
    for name, value in query.items():
        request.GET[name] = value
    return request  # type: ignore[no-any-return]


def _fits(row: Any) -> None:
    """Hold every text of a row against the length of its column."""
    for field in row._meta.concrete_fields:
        value = getattr(row, field.attname)
        if field.max_length is not None and isinstance(value, str):
            assert len(value) <= field.max_length, field.name


def _as_given(facts: dict[str, Any]) -> dict[str, Any]:
    """Turn what was read back into what a document says."""
    return {
        name: [_as_given(each) for each in value]
        if name == "messages"
        else formats.moment(value)
        if isinstance(value, datetime)
        else value
        for name, value in facts.items()
    }


def _pk() -> Any:
    return 4711 if ids.new_primary_key(SESSION) is None else ids.uuid7()


def _cursors() -> list[bytes]:
    moments = (NOON, NOON.replace(year=1970), NOON.replace(microsecond=0))
    places = [
        Place(clock.stored(moment), _pk(), pin) for moment in moments for pin in (True, False)
    ]
    return [str(inputs.encode_cursor(place)).encode() for place in places]


def _event_ids() -> list[bytes]:
    known = Known(b"r" * DIGEST, 17, 1, 2, 300)
    open_ones = {bytes([number]) * DIGEST: known for number in range(3)}
    cursors = (Cursor(b"l" * DIGEST), Cursor(b"l" * DIGEST, open_ones))
    return [cursor.encode().encode() for cursor in cursors]


def _bodies() -> list[bytes]:
    message = {"content": "Why? ☃", "key": "key-00000001", "scope": "subject:12"}
    values: list[Any] = [
        message,
        {**message, "session": str(_pk())},
        {"title": "A title", "pinned": True, "archived": False},
        {"scope": ""},
        {"deep": [[[{"a": [1, 2.5, None, "\u2028"]}]]]},
    ]
    return [json.dumps(value).encode() for value in values]


def _documents() -> list[bytes]:
    session = SESSION(
        title="A title", scope="s", started_at=clock.stored(NOON), metadata={"a": [1]}
    )
    session.pk = _pk()
    said = [
        MESSAGE(role=role, content=content, position=position, metadata={"tokens": 3})
        for position, (role, content) in enumerate([("user", "Why?"), ("assistant", "So.")])
    ]
    for message in said:
        message.pk = _pk()
    made = []
    for number in range(3):
        form = formats.Json()
        now = clock.stored(NOON + timedelta(minutes=1))
        written = [piece for _each in range(number) for piece in form.session(session, said, now)]
        made.append("".join([form.begin(now), *written, form.end()]).encode())
    return made


class _Signer(signing.TimestampSigner):
    """Signs alike in every process, whenever it begins."""

    def timestamp(self) -> str:
        return signing.b62_encode(2**32)


@cache
def _given_out() -> frozenset[str]:
    signer = _Signer(salt="django_chat_sessions.visitor")
    return frozenset(signer.sign(f"visitor-{number}") for number in range(3))


def _cookies() -> list[bytes]:
    values = sorted(_given_out())
    headers = [f"{VISITOR_COOKIE}={values[0]}; sessionid=x", f'{VISITOR_COOKIE}="{values[1]}"']
    return [text.encode() for text in [*values, *headers]]


def _lists(*texts: str) -> Callable[[], list[bytes]]:
    return lambda: [text.encode() for text in texts]


QUERY = "limit=30&scope=subject:12&archived=true&format=json&q=why&before=7&cursor=AA&since=AQ"
PARSERS = {
    parser.name: parser
    for parser in (
        Parser("history cursor", _cursors, check_cursor),
        Parser("event id", _event_ids, check_event_id),
        Parser("transcript cursor and limits", _lists("0", "1", "30", "100", "0042"), check_number),
        Parser("query string", _lists(QUERY, "q=%E2%98%83+%00", "limit=1&limit=2"), check_query),
        Parser("session id", lambda: [str(_pk()).encode()], check_session_id),
        Parser("request body", _bodies, check_body),
        Parser("imported document", _documents, check_document),
        Parser("visitor cookie", _cookies, check_cookie),
        Parser(
            "address in a source",
            _lists("https://example.org/a?b#c", "mailto:a@b.example", "/a", "java\tscript:x"),
            check_address,
        ),
    )
}
