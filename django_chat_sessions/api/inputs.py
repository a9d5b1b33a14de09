"""One gate for all that comes in: nothing is stored that a database or a reader trips over."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.http.request import UnreadablePostError
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from django_chat_sessions import clock, get_session_model
from django_chat_sessions.api.errors import ApiError, no_json, not_found, wrong_since
from django_chat_sessions.conf import app_settings
from django_chat_sessions.services import Place
from django_chat_sessions.services.excerpts import is_storable
from django_chat_sessions.services.searching import LONGEST_QUERY

DEEPEST = 32  # levels of JSON
LARGEST_PAGE = 100
LONGEST_TITLE = 200
PINNED = "|pinned"  # the end of a cursor whose place is among the pinned sessions
CHANGES = ("title", "pinned", "archived")
LAST_POSITION = 2**31 - 1
SCOPE = re.compile(r"[A-Za-z0-9:._/-]{0,100}")
KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")
SINCE = re.compile(r"[A-Za-z0-9_-]{1,2000}")
NUMBER = re.compile(r"[0-9]{1,10}")
INVISIBLE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
# Bidirectional overrides could make a title read as something else.
UNWANTED_IN_TITLE = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff\u200b]")


def parse_json(request: HttpRequest) -> dict[str, Any]:
    """Return the body as an object. Raises ApiError for everything that is not one."""
    if request.content_type != "application/json":
        raise no_json()
    try:
        body = request.body
        if not body and "Transfer-Encoding" in request.headers:  # under WSGI Django reads no chunks
            sentence = _("Send the body with a Content-Length; this server takes none in chunks.")
            raise ApiError("invalid_json", sentence)
        data = json.loads(body.decode())
        _inspect(data)
    except (UnreadablePostError, ValueError, RecursionError) as error:
        raise ApiError("invalid_json", _("The body is not valid JSON in UTF-8.")) from error
    if not isinstance(data, dict):
        raise ApiError("invalid_json", _("The body must be a JSON object."))
    return data


def _inspect(value: Any, depth: int = 1) -> None:
    """Refuse, however deep: NUL, lone surrogates, infinite numbers, endless nesting."""
    if depth > DEEPEST:
        raise ValueError("too deep")
    if isinstance(value, str) and not is_storable(value):
        raise ValueError("text that cannot be stored")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("number without an end")
    if isinstance(value, dict):
        for name, inner in value.items():
            _inspect(name, depth)
            _inspect(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _inspect(inner, depth + 1)


def _only(data: dict[str, Any], *known: str) -> None:
    for name in data:
        if name not in known:
            sentence = _("There is no such field; known are: %(known)s.")
            raise ApiError("unknown_field", sentence % {"known": ", ".join(known)}, name[:100])


def _text(data: dict[str, Any], field: str, *, default: str | None = None) -> str:
    value = data.get(field, default)
    if not isinstance(value, str):
        raise ApiError("invalid", _("%(field)s must be a text.") % {"field": field}, field)
    return value


def is_blank(text: str) -> bool:
    """Whether there is nothing to see: spaces, line ends and invisible characters only."""
    return all(unicodedata.category(character) in INVISIBLE for character in text)


def scope_of(value: str) -> str:
    """Return a valid scope."""
    if not SCOPE.fullmatch(value):
        sentence = _("scope may have up to 100 letters, digits and : . _ / -")
        raise ApiError("invalid", sentence, "scope")
    return value


@dataclass(frozen=True, slots=True)
class Message:
    """A person's message."""

    content: str = field(repr=False)
    key: str = field(repr=False)
    scope: str
    session_id: Any
    reader: str | None = None

    @classmethod
    def parse(cls, data: dict[str, Any]) -> Message:
        """Return the message, exactly as it was typed."""
        _only(data, "content", "key", "scope", "session", "reader")
        content = _text(data, "content")
        longest = app_settings.LIMITS.message_length
        if len(content) > longest:  # asked first: to look through megabytes takes long
            sentence = _("A message may have up to %(longest)s characters.")
            raise ApiError("too_long", sentence % {"longest": _counted(longest)}, "content")
        if is_blank(content):
            raise ApiError("invalid", _("content must not be blank."), "content")
        key = _text(data, "key")
        if not KEY.fullmatch(key):
            sentence = _("key must be 8 to 64 letters, digits, _ or -; best a UUID.")
            raise ApiError("invalid", sentence, "key")
        named = session_id(_text(data, "session")) if "session" in data else None
        scope = scope_of(_text(data, "scope", default=""))
        return cls(content, key, scope, named, _text(data, "reader") if "reader" in data else None)


def _counted(number: int) -> str:
    """Return a large number as people write it in their language."""
    return number_format(number, force_grouping=True)


def parse_start(data: dict[str, Any]) -> str:
    """Return the scope to start in."""
    _only(data, "scope")
    return scope_of(_text(data, "scope", default=""))


@dataclass(frozen=True, slots=True)
class Changes:
    """What changes of a session in the history; None where nothing is said."""

    title: str | None = field(repr=False)
    pinned: bool | None
    archived: bool | None

    @classmethod
    def parse(cls, data: dict[str, Any]) -> Changes:
        """Return the changes, one at least."""
        _only(data, *CHANGES)
        if not data:
            sentence = _("Say what changes: %(known)s.") % {"known": ", ".join(CHANGES)}
            raise ApiError("invalid", sentence)
        title = _title(data) if "title" in data else None
        return cls(title, _yes_or_no(data, "pinned"), _yes_or_no(data, "archived"))


def _title(data: dict[str, Any]) -> str:
    """Return the new title in one line, without characters that would disguise it."""
    given = _text(data, "title")
    if len(given) > LONGEST_TITLE:  # as it was sent, which is what the contract measures
        sentence = _("A title may have up to %(longest)s characters.") % {"longest": LONGEST_TITLE}
        raise ApiError("too_long", sentence, "title")
    title = " ".join(UNWANTED_IN_TITLE.sub("", given).split())
    if is_blank(title):
        raise ApiError("invalid", _("title must not be blank."), "title")
    return title


def _yes_or_no(data: dict[str, Any], field: str) -> bool | None:
    value = data.get(field)
    if field in data and not isinstance(value, bool):
        sentence = _("%(field)s must be true or false.") % {"field": field}
        raise ApiError("invalid", sentence, field)
    return value


def session_id(text: str) -> Any:
    """Return the key in its one canonical form; anything else does not exist."""
    if not is_storable(text):  # a key of text would take it to the database, which refuses it
        raise not_found()
    field = get_session_model()._meta.pk
    try:
        value = field.to_python(text)
    except (ValidationError, ValueError):
        raise not_found() from None
    # to_python is generous (urn:uuid:, capitals, blanks around numbers); links are not.
    if str(value) != text or (isinstance(value, int) and not -(2**63) <= value < 2**63):
        raise not_found()
    return value


def _once(request: HttpRequest, name: str) -> str | None:
    given = request.GET.getlist(name)
    if len(given) > 1:
        raise ApiError("invalid", _("%(name)s may be given once only.") % {"name": name}, name)
    return given[0] if given else None


def number(request: HttpRequest, name: str, *, least: int, most: int) -> int | None:
    """Return a whole number from the query string, or None."""
    given = _once(request, name)
    if given is None:
        return None
    if NUMBER.fullmatch(given) and least <= int(given) <= most:
        return int(given)
    sentence = _("%(name)s must be a whole number from %(least)s to %(most)s.")
    raise ApiError("invalid", sentence % {"name": name, "least": least, "most": most}, name)


def choice(request: HttpRequest, name: str, known: Iterable[str]) -> str:
    """Return one of the known words; the first when none is given."""
    words = list(known)
    given = _once(request, name)
    if given is None or given in words:
        return given or words[0]
    sentence = _("%(name)s must be one of: %(known)s.")
    raise ApiError("invalid", sentence % {"name": name, "known": ", ".join(words)}, name)


def scope_in_query(request: HttpRequest) -> str | None:
    """Return the scope that the query string names, or None."""
    value = _once(request, "scope")
    return None if value is None else scope_of(value)


def flag(request: HttpRequest, name: str) -> bool:
    """Return whether the query string says ``true``; without it, or with ``false``, no."""
    value = _once(request, name)
    if value not in (None, "true", "false"):
        raise ApiError("invalid", _("%(field)s must be true or false.") % {"field": name}, name)
    return value == "true"


def wanted(request: HttpRequest) -> str:
    """Return what to search for."""
    text = _once(request, "q") or ""
    if is_blank(text) or not is_storable(text):
        raise ApiError("invalid", _("q must be a text to search for."), "q")
    if len(text) > LONGEST_QUERY:
        sentence = _("A search may have up to %(longest)s characters.")
        sentence %= {"longest": LONGEST_QUERY}
        raise ApiError("too_long", sentence, "q")
    return text


def since(request: HttpRequest) -> str | None:
    """Return the cursor of the updates the reader has; the last one of a stream counts most."""
    given = request.headers.get("Last-Event-ID") or _once(request, "since")
    if given is not None and not SINCE.fullmatch(given):
        raise wrong_since()
    return given


def encode_cursor(place: Place | None) -> str | None:
    """Return a place in the history as an opaque text."""
    if place is None:
        return None
    pin = PINNED if place.is_pinned else ""
    text = f"{clock.aware(place.moment).isoformat()}|{place.pk}{pin}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(request: HttpRequest) -> Place | None:
    """Return the place a cursor stands for. Raises ApiError for one that was not given out."""
    text = _once(request, "cursor")
    if text is None:
        return None
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        stamp, _separator, rest = (
            base64.b64decode(padded, b"-_", validate=True).decode().partition("|")
        )
        moment = datetime.fromisoformat(stamp)
        pk = session_id(rest.removesuffix(PINNED))
        place = Place(clock.stored(clock.aware(moment)), pk, rest.endswith(PINNED))
        if moment.tzinfo is None or encode_cursor(place) != text:
            raise ValueError("not in the form that is given out")
    except (ValueError, OverflowError, binascii.Error, ApiError) as error:
        sentence = _("cursor is not one that this list gave out; begin again without it.")
        raise ApiError("invalid", sentence, "cursor") from error
    return place
