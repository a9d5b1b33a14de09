"""Every signal in one story: sent as documented, with the documented arguments and no others."""

from __future__ import annotations

import re
from typing import Any

import pytest

from django_chat_sessions import get_message_model, get_session_model, services
from django_chat_sessions import signals as module
from django_chat_sessions.owners import Owner
from tests.conversations import configure, reply_of
from tests.doc_pages import text_of

OWNER = Owner.for_visitor("a visitor's secret key")
ROW = re.compile(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", re.MULTILINE)


def documented() -> dict[str, set[str]]:
    """Return the arguments that the reference gives for each signal."""
    rows = ROW.findall(text_of("reference/signals.md"))
    words = {name: re.sub(r"\(.*?\)", "", arguments) for name, arguments in rows}
    alone = {name for name, text in words.items() if text.startswith("no `session`")}
    named = {name: set(re.findall(r"`(\w+)`", text)) for name, text in words.items()}
    return {
        name: named[name] ^ {"session"} if name in alone else named[name] | {"session"}
        for name in named
    }


def noted_in_code() -> dict[str, set[str]]:
    """Return the arguments that the comment above each signal gives."""
    assert module.__file__
    with open(module.__file__) as file:  # noqa: PTH123  a short read
        found = re.findall(r"# Provides: ([^;(\n]+)[^\n]*\n(\w+) = Signal", file.read())
    return {name: set(re.findall(r"\w+", arguments)) for arguments, name in found}


def fails(turn: Any) -> str:
    raise RuntimeError("no model")


def tell_the_story(settings: Any, noon: Any, reader: Any) -> None:
    """Let everything happen once that has a signal; a visitor's chats move to the reader's."""
    session = services.send(OWNER, "Why?", key="key-00000001").session
    configure(settings, RESPONDER=fails)
    failed = services.send(OWNER, "How?", key="key-00000002")
    configure(settings, RESPONDER="tests.responders.echo")
    services.retry(failed.session)
    services.resume_or_start(OWNER)
    services.read_for_staff(session, reader)
    noon.shift(400)
    services.sweep()
    services.reopen(session)
    services.end(session)
    services.claim(OWNER, Owner.for_user(reader))
    assert reply_of(failed).attempt == 1  # as it was sent; the retry is another attempt


@pytest.mark.django_db(transaction=True)
def test_p_10_each_signal_brings_what_is_documented_and_nothing_else(
    settings: Any, noon: Any, signals: Any, user: Any
) -> None:
    tell_the_story(settings, noon, user)
    received: dict[str, set[str]] = {}
    for name, facts in signals:
        assert received.setdefault(name, set(facts)) == set(facts)
    assert received == documented() == noted_in_code()


@pytest.mark.django_db(transaction=True)
def test_p_10_what_they_bring_is_rows_and_words_and_no_text_of_anybodys(
    settings: Any, noon: Any, signals: Any, user: Any
) -> None:
    tell_the_story(settings, noon, user)
    kinds: dict[str, Any] = {
        "session": get_session_model(),
        "message": get_message_model(),
        "reply": get_message_model(),
        "arrival": services.Arrival,
        "reader": type(user),
        "owner": Owner,
        "claimed": services.Claimed,
    }
    for _name, facts in signals:
        for argument, value in facts.items():
            if argument in ("reason", "state"):
                assert re.fullmatch(r"[a-z_]{1,20}", value)
            else:
                assert isinstance(value, kinds[argument]), argument
