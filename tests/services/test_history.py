"""The list, one session, its transcript; rename and delete."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import models

from django_chat_sessions import clock, get_message_model, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.exceptions import SessionNotFound
from django_chat_sessions.owners import Owner
from django_chat_sessions.services import history, prepared
from django_chat_sessions.services.history import MOST_ROWS
from django_chat_sessions.services.replies.running import run
from tests.conversations import (
    configure,
    fill,
    fill_history,
    in_sizes,
    missing_id,
    opened,
    reply_of,
    somebody_else,
    stored,
    talked,
    waiting,
)

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def titles(sessions: list[Any]) -> list[str]:
    return [session.title for session in sessions]


class TestFindSession:
    def test_the_owner_finds_it(self, owner: Owner) -> None:
        session = opened(owner)
        assert chat_sessions.find_session(owner, session.pk) == session
        assert chat_sessions.find_session(owner, str(session.pk)) == session

    def test_for_everybody_else_it_does_not_exist(self, owner: Owner) -> None:
        theirs = opened(somebody_else())
        deleted = opened(owner)
        chat_sessions.delete(deleted)
        sentences = set()
        for session_id in (theirs.pk, deleted.pk, missing_id()):
            with pytest.raises(SessionNotFound) as refused:
                chat_sessions.find_session(owner, session_id)
            sentences.add(str(refused.value))
        assert len(sentences) == 1

    @pytest.mark.parametrize("value", ["x", "", None, 5.5, {}, [], object(), "\x00", "1" * 400])
    def test_nonsense_does_not_exist_either(self, owner: Owner, value: Any) -> None:
        opened(owner)
        with pytest.raises(SessionNotFound):
            chat_sessions.find_session(owner, value)

    def test_1_statement(self, owner: Owner, statements: Any) -> None:
        session = opened(owner)
        with statements() as sent:
            chat_sessions.find_session(owner, session.pk)
        assert len(sent) == 1


@pytest.mark.parametrize("archived", [False, True])
@pytest.mark.parametrize("scope", [None, ""])
def test_no_page_shows_what_is_anothers(
    owner: Owner, noon: Any, archived: bool, scope: str | None
) -> None:
    mine = []
    for _ in range(4):
        for whose in (somebody_else(), owner):
            noon.shift(MINUTE)
            session = chat_sessions.end(talked(whose))
            if archived:
                chat_sessions.archive(session)
        mine.append(session)
    chat_sessions.pin(mine[0])
    expected = mine[::-1] if archived else [mine[0], *mine[:0:-1]]
    seen, place = chat_sessions.history_page(owner, scope=scope, limit=1, archived=archived)
    for _ in range(3):
        page, place = chat_sessions.history_page(
            owner, scope=scope, limit=1, after=place, archived=archived
        )
        seen += page
    assert (seen, place) == (expected, None)


def test_the_longest_page_is_one(owner: Owner) -> None:
    session = talked(owner)
    assert chat_sessions.history_page(owner, limit=MOST_ROWS) == ([session], None)
    with pytest.raises(ValueError, match="give a whole number from 1"):
        chat_sessions.history_page(owner, limit=MOST_ROWS + 1)


class TestRecentSessions:
    def test_the_latest_conversation_comes_first(self, owner: Owner, noon: Any) -> None:
        for number in range(3):
            noon.shift(timedelta(hours=1))
            talked(owner, f"Question {number}")
        assert titles(chat_sessions.recent_sessions(owner)) == [
            "Question 2",
            "Question 1",
            "Question 0",
        ]

    def test_all_scopes_unless_one_is_named(self, owner: Owner) -> None:
        here, there = talked(owner), talked(owner, scope="subject:1")
        assert set(chat_sessions.recent_sessions(owner)) == {here, there}
        assert chat_sessions.recent_sessions(owner, scope="") == [here]
        assert chat_sessions.recent_sessions(owner, scope="subject:1") == [there]

    def test_sessions_without_a_message_do_not_litter_it(self, owner: Owner) -> None:
        opened(owner)
        assert chat_sessions.recent_sessions(owner) == []

    def test_nobody_elses(self, owner: Owner) -> None:
        talked(somebody_else())
        assert chat_sessions.recent_sessions(owner) == []

    def test_as_many_as_the_setting_says_or_as_asked(self, owner: Owner, settings: Any) -> None:
        fill_history(owner, 40)
        assert len(chat_sessions.recent_sessions(owner)) == 30
        configure(settings, HISTORY_LIMIT=7)
        assert len(chat_sessions.recent_sessions(owner)) == 7
        assert len(chat_sessions.recent_sessions(owner, 3)) == 3

    def test_a_touch_moves_nothing_a_message_does(self, owner: Owner, noon: Any) -> None:
        first, second = talked(owner, "First"), talked(owner, "Second", scope="2")
        noon.shift(MINUTE)
        chat_sessions.touch(first)
        assert chat_sessions.recent_sessions(owner)[0] == second
        chat_sessions.add_message(first, "user", "Again")
        assert chat_sessions.recent_sessions(owner)[0] == first

    @in_sizes(others=(30, 3_000))
    def test_1_statement_for_everything_a_list_shows(
        self, owner: Owner, statements: Any, others: int
    ) -> None:
        fill_history(owner, others)
        with statements() as sent:
            for session in chat_sessions.recent_sessions(owner):
                _ = (session.title, session.preview, session.message_count, session.unread)
                _ = (session.state(clock.now()), session.previous_id, session.last_activity_at)
        assert len(sent) == 1


class TestHistoryPage:
    def test_pages_join_without_a_gap_or_a_double_also_at_ties(
        self, owner: Owner, noon: Any
    ) -> None:
        fill_history(owner, 25)
        get_session_model().objects.owned_by(owner).filter(title__endswith="2").update(
            last_message_at=clock.now()
        )
        listed: list[Any] = []
        place = None
        while True:
            page, place = chat_sessions.history_page(owner, limit=4, after=place)
            listed += page
            if place is None:
                break
            assert len(page) == 4
        assert listed == chat_sessions.recent_sessions(owner, 100)
        assert len(set(listed)) == 25

    def test_a_full_last_page_says_that_it_is_the_last(self, owner: Owner) -> None:
        fill_history(owner, 4)
        page, place = chat_sessions.history_page(owner, limit=4)
        assert (len(page), place) == (4, None)

    def test_new_messages_meanwhile_repeat_nothing(self, owner: Owner) -> None:
        fill_history(owner, 6)
        first, place = chat_sessions.history_page(owner, limit=3)
        talked(owner, "Newer")
        second, _ = chat_sessions.history_page(owner, limit=10, after=place)
        assert titles(first + second) == [f"Conversation {age}" for age in range(6)]

    def test_one_scope(self, owner: Owner) -> None:
        fill_history(owner, 2, scope="a")
        fill_history(owner, 2, scope="b")
        page, _ = chat_sessions.history_page(owner, limit=10, scope="a")
        assert {session.scope for session in page} == {"a"}

    def test_a_later_page_keeps_to_its_scope(self, owner: Owner) -> None:
        old = talked(owner, scope="a")
        chat_sessions.end(old)
        talked(owner, scope="b")
        new = talked(owner, scope="a")
        first, place = chat_sessions.history_page(owner, limit=1, scope="a")
        second, end = chat_sessions.history_page(owner, limit=9, after=place, scope="a")
        assert [row.pk for row in (*first, *second)] == [new.pk, old.pk]
        assert end is None

    def test_archived_ones_that_are_pinned_repeat_nothing(self, owner: Owner, noon: Any) -> None:
        fill_history(owner, 3)
        for session in chat_sessions.recent_sessions(owner):
            chat_sessions.archive(chat_sessions.pin(session))
        page, place = chat_sessions.history_page(owner, limit=1, archived=True)
        listed = page
        while place is not None and len(listed) < 4:
            page, place = chat_sessions.history_page(owner, limit=1, archived=True, after=place)
            listed += page
        assert titles(listed) == [f"Conversation {age}" for age in range(3)]

    @in_sizes(others=(30, 3_000))
    def test_1_statement_on_every_page(self, owner: Owner, statements: Any, others: int) -> None:
        fill_history(owner, others)
        place = None
        for _ in range(2):
            with statements() as sent:
                _page, place = chat_sessions.history_page(owner, limit=10, after=place)
            assert len(sent) == 1
            assert "COUNT" not in sent[0]


class TestTranscript:
    def test_the_newest_messages_oldest_first(self, owner: Owner) -> None:
        session = opened(owner)
        fill(session, 7)
        page = chat_sessions.transcript(session, limit=3)
        assert [row.position for row in page.messages] == [4, 5, 6]
        assert page.before == 4
        page = chat_sessions.transcript(session, limit=3, before=page.before)
        assert [row.position for row in page.messages] == [1, 2, 3]
        page = chat_sessions.transcript(session, limit=3, before=page.before)
        assert ([row.position for row in page.messages], page.before) == ([0], None)

    def test_a_full_last_page_says_that_it_is_the_last(self, owner: Owner) -> None:
        session = opened(owner)
        fill(session, 3)
        assert chat_sessions.transcript(session, limit=3).before is None

    def test_an_empty_session_has_an_empty_one(self, owner: Owner) -> None:
        page = chat_sessions.transcript(opened(owner))
        assert (page.messages, page.before) == ([], None)

    def test_50_unless_told_otherwise(self, owner: Owner) -> None:
        session = opened(owner)
        fill(session, 51)
        assert len(chat_sessions.transcript(session).messages) == 50

    def test_an_expired_or_ended_session_stays_readable(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        for step in (lambda: noon.shift(timedelta(days=9)), chat_sessions.sweep):
            step()
            assert [row.content for row in chat_sessions.transcript(session).messages] == ["Hello"]

    @in_sizes(messages=(10, 10_000), others=(30, 3_000))
    def test_opening_a_conversation_is_2_statements(
        self, owner: Owner, statements: Any, messages: int, others: int
    ) -> None:
        fill_history(owner, others)
        session = opened(owner)
        fill(session, messages)
        with statements() as sent:
            found = chat_sessions.find_session(owner, session.pk)
            chat_sessions.transcript(found, limit=50)
            chat_sessions.transcript(found, limit=5, before=9)
        assert len(sent) == 2 + 1
        assert not any("COUNT" in sql for sql in sent)


@pytest.fixture
def no_lazy_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    """From Django 6.1 on a lazy query can be made an error."""
    if hasattr(models, "FETCH_RAISE"):
        from django.db.models import query

        monkeypatch.setattr(query, "DEFAULT_FETCH_MODE", models.FETCH_RAISE)


def test_no_lazy_query_hides_anywhere(owner: Owner, noon: Any, no_lazy_queries: None) -> None:
    talked(owner)
    noon.shift(timedelta(seconds=300))
    session = talked(owner)
    chat_sessions.end(session)
    if hasattr(models, "FETCH_RAISE"):
        with pytest.raises(Exception, match="blocked"):  # the fixture works
            _ = get_session_model().objects.get(pk=session.pk).previous
    chat_sessions.start(owner)
    sent = waiting(owner)  # the first message of a session started by hand
    assert sent.arrival.previous == session
    assert waiting(owner).arrival.previous == session  # and the same key again
    chat_sessions.look(owner)
    chat_sessions.recent_sessions(owner)
    chat_sessions.history_page(owner, limit=1)
    chat_sessions.transcript(session)
    run(reply_of(sent).pk)
    with chat_sessions.record_turn(sent.session, "And?") as turn:
        turn.answer = "Yes"
    chat_sessions.reopen(session)
    chat_sessions.delete(stored(session))
    chat_sessions.sweep()
    chat_sessions.purge(older_than_days=0)
    assert get_message_model().objects.exists()


@pytest.mark.parametrize("limit", [0, -1, 1.5, "5", 10**30])
def test_a_limit_that_is_none_is_named(owner: Owner, limit: Any) -> None:
    session = talked(owner)
    for verb in (
        lambda: chat_sessions.recent_sessions(owner, limit),
        lambda: chat_sessions.history_page(owner, limit=limit, archived=True),
        lambda: chat_sessions.transcript(session, limit),
        lambda: chat_sessions.transcript(session, limit, before=1),
        lambda: chat_sessions.search(owner, "Hello", limit),
    ):
        with pytest.raises(ValueError, match=f"limit is {limit!r}; give a whole number"):
            verb()


def test_no_more_is_read_than_asked_for(owner: Owner) -> None:
    fill_history(owner, 6)
    for session in chat_sessions.recent_sessions(owner)[:3]:
        chat_sessions.pin(session)
    read = history.pinned_and_newest(owner, 2)
    assert [session.pinned_at is not None for session in read] == [True, True, False, False]


@pytest.mark.parametrize("scope", ["course:ab", "course:aB ", "course:a%", "course:a_"])
def test_scopes_that_a_collation_finds_equal_are_others(owner: Owner, scope: str) -> None:
    first = talked(owner, "Hello there", scope="course:aB")
    chat_sessions.end(first)
    found = chat_sessions.look(owner, scope)
    assert (found.reason, found.previous) == ("first", None)
    assert chat_sessions.start(owner, scope).previous is None
    assert chat_sessions.recent_sessions(owner, scope=scope) == []
    page, _next = chat_sessions.history_page(owner, limit=1, scope=scope, archived=True)
    assert page == []
    assert chat_sessions.search(owner, "hello", scope=scope).matches == []
    assert chat_sessions.look(owner, "course:aB").previous == first
    assert chat_sessions.recent_sessions(owner, scope="course:aB") == [first]
    [match] = chat_sessions.search(owner, "hello", scope="course:aB").matches
    assert match.session == first


@pytest.fixture(params=[["-started_at"], ["user__username"]], ids=" ".join)
def hosts_order(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An order of the host's session model; what was compiled without it is forgotten."""
    prepared._select.cache_clear()
    monkeypatch.setattr(get_session_model()._meta, "ordering", request.param)
    yield
    prepared._select.cache_clear()


@pytest.mark.usefixtures("hosts_order")
def test_whatever_order_the_hosts_model_has(owner: Owner, noon: Any) -> None:
    begun = []
    for number in range(6):
        begun.append(talked(owner, scope=f"course:{number}"))
        noon.shift(SECOND)
    for session in begun[:3]:  # the first ones have the latest messages
        chat_sessions.add_message(session, "user", "And?")
        noon.shift(SECOND)
    for session in begun[1], begun[4]:
        chat_sessions.pin(session)
        noon.shift(SECOND)
    wanted = [begun[place] for place in (4, 1, 2, 0, 5, 3)]
    assert chat_sessions.recent_sessions(owner) == wanted
    assert chat_sessions.recent_sessions(owner, scope="course:3") == [begun[3]]
    assert {row.pk for row in chat_sessions.updates(owner).sessions} == {row.pk for row in begun}
    paged: list[Any] = []
    place = None
    while len(paged) < len(wanted):
        page, place = chat_sessions.history_page(owner, limit=1, after=place)
        paged += page
    assert (paged, place) == (wanted, None)
