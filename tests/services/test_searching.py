"""Search: one's own only, by title and by what was said, in bounded time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection

from django_chat_sessions import get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.owners import Owner
from django_chat_sessions.services import searching
from tests.conversations import fill_history, listen_only, opened, somebody_else, stored, talked

pytestmark = pytest.mark.django_db

ON_POSTGRES = connection.vendor == "postgresql"


def found(owner: Owner, text: str, **more: Any) -> list[Any]:
    return [match.session for match in chat_sessions.search(owner, text, **more).matches]


def said(owner: Owner, *texts: str, title: str = "Untitled") -> Any:
    """Return an ended conversation of the owner's in which this was said."""
    session = chat_sessions.start(owner).opened
    for text in texts:
        chat_sessions.add_message(session, "user", text)
    chat_sessions.rename(session, title)
    return chat_sessions.end(session)


def test_it_is_found_by_title_and_by_what_anybody_said(owner: Owner) -> None:
    by_title = said(owner, "Hello", title="Glaciers of Iceland")
    by_text = said(owner, "Hello", "Tell me about GLACIERS, please")
    said(owner, "Something else")
    assert found(owner, "glaciers") == [by_text, by_title]
    chat_sessions.reopen(by_title)
    chat_sessions.add_message(by_title, "assistant", "Water is wet")
    assert found(owner, "Water") == [by_title]


def test_case_beyond_ascii_is_what_the_documentation_says(owner: Owner) -> None:
    by_title, by_text = said(owner, "Hello", title="Über Eis"), said(owner, "Über Eis")
    both = [by_text, by_title]
    assert found(owner, "Über") == found(owner, "Über EIS") == both
    assert found(owner, "über") == ([] if connection.vendor == "sqlite" else both)
    assert found(owner, "uber") == (both if connection.vendor == "mysql" else [])


def test_nobody_elses_no_deleted_ones_and_archived_ones_too(owner: Owner) -> None:
    said(somebody_else(), "glaciers", title="glaciers")
    archived, deleted = said(owner, "glaciers"), said(owner, "glaciers")
    chat_sessions.archive(archived)
    chat_sessions.delete(deleted)
    assert found(owner, "glaciers") == [archived]


def test_one_scope(owner: Owner) -> None:
    here, there = talked(owner, "glaciers"), talked(owner, "glaciers", "subject:1")
    assert found(owner, "glaciers", scope="subject:1") == [there]
    assert found(owner, "glaciers", scope="") == [here]
    assert set(found(owner, "glaciers")) == {here, there}


@pytest.mark.parametrize("text", ["%", "_", "\\", "50%", "100%", "a_b", "[a-z]", "*", "'; --", '"'])
def test_signs_mean_themselves_in_titles(owner: Owner, text: str) -> None:
    said(owner, "Hello", title="Nothing of that kind")
    named = said(owner, "Hello", title=f"About {text} and more")
    assert found(owner, text) == [named]


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_nothing_is_not_searched_for(owner: Owner, statements: Any, text: str) -> None:
    talked(owner)
    with statements() as seen:
        assert chat_sessions.search(owner, text) == chat_sessions.Found([], is_complete=True)
    assert seen == []


def test_any_text_is_taken_and_its_first_200_characters_count(owner: Owner) -> None:
    named = said(owner, "Hello", title="x" * 200)
    assert found(owner, "x" * 300) == [named]
    for text in ("\x00", "\ud800", "(((", "& | !", ":*", "\u202e", "😀", '"open'):
        assert found(owner, text) == []


class TestExcerpt:
    def excerpt(self, owner: Owner, text: str) -> str:
        [match] = chat_sessions.search(owner, text).matches
        return match.excerpt

    def test_it_is_the_piece_of_the_first_message_where_it_was(self, owner: Owner) -> None:
        said(owner, "Hello", "so " * 300 + "a GLACIER " + "and " * 300, "glacier again")
        excerpt = self.excerpt(owner, "glacier")
        assert self.excerpt(owner, "GLACIER") == self.excerpt(owner, '"Glacier"') == excerpt
        assert excerpt.startswith("…so")
        assert " a GLACIER and" in excerpt
        assert excerpt.endswith("…")
        assert len(excerpt) <= 140

    def test_a_short_message_is_whole_and_a_title_shows_the_preview(self, owner: Owner) -> None:
        said(owner, "A glacier,\nnothing more", title="Ice")
        assert self.excerpt(owner, "Glacier") == "A glacier, nothing more"
        assert self.excerpt(owner, "ice") == "A glacier, nothing more"

    def test_where_lower_case_moves_the_letters_the_beginning_is_shown(self, owner: Owner) -> None:
        said(owner, "İ" * 3 + " so" * 100 + " glacier")
        assert self.excerpt(owner, "glacier").startswith("İİİ so so")


class TestBounds:
    def test_as_many_as_asked_for_the_latest_first(self, owner: Owner) -> None:
        fill_history(owner, 5)
        some = chat_sessions.search(owner, "conversation", 2)
        assert [match.session.title for match in some.matches] == [
            "Conversation 0",
            "Conversation 1",
        ]
        assert not some.is_complete
        every = chat_sessions.search(owner, "conversation", 5)
        assert (len(every.matches), every.is_complete) == (5, True)

    def test_a_limit_that_is_none_is_refused(self, owner: Owner) -> None:
        with pytest.raises(ValueError, match="limit is 0; give a whole number"):
            chat_sessions.search(owner, "conversation", 0)

    def test_messages_are_looked_through_in_the_latest_sessions_titles_in_all(
        self, owner: Owner, monkeypatch: pytest.MonkeyPatch, noon: Any
    ) -> None:
        monkeypatch.setattr(searching, "MOST_SESSIONS", 2)
        ages = []
        for _ in range(3):
            noon.shift(timedelta(minutes=1))
            ages.append(said(owner, "glacier", title="Ice"))
        partly = chat_sessions.search(owner, "glacier")
        assert [match.session for match in partly.matches] == [ages[2], ages[1]]
        assert not partly.is_complete
        assert found(owner, "ice") == ages[::-1]

    def test_2_statements_and_3_on_postgres_whatever_there_is(
        self, owner: Owner, statements: Any
    ) -> None:
        for count in (3, 300):
            fill_history(owner, count)
            with statements() as seen:
                chat_sessions.search(owner, "conversation")
            assert len(seen) == (3 if ON_POSTGRES else 2)


def test_a_session_without_a_message_is_not_found(owner: Owner, settings: Any) -> None:
    listen_only(settings)
    session = opened(owner)
    get_session_model().objects.filter(pk=session.pk).update(title="glacier")
    assert found(owner, "glacier") == []


class TestWords:
    @pytest.mark.parametrize(
        "text", ["winter ice", 'ICE "in winter"', '" ice float "', "ice winter"]
    )
    def test_all_of_them_are_in_a_title_or_in_a_message(self, owner: Owner, text: str) -> None:
        by_title = said(owner, "Hello", title="Why does ice float in winter?")
        by_text = said(owner, "Why does ice float in winter?")
        said(owner, "Only winter", "and ice, in another message", title="Ice alone")
        assert found(owner, text) == [by_text, by_title]

    @pytest.mark.parametrize("text", ["ice volcano", '"float ice"', '"winter ice"', '" "'])
    def test_one_that_is_not_there_finds_nothing(self, owner: Owner, text: str) -> None:
        said(owner, "Why does ice float in winter?", title="Why does ice float in winter?")
        assert found(owner, text) == []

    def test_those_after_the_tenth_do_not_count(self, owner: Owner) -> None:
        ten = " ".join(f"w{number}" for number in range(10))
        named = said(owner, "Hello", title=ten)
        assert found(owner, f"{ten} volcano") == [named]
        assert found(owner, f"volcano {ten}") == []


class TestElsewhere:
    """Not collected on PostgreSQL, which finds words."""

    __test__ = not ON_POSTGRES

    @pytest.mark.parametrize("text", ["lacier", "50% of", "a_b", "\\n"])
    def test_elsewhere_a_part_of_a_word_is_found(self, owner: Owner, text: str) -> None:
        said(owner, "500 of a-b and n")
        wanted = said(owner, "A Glacier has 50% of a_b and \\n in it")
        assert found(owner, text) == [wanted]


def spent() -> float:
    """Return the seconds of searching so far, whatever else the machine had to do meanwhile."""
    if connection.vendor == "sqlite":
        return time.thread_time()  # it searches in this thread
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read_next'")
        return int(cursor.fetchone()[1]) * 0.09  # by the rows that were read


class TestTime:
    """Not collected on PostgreSQL, which needs less for the same, and has tests of its own."""

    __test__ = not ON_POSTGRES

    def test_what_takes_too_long_is_cut_short_and_titles_are_found(
        self, owner: Owner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        session = said(owner, *("a" * 20_000 for _ in range(40)), title="A glacier")
        began = spent()
        monkeypatch.setattr(searching, "MOST_SECONDS", 0.005)
        # Each of them takes SQLite 16 ms, and MariaDB 90.
        cut_short = chat_sessions.search(owner, f"{'a' * 199}b")
        assert spent() - began < 0.6
        assert (cut_short.matches, cut_short.is_complete) == ([], False)
        [match] = chat_sessions.search(owner, "glacier").matches
        assert (match.session, match.excerpt) == (session, session.preview)

    def test_what_follows_may_take_as_long_as_it_does(
        self, owner: Owner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        talked(owner)
        # Enough steps for SQLite to look at the clock once more, wherever its count of them stands.
        said(owner, *("a" * 20_000 for _ in range(25)))
        with monkeypatch.context() as hurried:
            hurried.setattr(searching, "MOST_SECONDS", 0.005)
            assert not chat_sessions.search(owner, f"{'a' * 199}b").is_complete
        monkeypatch.setattr(searching, "MOST_SECONDS", 60)  # however slow the machine is
        assert chat_sessions.search(owner, f"{'a' * 199}b").is_complete

    def test_nothing_is_found_where_the_table_has_no_such_characters(self, owner: Owner) -> None:
        """MySQL says so of a table in utf8mb3 or latin1."""

        def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if "LIKE" in sql:
                raise OperationalError(1267, "Illegal mix of collations")
            return execute(sql, params, many, context)

        talked(owner)
        with connection.execute_wrapper(refuse):
            assert chat_sessions.search(owner, "hello 😀").matches == []

    def test_another_failure_is_raised(self, owner: Owner) -> None:
        failures = [OperationalError("away")]  # a second look, for titles alone, would go well

        def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if "LIKE" in sql and failures:
                raise failures.pop()
            return execute(sql, params, many, context)

        talked(owner)
        with connection.execute_wrapper(fail), pytest.raises(OperationalError, match="away"):
            chat_sessions.search(owner, "hello")

    def test_a_server_that_cannot_be_told_takes_its_time(
        self, owner: Owner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        session = said(owner, "glacier")
        monkeypatch.setattr(connection, "vendor", "mysql")
        monkeypatch.setattr(connection, "mysql_is_mariadb", False, raising=False)
        assert found(owner, "glacier") == [session]

    def test_mariadb_is_told_with_the_statement(
        self, owner: Owner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[Any] = []

        @contextmanager
        def note(wrapper: Any) -> Iterator[None]:
            told.append(wrapper)
            yield

        session = said(owner, "glacier")
        monkeypatch.setattr(connection, "vendor", "mysql")
        monkeypatch.setattr(connection, "mysql_is_mariadb", True, raising=False)
        with monkeypatch.context() as any_database:
            any_database.setattr(connection, "execute_wrapper", note)
            assert found(owner, "glacier") == [session]
        [in_time] = told
        assert in_time(lambda *sent: sent, "SELECT 1", [], False, {}) == (
            "SET STATEMENT max_statement_time=2 FOR SELECT 1",
            *([], False, {}),
        )


class TestOnPostgreSQL:
    """Not collected elsewhere: a test that is skipped proves nothing."""

    __test__ = ON_POSTGRES

    def test_nothing_is_found_where_the_database_has_no_such_characters(self, owner: Owner) -> None:
        """As one in LATIN1 says, whose transaction goes on."""

        def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if "websearch" in sql:
                return execute("SELECT convert_to(%s, 'LATIN1')", ["😀"], many, context)
            return execute(sql, params, many, context)

        talked(owner)
        with connection.execute_wrapper(refuse):
            assert chat_sessions.search(owner, "hello 😀").matches == []
        assert chat_sessions.search(owner, "hello").matches

    def test_postgres_finds_words_phrases_and_without(self, owner: Owner) -> None:
        first = said(owner, "The glacier is moving slowly")
        second = said(owner, "Slowly the ships moved; a glacier it was")
        assert found(owner, "move glaciers") == [second, first]
        assert found(owner, '"moving slowly"') == [first]
        assert found(owner, "glacier -ships") == [first]
        assert found(owner, "ships or moving") == [second, first]

    def test_what_takes_too_long_is_cut_short_and_titles_are_found(
        self, owner: Owner, monkeypatch: pytest.MonkeyPatch, settings: Any, statements: Any
    ) -> None:
        session = said(owner, *(f"glacier {'stone ' * 3000}" for _ in range(9)), title="A glacier")
        monkeypatch.setattr(searching, "MOST_SECONDS", 0.001)
        with statements() as seen:
            cut_short = chat_sessions.search(owner, "glacier -stone")
        assert (cut_short.matches, cut_short.is_complete) == ([], False)
        assert len(seen) == 4
        [match] = chat_sessions.search(owner, "a glacier").matches
        assert (match.session, match.excerpt) == (session, session.preview)

    def test_a_message_too_long_for_its_words_stops_no_search(self, owner: Owner) -> None:
        start = searching.MOST_CHARACTERS
        words = " ".join(f"{number:x}" for number in range(300_000))
        session = said(owner, f"glacier {'stone ' * (start // 6)} iceberg", words)
        assert found(owner, "glacier stone") == [session]
        assert found(owner, "iceberg") == []

    def test_the_callers_transaction_keeps_its_own_limit(self, owner: Owner) -> None:
        talked(owner)
        chat_sessions.search(owner, "hello")
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("0",)
        assert stored(opened(owner)).message_count == 1

    def test_another_failure_is_not_taken_for_a_long_search(
        self, owner: Owner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*args: Any) -> Any:
            raise OperationalError("away")

        talked(owner)
        with (
            pytest.raises(OperationalError, match="away"),
            connection.execute_wrapper(
                lambda execute, sql, params, many, context: (
                    fail() if "set_config" in sql else execute(sql, params, many, context)
                )
            ),
        ):
            chat_sessions.search(owner, "hello")
