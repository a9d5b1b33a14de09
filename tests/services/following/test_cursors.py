"""What a reader has, as a text: nothing lost on the way, one form only, nothing else accepted."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_chat_sessions.exceptions import WrongCursor
from django_chat_sessions.models import ReplyState
from django_chat_sessions.services.following import cursors
from django_chat_sessions.services.following.cursors import (
    DIGEST,
    NOTHING_SAID,
    Cursor,
    Known,
    digest_of,
    state_number,
)

digests = st.binary(min_size=DIGEST, max_size=DIGEST)
known = st.builds(
    Known,
    row=digests,
    position=st.integers(NOTHING_SAID, 2**31 - 1),
    attempt=st.integers(0, 2**16 - 1),
    state=st.integers(0, len(ReplyState)),
    length=st.integers(0, 2**32 - 1),
)
given_out = st.builds(Cursor, listed=digests, open=st.dictionaries(digests, known, max_size=5))
ONE = Cursor(b"listed", {b"oneone": Known(b"row001", 1, 1, 2, 17)})


def text_of(packed: bytes) -> str:
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def packed(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@given(given_out)
def test_a_cursor_comes_back_as_it_was_given_out(cursor: Cursor) -> None:
    text = cursor.encode()
    assert Cursor.decode(text) == cursor
    assert text.isascii()
    assert text.replace("-", "").replace("_", "").isalnum()


@given(given_out)
def test_the_same_knowledge_is_the_same_text_in_whatever_order_it_came(cursor: Cursor) -> None:
    turned = Cursor(cursor.listed, dict(reversed(cursor.open.items())))
    assert turned.encode() == cursor.encode()


HEAD = len(packed(Cursor(b"listed").encode()))
ENTRY = len(packed(ONE.encode())) - HEAD


@given(
    st.binary(max_size=80)
    | st.integers(0, 3)
    .map(lambda entries: HEAD - 1 + entries * ENTRY)
    .flatmap(lambda size: st.binary(min_size=size, max_size=size))
    .map(lambda rest: bytes([cursors.VERSION]) + rest)
)
def test_any_bytes_are_a_cursor_in_its_one_form_or_of_another_version_or_refused(
    content: bytes,
) -> None:
    text = text_of(content)
    try:
        cursor = Cursor.decode(text)
    except ValueError:
        return
    if cursor is None:
        assert content[0] != cursors.VERSION
    else:
        assert cursor.encode() == text


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_with_a_value_error(text: str) -> None:
    with suppress(ValueError):
        Cursor.decode(text)


@pytest.mark.parametrize("bit", range(8 * len(packed(ONE.encode()))))
def test_a_bit_that_flips_is_other_knowledge_or_another_version_and_never_an_error_of_ours(
    bit: int,
) -> None:
    content = bytearray(packed(ONE.encode()))
    content[bit // 8] ^= 1 << bit % 8
    cursor = Cursor.decode(text_of(bytes(content)))
    assert cursor != ONE
    assert (cursor is None) is (bit < 8)


def two_entries() -> list[bytes]:
    text = Cursor(b"listed", {b"one001": ONE.open[b"oneone"], b"two002": ONE.open[b"oneone"]})
    content = packed(text.encode())
    return [content[:7], content[7:30], content[30:]]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        "A",
        "AQ",  # nothing but the version
        ONE.encode()[:-1],
        ONE.encode() + "A",
        ONE.encode() + "=",
        ONE.encode() + "\n",
        ONE.encode().replace("A", "+", 1),
        "é" + ONE.encode(),
        text_of(packed(ONE.encode()) + b"\x00"),
        text_of(b"".join([*two_entries()[:1], *reversed(two_entries()[1:])])),
        text_of(b"".join([*two_entries(), two_entries()[1]])),
    ],
)
def test_what_was_never_given_out_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="never given out; begin again without it"):
        Cursor.decode(text)


@pytest.mark.parametrize("version", [0, 2, 255])
def test_a_cursor_of_another_version_is_no_error_and_says_nothing(version: int) -> None:
    assert Cursor.decode(text_of(bytes([version]) + packed(ONE.encode())[1:])) is None


def test_every_state_has_its_number_and_a_message_that_is_no_reply_has_none() -> None:
    numbers = [state_number(state) for state in ReplyState.values]
    assert numbers == [1, 2, 3, 4, 5, 6]
    assert state_number("") == 0


def test_digests_are_the_same_in_every_process() -> None:
    facts: tuple[Any, ...] = ("a", 1, None, ["b"], True)
    script = (
        "from django.conf import settings; settings.configure(); import django; django.setup();"
        "from django_chat_sessions.services.following.cursors import digest_of;"
        f"print(digest_of(*{facts!r}).hex())"
    )
    other = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONHASHSEED": "4711", "DJANGO_SETTINGS_MODULE": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.strip() == digest_of(*facts).hex()


def test_different_facts_have_different_digests() -> None:
    assert digest_of("a", "b") != digest_of("ab")
    assert digest_of(None) != digest_of("None")
    assert len(digest_of("a")) == DIGEST


def test_what_is_no_text_was_never_given_out() -> None:
    with pytest.raises(WrongCursor):
        Cursor.decode(5)
