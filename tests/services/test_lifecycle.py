"""current, look, resume_or_start, start, touch, end, reopen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from django_chat_sessions import clock, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.exceptions import SessionNotFound
from django_chat_sessions.owners import Owner
from django_chat_sessions.policies import IdleTimeoutPolicy
from django_chat_sessions.services.opening import held_session
from tests.conversations import (
    configure,
    fill,
    fill_history,
    in_sizes,
    leave_replies,
    open_sessions,
    opened,
    rows,
    somebody_else,
    stored,
    talked,
    waiting,
)

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)
TIMEOUT = timedelta(seconds=300)


def everything(session: Any) -> dict[str, Any]:
    row = type(session).objects.filter(pk=session.pk).values().get()
    return dict(row)


class TestCurrent:
    def test_it_is_the_open_session_and_nothing_is_written(self, owner: Owner, noon: Any) -> None:
        session = opened(owner)
        before = everything(session)
        noon.shift(TIMEOUT - MICROSECOND)
        found = chat_sessions.current(owner)
        assert found is not None
        assert found.pk == session.pk
        assert everything(session) == before

    def test_it_is_none_from_the_moment_of_expiry_on(self, owner: Owner, noon: Any) -> None:
        session = opened(owner)
        before = everything(session)
        noon.shift(TIMEOUT)
        assert chat_sessions.current(owner) is None
        assert everything(session) == before

    def test_it_is_none_for_who_has_nothing_open(self, owner: Owner) -> None:
        assert chat_sessions.current(owner) is None
        chat_sessions.end(opened(owner))
        assert chat_sessions.current(owner) is None

    def test_scopes_and_owners_do_not_mix(self, owner: Owner) -> None:
        session = opened(owner, "subject:1")
        assert chat_sessions.current(owner) is None
        assert chat_sessions.current(owner, "subject:2") is None
        assert chat_sessions.current(somebody_else(), "subject:1") is None
        assert chat_sessions.current(owner, "subject:1") == session

    @in_sizes(messages=(10, 10_000), others=(30, 3_000))
    def test_1_statement_however_long_the_history(
        self, owner: Owner, statements: Any, messages: int, others: int
    ) -> None:
        fill_history(owner, others)
        fill(opened(owner), messages)
        with statements() as sent:
            chat_sessions.current(owner)
        assert len(sent) == 1


class TestLook:
    def test_nothing_open_and_nothing_before_is_a_first_visit(self, owner: Owner) -> None:
        arrival = chat_sessions.look(owner)
        assert (arrival.session, arrival.status, arrival.reason) == (None, "new", "first")
        assert arrival.previous is None
        with pytest.raises(ValueError, match="no open session"):
            _ = arrival.opened

    def test_an_open_conversation_would_be_resumed(self, owner: Owner) -> None:
        session = talked(owner)
        arrival = chat_sessions.look(owner)
        assert (arrival.opened, arrival.status, arrival.reason) == (session, "resumed", "open")

    def test_an_expired_one_is_what_a_new_one_would_follow(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        noon.shift(TIMEOUT)
        arrival = chat_sessions.look(owner)
        assert (arrival.session, arrival.status, arrival.reason) == (None, "new", "idle")
        assert arrival.previous == session

    @pytest.mark.parametrize("is_swept", [True, False])
    def test_an_expired_one_in_which_nothing_was_said_hides_no_conversation(
        self, owner: Owner, noon: Any, is_swept: bool
    ) -> None:
        conversation = talked(owner)
        noon.shift(MINUTE)
        chat_sessions.start(owner)
        noon.shift(TIMEOUT)
        if is_swept:
            chat_sessions.sweep()
        arrival = chat_sessions.look(owner)
        assert (arrival.reason, arrival.previous) == ("user", conversation)
        arrival = chat_sessions.send(owner, "Again", key="again").arrival
        assert (arrival.status, arrival.reason, arrival.previous) == ("new", "user", conversation)
        assert stored(arrival.opened).previous_id == conversation.pk

    def test_a_greeting_begins_nothing(self, owner: Owner, noon: Any, settings: Any) -> None:
        leave_replies(settings)
        conversation = talked(owner)
        noon.shift(TIMEOUT)
        session = opened(owner)
        chat_sessions.add_message(session, "assistant", "How can I help?")
        for arrival in (
            chat_sessions.look(owner),
            chat_sessions.start(owner),
            chat_sessions.send(owner, "Hello", key="hello").arrival,
            chat_sessions.send(owner, "Hello", key="hello").arrival,
        ):
            assert (arrival.status, arrival.reason) == ("new", "idle")
            assert (arrival.session, arrival.previous) == (session, conversation)
        chat_sessions.stop(stored(session))
        assert chat_sessions.look(owner).status == "resumed"
        assert chat_sessions.send(owner, "And?", key="and").arrival.status == "resumed"

    def test_it_says_the_same_before_and_after_a_sweep(self, owner: Owner, noon: Any) -> None:
        talked(owner)
        noon.shift(TIMEOUT)
        before = chat_sessions.look(owner)
        chat_sessions.sweep()
        assert chat_sessions.look(owner) == before

    def test_an_ended_one_can_be_continued(self, owner: Owner) -> None:
        session = chat_sessions.end(talked(owner))
        arrival = chat_sessions.look(owner)
        assert (arrival.session, arrival.reason, arrival.previous) == (None, "user", session)

    def test_an_open_one_without_a_message_is_new_and_knows_what_was_before(
        self, owner: Owner
    ) -> None:
        before = talked(owner)
        fresh = chat_sessions.start(owner).opened
        arrival = chat_sessions.look(owner)
        assert (arrival.opened, arrival.status, arrival.previous) == (fresh, "new", before)
        assert arrival.reason == "user"

    @in_sizes(others=(30, 3_000))
    def test_1_statement_and_2_when_none_is_open(
        self, owner: Owner, statements: Any, others: int
    ) -> None:
        fill_history(owner, others)
        with statements() as sent:
            chat_sessions.look(owner)
        assert len(sent) == 2
        for _ in range(2):  # without a message, and with one
            talked(owner) if sent == [] else opened(owner)
            with statements() as sent:
                arrival = chat_sessions.look(owner)
                _ = arrival.previous and arrival.previous.title
            assert len(sent) == 1
            sent.clear()

    def test_it_writes_nothing(self, owner: Owner, noon: Any, statements: Any) -> None:
        session = talked(owner)
        before = everything(session)
        noon.shift(MINUTE)
        with statements() as sent:
            chat_sessions.look(owner)
        assert all(sql.startswith("SELECT") for sql in sent)
        assert everything(session) == before

    def test_what_its_owner_deleted_is_not_told_of_any_more(self, owner: Owner) -> None:
        old = talked(owner, "SECRET-4711")
        new = chat_sessions.start(owner).opened
        chat_sessions.delete(old)
        for verb in (chat_sessions.look, chat_sessions.start):
            arrival = verb(owner)
            assert (arrival.session, arrival.reason, arrival.previous) == (new, "first", None)
        chat_sessions.restore(owner, old.pk)
        assert chat_sessions.look(owner).previous == old


class TestResumeOrStart:
    def test_the_first_visit_starts_a_session(self, owner: Owner, noon: Any) -> None:
        arrival = chat_sessions.resume_or_start(owner, "subject:1")
        assert (arrival.status, arrival.reason, arrival.previous) == ("new", "first", None)
        session = stored(arrival.opened)
        assert Owner.of(session) == owner
        assert session.scope == "subject:1"
        now = clock.now()
        assert session.started_at == session.opened_at == session.last_activity_at == now
        assert session.expires_at == now + TIMEOUT
        assert (session.ended_at, session.end_reason) == (None, "")

    def test_coming_back_in_time_is_the_same_session_and_counts_as_activity(
        self, owner: Owner, noon: Any
    ) -> None:
        session = opened(owner)
        noon.shift(TIMEOUT - MICROSECOND)
        arrival = chat_sessions.resume_or_start(owner)
        assert (arrival.opened, arrival.status, arrival.reason) == (session, "resumed", "open")
        assert stored(session).last_activity_at == clock.now()
        assert stored(session).expires_at == clock.now() + TIMEOUT

    def test_coming_back_at_the_timeout_starts_a_new_one(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        noon.shift(TIMEOUT)
        arrival = chat_sessions.resume_or_start(owner)
        assert (arrival.status, arrival.reason, arrival.previous) == ("new", "idle", session)
        old = stored(session)
        assert (old.open_key, old.end_reason, old.ended_at) == (None, "idle", clock.now())
        assert stored(arrival.opened).previous_id == session.pk
        assert [row.content for row in rows(session)] == ["Hello"]

    def test_an_expired_session_ended_when_it_expired_not_when_it_was_noticed(
        self, owner: Owner, noon: Any
    ) -> None:
        session = opened(owner)
        expires = session.expires_at
        noon.shift(timedelta(days=1))
        chat_sessions.resume_or_start(owner)
        assert stored(session).ended_at == expires

    def test_after_an_end_the_new_one_follows_it(self, owner: Owner) -> None:
        session = chat_sessions.end(talked(owner))
        arrival = chat_sessions.resume_or_start(owner)
        assert (arrival.status, arrival.reason, arrival.previous) == ("new", "user", session)

    def test_with_max_age_activity_does_not_keep_it_for_ever(
        self, owner: Owner, noon: Any, settings: Any
    ) -> None:
        configure(settings, TIMEOUT_POLICY=IdleTimeoutPolicy(max_age=600))
        session = opened(owner)
        for _ in range(2):
            noon.shift(timedelta(seconds=299))
            assert opened(owner) == session
        noon.shift(timedelta(seconds=2))
        arrival = chat_sessions.resume_or_start(owner)
        assert (arrival.status, arrival.reason) == ("new", "max_age")

    @in_sizes(messages=(10, 10_000), others=(30, 3_000))
    def test_2_statements_and_1_when_the_activity_is_recent(
        self, owner: Owner, noon: Any, statements: Any, messages: int, others: int
    ) -> None:
        fill_history(owner, others)
        fill(opened(owner), messages)
        noon.shift(SECOND - MICROSECOND)
        with statements() as sent:
            chat_sessions.resume_or_start(owner)
        assert len(sent) == 1
        noon.shift(MICROSECOND)
        with statements() as sent:
            chat_sessions.resume_or_start(owner)
        assert [sql.split()[0] for sql in sent] == ["SELECT", "UPDATE"]

    @in_sizes(others=(30, 3_000))
    def test_a_new_one_takes_3(self, owner: Owner, statements: Any, others: int) -> None:
        fill_history(owner, others)
        with statements() as sent:
            chat_sessions.resume_or_start(owner)
        assert len(sent) == 3

    def test_the_resolution_may_be_raised_knowingly(
        self, owner: Owner, noon: Any, settings: Any
    ) -> None:
        configure(settings, ACTIVITY_RESOLUTION=30)
        session = opened(owner)
        before = everything(session)
        noon.shift(timedelta(seconds=29))
        opened(owner)
        assert everything(session) == before
        noon.shift(SECOND)
        opened(owner)
        assert stored(session).last_activity_at == clock.now()

    def test_a_row_of_the_hosts_without_activity_is_given_some(
        self, owner: Owner, noon: Any
    ) -> None:
        session = opened(owner)
        get_session_model().objects.filter(pk=session.pk).update(
            last_activity_at=None, started_at=None, opened_at=None, expires_at=None
        )
        noon.shift(MINUTE)
        assert opened(owner) == session


class TestStart:
    def test_the_open_one_ends_and_is_the_previous(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        noon.shift(MINUTE)
        arrival = chat_sessions.start(owner)
        assert (arrival.status, arrival.reason, arrival.previous) == ("new", "user", session)
        assert (stored(session).end_reason, stored(session).ended_at) == ("user", clock.now())
        assert open_sessions(owner) == [arrival.opened]

    def test_an_expired_one_ended_by_itself_not_by_the_owner(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        noon.shift(TIMEOUT)
        assert chat_sessions.start(owner).reason == "idle"
        assert stored(session).end_reason == "idle"

    def test_one_without_a_message_is_new_already(self, owner: Owner, noon: Any) -> None:
        talked(owner)
        first = chat_sessions.start(owner)
        noon.shift(MINUTE)
        second = chat_sessions.start(owner)
        assert second == first
        assert second.opened.expires_at == clock.now() + TIMEOUT

    def test_nor_does_an_expired_one_without_a_message_come_back(
        self, owner: Owner, noon: Any
    ) -> None:
        first = chat_sessions.start(owner).opened
        noon.shift(TIMEOUT)
        assert chat_sessions.start(owner).opened != first
        assert (stored(first).end_reason, stored(first).ended_at) == ("idle", clock.now())

    def test_other_scopes_stay_open(self, owner: Owner) -> None:
        other = talked(owner, scope="subject:1")
        chat_sessions.start(owner)
        assert chat_sessions.current(owner, "subject:1") == other

    def test_3_statements(self, owner: Owner, statements: Any) -> None:
        talked(owner)
        with statements() as sent:
            chat_sessions.start(owner)
        assert len(sent) == 3


class TestTouch:
    def test_it_extends_the_window_from_now(self, owner: Owner, noon: Any) -> None:
        session = opened(owner)
        noon.shift(TIMEOUT - MICROSECOND)
        assert chat_sessions.touch(session)
        assert stored(session).expires_at == clock.now() + TIMEOUT

    def test_it_does_not_move_the_session_in_the_history(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        before = stored(session).last_message_at
        noon.shift(MINUTE)
        chat_sessions.touch(session)
        assert stored(session).last_message_at == before

    def test_an_expired_session_stays_expired(self, owner: Owner, noon: Any) -> None:
        session = opened(owner)
        noon.shift(TIMEOUT)
        before = everything(session)
        assert not chat_sessions.touch(session)
        assert everything(session) == before

    def test_an_ended_or_deleted_session_stays_so(self, owner: Owner) -> None:
        ended, deleted = chat_sessions.end(opened(owner)), opened(owner)
        chat_sessions.delete(deleted)
        assert not chat_sessions.touch(ended)
        assert not chat_sessions.touch(deleted)

    def test_a_touch_with_an_old_copy_keeps_what_others_wrote(
        self, owner: Owner, noon: Any
    ) -> None:
        session = opened(owner)
        other_tab = stored(session)
        noon.shift(MINUTE)
        chat_sessions.add_message(session, "user", "Hello")
        noon.shift(MINUTE)
        assert chat_sessions.touch(other_tab)
        assert (stored(session).message_count, other_tab.message_count) == (1, 1)
        assert stored(session).last_activity_at == clock.now()

    def test_a_copy_that_looks_expired_is_not_believed(self, owner: Owner, noon: Any) -> None:
        session = opened(owner)
        old_copy = stored(session)
        noon.shift(4 * MINUTE)
        chat_sessions.touch(session)
        noon.shift(2 * MINUTE)
        assert chat_sessions.touch(old_copy)
        assert stored(session).last_activity_at == clock.now()

    def test_an_ended_one_is_not_extended_through_an_old_copy(self, owner: Owner) -> None:
        session = opened(owner)
        old_copy = stored(session)
        chat_sessions.end(session)
        with_old_copy = get_session_model().objects.get(pk=old_copy.pk)
        assert not chat_sessions.touch(with_old_copy)

    def test_a_session_whose_rows_are_gone_is_not_found(self, owner: Owner, noon: Any) -> None:
        session = opened(owner)
        get_session_model().objects.all().delete()
        noon.shift(MINUTE)
        with pytest.raises(SessionNotFound):
            chat_sessions.touch(session)

    @in_sizes(messages=(10, 10_000))
    def test_1_statement(self, owner: Owner, noon: Any, statements: Any, messages: int) -> None:
        session = opened(owner)
        fill(session, messages)
        noon.shift(MINUTE)
        with statements() as sent:
            chat_sessions.touch(session)
        assert len(sent) == 1

    def test_while_an_answer_is_written_the_lease_still_counts(
        self, owner: Owner, noon: Any
    ) -> None:
        session = waiting(owner).session
        noon.shift(10 * SECOND)
        chat_sessions.touch(session)
        assert stored(session).expires_at == clock.now() + 20 * SECOND + TIMEOUT


class TestEnd:
    def test_it_frees_the_open_place(self, owner: Owner, noon: Any) -> None:
        session = opened(owner)
        noon.shift(MINUTE)
        ended = chat_sessions.end(session)
        assert ended is session
        row = stored(session)
        assert (row.open_key, row.end_reason, row.ended_at) == (None, "user", clock.now())
        assert chat_sessions.current(owner) is None

    def test_a_reason_may_be_given(self, owner: Owner) -> None:
        assert stored(chat_sessions.end(opened(owner), "staff")).end_reason == "staff"

    def test_ending_again_changes_nothing(self, owner: Owner, noon: Any) -> None:
        session = opened(owner)
        chat_sessions.end(session)
        before = everything(session)
        noon.shift(MINUTE)
        chat_sessions.end(session, "staff")
        chat_sessions.end(stored(session), "staff")
        assert everything(session) == before

    def test_an_expired_one_ends_as_expired(self, owner: Owner, noon: Any) -> None:
        session = opened(owner)
        expires = session.expires_at
        noon.shift(2 * TIMEOUT)
        chat_sessions.end(session)
        assert (stored(session).end_reason, stored(session).ended_at) == ("idle", expires)

    def test_a_copy_that_was_read_before_a_touch_ends_it_all_the_same(
        self, owner: Owner, noon: Any
    ) -> None:
        session = opened(owner)
        old_copy = stored(session)
        noon.shift(MINUTE)
        chat_sessions.touch(session)
        chat_sessions.end(old_copy)
        assert stored(session).end_reason == "user"
        assert stored(session).last_activity_at == clock.now()

    def test_1_statement(self, owner: Owner, statements: Any) -> None:
        session = opened(owner)
        with statements() as sent:
            chat_sessions.end(session)
        assert len(sent) == 1


class TestReopen:
    @pytest.mark.parametrize("way", ["expired", "swept", "ended"])
    def test_an_old_conversation_is_taken_up_with_all_its_messages(
        self, owner: Owner, noon: Any, way: str
    ) -> None:
        session = talked(owner)
        if way == "ended":
            chat_sessions.end(session)
        noon.shift(timedelta(days=30))
        if way == "swept":
            chat_sessions.sweep()
        arrival = chat_sessions.reopen(stored(session))
        assert (arrival.opened, arrival.status, arrival.reason) == (session, "reopened", "user")
        assert arrival.previous is None
        row = stored(session)
        now = clock.now()
        assert chat_sessions.current(owner) == session
        assert (row.ended_at, row.end_reason) == (None, "")
        assert row.opened_at == row.last_activity_at == row.last_message_at == now
        assert row.expires_at == now + TIMEOUT
        assert row.started_at < row.opened_at
        assert [message.content for message in rows(session)] == ["Hello"]

    def test_the_open_one_of_its_scope_is_replaced(self, owner: Owner, noon: Any) -> None:
        old = chat_sessions.end(talked(owner))
        elsewhere = talked(owner, scope="subject:1")
        left = talked(owner)
        arrival = chat_sessions.reopen(old)
        assert arrival.previous == left
        assert (stored(left).end_reason, stored(left).ended_at) == ("replaced", clock.now())
        assert open_sessions(owner) == [old]
        assert chat_sessions.current(owner, "subject:1") == elsewhere

    def test_an_expired_one_in_its_place_ended_as_expired(self, owner: Owner, noon: Any) -> None:
        old = chat_sessions.end(talked(owner))
        left = talked(owner)
        noon.shift(TIMEOUT)
        chat_sessions.reopen(old)
        assert stored(left).end_reason == "idle"

    def test_one_that_opens_between_looking_and_writing_is_replaced_too(
        self, owner: Owner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old = chat_sessions.end(talked(owner))
        other = talked(owner)
        looks: list[Any] = []

        def too_early(*arguments: Any, **options: Any) -> Any:
            looks.append(held_session(*arguments, **options) if looks else None)
            return looks[-1]

        monkeypatch.setattr("django_chat_sessions.services.lifecycle.held_session", too_early)
        arrival = chat_sessions.reopen(old)
        assert (arrival.status, arrival.previous) == ("reopened", other)
        assert stored(other).end_reason == "replaced"
        assert open_sessions(owner) == [old]

    def test_an_active_one_is_simply_resumed(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        noon.shift(MINUTE)
        arrival = chat_sessions.reopen(session)
        assert (arrival.opened, arrival.status, arrival.reason) == (session, "resumed", "open")
        assert stored(session).last_activity_at == clock.now()

    def test_a_copy_that_looks_expired_is_not_believed(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        old_copy = stored(session)
        noon.shift(4 * MINUTE)
        chat_sessions.touch(session)
        noon.shift(2 * MINUTE)
        assert chat_sessions.reopen(old_copy).status == "resumed"

    def test_a_copy_that_looks_active_is_not_believed_either(self, owner: Owner) -> None:
        session = talked(owner)
        old_copy = stored(session)
        other = chat_sessions.start(owner).opened
        arrival = chat_sessions.reopen(old_copy)
        assert (arrival.status, arrival.previous) == ("reopened", other)
        assert open_sessions(owner) == [session]

    def test_one_that_its_owner_deleted_is_gone(self, owner: Owner) -> None:
        session = talked(owner)
        chat_sessions.delete(session)
        for copy in (session, stored(session)):
            with pytest.raises(SessionNotFound):
                chat_sessions.reopen(copy)

    def test_a_copy_from_before_a_restoration_is_taken_up(self, owner: Owner) -> None:
        session = talked(owner)
        chat_sessions.delete(session)
        chat_sessions.restore(owner, session.pk)
        assert chat_sessions.reopen(session).status == "reopened"
        assert open_sessions(owner) == [session]

    def test_age_counts_from_the_reopening(self, owner: Owner, noon: Any, settings: Any) -> None:
        configure(settings, TIMEOUT_POLICY=IdleTimeoutPolicy(None, max_age=600))
        session = talked(owner)
        noon.shift(timedelta(hours=1))
        assert chat_sessions.reopen(session).status == "reopened"
        noon.shift(timedelta(seconds=599))
        assert chat_sessions.current(owner) == session

    def test_a_reply_that_is_still_being_written_pins_it(self, owner: Owner, noon: Any) -> None:
        session = waiting(owner).session
        chat_sessions.end(session)
        noon.shift(10 * SECOND)
        chat_sessions.reopen(session)
        assert stored(session).expires_at == clock.now() + 20 * SECOND + TIMEOUT

    @in_sizes(messages=(10, 10_000), others=(30, 3_000))
    def test_2_statements_and_3_when_another_was_open(
        self, owner: Owner, statements: Any, messages: int, others: int
    ) -> None:
        fill_history(owner, others)
        session = opened(owner)
        fill(session, messages)
        chat_sessions.end(session)
        with statements() as sent:
            chat_sessions.reopen(session)
        assert len(sent) == 2
        chat_sessions.end(session)
        opened(owner)
        with statements() as sent:
            chat_sessions.reopen(session)
        assert len(sent) == 3


class TestClockThatJumpsBack:
    """NTP, or two servers that disagree: nothing moves backwards."""

    def test_activity_stays_where_it_was(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        before = everything(session)
        noon.shift(timedelta(hours=-1))
        assert chat_sessions.touch(session)
        assert opened(owner) == session
        assert everything(session) == before
        chat_sessions.add_message(session, "user", "Still here")
        after = stored(session)
        for name in ("last_activity_at", "last_message_at", "expires_at"):
            assert getattr(after, name) == before[name], name

    def test_a_reopened_session_lives_as_long_as_its_latest_activity_says(
        self, owner: Owner, noon: Any
    ) -> None:
        session = chat_sessions.end(talked(owner))
        latest = session.last_activity_at
        assert latest is not None
        noon.shift(timedelta(hours=-1))
        chat_sessions.reopen(session)
        assert stored(session).last_activity_at == stored(session).last_message_at == latest
        assert stored(session).expires_at == latest + TIMEOUT


class TestSignals:
    def test_a_new_session_is_announced_after_commit(
        self, owner: Owner, signals: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            arrival = chat_sessions.resume_or_start(owner)
            assert signals == []
        facts = {"session": arrival.opened, "arrival": arrival}
        assert signals == [("session_started", facts)]

    def test_a_resumed_one_too(
        self, owner: Owner, signals: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        opened(owner)
        with django_capture_on_commit_callbacks(execute=True):
            arrival = chat_sessions.resume_or_start(owner)
        assert signals == [("session_resumed", {"session": arrival.opened, "arrival": arrival})]

    def test_of_an_expired_one_first_the_end_is_told_then_the_start(
        self, owner: Owner, noon: Any, signals: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        old = opened(owner)
        noon.shift(TIMEOUT)
        with django_capture_on_commit_callbacks(execute=True):
            arrival = chat_sessions.resume_or_start(owner)
        assert signals == [
            ("session_ended", {"session": old, "reason": "idle"}),
            ("session_started", {"session": arrival.opened, "arrival": arrival}),
        ]

    def test_starting_again_what_is_new_already_tells_nothing(
        self, owner: Owner, signals: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        chat_sessions.start(owner)
        with django_capture_on_commit_callbacks(execute=True):
            chat_sessions.start(owner)
        assert signals == []

    def test_an_end_is_told_once(
        self, owner: Owner, signals: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        session = opened(owner)
        old_copy = stored(session)
        with django_capture_on_commit_callbacks(execute=True):
            chat_sessions.end(session)
            chat_sessions.end(session)
            chat_sessions.end(old_copy)
            chat_sessions.sweep()
        assert signals == [("session_ended", {"session": session, "reason": "user"})]

    def test_a_reopening_tells_what_was_left(
        self, owner: Owner, signals: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        old = chat_sessions.end(talked(owner))
        left = talked(owner)
        with django_capture_on_commit_callbacks(execute=True):
            arrival = chat_sessions.reopen(old)
        assert signals == [
            ("session_ended", {"session": left, "reason": "replaced"}),
            ("session_reopened", {"session": old, "arrival": arrival}),
        ]

    def test_looking_touching_and_failing_tell_nothing(
        self, owner: Owner, noon: Any, signals: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        session = talked(owner)
        noon.shift(MINUTE)
        with django_capture_on_commit_callbacks(execute=True):
            chat_sessions.look(owner)
            chat_sessions.current(owner)
            chat_sessions.touch(session)
            chat_sessions.delete(session)
            signals.clear()
            with pytest.raises(SessionNotFound):
                chat_sessions.reopen(session)
        assert [name for name, _ in signals] == ["session_ended"]


@pytest.mark.parametrize("scope", ["s" * 101, "a\x00b"])
def test_a_scope_that_not_every_database_takes_begins_nothing(owner: Owner, scope: str) -> None:
    for verb in (
        lambda: chat_sessions.start(owner, scope),
        lambda: chat_sessions.resume_or_start(owner, scope),
        lambda: chat_sessions.send(owner, "Hello", key="key-00000001", scope=scope),
    ):
        with pytest.raises(ValueError, match=r"^scope .*; give "):
            verb()
    assert not get_session_model().objects.exists()
    assert chat_sessions.start(owner, "s" * 100).opened.scope == "s" * 100


@pytest.mark.parametrize("reason", ["r" * 21, "a\x00b"])
def test_a_reason_that_not_every_database_takes_ends_nothing(owner: Owner, reason: str) -> None:
    session = opened(owner)
    with pytest.raises(ValueError, match=r"^end_reason .*; give "):
        chat_sessions.end(session, reason)
    assert chat_sessions.current(owner) is not None
    assert chat_sessions.end(session, "r" * 20).end_reason == "r" * 20
