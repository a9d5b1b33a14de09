"""How conversations are written down for their owner: JSON, Markdown, CSV.

Each format has three pieces of text: before the first session, one session and its messages, and
after the last. None of them can be broken by what people wrote.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Protocol

from django_chat_sessions import clock
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession
from django_chat_sessions.services.excerpts import storable

FORMAT = "django-chat-sessions"
SCHEMA = 1
FORMULA = "=+-@\t\r\n'\uff1d\uff0b\uff0d\uff20"  # also the wide forms of = + - @
# Possessive: what has been taken is not given back, or a long line of tildes would take seconds.
# With a pipe in it a line may be the head of a table.
FENCE = re.compile("(`{3,}+|~{3,}+)([^`|]*+)")
LINE_END = re.compile("\r\n|\r|\n")
SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|~&-])")
TAG = re.compile("<(?=[A-Za-z/!?])")


class Format(Protocol):
    """One way to write conversations down, a piece at a time."""

    media_type: str
    extension: str

    def begin(self, now: datetime) -> str:
        """Return what comes before the first session."""

    def session(
        self, row: AbstractChatSession, rows: Iterable[AbstractChatMessage], now: datetime
    ) -> Iterator[str]:
        """Yield a session and its messages."""

    def end(self) -> str:
        """Return what comes after the last session."""


def moment(value: datetime | None) -> str | None:
    """Return the moment as it is told to others, if there is one."""
    return None if value is None else clock.iso(value)


def session_facts(row: AbstractChatSession, now: datetime) -> dict[str, Any]:
    """Return all of a session that is its owner's; the same before and after a sweep."""
    active = row.is_active(now)
    return {
        "id": str(row.pk),
        "scope": row.scope,
        "state": row.state(now).value,
        "title": row.title,
        "preview": row.preview,
        "unread": row.unread,
        "started_at": moment(row.started_at),
        "opened_at": moment(row.opened_at),
        "last_activity_at": moment(row.last_activity_at),
        "last_message_at": moment(row.last_message_at),
        "expires_at": moment(row.expires_at),
        "ended_at": None if active else moment(row.final_moment(now)),
        "end_reason": "" if active else row.final_reason(now),
        "pinned_at": moment(row.pinned_at),
        "archived_at": moment(row.archived_at),
        "previous": None if row.previous_id is None else str(row.previous_id),
        "metadata": row.metadata or {},
    }


def message_facts(row: AbstractChatMessage, now: datetime) -> dict[str, Any]:
    """Return all of a message that is its owner's; the error of a failed reply is for staff."""
    return {
        "id": str(row.pk),
        "role": row.role,
        "content": row.content,
        "position": row.position,
        "state": row.reply_state(now),
        "attempt": row.attempt,
        "created_at": moment(row.created_at),
        "metadata": row.metadata or {},
    }


def _json(value: Any) -> str:
    return json.dumps(_storable(value), ensure_ascii=False)


def _storable(value: Any) -> Any:
    """Return it as an import takes it: in a host's old row may be what no file in UTF-8 has."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(name): _storable(inner) for name, inner in value.items()}
    return [*map(_storable, value)] if isinstance(value, list) else value


class Json:
    """The document that ``import_sessions`` takes again."""

    media_type = "application/json"
    extension = "json"

    def __init__(self) -> None:
        self._is_first = True

    def begin(self, now: datetime) -> str:
        """Return the head of the document."""
        head = (
            f'"format": {_json(FORMAT)}, "version": {SCHEMA}, "exported_at": {_json(moment(now))}'
        )
        return f'{{{head}, "sessions": ['

    def session(
        self, row: AbstractChatSession, rows: Iterable[AbstractChatMessage], now: datetime
    ) -> Iterator[str]:
        """Yield one object."""
        yield ("\n" if self._is_first else ",\n") + _json(session_facts(row, now))[:-1]
        self._is_first = False
        yield ', "messages": ['
        separator = "\n"
        for message in rows:
            yield f"{separator}  {_json(message_facts(message, now))}"
            separator = ",\n"
        yield "]}"

    def end(self) -> str:
        """Close what was begun."""
        return "\n]}\n"


class Markdown:
    """For reading. What people wrote stands in quotations that it cannot leave."""

    media_type = "text/markdown; charset=utf-8"
    extension = "md"

    def begin(self, now: datetime) -> str:
        """Return nothing: it begins with the first title."""
        return ""

    def session(
        self, row: AbstractChatSession, rows: Iterable[AbstractChatMessage], now: datetime
    ) -> Iterator[str]:
        """Yield a title, and a quotation for each message."""
        yield f"# {_plain(row.title) or '…'}\n\n"
        for message in rows:
            state = message.reply_state(now)
            said = f" ({state})" if state not in ("", "answered") else ""
            at = "" if message.created_at is None else f", {_minute(message.created_at)}"
            yield f"**{_plain(message.role)}**{at}{said}\n\n"
            yield from (f"> {line}\n" if line else ">\n" for line in _quotable(message.content))
            yield "\n"

    def end(self) -> str:
        """Return nothing."""
        return ""


def _plain(text: str) -> str:
    """Return the text in one line, in which nothing means anything to Markdown."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _minute(value: datetime) -> str:
    return clock.aware(value).strftime("%Y-%m-%d %H:%M UTC")


def _quotable(content: str) -> list[str]:
    """Return the lines with no tag in them that a page would take for its own.

    In a block of code a tag is text already. Where one cannot tell what is code, none is.
    """
    lines = LINE_END.split(content)
    fence = ""
    shown = []
    for line in lines:
        if "```" in line or "~~~" in line:
            found = FENCE.fullmatch(line)
            # Nothing but blanks and tabs: behind other white space a fence closes nothing.
            is_bare = found is not None and not found[2].strip(" \t")
            closes = fence and found and is_bare and found[1].startswith(fence)
            if found is None or (fence and not closes):
                return [TAG.sub("&lt;", each) for each in lines]
            fence = "" if closes else found[1]
        shown.append(line if fence else TAG.sub("&lt;", line))
    return shown


class Csv:
    """For a table: one line a message. No cell can be taken for a formula."""

    media_type = "text/csv; charset=utf-8"
    extension = "csv"
    COLUMNS = ("session", "title", "scope", "position", "role", "state", "created_at", "content")

    def begin(self, now: datetime) -> str:
        """Return the names of the columns, after the mark by which spreadsheets know UTF-8."""
        return "\ufeff" + _line(self.COLUMNS)

    def session(
        self, row: AbstractChatSession, rows: Iterable[AbstractChatMessage], now: datetime
    ) -> Iterator[str]:
        """Yield a line for each message."""
        of_session = (row.pk, row.title, row.scope)
        for message in rows:
            position = "" if message.position is None else message.position
            facts = (position, message.role, message.reply_state(now))
            cells = (*of_session, *facts, moment(message.created_at) or "", message.content)
            yield _line(map(harmless, map(str, cells)))

    def end(self) -> str:
        """Return nothing."""
        return ""


def harmless(text: str) -> str:
    """Return the text behind an apostrophe where a spreadsheet would calculate.

    One that begins with an apostrophe gets another, so that taking one away gives the text back.
    """
    return f"'{text}" if text.lstrip(" ")[:1] in set(FORMULA) else text


def _line(cells: Iterable[str]) -> str:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerow(cells)
    return written.getvalue()


FORMATS: dict[str, type[Format]] = {"json": Json, "markdown": Markdown, "csv": Csv}
