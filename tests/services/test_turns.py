"""send and add_message: stored before anything is answered, once, in one order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection

from django_chat_sessions import clock, get_message_model, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.exceptions import (
    KeyReused,
    SessionEnded,
    SessionNotFound,
    TurnInProgress,
)
from django_chat_sessions.limits import Limits
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.replies.running import run
from tests.conversations import (
    configure,
    contents,
    fail_at,
    fill,
    fill_history,
    in_sizes,
    listen_only,
    missing_id,
    open_sessions,
    opened,
    reply_of,
    rows,
    somebody_else,
    stored,
    talked,
    waiting,
)

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
LEASE = timedelta(seconds=30)
TIMEOUT = timedelta(seconds=300)


@pytest.fixture(params=[None, 1_000_000], ids=["no limits", "limits"])
def limits(request: pytest.FixtureRequest, settings: Any) -> Any:
    """What LIMITS read is used for finding the session, too; without them it is looked for."""
    most = request.param
    configure(settings, LIMITS=Limits(messages_per_minute=most, replies_at_once=most))
    return most


@pytest.mark.usefixtures("limits")
class TestSend:
    def test_the_first_message_starts_a_session(self, owner: Owner, noon: Any) -> None:
        sent = waiting(owner, "What is osmosis?")
        assert (sent.arrival.status, sent.arrival.reason) == ("new", "first")
        assert sent.created
        assert sent.arrival.session == sent.session
        session = stored(sent.session)
        assert Owner.of(session) == owner
        assert (session.title, session.preview) == ("What is osmosis?", "What is osmosis?")
        assert session.message_count == 2
        question, reply = rows(session)
        assert (question.role, question.content, question.state) == ("user", "What is osmosis?", "")
        assert (reply.role, reply.content, reply.state) == ("assistant", "", "pending")
        assert (question.position, reply.position) == (0, 1)
        assert question.created_at == reply.created_at == clock.now()

    def test_a_waiting_question_pins_its_session_until_the_lease_ends(
        self, owner: Owner, noon: Any
    ) -> None:
        session = stored(waiting(owner).session)
        assert session.running_until == clock.now() + LEASE
        assert session.expires_at == clock.now() + LEASE + TIMEOUT

    def test_without_a_responder_the_message_is_all(self, owner: Owner, settings: Any) -> None:
        listen_only(settings)
        sent = chat_sessions.send(owner, "Hello", key="k")
        assert sent.reply is None
        assert stored(sent.session).running_until is None
        assert contents(sent.session) == ["Hello"]

    def test_the_next_message_goes_to_the_same_session(
        self, owner: Owner, noon: Any, settings: Any
    ) -> None:
        listen_only(settings)
        first = chat_sessions.send(owner, "One", key="1")
        noon.shift(TIMEOUT - SECOND)
        second = chat_sessions.send(owner, "Two", key="2")
        assert second.session == first.session
        assert (second.arrival.status, second.arrival.reason) == ("resumed", "open")
        session = stored(first.session)
        assert session.last_activity_at == session.last_message_at == clock.now()
        assert session.expires_at == clock.now() + TIMEOUT
        assert (session.title, session.preview) == ("One", "Two")
        assert [row.position for row in rows(session)] == [0, 1]

    def test_whoever_writes_has_read_what_was_answered(self, owner: Owner) -> None:
        sent = waiting(owner)
        run(reply_of(sent).pk)
        assert stored(sent.session).unread
        again = waiting(owner, key="next").session
        assert again == sent.session
        assert not again.unread
        assert not stored(again).unread

    def test_a_reply_is_asked_for_once(self, owner: Owner) -> None:
        assert stored(reply_of(waiting(owner))).attempt == 1

    def test_after_the_timeout_it_starts_a_new_one_and_says_so(
        self, owner: Owner, noon: Any, settings: Any
    ) -> None:
        listen_only(settings)
        old = chat_sessions.send(owner, "One", key="1").session
        noon.shift(TIMEOUT)
        sent = chat_sessions.send(owner, "Two", key="2")
        assert sent.session != old
        assert (sent.arrival.status, sent.arrival.reason) == ("new", "idle")
        assert sent.arrival.previous == old
        assert contents(old) == ["One"]
        assert stored(old).end_reason == "idle"

    def test_the_first_message_in_a_session_started_by_hand_arrives_as_new(
        self, owner: Owner, settings: Any
    ) -> None:
        listen_only(settings)
        before = talked(owner)
        fresh = chat_sessions.start(owner).opened
        sent = chat_sessions.send(owner, "Hello", key="k")
        assert sent.session == fresh
        assert (sent.arrival.status, sent.arrival.reason) == ("new", "user")
        assert sent.arrival.previous == before

    def test_a_title_the_owner_gave_stays(self, owner: Owner, settings: Any) -> None:
        listen_only(settings)
        session = chat_sessions.rename(opened(owner), "Biology")
        chat_sessions.send(owner, "Hello", key="k")
        assert stored(session).title == "Biology"

    def test_text_no_database_takes_is_stored_with_a_mark(
        self, owner: Owner, settings: Any
    ) -> None:
        listen_only(settings)
        sent = chat_sessions.send(owner, "a\x00b\ud800c", key="k")
        assert contents(sent.session) == ["a\ufffdb\ufffdc"]
        assert not chat_sessions.send(owner, "a\x00b\ud800c", key="k").created

    def test_the_same_key_again_after_the_named_session_was_deleted(
        self, owner: Owner, noon: Any
    ) -> None:
        named = chat_sessions.send(owner, "One", key="one").session
        noon.shift(timedelta(seconds=400))
        first = chat_sessions.send(owner, "Two", key="two", session_id=named.pk)
        chat_sessions.delete(stored(named))
        again = chat_sessions.send(owner, "Two", key="two", session_id=named.pk)
        assert (again.message, again.created) == (first.message, False)

    @in_sizes(messages=(10, 10_000), others=(30, 3_000))
    def test_3_statements_in_an_open_session(
        self, owner: Owner, statements: Any, messages: int, others: int
    ) -> None:
        fill_history(owner, others)
        fill(opened(owner), messages)
        with statements() as sent:
            waiting(owner)
        assert [sql.split()[0] for sql in sent] == ["SELECT", "UPDATE", "INSERT"]

    @in_sizes(others=(30, 3_000))
    def test_a_fixed_number_where_it_starts_one(
        self, owner: Owner, noon: Any, statements: Any, others: int, limits: int | None
    ) -> None:
        fill_history(owner, others)
        reads = ["SELECT"] if limits is None else ["SELECT", "SELECT"]
        with statements() as sent:
            waiting(owner)
        assert [sql.split()[0] for sql in sent] == [*reads, "SELECT", "INSERT", "INSERT"]
        noon.shift(LEASE + TIMEOUT)
        with statements() as sent:
            waiting(owner, key="another key")
        assert [sql.split()[0] for sql in sent] == ["SELECT", "UPDATE", "INSERT", "INSERT"]
        noon.shift(3601)
        with statements() as sent:
            waiting(owner, key="a third key")
        assert [sql.split()[0] for sql in sent] == [*reads, "UPDATE", "INSERT", "INSERT"]

    def test_a_reply_that_waits_holds_its_session_open(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        waiting(owner)
        assert stored(session).expires_at == clock.now() + LEASE + TIMEOUT

    def test_a_fixed_number_after_start_and_after_a_greeting(
        self, owner: Owner, statements: Any
    ) -> None:
        talked(owner)
        session = chat_sessions.start(owner).opened
        with statements() as sent:
            waiting(owner)
        assert [sql.split()[0] for sql in sent] == ["SELECT", "SELECT", "UPDATE", "INSERT"]
        chat_sessions.end(session)
        greeted = chat_sessions.start(owner).opened
        chat_sessions.add_message(greeted, "assistant", "Welcome!")
        with statements() as sent:
            waiting(owner, key="another key")
        assert [sql.split()[0] for sql in sent] == [*["SELECT"] * 3, "UPDATE", "INSERT"]

    def test_session_and_message_are_stored_together_or_not_at_all(self, owner: Owner) -> None:
        model = get_message_model()._meta.db_table
        quoted = connection.ops.quote_name(model)
        with fail_at(f"INSERT INTO {quoted}"), pytest.raises(DatabaseError):
            waiting(owner)
        assert not get_session_model().objects.exists()


@pytest.mark.usefixtures("limits")
class TestNamedSession:
    """A tab says which session it shows."""

    def test_an_active_one_takes_the_message_in_its_own_scope(
        self, owner: Owner, settings: Any
    ) -> None:
        listen_only(settings)
        session = talked(owner, scope="subject:1")
        talked(owner)
        sent = chat_sessions.send(owner, "Hi", key="k", session_id=session.pk)
        assert sent.session == session
        assert contents(session) == ["Hello", "Hi"]

    def test_it_costs_no_statement_more(self, owner: Owner, statements: Any) -> None:
        session = talked(owner)
        with statements() as sent:
            chat_sessions.send(owner, "Hi", key="k", session_id=session.pk)
        assert [sql.split()[0] for sql in sent] == ["SELECT", "UPDATE", "INSERT"]

    @pytest.mark.parametrize("hours", [0.1, 2])
    def test_an_expired_one_costs_1_more_unless_limits_have_read_it(
        self, owner: Owner, noon: Any, statements: Any, limits: int | None, hours: float
    ) -> None:
        session = talked(owner)
        noon.shift(timedelta(hours=hours))
        with statements() as sent:
            chat_sessions.send(owner, "Hi", key="k", session_id=session.pk)
        reads = 2 if limits is None else 1 if hours < 1 else 3
        writes = ["UPDATE", "INSERT", "INSERT"]
        assert [sql.split()[0] for sql in sent] == [*["SELECT"] * reads, *writes]

    def test_an_expired_one_is_followed_by_a_new_one_of_its_scope(
        self, owner: Owner, noon: Any, settings: Any
    ) -> None:
        listen_only(settings)
        session = talked(owner, scope="subject:1")
        noon.shift(TIMEOUT)
        sent = chat_sessions.send(owner, "Hi", key="k", session_id=session.pk)
        assert (sent.arrival.status, sent.arrival.previous) == ("new", session)
        assert sent.session.scope == "subject:1"

    def test_so_is_one_that_a_sweep_has_passed_over(
        self, owner: Owner, noon: Any, settings: Any
    ) -> None:
        listen_only(settings)
        session = talked(owner)
        noon.shift(TIMEOUT)
        chat_sessions.sweep()
        sent = chat_sessions.send(owner, "Hi", key="k", session_id=session.pk)
        assert (sent.arrival.status, sent.arrival.reason) == ("new", "idle")
        assert sent.arrival.previous == session

    @pytest.mark.parametrize("other_open", [True, False])
    def test_one_ended_on_purpose_refuses_and_names_the_open_one(
        self, owner: Owner, other_open: bool
    ) -> None:
        ended = chat_sessions.end(talked(owner))
        other = talked(owner) if other_open else None
        with pytest.raises(SessionEnded) as refused:
            chat_sessions.send(owner, "Hi", key="k", session_id=ended.pk)
        assert (refused.value.session, refused.value.current) == (ended, other)
        assert contents(ended) == ["Hello"]

    def test_an_expired_one_never_slips_the_message_into_another_open_one(
        self, owner: Owner, noon: Any
    ) -> None:
        expired = talked(owner)
        noon.shift(TIMEOUT)
        other = talked(owner, "Elsewhere")
        with pytest.raises(SessionEnded) as refused:
            chat_sessions.send(owner, "Hi", key="k", session_id=expired.pk)
        assert refused.value.current == other
        assert contents(other) == ["Elsewhere"]

    def test_somebody_elses_does_not_exist(self, owner: Owner) -> None:
        theirs = talked(somebody_else())
        for session_id in (theirs.pk, missing_id(), "nonsense", None.__class__):
            with pytest.raises(SessionNotFound):
                chat_sessions.send(owner, "Hi", key="k", session_id=session_id)
        assert contents(theirs) == ["Hello"]

    def test_nor_does_one_that_was_deleted(self, owner: Owner) -> None:
        deleted = talked(owner)
        chat_sessions.delete(deleted)
        with pytest.raises(SessionNotFound):
            chat_sessions.send(owner, "Hi", key="k", session_id=deleted.pk)
        assert contents(deleted) == ["Hello"]


class TestSameKeyAgain:
    def test_nothing_is_stored_and_the_result_is_the_same(self, owner: Owner) -> None:
        first, second = waiting(owner), waiting(owner)
        assert first.created
        assert not second.created
        for name in ("session", "message", "reply"):
            assert getattr(second, name) == getattr(first, name)
        assert second.arrival.status == first.arrival.status == "new"
        assert second.arrival.reason == first.arrival.reason
        assert len(rows(first.session)) == 2

    def test_however_late_it_comes(self, owner: Owner, noon: Any, settings: Any) -> None:
        listen_only(settings)
        first = chat_sessions.send(owner, "Hello", key="k")
        chat_sessions.send(owner, "More", key="k2")
        for wait in (TIMEOUT, timedelta(days=400)):
            noon.shift(wait)
            again = chat_sessions.send(owner, "Hello", key="k")
            assert (again.message, again.session, again.created) == (
                first.message,
                first.session,
                False,
            )
            assert again.reply is None  # what follows is no answer
        assert get_session_model().objects.count() == 1
        assert contents(first.session) == ["Hello", "More"]

    def test_it_leads_to_its_own_reply_and_no_other(self, owner: Owner) -> None:
        waiting(somebody_else(), "Two")
        chat_sessions.send(owner, "Two", key="elsewhere", scope="b")
        first = waiting(owner, "One", key="one")
        run(reply_of(first).pk)
        second = waiting(owner, "Two", key="two")
        assert waiting(owner, "One", key="one").reply == first.reply
        assert waiting(owner, "Two", key="two").reply == second.reply

    def test_also_from_a_session_that_was_ended_since(self, owner: Owner) -> None:
        first = waiting(owner)
        chat_sessions.end(first.session)
        again = chat_sessions.send(
            owner, "Hello", key="key-of-waiting", session_id=first.session.pk
        )
        assert again.message == first.message

    def test_in_a_resumed_session_it_arrived_as_resumed(self, owner: Owner, settings: Any) -> None:
        listen_only(settings)
        talked(owner)
        first = chat_sessions.send(owner, "Two", key="k")
        again = chat_sessions.send(owner, "Two", key="k")
        assert first.arrival.status == again.arrival.status == "resumed"
        assert not again.created
        assert again.reply is None

    def test_with_another_text_it_is_refused_and_nothing_is_stored(
        self, owner: Owner, settings: Any
    ) -> None:
        listen_only(settings)
        sent = chat_sessions.send(owner, "Hello", key="k")
        with pytest.raises(KeyReused) as refused:
            chat_sessions.send(owner, "SECRET-4711", key="k")
        assert "SECRET-4711" not in str(refused.value)
        assert contents(sent.session) == ["Hello"]

    def test_also_while_the_first_is_being_answered(self, owner: Owner) -> None:
        waiting(owner)
        with pytest.raises(KeyReused):
            waiting(owner, "Another text")

    def test_the_same_text_with_another_key_is_another_message(
        self, owner: Owner, settings: Any
    ) -> None:
        listen_only(settings)
        session = chat_sessions.send(owner, "Yes", key="1").session
        chat_sessions.send(owner, "Yes", key="2")
        assert contents(session) == ["Yes", "Yes"]

    @pytest.mark.parametrize("key", ["K", "k ", "ќ", "ḱ"])
    def test_keys_are_compared_exactly_on_every_database(
        self, owner: Owner, settings: Any, key: str
    ) -> None:
        listen_only(settings)
        session = chat_sessions.send(owner, "One", key="k").session
        assert chat_sessions.send(owner, "Two", key=key).created
        assert contents(session) == ["One", "Two"]

    def test_another_owners_key_is_another_key(self, owner: Owner) -> None:
        mine, theirs = waiting(owner), waiting(somebody_else())
        assert theirs.created
        assert theirs.message != mine.message

    def test_of_a_deleted_session_nothing_comes_back(self, owner: Owner) -> None:
        sent = waiting(owner)
        chat_sessions.delete(sent.session)
        with pytest.raises(SessionNotFound):
            waiting(owner)
        assert not open_sessions(owner)


class TestWhileAnAnswerIsWritten:
    def test_a_second_message_is_refused_with_the_running_reply(self, owner: Owner) -> None:
        neighbour = somebody_else()
        talked(neighbour)
        waiting(neighbour)  # further on in its session
        sent = waiting(owner)
        with pytest.raises(TurnInProgress) as refused:
            chat_sessions.send(owner, "And?", key="other key")
        assert (refused.value.session, refused.value.reply) == (sent.session, sent.reply)
        assert contents(sent.session) == ["Hello", ""]

    def test_a_note_of_the_hosts_is_refused_too(self, owner: Owner) -> None:
        session = waiting(owner).session
        with pytest.raises(TurnInProgress):
            chat_sessions.add_message(session, "system", "Note")

    def test_at_the_end_of_the_lease_the_way_is_free_and_the_reply_interrupted(
        self, owner: Owner, noon: Any
    ) -> None:
        sent = waiting(owner)
        noon.shift(LEASE - timedelta(microseconds=1))
        with pytest.raises(TurnInProgress):
            chat_sessions.send(owner, "And?", key="other key")
        noon.shift(timedelta(microseconds=1))
        chat_sessions.send(owner, "And?", key="other key")
        reply = stored(reply_of(sent))
        assert (reply.state, reply.token, reply.lease_until) == ("interrupted", None, None)
        assert [row.state for row in rows(sent.session)] == ["", "interrupted", "", "pending"]

    def test_that_is_told(
        self, owner: Owner, noon: Any, signals: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        sent = waiting(owner)
        noon.shift(LEASE)
        with django_capture_on_commit_callbacks(execute=True):
            chat_sessions.add_message(sent.session, "user", "And?")
        assert [name for name, _ in signals] == ["turn_failed", "message_added"]
        facts = signals[0][1]
        assert (facts["session"], facts["reply"], facts["state"]) == (
            sent.session,
            sent.reply,
            "interrupted",
        )
        assert facts["reply"].state == "interrupted"


class TestAddMessage:
    def test_it_is_appended_and_returned(self, owner: Owner, noon: Any) -> None:
        session = opened(owner)
        noon.shift(MINUTE)
        message = chat_sessions.add_message(session, "assistant", "Welcome")
        assert rows(session) == [message]
        row = stored(message)
        assert (row.role, row.content, row.position, row.state) == ("assistant", "Welcome", 0, "")
        assert row.created_at == clock.now()
        for copy in (session, stored(session)):
            assert copy.message_count == 1
            assert copy.preview == "Welcome"
            assert copy.last_activity_at == copy.last_message_at == clock.now()
            assert copy.expires_at == clock.now() + TIMEOUT

    def test_only_a_persons_message_says_that_the_answer_was_read(self, owner: Owner) -> None:
        sent = waiting(owner)
        run(reply_of(sent).pk)
        session = stored(sent.session)
        chat_sessions.add_message(session, "system", "The course begins.")
        assert stored(session).unread
        chat_sessions.add_message(session, "user", "Good")
        assert not stored(session).unread

    def test_only_a_persons_first_message_gives_the_title(self, owner: Owner) -> None:
        session = opened(owner)
        chat_sessions.add_message(session, "assistant", "Welcome")
        assert stored(session).title == ""
        chat_sessions.add_message(session, "user", "What is osmosis?")
        chat_sessions.add_message(session, "user", "Really?")
        assert stored(session).title == "What is osmosis?"

    def test_a_role_that_does_not_exist_is_refused(self, owner: Owner) -> None:
        with pytest.raises(
            ValueError, match="'narrator' is not a role; give one of user, assistant"
        ):
            chat_sessions.add_message(opened(owner), "narrator", "Once upon a time")

    def test_the_same_key_is_the_same_message(self, owner: Owner) -> None:
        session = opened(owner)
        first = chat_sessions.add_message(session, "user", "Hello", key="k")
        again = chat_sessions.add_message(session, "user", "Hello", key="k")
        assert again == first
        assert contents(session) == ["Hello"]
        with pytest.raises(KeyReused):
            chat_sessions.add_message(session, "user", "Other", key="k")

    def test_also_while_an_answer_is_written(self, owner: Owner) -> None:
        session = opened(owner)
        first = chat_sessions.add_message(session, "user", "Hello", key="k")
        waiting(owner)
        assert chat_sessions.add_message(session, "user", "Hello", key="k") == first

    def test_also_after_the_session_has_ended(self, owner: Owner) -> None:
        session = opened(owner)
        first = chat_sessions.add_message(session, "user", "Hello", key="k")
        chat_sessions.end(session)
        assert chat_sessions.add_message(session, "user", "Hello", key="k") == first

    def test_a_repeated_key_leaves_the_session_in_memory_as_it_is_stored(
        self, owner: Owner, noon: Any
    ) -> None:
        session = opened(owner)
        chat_sessions.add_message(session, "user", "Hello", key="k")
        noon.shift(MINUTE)
        chat_sessions.add_message(session, "user", "Hello", key="k")
        for name in ("message_count", "last_activity_at", "expires_at", "running_until"):
            assert getattr(session, name) == getattr(stored(session), name), name
        assert chat_sessions.touch(session)
        assert stored(session).last_activity_at == clock.now()

    @pytest.mark.parametrize("way", ["ended", "expired", "deleted"])
    def test_a_session_that_is_over_takes_nothing(self, owner: Owner, noon: Any, way: str) -> None:
        session = talked(owner)
        old_copy = stored(session)
        if way == "ended":
            chat_sessions.end(session)
        elif way == "deleted":
            chat_sessions.delete(session)
        else:
            noon.shift(TIMEOUT)
        for copy in (session, old_copy):
            with pytest.raises(SessionEnded) as refused:
                chat_sessions.add_message(copy, "user", "SECRET-4711")
            assert "SECRET-4711" not in str(refused.value)
        assert contents(session) == ["Hello"]

    def test_two_tabs_with_old_copies_append_one_after_the_other(self, owner: Owner) -> None:
        one = opened(owner)
        other = stored(one)
        for number in range(3):
            chat_sessions.add_message(one, "user", f"one {number}")
            chat_sessions.add_message(other, "user", f"other {number}")
        messages = rows(one)
        assert [row.position for row in messages] == list(range(6))
        assert [row.content for row in messages[:2]] == ["one 0", "other 0"]
        assert stored(one).message_count == 6

    def test_a_copy_that_looks_busy_or_expired_is_not_believed(
        self, owner: Owner, noon: Any, settings: Any
    ) -> None:
        sent = waiting(owner)
        run(reply_of(sent).pk)
        assert sent.session.running_until is not None  # in this copy, which is older
        chat_sessions.add_message(sent.session, "user", "Thanks")
        old_copy = stored(sent.session)
        noon.shift(4 * MINUTE)
        chat_sessions.touch(stored(old_copy))
        noon.shift(2 * MINUTE)
        chat_sessions.add_message(old_copy, "user", "Still here")
        assert contents(old_copy) == ["Hello", "You asked: Hello", "Thanks", "Still here"]

    @in_sizes(messages=(10, 10_000), others=(30, 3_000))
    def test_2_statements(self, owner: Owner, statements: Any, messages: int, others: int) -> None:
        fill_history(owner, others)
        session = opened(owner)
        fill(session, messages)
        with statements() as sent:
            chat_sessions.add_message(session, "user", "Hello")
        assert [sql.split()[0] for sql in sent] == ["UPDATE", "INSERT"]

    def test_both_or_neither(self, owner: Owner) -> None:
        session = talked(owner)
        before = stored(session)
        with fail_at("INSERT"), pytest.raises(DatabaseError):
            chat_sessions.add_message(session, "user", "Lost")
        after = stored(session)
        for name in ("message_count", "preview", "last_message_at", "last_activity_at"):
            assert getattr(after, name) == getattr(before, name) == getattr(session, name), name


@pytest.mark.django_db(transaction=True)
class TestOutsideAnyTransaction:
    def test_the_runner_is_called_after_commit_and_the_answer_is_there(self, owner: Owner) -> None:
        sent = chat_sessions.send(owner, "Hello", key="k")
        assert contents(sent.session) == ["Hello", "You asked: Hello"]
        reply = stored(reply_of(sent))
        assert (reply.state, reply.attempt) == ("answered", 1)
        assert reply.metadata["sources"][0]["title"] == "Echo"

    def test_a_repeated_key_is_not_answered_again(self, owner: Owner, settings: Any) -> None:
        asked: list[str] = []

        def answer(turn: Any) -> str:
            asked.append(turn.question)
            return "Yes"

        configure(settings, RESPONDER=answer)
        for _ in range(3):
            chat_sessions.send(owner, "Hello", key="k")
        assert asked == ["Hello"]


class TestSignals:
    def test_a_sent_message_is_told_once_and_after_commit(
        self, owner: Owner, signals: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            sent = waiting(owner)
            again = waiting(owner)
            assert signals == []
        assert not again.created
        assert [name for name, _ in signals] == [
            "session_started",
            "message_added",
            "turn_answered",
        ]
        assert signals[0][1] == {"session": sent.session, "arrival": sent.arrival}
        assert signals[1][1] == {"session": sent.session, "message": sent.message}
        facts = signals[2][1]
        assert (facts["session"], facts["reply"]) == (sent.session, sent.reply)
        assert (facts["reply"].state, facts["reply"].content) == ("answered", "You asked: Hello")

    def test_what_was_undone_is_not_told(
        self, owner: Owner, signals: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        with (
            django_capture_on_commit_callbacks(execute=True),
            fail_at("INSERT"),
            pytest.raises(DatabaseError),
        ):
            waiting(owner)
        assert signals == []

    def test_a_receiver_that_raises_disturbs_nobody(
        self, owner: Owner, signals: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        from django_chat_sessions import signals as module

        def broken(sender: Any, **facts: Any) -> None:
            raise RuntimeError("the host's own error")

        ours = [
            module.session_started,
            module.session_ended,
            module.message_added,
            module.turn_answered,
        ]
        for signal in ours:
            signal.connect(broken)
        try:
            with django_capture_on_commit_callbacks(execute=True):
                sent = waiting(owner)
            with django_capture_on_commit_callbacks(execute=True):
                chat_sessions.end(stored(sent.session))
        finally:
            for signal in ours:
                signal.disconnect(broken)
        assert contents(sent.session) == ["Hello", "You asked: Hello"]
        assert stored(sent.session).end_reason == "user"
        assert len(signals) == 4
