"""What a model is told of a conversation, and what a session keeps of the one before."""

from __future__ import annotations

from typing import Any

import pytest

from django_chat_sessions import get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.context import MOST_MESSAGES, carried_over, carry_over
from tests.conversations import fill, listen_only, opened, stored, talked, waiting

pytestmark = pytest.mark.django_db


def said(session: Any, **limits: Any) -> list[str]:
    return [row.content for row in chat_sessions.context(session, **limits)]


def words(text: str) -> int:
    return len(text.split())


@pytest.fixture
def session(owner: Owner) -> Any:
    session = talked(owner, "one")
    for text in ("two words", "and three words", "four words are here"):
        chat_sessions.add_message(session, "user", text)
    return session


def test_the_latest_messages_oldest_first(session: Any) -> None:
    assert said(session) == ["one", "two words", "and three words", "four words are here"]
    assert said(session, limit=2) == ["and three words", "four words are here"]


def test_20_unless_told_otherwise(owner: Owner) -> None:
    session = opened(owner)
    fill(session, 30)
    assert [row.position for row in chat_sessions.context(session)] == list(range(10, 30))
    assert len(chat_sessions.context(session, limit=25)) == 25


@pytest.mark.parametrize("limit", [0, -1, "5", 1.5])
def test_a_limit_that_is_none_is_named(session: Any, limit: Any) -> None:
    with pytest.raises(ValueError, match=f"limit is {limit!r}; give a whole number"):
        chat_sessions.context(session, limit=limit)


def test_only_those_before_a_position(session: Any) -> None:
    assert said(session, before=2) == ["one", "two words"]
    assert said(session, before=2, limit=1) == ["two words"]
    assert said(session, before=0) == []


def test_a_message_without_a_text_is_none(owner: Owner) -> None:
    sent = waiting(owner, "Why?")
    assert said(sent.session) == ["Why?"]


@pytest.mark.parametrize(
    ("max_tokens", "count"), [(10, 4), (9, 3), (7, 2), (6, 1), (4, 1), (3, 0), (0, 0)]
)
def test_as_many_as_have_no_more_tokens_together(session: Any, max_tokens: int, count: int) -> None:
    found = chat_sessions.context(session, max_tokens=max_tokens, count_tokens=words)
    assert [row.position for row in found] == list(range(4 - count, 4))


def test_what_fits_is_one_piece_of_the_conversation_without_a_hole(owner: Owner) -> None:
    session = talked(owner, "a")
    chat_sessions.add_message(session, "user", "far too long to fit in")
    chat_sessions.add_message(session, "user", "b")
    assert said(session, max_tokens=3, count_tokens=words) == ["b"]


def test_tokens_are_characters_for_who_counts_nothing(session: Any) -> None:
    fits = len("and three words") + len("four words are here")
    assert said(session, max_tokens=fits) == ["and three words", "four words are here"]
    assert said(session, max_tokens=fits - 1) == ["four words are here"]


def test_a_counter_is_asked_of_no_more_than_it_must(session: Any) -> None:
    asked: list[str] = []

    def count(text: str) -> int:
        asked.append(text)
        return words(text)

    chat_sessions.context(session, max_tokens=5, count_tokens=count)
    assert asked == ["four words are here", "and three words"]


def test_with_tokens_the_number_of_messages_is_bounded_too(owner: Owner) -> None:
    session = opened(owner)
    fill(session, MOST_MESSAGES + 10)
    assert len(chat_sessions.context(session, max_tokens=10**9)) == MOST_MESSAGES
    assert len(chat_sessions.context(session, max_tokens=10**9, limit=3)) == 3


@pytest.mark.parametrize("messages", [10, 5000])
def test_1_statement(owner: Owner, statements: Any, messages: int) -> None:
    session = opened(owner)
    fill(session, messages)
    with statements() as seen:
        chat_sessions.context(session, before=7, max_tokens=100)
    assert len(seen) == 1


class TestCarryingOver:
    def test_nothing_is_carried_over_by_itself(self, owner: Owner) -> None:
        assert carried_over(stored(opened(owner))) == ""

    def test_it_is_kept_beside_what_else_the_host_keeps(
        self, owner: Owner, settings: Any, statements: Any
    ) -> None:
        listen_only(settings)
        session = talked(owner)
        session.metadata = {"course": 7}
        session.save()
        with statements() as seen:
            carry_over(session, "They spoke of cells.")
        assert len(seen) == 2
        for copy in (session, stored(session)):
            assert copy.metadata == {"course": 7, "carried_over": "They spoke of cells."}
            assert carried_over(copy) == "They spoke of cells."

    def test_what_the_host_has_written_since_it_was_read_stays(self, owner: Owner) -> None:
        session = opened(owner)
        copy = stored(session)
        copy.metadata = {"course": 7}
        copy.save(update_fields=["metadata"])
        carry_over(session, "Cells.")
        for known in (session, stored(session)):
            assert known.metadata == {"course": 7, "carried_over": "Cells."}

    def test_a_session_that_is_gone_meanwhile_is_left_alone(self, owner: Owner) -> None:
        session = opened(owner)
        get_session_model().objects.filter(pk=session.pk).delete()
        carry_over(session, "Cells.")
        assert carried_over(session) == ""

    def test_also_in_a_row_of_the_hosts_without_metadata(self, owner: Owner) -> None:
        session = opened(owner)
        session.metadata = None
        session.save()
        assert carried_over(session) == ""
        carry_over(session, "Cells.")
        assert carried_over(stored(session)) == "Cells."

    def test_its_readers_look_again(
        self,
        owner: Owner,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        session = opened(owner)
        told: list[Owner] = []
        monkeypatch.setattr("django_chat_sessions.services.tables.hint", told.append)
        with django_capture_on_commit_callbacks(execute=True):
            carry_over(session, "Cells.")
        assert told == [owner]
