"""What people do with their conversations: rename, pin, archive, delete and take it back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError

from django_chat_sessions import clock, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.exceptions import SessionNotFound
from django_chat_sessions.owners import Owner
from django_chat_sessions.services import organising
from django_chat_sessions.services.replies.running import run
from django_chat_sessions.services.retention import UNDO_SECONDS
from tests.conversations import (
    fill_history,
    missing_id,
    reply_of,
    rows,
    somebody_else,
    stored,
    talked,
    waiting,
)

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
UNDO = timedelta(seconds=UNDO_SECONDS)


def test_a_title_that_somebody_gave_is_not_replaced_by_the_first_message(owner: Owner) -> None:
    held = chat_sessions.start(owner).opened
    chat_sessions.rename(stored(held), "Physics homework")
    chat_sessions.add_message(held, "user", "Why is the sky blue?")
    assert stored(held).title == held.title == "Physics homework"


def test_a_title_that_differs_only_in_case_was_given_by_somebody(owner: Owner) -> None:
    session = talked(owner, "why is the sky blue?")
    chat_sessions.rename(session, "Why is the Sky Blue?")
    chat_sessions.suggest_title(session, "Scattered light")
    assert stored(session).title == "Why is the Sky Blue?"


class TestRename:
    def test_it_has_a_new_title_and_is_no_activity(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        before = stored(session)
        noon.shift(MINUTE)
        assert chat_sessions.rename(session, "Bio\x00logy") is session
        after = stored(session)
        assert after.title == session.title == "Bio\ufffdlogy"
        assert after.last_activity_at == before.last_activity_at
        assert after.last_message_at == before.last_message_at

    def test_1_statement(self, owner: Owner, statements: Any) -> None:
        session = talked(owner)
        with statements() as sent:
            chat_sessions.rename(session, "Biology")
        assert len(sent) == 1

    def test_a_title_longer_than_its_column_is_refused_on_every_database(
        self, owner: Owner
    ) -> None:
        session = talked(owner)
        field: Any = type(session)._meta.get_field("title")
        longest: int = field.max_length
        with pytest.raises(ValueError, match=f"^title has {longest + 1} .* up to {longest}"):
            chat_sessions.rename(session, "t" * (longest + 1))
        assert stored(session).title == session.title == "Hello"
        chat_sessions.rename(session, "t" * longest)
        assert stored(session).title == "t" * longest


class TestMarkRead:
    @pytest.fixture
    def answered(self, owner: Owner, noon: Any) -> Any:
        """A session with an answer that nobody has seen."""
        sent = waiting(owner)
        run(reply_of(sent).pk)
        session = stored(sent.session)
        assert session.unread
        return session

    def test_the_answer_has_been_seen_and_that_is_no_activity(
        self, answered: Any, noon: Any
    ) -> None:
        unseen = waiting(somebody_else())
        run(reply_of(unseen).pk)
        before = stored(answered)
        noon.shift(MINUTE)
        assert chat_sessions.mark_read(answered) is answered
        assert stored(unseen.session).unread
        after = stored(answered)
        assert not after.unread
        assert not answered.unread
        assert after.last_activity_at == before.last_activity_at
        assert after.expires_at == before.expires_at

    def test_the_list_shows_it(self, owner: Owner, answered: Any) -> None:
        assert [row.unread for row in chat_sessions.recent_sessions(owner)] == [True]
        chat_sessions.mark_read(answered)
        assert [row.unread for row in chat_sessions.recent_sessions(owner)] == [False]

    def test_readers_are_told_once(
        self,
        owner: Owner,
        answered: Any,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        told: list[Owner] = []
        monkeypatch.setattr("django_chat_sessions.services.tables.hint", told.append)
        with django_capture_on_commit_callbacks(execute=True):
            chat_sessions.mark_read(answered)
            chat_sessions.mark_read(answered)
        assert told == [owner]

    def test_an_old_copy_marks_it_all_the_same_and_nothing_else(
        self, answered: Any, noon: Any
    ) -> None:
        chat_sessions.rename(stored(answered), "Mine")
        chat_sessions.mark_read(answered)
        assert (stored(answered).unread, stored(answered).title) == (False, "Mine")

    def test_it_stays_possible_when_the_session_is_over(self, answered: Any, noon: Any) -> None:
        noon.shift(10 * MINUTE)
        chat_sessions.sweep()
        chat_sessions.mark_read(answered)
        assert not stored(answered).unread

    def test_1_statement(self, answered: Any, statements: Any) -> None:
        with statements() as seen:
            chat_sessions.mark_read(answered)
        assert len(seen) == 1


class TestDelete:
    def test_it_is_out_of_sight_and_the_place_is_free(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        chat_sessions.delete(session)
        assert chat_sessions.recent_sessions(owner) == []
        assert chat_sessions.current(owner) is None
        with pytest.raises(SessionNotFound):
            chat_sessions.find_session(owner, session.pk)
        row = get_session_model().objects.get(pk=session.pk)
        assert row.deleted_at == row.ended_at == clock.now()
        assert row.end_reason == "deleted"
        assert chat_sessions.resume_or_start(owner).previous is None

    def test_one_that_had_ended_keeps_its_end(self, owner: Owner, noon: Any) -> None:
        session = chat_sessions.end(talked(owner))
        ended_at = session.ended_at
        noon.shift(MINUTE)
        chat_sessions.delete(session)
        assert (stored(session).end_reason, stored(session).ended_at) == ("user", ended_at)

    def test_again_changes_nothing(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        chat_sessions.delete(session)
        deleted_at = session.deleted_at
        noon.shift(MINUTE)
        chat_sessions.delete(session)
        chat_sessions.delete(stored(session))
        assert stored(session).deleted_at == deleted_at

    def test_an_answer_that_is_being_written_is_stopped(self, owner: Owner) -> None:
        sent = waiting(owner)
        chat_sessions.delete(sent.session)
        assert stored(reply_of(sent)).state == "stopped"
        assert stored(sent.session).running_until is None

    def test_one_that_has_expired_ends_as_expired_as_if_it_had_been_swept(
        self, owner: Owner, noon: Any, signals: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        session = talked(owner)
        expired_at = session.expires_at
        noon.shift(timedelta(hours=1))
        with django_capture_on_commit_callbacks(execute=True):
            chat_sessions.delete(session)
        assert signals == [("session_ended", {"session": session, "reason": "idle"})]
        back = chat_sessions.restore(owner, session.pk)
        assert (back.state(clock.now()), back.end_reason) == ("expired", "idle")
        assert stored(session).ended_at == expired_at

    def test_a_copy_from_before_a_restoration_deletes_it_too(self, owner: Owner) -> None:
        session = talked(owner)
        chat_sessions.delete(session)
        chat_sessions.restore(owner, session.pk)
        chat_sessions.delete(session)
        assert stored(session).deleted_at is not None

    def test_an_old_copy_deletes_it_all_the_same(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        old_copy = stored(session)
        noon.shift(MINUTE)
        chat_sessions.add_message(session, "user", "More")
        chat_sessions.delete(old_copy)
        assert stored(session).deleted_at == clock.now()
        assert len(rows(session)) == 2

    def test_it_is_told_once_and_only_of_an_open_one(
        self, owner: Owner, signals: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        session, ended = talked(owner), chat_sessions.end(talked(owner, scope="2"))
        with django_capture_on_commit_callbacks(execute=True):
            chat_sessions.delete(session)
            chat_sessions.delete(session)
            chat_sessions.delete(ended)
        assert signals == [("session_ended", {"session": session, "reason": "deleted"})]

    def test_a_stopped_answer_is_told(
        self, owner: Owner, signals: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        sent = waiting(owner)
        with django_capture_on_commit_callbacks(execute=True):
            chat_sessions.delete(sent.session)
        assert [name for name, _ in signals] == ["turn_failed", "session_ended"]
        assert signals[0][1]["state"] == "stopped"

    def test_1_statement_and_3_when_an_answer_is_stopped(
        self, owner: Owner, statements: Any
    ) -> None:
        session = talked(owner)
        with statements() as seen:
            chat_sessions.delete(session)
        assert len(seen) == 1
        session = waiting(owner).session
        with statements() as seen:
            chat_sessions.delete(session)
        assert len(seen) == 3


class TestRestore:
    def test_it_is_back_in_the_history_and_can_be_continued(
        self, owner: Owner, noon: Any, signals: Any
    ) -> None:
        session = talked(owner)
        chat_sessions.delete(session)
        noon.shift(UNDO - timedelta(microseconds=1))
        back = chat_sessions.restore(owner, session.pk)
        assert chat_sessions.recent_sessions(owner) == [back] == [session]
        assert (stored(session).end_reason, stored(session).deleted_at) == ("user", None)
        assert chat_sessions.current(owner) is None
        assert chat_sessions.reopen(back).opened == session

    def test_it_is_the_one_that_is_named(self, owner: Owner) -> None:
        both = [talked(owner, scope=scope) for scope in ("a", "b")]
        for session in both:
            chat_sessions.delete(session)
        assert [chat_sessions.restore(owner, session.pk) for session in both] == both

    def test_one_that_had_ended_keeps_its_end(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        noon.shift(10 * MINUTE)
        chat_sessions.sweep()
        chat_sessions.delete(stored(session))
        assert chat_sessions.restore(owner, str(session.pk)).end_reason == "idle"

    def test_twice_and_of_one_that_is_not_deleted_nothing_changes(self, owner: Owner) -> None:
        session = talked(owner)
        assert chat_sessions.restore(owner, session.pk).open_key is not None
        chat_sessions.delete(session)
        chat_sessions.restore(owner, session.pk)
        before = stored(session)
        chat_sessions.restore(owner, session.pk)
        assert vars(stored(session)).keys() == vars(before).keys()
        assert stored(session).ended_at == before.ended_at

    def test_after_a_day_it_does_not_exist_purged_or_not(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        chat_sessions.delete(session)
        noon.shift(UNDO)
        for _ in range(2):
            with pytest.raises(SessionNotFound):
                chat_sessions.restore(owner, session.pk)
            chat_sessions.purge()
        assert not get_session_model()._base_manager.filter(pk=session.pk).exists()

    def test_what_is_restored_stays_at_the_next_purge(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        chat_sessions.delete(session)
        chat_sessions.restore(owner, session.pk)
        noon.shift(2 * UNDO)
        chat_sessions.purge()
        assert chat_sessions.find_session(owner, session.pk) == session

    def test_nobody_elses(self, owner: Owner) -> None:
        theirs = talked(somebody_else())
        chat_sessions.delete(theirs)
        for session_id in (theirs.pk, missing_id(), "x"):
            with pytest.raises(SessionNotFound):
                chat_sessions.restore(owner, session_id)
        assert get_session_model().objects.get(pk=theirs.pk).deleted_at

    def test_2_statements(self, owner: Owner, statements: Any) -> None:
        session = talked(owner)
        chat_sessions.delete(session)
        with statements() as seen:
            chat_sessions.restore(owner, session.pk)
        assert len(seen) == 2


class TestPin:
    def test_pinned_ones_come_first_the_last_one_pinned_first(
        self, owner: Owner, noon: Any
    ) -> None:
        fill_history(owner, 4)
        newest, second, third, oldest = chat_sessions.recent_sessions(owner)
        for session in (oldest, second):
            noon.shift(MINUTE)
            assert chat_sessions.pin(session) is session
        assert chat_sessions.recent_sessions(owner) == [second, oldest, newest, third]
        chat_sessions.pin(oldest)  # again changes nothing
        assert chat_sessions.recent_sessions(owner, 3) == [second, oldest, newest]
        chat_sessions.unpin(second)
        assert chat_sessions.recent_sessions(owner) == [oldest, newest, second, third]

    def test_a_copy_from_before_it_was_let_go_pins_it_too(self, owner: Owner, noon: Any) -> None:
        session = chat_sessions.pin(talked(owner))
        chat_sessions.unpin(stored(session))
        noon.shift(timedelta(seconds=1))
        assert stored(chat_sessions.pin(session)).pinned_at == clock.now()

    def test_it_is_no_activity(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        before = stored(session)
        noon.shift(MINUTE)
        chat_sessions.pin(session)
        after = stored(session)
        assert after.pinned_at == session.pinned_at == clock.now()
        assert after.last_activity_at == before.last_activity_at
        assert after.last_message_at == before.last_message_at
        assert after.expires_at == before.expires_at

    def test_1_statement(self, owner: Owner, statements: Any) -> None:
        session = talked(owner)
        for verb in (chat_sessions.pin, chat_sessions.unpin):
            with statements() as seen:
                verb(session)
            assert len(seen) == 1


class TestArchive:
    def test_it_is_in_a_list_of_its_own_and_the_place_is_free(
        self, owner: Owner, noon: Any
    ) -> None:
        session, kept = talked(owner), talked(owner, scope="2")
        assert chat_sessions.archive(session) is session
        assert chat_sessions.recent_sessions(owner) == [kept]
        assert chat_sessions.history_page(owner, limit=9, archived=True) == ([session], None)
        assert chat_sessions.current(owner) is None
        assert (stored(session).end_reason, stored(session).archived_at) == ("user", clock.now())
        assert chat_sessions.find_session(owner, session.pk) == session
        assert chat_sessions.unarchive(session) is session
        assert set(chat_sessions.recent_sessions(owner)) == {session, kept}
        assert chat_sessions.history_page(owner, limit=9, archived=True) == ([], None)

    def test_again_changes_nothing_and_it_is_told_once_and_only_of_an_open_one(
        self, owner: Owner, noon: Any, signals: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        session, ended = talked(owner), chat_sessions.end(talked(owner, scope="2"))
        with django_capture_on_commit_callbacks(execute=True):
            chat_sessions.archive(ended)
            for _ in range(2):
                chat_sessions.archive(session)
                noon.shift(MINUTE)
        assert signals == [("session_ended", {"session": session, "reason": "user"})]
        assert stored(session).archived_at == clock.now() - 2 * MINUTE

    def test_a_copy_from_before_it_was_brought_back_archives_it_too(self, owner: Owner) -> None:
        session = chat_sessions.archive(talked(owner))
        chat_sessions.unarchive(stored(session))
        assert stored(chat_sessions.archive(session)).archived_at is not None

    def test_an_old_copy_archives_it_all_the_same(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        old_copy = stored(session)
        noon.shift(MINUTE)
        chat_sessions.add_message(session, "user", "More")
        chat_sessions.archive(old_copy)
        assert stored(session).archived_at == clock.now()
        assert stored(session).open_key is None

    def test_reopening_brings_it_back(self, owner: Owner) -> None:
        session = chat_sessions.archive(talked(owner))
        chat_sessions.reopen(session)
        assert chat_sessions.recent_sessions(owner) == [session]
        assert stored(session).archived_at is None

    def test_1_statement_and_2_of_an_open_one(self, owner: Owner, statements: Any) -> None:
        session, ended = talked(owner), chat_sessions.end(talked(owner, scope="2"))
        for row, verb, count in (
            (session, chat_sessions.archive, 2),
            (ended, chat_sessions.archive, 1),
            (ended, chat_sessions.unarchive, 1),
        ):
            with statements() as seen:
                verb(row)
            assert len(seen) == count


class TestSuggestTitle:
    def test_one_without_a_title_gets_it_whatever_was_said_first(self, owner: Owner) -> None:
        session = talked(owner)
        chat_sessions.rename(session, "")
        chat_sessions.suggest_title(session, "Sky")
        assert stored(session).title == "Sky"

    def test_it_replaces_the_title_made_of_the_first_message_once(self, owner: Owner) -> None:
        others = [talked(somebody_else(), text) for text in ("Hello", "Why is the sky blue?")]
        others.append(chat_sessions.start(somebody_else()).opened)
        session = chat_sessions.start(owner).opened
        chat_sessions.add_message(session, "assistant", "How can I help?")
        chat_sessions.add_message(session, "user", "Why is the sky blue, and not green?")
        chat_sessions.add_message(session, "user", "And at night?")
        assert chat_sessions.suggest_title(session, "  Colours of\nthe sky ").title == (
            "Colours of the sky"
        )
        titles = [stored(other).title for other in others]
        assert titles == ["Hello", "Why is the sky blue?", ""]
        chat_sessions.suggest_title(session, "Something else")
        assert session.title == stored(session).title == "Colours of the sky"

    def test_what_a_person_wrote_stays_also_beside_an_old_copy(self, owner: Owner) -> None:
        session = talked(owner)
        chat_sessions.rename(stored(session), "Mine")
        chat_sessions.suggest_title(session, "The model's")
        assert stored(session).title == "Mine"

    def test_a_session_without_a_message_may_have_one_too(self, owner: Owner) -> None:
        session = chat_sessions.start(owner).opened
        assert chat_sessions.suggest_title(session, "Sky").title == stored(session).title == "Sky"

    def test_it_is_one_short_line_that_can_be_stored(self, owner: Owner) -> None:
        session = talked(owner)
        chat_sessions.suggest_title(session, "\x00 " + "long " * 200)
        assert stored(session).title.startswith("\ufffd long")
        assert len(stored(session).title) <= 80

    def test_2_statements_and_none_for_a_blank_one(self, owner: Owner, statements: Any) -> None:
        session = talked(owner)
        with statements() as seen:
            assert chat_sessions.suggest_title(session, " \n") is session
        assert seen == []
        with statements() as seen:
            chat_sessions.suggest_title(session, "Sky")
        assert len(seen) == 2


@pytest.mark.parametrize(
    "verb",
    [
        chat_sessions.pin,
        chat_sessions.unpin,
        chat_sessions.unarchive,
        lambda row: chat_sessions.rename(row, "Biology"),
    ],
)
def test_what_was_purged_meanwhile_does_not_exist(owner: Owner, verb: Callable[[Any], Any]) -> None:
    held = talked(owner)
    chat_sessions.purge_chosen([stored(held)])
    with pytest.raises(SessionNotFound):
        verb(held)
    assert (held.title, held.pinned_at) == ("Hello", None)


def test_readers_are_told_of_everything(
    owner: Owner, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    fill_history(owner, 1)
    [session] = chat_sessions.recent_sessions(owner)
    told: list[Owner] = []
    monkeypatch.setattr("django_chat_sessions.services.tables.hint", told.append)
    verbs: tuple[Callable[[Any], Any], ...] = (
        chat_sessions.pin,
        chat_sessions.unpin,
        chat_sessions.archive,
        chat_sessions.unarchive,
        chat_sessions.delete,
        lambda row: chat_sessions.restore(owner, row.pk),
        lambda row: chat_sessions.rename(row, ""),
        lambda row: chat_sessions.suggest_title(row, "Sky"),
    )
    for count, verb in enumerate(verbs, start=1):
        cursor = chat_sessions.updates(owner).cursor
        with django_capture_on_commit_callbacks(execute=True):
            verb(stored(session))
        assert told == [owner] * count
        assert chat_sessions.updates(owner, cursor).history_changed


def test_readers_hear_of_a_pinned_one_however_old(owner: Owner, settings: Any) -> None:
    fill_history(owner, 40)
    [*_others, oldest] = chat_sessions.recent_sessions(owner, 40)
    chat_sessions.pin(oldest)
    cursor = chat_sessions.updates(owner).cursor
    chat_sessions.unpin(oldest)
    assert chat_sessions.updates(owner, cursor).history_changed


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "verb", ["rename", "suggest_title", "pin", "unpin", "unarchive", "mark_read"]
)
def test_what_meets_another_writer_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    session = talked(Owner.for_visitor("ada"))
    type(session).objects.filter(pk=session.pk).update(unread=True)
    due = [OperationalError("database is locked")]

    def refused_once(changed: Any) -> None:
        if due:
            raise due.pop()

    monkeypatch.setattr(organising, "tell_readers", refused_once)
    title = ("Biology",) if verb in {"rename", "suggest_title"} else ()
    getattr(chat_sessions, verb)(session, *title)
    assert due == []
