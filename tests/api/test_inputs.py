"""The gate by itself: any bytes, any text, any number, without the rest of the site."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.http import HttpRequest
from django.http.request import UnreadablePostError
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from django_chat_sessions import get_session_model, ids
from django_chat_sessions.api import inputs
from django_chat_sessions.api.errors import ApiError
from django_chat_sessions.services import Place

JSON = "application/json"
BIGINT = get_session_model()._meta.pk.get_internal_type() == "BigAutoField"


def request_with(body: bytes, content_type: str = JSON) -> HttpRequest:
    # generic() leaves the type out without a body
    return RequestFactory().post("/", body, content_type=content_type, CONTENT_TYPE=content_type)


def asked(query: str) -> HttpRequest:
    return RequestFactory().get(f"/?{query}")


def an_id() -> Any:
    return 4711 if BIGINT else ids.uuid7()


def tried(step: Callable[..., Any], *arguments: Any) -> tuple[Any, ApiError | None]:
    """Return what a step gave, or how it was refused; anything else it raises is a failure."""
    try:
        return step(*arguments), None
    except ApiError as error:
        return None, error


finite = st.floats(allow_nan=False, allow_infinity=False)
anything_in_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=200))
def test_b24_any_bytes_are_an_object_or_refused(body: bytes) -> None:
    data, refused = tried(inputs.parse_json, request_with(body))
    assert isinstance(data, dict) if refused is None else refused.code == "invalid_json"


def test_a_body_in_chunks_that_django_cannot_see_is_told_from_one_that_is_no_json() -> None:
    for body, way_out in ((b"", "Content-Length"), (b"{", "not valid JSON")):
        request = request_with(body)
        request.META["HTTP_TRANSFER_ENCODING"] = "chunked"
        _data, refused = tried(inputs.parse_json, request)
        assert refused is not None
        assert refused.code == "invalid_json"
        assert way_out in refused.message


@given(st.dictionaries(st.text(), anything_in_json, max_size=4))
def test_b24_what_passes_the_gate_is_what_was_sent_and_can_be_stored(data: dict[str, Any]) -> None:
    parsed, refused = tried(inputs.parse_json, request_with(json.dumps(data).encode()))
    if refused is None:
        assert parsed == data
        json.dumps(parsed, ensure_ascii=False, allow_nan=False).encode()
        return
    text = json.dumps(data, ensure_ascii=False)
    assert refused.code == "invalid_json"
    assert "\\u0000" in text or any(0xD800 <= ord(character) < 0xE000 for character in text)


@given(
    st.dictionaries(st.sampled_from(["content", "key", "scope", "session"]), anything_in_json)
    | st.fixed_dictionaries(
        {"content": st.text(), "key": st.from_regex(inputs.KEY, fullmatch=True)},
        optional={"scope": st.from_regex(inputs.SCOPE, fullmatch=True)},
    )
)
def test_any_message_is_taken_or_refused_with_a_field(data: dict[str, Any]) -> None:
    message, refused = tried(inputs.Message.parse, data)
    if refused is None:
        assert (message.content, message.key) == (data["content"], data["key"])
        assert message.scope == data.get("scope", "")
        return
    assert refused.code in ("invalid", "too_long", "not_found")
    assert refused.field in {*data, "content", "key"} or refused.code == "not_found"


def test_a_title_is_measured_as_it_was_sent() -> None:
    """The contract says how long it may be, and knows nothing of what is taken out of it."""
    longest = "*" * inputs.LONGEST_TITLE
    assert tried(inputs.Changes.parse, {"title": longest})[0].title == longest
    _made, refused = tried(inputs.Changes.parse, {"title": f"\n{longest}"})
    assert refused is not None
    assert refused.code == "too_long"


@given(st.text())
def test_any_title_is_refused_or_made_one_short_line(title: str) -> None:
    made, refused = tried(inputs.Changes.parse, {"title": title})
    if refused is not None:
        assert refused.field == "title"
        return
    assert 0 < len(made.title) <= inputs.LONGEST_TITLE
    assert len(made.title.splitlines()) == 1
    assert inputs.Changes.parse({"title": made.title}) == made


@given(
    st.dictionaries(st.sampled_from(inputs.CHANGES), anything_in_json)
    | st.dictionaries(st.sampled_from(["pinned", "archived"]), st.booleans())
)
def test_any_changes_are_taken_or_refused_with_a_field(data: dict[str, Any]) -> None:
    made, refused = tried(inputs.Changes.parse, data)
    if refused is None:
        assert (made.pinned, made.archived) == (data.get("pinned"), data.get("archived"))
        return
    assert refused.code in ("invalid", "too_long")
    assert refused.field in data if data else refused.field is None


@given(st.text(max_size=250))
def test_any_text_is_searched_for_or_refused(text: str) -> None:
    found, refused = tried(inputs.wanted, RequestFactory().get("/", {"q": text}))
    if refused is None:
        assert found
        assert len(found) <= 200
        return
    assert refused.field == "q"


def test_a_search_that_is_too_long_is_told_how_long_it_may_be() -> None:
    assert tried(inputs.wanted, RequestFactory().get("/", {"q": "x" * 200}))[1] is None
    _found, refused = tried(inputs.wanted, RequestFactory().get("/", {"q": "x" * 201}))
    assert refused is not None
    assert refused.message == "A search may have up to 200 characters."


@given(st.text(max_size=60))
def test_any_text_is_a_cursor_of_updates_by_its_form_or_refused(text: str) -> None:
    since, refused = tried(inputs.since, RequestFactory().get("/", {"since": text}))
    if refused is None:
        assert since == text
        assert text.isascii()
    else:
        assert (refused.code, refused.field) == ("invalid", "since")


def test_the_cursor_of_a_stream_counts_more_than_that_of_its_address() -> None:
    request = RequestFactory().get("/?since=older", headers={"Last-Event-ID": "newer"})
    assert inputs.since(request) == "newer"
    request = RequestFactory().get("/?since=older", headers={"Last-Event-ID": ""})
    assert inputs.since(request) == "older"
    assert inputs.since(RequestFactory().get("/")) is None


spellings = st.sampled_from(
    ["{}".format, " {}".format, "+{}".format, "urn:uuid:{}".format, "{{{}}}".format, str.upper]
)


@given(
    st.text(max_size=60)
    | st.builds(
        lambda spelled, pk: spelled(str(pk)), spellings, st.integers() if BIGINT else st.uuids()
    )
)
def test_any_text_is_an_id_in_its_one_form_or_nothing(text: str) -> None:
    value, refused = tried(inputs.session_id, text)
    assert str(value) == text if refused is None else refused.code == "not_found"


def as_cursor(moment: datetime, end: str) -> str:
    text = f"{moment.isoformat()}|{an_id()}{end}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@given(
    st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=80)
    | st.builds(
        as_cursor,
        st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=2))])),
        st.sampled_from(["", inputs.PINNED, 2 * inputs.PINNED, "|"]),
    )
)
def test_b24_any_text_is_a_cursor_that_was_given_out_or_refused(text: str) -> None:
    place, refused = tried(inputs.decode_cursor, RequestFactory().get("/", {"cursor": text}))
    if refused is None:
        assert inputs.encode_cursor(place) == text
    else:
        assert (refused.code, refused.field) == ("invalid", "cursor")


@given(
    st.datetimes(
        min_value=datetime(1, 1, 2),  # noqa: DTZ001  hypothesis adds the zone
        max_value=datetime(9999, 12, 30),  # noqa: DTZ001
        timezones=st.just(UTC),
    )
)
def test_a_cursor_leads_back_to_its_place(moment: datetime) -> None:
    for is_pinned in (False, True):
        place = Place(moment, an_id(), is_pinned)
        cursor = inputs.encode_cursor(place)
        assert cursor is not None
        assert inputs.decode_cursor(asked(f"cursor={cursor}")) == place


def test_without_a_cursor_the_list_begins_at_the_beginning() -> None:
    assert inputs.decode_cursor(asked("")) is None
    assert inputs.encode_cursor(None) is None


def test_a_cursor_in_local_time_is_read_as_utc(settings: Any) -> None:
    """With USE_TZ off, rows hold local times; what goes out is UTC all the same."""
    settings.USE_TZ = False
    settings.TIME_ZONE = "Europe/Berlin"
    place = Place(datetime(2026, 7, 1, 12), an_id())  # noqa: DTZ001  as such a host stores it
    cursor = inputs.encode_cursor(place)
    assert inputs.decode_cursor(asked(f"cursor={cursor}")) == place
    settings.USE_TZ = True
    back = inputs.decode_cursor(asked(f"cursor={cursor}"))
    assert back is not None
    assert back.moment == datetime(2026, 7, 1, 10, tzinfo=UTC)


def test_a_request_that_breaks_off_is_refused() -> None:
    class Broken:
        def read(self, *args: Any) -> bytes:
            raise OSError("connection reset")

        def seekable(self) -> bool:
            return False

        def close(self) -> None: ...

    request: Any = request_with(b"{}")
    request._stream = Broken()
    with pytest.raises(ApiError) as refused:
        inputs.parse_json(request)
    assert refused.value.code == "invalid_json"
    assert isinstance(refused.value.__cause__, UnreadablePostError)


@pytest.mark.parametrize("depth", [31, 32])
def test_depth_is_counted_the_same_for_lists_and_objects(depth: int) -> None:
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        inner = "1" if "a" in opening else ""
        text = f'{{"a": {opening * (depth - 2)}{inner}{closing * (depth - 2)}}}'
        assert inputs.parse_json(request_with(text.encode()))
    text = f'{{"a": {"[" * 40}{"]" * 40}}}'
    with pytest.raises(ApiError):
        inputs.parse_json(request_with(text.encode()))


@pytest.mark.parametrize(("text", "found"), [("", None), ("n=5", 5), ("n=1", 1), ("n=9", 9)])
def test_a_number_within_its_bounds(text: str, found: int | None) -> None:
    assert inputs.number(asked(text), "n", least=1, most=9) == found


@pytest.mark.parametrize("text", ["n=0", "n=10", "n=", "n=-1", "n=5&n=5", "n=a", "n=12345678901"])
def test_a_number_out_of_its_bounds(text: str) -> None:
    with pytest.raises(ApiError, match="invalid"):
        inputs.number(asked(text), "n", least=1, most=9)


def test_every_id_of_a_big_integer_is_an_id_and_the_next_is_not() -> None:
    """A host's old rows may have 0 and less."""
    for number in (2**63 - 1, 0, -5, -(2**63)):
        if BIGINT:
            assert inputs.session_id(str(number)) == number
    for wrong in (str(2**63), str(-(2**63) - 1), "-0", "+5", "05"):
        with pytest.raises(ApiError):
            inputs.session_id(wrong)


def test_no_database_is_asked_for_an_id_that_none_can_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a host's key of text would let it pass."""
    monkeypatch.setattr(get_session_model()._meta.pk, "to_python", str)
    assert inputs.session_id("abc") == "abc"
    for wrong in ("a\x00b", "\ud800"):
        with pytest.raises(ApiError):
            inputs.session_id(wrong)


def test_a_scope_in_the_address_may_be_absent_or_empty() -> None:
    assert inputs.scope_in_query(asked("")) is None
    assert inputs.scope_in_query(asked("scope=")) == ""


def test_time_between_cursors_is_exact_to_the_microsecond() -> None:
    moment = datetime(2026, 11, 22, 12, 0, 0, 1, tzinfo=UTC)
    pk = an_id()
    first, second = Place(moment, pk), Place(moment + timedelta(microseconds=1), pk)
    assert inputs.encode_cursor(first) != inputs.encode_cursor(second)
