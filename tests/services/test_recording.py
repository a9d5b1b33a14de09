"""record_turn and add_turn: a question and its answer, stored once, in one order."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, DataError, connection

from django_chat_sessions import clock
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.exceptions import KeyReused, SessionEnded, TurnInProgress, TurnLost
from django_chat_sessions.owners import Owner
from django_chat_sessions.services import recording
from django_chat_sessions.services.replies.leases import lease_keeper
from django_chat_sessions.services.replies.writing import finish
from tests.conversations import (
    contents,
    fail_at,
    fill,
    fill_history,
    in_sizes,
    opened,
    rows,
    stored,
    talked,
)

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
LEASE = timedelta(seconds=30)
TIMEOUT = timedelta(seconds=300)


class TestRecordTurn:
    def test_question_and_answer_are_stored(self, owner: Owner, noon: Any) -> None:
        session = opened(owner)
        with chat_sessions.record_turn(session, "Why?", key="k") as turn:
            assert contents(session) == ["Why?", ""]
            assert turn.created
            noon.shift(20 * SECOND)
            turn.answer = "Because."
            turn.metadata["sources"] = ["book"]
        question, reply = rows(session)
        assert (question.content, question.role, question.state) == ("Why?", "user", "")
        assert (reply.content, reply.role, reply.state) == ("Because.", "assistant", "answered")
        assert reply.metadata == {"sources": ["book"]}
        assert (reply.error, reply.lease_until, reply.attempt) == ("", None, 1)
        row = stored(session)
        assert (row.message_count, row.title, row.preview) == (2, "Why?", "Because.")
        assert row.running_until is None
        assert row.last_activity_at == row.last_message_at == clock.now()
        assert row.expires_at == clock.now() + TIMEOUT
        assert not row.unread  # it was shown by the view that gave it

    def test_a_block_that_raises_keeps_the_question_and_raises_on(self, owner: Owner) -> None:
        session = opened(owner)
        with (
            pytest.raises(RuntimeError, match="no model"),
            chat_sessions.record_turn(session, "Why?"),
        ):
            raise RuntimeError("no model")
        question, reply = rows(session)
        assert question.content == "Why?"
        assert (reply.state, reply.content, reply.error) == ("failed", "", "RuntimeError: no model")
        assert stored(session).running_until is None

    def test_a_block_without_an_answer_has_failed(self, owner: Owner) -> None:
        session = opened(owner)
        with chat_sessions.record_turn(session, "Why?"):
            pass
        assert rows(session)[1].state == "failed"
        assert rows(session)[1].error == "The block ended without an answer."

    @pytest.mark.parametrize(
        ("answer", "metadata"),
        [(5, {}), (b"Because.", {}), ("Because.", {"at": object()}), ("Because.", {"n": math.nan})],
    )
    def test_what_cannot_be_stored_fails_the_reply_at_once(
        self, owner: Owner, answer: Any, metadata: Any
    ) -> None:
        session = opened(owner)
        with (
            pytest.raises((TypeError, ValueError)),
            chat_sessions.record_turn(session, "Why?") as turn,
        ):
            turn.answer, turn.metadata = answer, metadata
        assert rows(session)[1].state == "failed"
        assert stored(session).running_until is None

    def test_what_a_database_would_refuse_in_metadata_is_replaced(self, owner: Owner) -> None:
        session = opened(owner)
        with chat_sessions.record_turn(session, "Why?") as turn:
            turn.answer = "Because."
            turn.metadata = {"a\x00": ["\ud800", ("b", 1, None, True, 0.5)]}
        assert rows(session)[1].metadata == {"a\ufffd": ["\ufffd", ["b", 1, None, True, 0.5]]}

    @pytest.mark.parametrize("wrong", ["text", ["a", "list"], None])
    def test_metadata_of_another_kind_is_refused_and_leaves_nobody_waiting(
        self, owner: Owner, wrong: Any
    ) -> None:
        session = opened(owner)
        said = f"metadata is a {type(wrong).__name__}; give a dict."
        with (
            pytest.raises(TypeError, match=said),
            chat_sessions.record_turn(session, "Why?") as turn,
        ):
            turn.answer, turn.metadata = "Because.", wrong
        assert (rows(session)[1].state, said in str(rows(session)[1].error)) == ("failed", True)
        assert stored(session).running_until is None

    def test_an_answer_that_the_database_refuses_has_failed(
        self, owner: Owner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def only_failures(reply: Any, session: Any, state: Any, **facts: Any) -> None:
            if state == "answered":
                raise DataError("value too long")
            finish(reply, session, state, **facts)

        monkeypatch.setattr(recording, "finish", only_failures)
        session = opened(owner)
        with (
            pytest.raises(DataError, match="too long"),
            chat_sessions.record_turn(session, "Why?") as turn,
        ):
            turn.answer = "Because."
        assert (rows(session)[1].state, stored(session).running_until) == ("failed", None)

    def test_an_empty_answer_is_an_answer(self, owner: Owner) -> None:
        session = opened(owner)
        with chat_sessions.record_turn(session, "Say nothing.") as turn:
            turn.answer = ""
        assert rows(session)[1].state == "answered"
        assert stored(session).preview == "Say nothing."

    def test_the_same_key_gives_the_answer_without_asking_again(
        self, owner: Owner, noon: Any
    ) -> None:
        session = opened(owner)
        with chat_sessions.record_turn(session, "Why?", key="k") as first:
            first.answer = "Because."
            first.metadata = {"sources": ["book"]}
        noon.shift(TIMEOUT)
        with chat_sessions.record_turn(opened(owner), "Why?", key="k") as again:
            assert not again.created
            assert (again.answer, again.metadata) == (first.answer, first.metadata)
            assert (again.session, again.message, again.reply) == (
                session,
                first.message,
                first.reply,
            )
            again.answer = "Something else, which nobody stores."
        assert contents(session) == ["Why?", "Because."]

    def test_the_same_key_with_another_text_is_refused(self, owner: Owner) -> None:
        session = opened(owner)
        with chat_sessions.record_turn(session, "Why?", key="k") as turn:
            turn.answer = "Because."
        with pytest.raises(KeyReused), chat_sessions.record_turn(session, "How?", key="k"):
            pass

    def test_after_a_failure_the_same_key_asks_again_and_answers_once(self, owner: Owner) -> None:
        session = opened(owner)
        with pytest.raises(RuntimeError), chat_sessions.record_turn(session, "Why?", key="k"):
            raise RuntimeError
        with chat_sessions.record_turn(session, "Why?", key="k") as turn:
            assert turn.created
            assert stored(session).running_until is not None
            turn.answer = "Because."
        question, reply = rows(session)
        assert (question.content, reply.content, reply.state) == ("Why?", "Because.", "answered")
        assert (reply.attempt, reply.error) == (2, "")
        assert stored(session).message_count == 2

    def test_the_history_shows_the_question_that_is_asked_again(self, owner: Owner) -> None:
        session = opened(owner)
        with pytest.raises(RuntimeError), chat_sessions.record_turn(session, "Why?", key="k"):
            raise RuntimeError
        with chat_sessions.record_turn(session, "How?") as other:
            other.answer = "So."
        with chat_sessions.record_turn(session, "Why?", key="k"):
            assert stored(session).preview == "Why?"

    def test_also_when_a_worker_died_over_the_first(self, owner: Owner, noon: Any) -> None:
        session = opened(owner)
        dead = chat_sessions.record_turn(session, "Why?", key="k")
        dead.__enter__()
        noon.shift(LEASE)
        with chat_sessions.record_turn(session, "Why?", key="k") as turn:
            turn.answer = "Because."
        with pytest.raises(TurnLost):
            dead.__exit__(None, None, None)
        assert contents(session) == ["Why?", "Because."]
        assert rows(session)[1].attempt == 2

    def test_while_the_first_is_being_answered_the_same_key_is_refused(self, owner: Owner) -> None:
        session = opened(owner)
        with chat_sessions.record_turn(session, "Why?", key="k") as turn:
            with (
                pytest.raises(TurnInProgress) as refused,
                chat_sessions.record_turn(stored(session), "Why?", key="k"),
            ):
                pass
            assert refused.value.reply == turn.reply
            turn.answer = "Because."
        assert contents(session) == ["Why?", "Because."]

    def test_the_same_key_gives_its_answer_also_while_another_is_being_answered(
        self, owner: Owner
    ) -> None:
        session = opened(owner)
        with chat_sessions.record_turn(session, "Why?", key="k") as first:
            first.answer = "Because."
        with chat_sessions.record_turn(session, "How?", key="other") as turn:
            with chat_sessions.record_turn(stored(session), "Why?", key="k") as again:
                assert (again.created, again.answer) == (False, "Because.")
            added = chat_sessions.add_turn(stored(session), "Why?", "Not this.", key="k")
            assert (added.created, added.answer) == (False, "Because.")
            turn.answer = "So."
        assert contents(session) == ["Why?", "Because.", "How?", "So."]

    def test_a_failed_question_in_a_session_that_is_over_is_not_asked_in_another(
        self, owner: Owner, noon: Any
    ) -> None:
        session = opened(owner)
        with pytest.raises(RuntimeError), chat_sessions.record_turn(session, "Why?", key="k"):
            raise RuntimeError
        noon.shift(TIMEOUT)
        with (
            pytest.raises(SessionEnded) as refused,
            chat_sessions.record_turn(opened(owner), "Why?", key="k"),
        ):
            pass
        assert refused.value.session == session

    def test_a_key_of_a_message_that_asked_for_no_reply_is_refused(self, owner: Owner) -> None:
        session = opened(owner)
        chat_sessions.add_message(session, "user", "Why?", key="k")
        with pytest.raises(KeyReused), chat_sessions.record_turn(session, "Why?", key="k"):
            pass

    def test_without_a_key_each_turn_is_another(self, owner: Owner) -> None:
        session = opened(owner)
        for answer in ("Because.", "Because!"):
            with chat_sessions.record_turn(session, "Why?") as turn:
                turn.answer = answer
        assert contents(session) == ["Why?", "Because.", "Why?", "Because!"]

    def test_a_session_that_is_over_takes_no_question(self, owner: Owner) -> None:
        session = chat_sessions.end(opened(owner))
        with pytest.raises(SessionEnded), chat_sessions.record_turn(session, "Why?"):
            pass
        assert rows(session) == []

    def test_an_answer_to_a_deleted_session_is_dropped(self, owner: Owner) -> None:
        session = opened(owner)

        def answer() -> None:
            with chat_sessions.record_turn(session, "Why?") as turn:
                chat_sessions.delete(stored(session))
                turn.answer = "SECRET-4711"

        with pytest.raises(TurnLost) as lost:
            answer()
        assert "SECRET-4711" not in str(lost.value)
        assert [row.state for row in rows(session)] == ["", "stopped"]

    def test_an_error_in_a_deleted_session_is_raised_as_it_is(self, owner: Owner) -> None:
        session = opened(owner)

        def answer() -> None:
            with chat_sessions.record_turn(session, "Why?"):
                chat_sessions.delete(stored(session))
                raise RuntimeError

        with pytest.raises(RuntimeError):
            answer()
        assert rows(session)[1].state == "stopped"

    def test_a_session_that_is_ended_meanwhile_keeps_the_answer(self, owner: Owner) -> None:
        session = opened(owner)
        with chat_sessions.record_turn(session, "Why?") as turn:
            chat_sessions.end(stored(session))
            turn.answer = "Because."
        assert contents(session) == ["Why?", "Because."]
        assert stored(session).open_key is None
        assert stored(session).end_reason == "user"

    def test_its_lease_is_kept_as_long_as_the_block_runs(self, owner: Owner) -> None:
        session = opened(owner)
        with chat_sessions.record_turn(session, "Why?") as turn:
            assert turn.reply.pk in lease_keeper._held
            turn.answer = "Because."
        assert turn.reply.pk not in lease_keeper._held
        with pytest.raises(RuntimeError), chat_sessions.record_turn(session, "Why?") as turn:
            raise RuntimeError
        assert turn.reply.pk not in lease_keeper._held

    @in_sizes(messages=(10, 10_000))
    def test_2_statements_before_the_block_and_2_after_it(
        self, owner: Owner, statements: Any, messages: int
    ) -> None:
        session = opened(owner)
        fill(session, messages)
        with statements() as sent, chat_sessions.record_turn(session, "Why?") as turn:
            assert [sql.split()[0] for sql in sent] == ["UPDATE", "INSERT"]
            sent.clear()
            turn.answer = "Because."
        assert [sql.split()[0] for sql in sent] == ["UPDATE", "UPDATE"]


class TestAddTurn:
    def test_question_and_answer_are_stored_as_one(self, owner: Owner, noon: Any) -> None:
        session = opened(owner)
        noon.shift(20 * SECOND)
        turn = chat_sessions.add_turn(session, "Why?", "Because.", metadata={"sources": ["book"]})
        question, reply = rows(session)
        assert (turn.created, turn.session) == (True, session)
        assert (turn.message, turn.reply) == (question, reply)
        assert (turn.answer, turn.metadata) == ("Because.", {"sources": ["book"]})
        assert (question.content, question.role, question.state) == ("Why?", "user", "")
        assert (reply.content, reply.role, reply.state) == ("Because.", "assistant", "answered")
        assert (reply.metadata, reply.error) == ({"sources": ["book"]}, "")
        assert (reply.lease_until, reply.attempt) == (None, 1)
        row = stored(session)
        assert (row.message_count, row.title, row.preview) == (2, "Why?", "Because.")
        assert row.running_until is None
        assert row.last_activity_at == row.last_message_at == clock.now()
        assert row.expires_at == clock.now() + TIMEOUT
        assert not row.unread

    def test_it_is_the_row_that_record_turn_leaves(self, owner: Owner) -> None:
        session = opened(owner)
        with chat_sessions.record_turn(session, "Why?") as turn:
            turn.answer, turn.metadata = "Because.", {"sources": []}
        chat_sessions.add_turn(session, "Why?", "Because.", metadata={"sources": []})
        told = ("role", "content", "state", "error", "lease_until", "attempt", "metadata")
        first, second = rows(session)[1], rows(session)[3]
        assert [getattr(first, name) for name in told] == [getattr(second, name) for name in told]

    def test_an_empty_answer_is_an_answer(self, owner: Owner) -> None:
        session = opened(owner)
        chat_sessions.add_turn(session, "Say nothing.", "")
        assert rows(session)[1].state == "answered"
        assert stored(session).preview == "Say nothing."

    @pytest.mark.parametrize(
        ("answer", "metadata", "said"),
        [
            (None, {}, "answer is a NoneType; give text"),
            (b"Because.", {}, "answer is a bytes; give text"),
            ("Because.", ["a"], "metadata is a list; give a dict"),
            ("Because.", {"at": object()}, "object has no place in JSON"),
        ],
    )
    def test_what_cannot_be_stored_is_refused_and_leaves_nothing(
        self, owner: Owner, answer: Any, metadata: Any, said: str
    ) -> None:
        session = opened(owner)
        with pytest.raises(TypeError, match=said):
            chat_sessions.add_turn(session, "Why?", answer, metadata=metadata)
        assert rows(session) == []

    def test_what_a_database_would_refuse_is_replaced(self, owner: Owner) -> None:
        session = opened(owner)
        turn = chat_sessions.add_turn(session, "W\x00", "B\ud800", metadata={"a\x00": "\ud800"})
        assert contents(session) == ["W\ufffd", "B\ufffd"]
        assert (turn.answer, turn.metadata) == ("B\ufffd", {"a\ufffd": "\ufffd"})
        assert rows(session)[1].metadata == turn.metadata

    def test_the_same_key_gives_the_first_answer(self, owner: Owner, noon: Any) -> None:
        session = opened(owner)
        first = chat_sessions.add_turn(session, "Why?", "Because.", key="k", metadata={"n": 1})
        noon.shift(TIMEOUT)
        again = chat_sessions.add_turn(opened(owner), "Why?", "Something else.", key="k")
        assert (first.created, again.created) == (True, False)
        assert (again.session, again.reply) == (session, first.reply)
        assert (again.answer, again.metadata) == ("Because.", {"n": 1})
        assert contents(session) == ["Why?", "Because."]

    def test_the_same_key_with_another_text_is_refused(self, owner: Owner) -> None:
        session = opened(owner)
        chat_sessions.add_turn(session, "Why?", "Because.", key="k")
        with pytest.raises(KeyReused):
            chat_sessions.add_turn(session, "How?", "So.", key="k")

    def test_after_a_failure_the_same_key_stores_the_answer(self, owner: Owner) -> None:
        session = opened(owner)
        with pytest.raises(RuntimeError), chat_sessions.record_turn(session, "Why?", key="k"):
            raise RuntimeError
        turn = chat_sessions.add_turn(session, "Why?", "Because.", key="k", metadata={"n": 1})
        assert (turn.created, turn.answer, turn.metadata) == (True, "Because.", {"n": 1})
        question, reply = rows(session)
        assert (question.content, reply.content, reply.state) == ("Why?", "Because.", "answered")
        assert (reply.attempt, reply.error, reply.metadata) == (2, "", {"n": 1})
        assert (stored(session).message_count, stored(session).running_until) == (2, None)

    def test_while_another_is_being_answered_it_is_refused(self, owner: Owner) -> None:
        session = opened(owner)
        with chat_sessions.record_turn(session, "Why?") as turn:
            with pytest.raises(TurnInProgress):
                chat_sessions.add_turn(stored(session), "How?", "So.")
            turn.answer = "Because."
        assert contents(session) == ["Why?", "Because."]

    def test_what_a_dead_worker_left_behind_is_interrupted_first_by_2_statements_more(
        self,
        owner: Owner,
        noon: Any,
        statements: Any,
        signals: Any,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        session = opened(owner)
        dead = chat_sessions.record_turn(session, "Why?")
        dead.__enter__()
        noon.shift(LEASE)
        with statements() as sent, django_capture_on_commit_callbacks(execute=True):
            chat_sessions.add_turn(session, "How?", "So.")
        assert [sql.split()[0] for sql in sent] == ["SELECT", "UPDATE", "UPDATE", "INSERT"]
        assert [name for name, _facts in signals] == [
            "turn_failed",
            "message_added",
            "turn_answered",
        ]
        assert contents(session) == ["Why?", "", "How?", "So."]
        assert [row.state for row in rows(session)] == ["", "interrupted", "", "answered"]

    def test_a_session_that_is_over_takes_no_turn(self, owner: Owner) -> None:
        session = chat_sessions.end(opened(owner))
        with pytest.raises(SessionEnded):
            chat_sessions.add_turn(session, "Why?", "Because.")
        assert rows(session) == []

    @in_sizes(messages=(10, 10_000), others=(30, 3_000))
    def test_2_statements(self, owner: Owner, statements: Any, messages: int, others: int) -> None:
        fill_history(owner, others)
        session = opened(owner)
        fill(session, messages)
        with statements() as sent:
            chat_sessions.add_turn(session, "Why?", "Because.")
        assert [sql.split()[0] for sql in sent] == ["UPDATE", "INSERT"]

    def test_both_or_neither(self, owner: Owner) -> None:
        session = talked(owner)
        before = stored(session)
        with fail_at("INSERT"), pytest.raises(DatabaseError):
            chat_sessions.add_turn(session, "Lost", "Lost, too.")
        assert contents(session) == contents(before)
        assert stored(session).message_count == before.message_count == session.message_count


@pytest.mark.django_db(transaction=True)
class TestOutsideAnyTransaction:
    def test_no_transaction_is_held_while_the_host_answers(self, owner: Owner) -> None:
        session = opened(owner)
        with chat_sessions.record_turn(session, "Why?") as turn:
            assert not connection.in_atomic_block
            turn.answer = "Because."

    def test_one_statement_stores_a_whole_turn_on_postgresql(
        self, owner: Owner, statements: Any
    ) -> None:
        session = opened(owner)
        with statements() as sent:
            chat_sessions.add_turn(session, "Why?", "Because.")
        kinds = [sql.split()[0] for sql in sent]
        assert kinds == (["WITH"] if connection.vendor == "postgresql" else ["UPDATE", "INSERT"])
        assert contents(session) == ["Why?", "Because."]


class TestSignals:
    def test_a_recorded_turn_tells_its_question_and_its_answer(
        self, owner: Owner, signals: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        session = opened(owner)
        shown: list[tuple[str, str]] = []

        def look(sender: Any, reply: Any, **facts: Any) -> None:
            shown.append((reply.state, reply.content))

        from django_chat_sessions.signals import turn_answered

        turn_answered.connect(look)
        try:
            with (
                django_capture_on_commit_callbacks(execute=True),
                chat_sessions.record_turn(session, "Why?") as turn,
            ):
                turn.answer = "Because."
        finally:
            turn_answered.disconnect(look)
        assert signals == [
            ("message_added", {"session": session, "message": turn.message}),
            ("turn_answered", {"session": session, "reply": turn.reply}),
        ]
        assert shown == [("answered", "Because.")]

    def test_a_failed_turn_tells_its_state(
        self, owner: Owner, signals: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        session = opened(owner)
        with (
            django_capture_on_commit_callbacks(execute=True),
            pytest.raises(RuntimeError),
            chat_sessions.record_turn(session, "Why?") as turn,
        ):
            raise RuntimeError
        assert signals[1:] == [
            ("turn_failed", {"session": session, "reply": turn.reply, "state": "failed"})
        ]

    def test_an_added_turn_tells_the_same(
        self, owner: Owner, signals: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        session = opened(owner)
        with django_capture_on_commit_callbacks(execute=True):
            turn = chat_sessions.add_turn(session, "Why?", "Because.", key="k")
            assert signals == []
        chat_sessions.add_turn(session, "Why?", "Because.", key="k")
        assert signals == [
            ("message_added", {"session": session, "message": turn.message}),
            ("turn_answered", {"session": session, "reply": turn.reply}),
        ]
        assert signals[1][1]["reply"].content == "Because."
