"""Text made fit for a row, and short where a list shows it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.db import models
from hypothesis import given
from hypothesis import strategies as st

from django_chat_sessions import get_session_model
from django_chat_sessions.services.excerpts import (
    DEEPEST,
    excerpt,
    excerpt_around,
    fitting,
    preview_of,
    storable,
    storable_data,
    title_from,
)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("Grüße 😀 👨‍👩‍👧 e\u0301", "Grüße 😀 👨‍👩‍👧 e\u0301"),
        ("a\u2028b\ufffe\r\n\t ", "a\u2028b\ufffe\r\n\t "),
        ("\x00", "\ufffd"),
        ("a\x00b\ud800c\udfffd", "a\ufffdb\ufffdc\ufffdd"),
        ("\udc00\ud800", "\ufffd\ufffd"),
    ],
)
def test_only_what_no_database_takes_is_replaced(text: str, kept: str) -> None:
    assert storable(text) == kept


@given(st.text(st.characters(exclude_categories=[])))
def test_storable_text_is_utf_8_without_nul_and_as_long(text: str) -> None:
    kept = storable(text)
    kept.encode()
    assert "\x00" not in kept
    assert len(kept) == len(text)
    assert storable(kept) == kept


def test_an_integer_is_no_larger_than_a_float_can_be() -> None:
    largest = int(sys.float_info.max)
    data = {"n": [largest, -largest, True, 2**64]}
    assert json.loads(json.dumps(storable_data(data))) == data
    for number in (largest + 1, -largest - 1, 10**5000):
        with pytest.raises(ValueError, match="An integer beyond"):
            storable_data({"n": [number]})


def test_what_json_knows_stays_as_it_is() -> None:
    data = {"t": "text", "f": 0.5, "n": -3, "yes": True, "no": None, "rows": [[], {}]}
    assert storable_data(data) == data


@pytest.mark.parametrize(
    "around",
    [lambda inner: {"a": inner, "n": 1}, lambda inner: [inner, 1], lambda inner: (inner, 1)],
    ids=["objects", "lists", "tuples"],
)
def test_data_is_as_deep_as_every_database_stores_it_and_no_deeper(
    around: Callable[[object], object],
) -> None:
    deep: object = "\x00"
    for _ in range(DEEPEST):
        deep = around(deep)
    kept = json.dumps(storable_data(deep))
    assert (kept.count("{") + kept.count("["), kept.count("ufffd")) == (DEEPEST, 1)
    for deeper in ([deep], {"a": deep}):
        with pytest.raises(ValueError, match=f"more than {DEEPEST} levels"):
            storable_data(deeper)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("Hello", "Hello"),
        ("  two\n\twords  ", "two words"),
        ("x" * 10, "x" * 10),
        ("x" * 11, "x" * 9 + "…"),
        ("seven w rds", "seven w…"),
        ("a bcdefghijkl", "a bcdefgh…"),  # the only space is too far from the end
        ("abcdef ghijkl", "abcdef gh…"),
    ],
)
def test_an_excerpt_is_one_line_cut_at_a_word(text: str, shown: str) -> None:
    assert excerpt(text, 10) == shown


@given(st.text(), st.integers(2, 200))
def test_it_is_never_longer_than_asked_and_one_line(text: str, length: int) -> None:
    shown = excerpt(text, length)
    assert len(shown) <= length
    assert shown == " ".join(shown.split())


def test_a_book_pasted_as_a_message_is_not_read_whole() -> None:
    class Book(str):  # a piece of it is a plain text again
        __slots__ = ()

        def split(self, *args: Any, **kwargs: Any) -> Any:
            raise AssertionError("It is read whole.")

    book = Book("word " * 1000)
    assert title_from(book) == title_from("word " * 1000)
    assert preview_of(book) == preview_of("word " * 1000)


def test_title_and_preview_fit_their_columns() -> None:
    model = get_session_model()
    assert len(title_from("x" * 1000)) <= (model._meta.get_field("title").max_length or 0)
    assert len(preview_of("x" * 1000)) <= (model._meta.get_field("preview").max_length or 0)


def test_a_host_whose_column_is_longer_may_fill_it() -> None:
    class Page(models.Model):  # noqa: DJ008  nobody prints it
        title = models.TextField()
        scope = models.CharField(max_length=300)

        class Meta:
            app_label = "longer"
            managed = False

    assert fitting(Page, "title", "t" * 1000) == "t" * 1000
    assert fitting(Page, "scope", "s" * 300) == "s" * 300
    with pytest.raises(ValueError, match="scope has 301 characters; give up to 300"):
        fitting(Page, "scope", "s" * 301)


def test_a_search_shows_the_piece_around_the_first_of_the_words_that_are_there() -> None:
    text = "so " * 100 + "ice " + "and " * 100 + "snow"
    assert " ice and" in excerpt_around(text, ["volcano", "snow", "ice"])


def test_what_is_no_text_is_refused() -> None:
    given: object = None
    with pytest.raises(TypeError, match="A text is expected, not None"):
        storable(given)  # type: ignore[arg-type]
