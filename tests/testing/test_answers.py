"""Scripted answers, at the pace that a test sets."""

from __future__ import annotations

from typing import Any

import pytest

from django_chat_sessions import services as chat_sessions
from django_chat_sessions.owners import Owner
from django_chat_sessions.testing import answering, assert_conversation
from tests.conversations import rows, stored

pytestmark = pytest.mark.django_db(transaction=True)


def asked(owner: Owner, *questions: str) -> Any:
    for question in questions:
        sent = chat_sessions.send(owner, question, key=f"key of {question}")
    return sent.session


def test_without_a_script_it_repeats_the_question(owner: Owner, settings: Any) -> None:
    before = dict(settings.CHAT_SESSIONS)
    with answering() as responder:
        session = asked(owner, "Why?", "How?")
    said = [("user", "Why?"), ("assistant", "You asked: Why?")]
    assert_conversation(session, [*said, ("user", "How?"), ("assistant", "You asked: How?")])
    assert responder.questions == ["Why?", "How?"]
    assert before == settings.CHAT_SESSIONS


def test_answers_come_in_turn_and_each_can_fail(owner: Owner) -> None:
    steps: list[Any] = ["Be", "cause.", {"sources": []}]
    with answering("First.", RuntimeError("no model"), steps, ["Half", TimeoutError()]):
        session = asked(owner, "1", "2", "3", "4", "5")
    replies = rows(session)[1::2]
    assert [row.content for row in replies] == ["First.", "", "Because.", "Half", ""]
    assert [row.state for row in replies] == ["answered", "failed", "answered", "failed", "failed"]
    assert replies[1].error == "RuntimeError: no model"
    assert replies[2].metadata == {"sources": []}
    assert replies[4].error == "LookupError: Question 5 has no answer in the script."


def test_a_step_looks_at_the_answer_while_it_is_written(owner: Owner) -> None:
    seen: list[Any] = []

    def look(turn: Any) -> None:
        seen.append((stored(turn.reply).state, stored(turn.reply).content))
        chat_sessions.stop(turn.session)

    with answering(["The first piece", look, " and no other"]):
        session = asked(owner, "Why?")
    assert seen == [("running", "The first piece")]
    assert rows(session)[1].state == "stopped"
    assert rows(session)[1].content == "The first piece"


def fail(turn: Any) -> None:
    raise AssertionError(f"{turn.question} is no question.")


def give_up(turn: Any) -> None:
    pytest.fail("It is no question.")


@pytest.mark.parametrize("step", [fail, give_up])
def test_what_a_step_asserts_in_vain_fails_the_test(owner: Owner, step: Any) -> None:
    def story() -> None:
        with answering(["Half", step]):
            assert rows(asked(owner, "Why"))[1].state == "failed"
            raise LookupError("What a test meets because of it.")

    with pytest.raises((AssertionError, pytest.fail.Exception), match="is no question"):
        story()


def test_an_error_of_another_kind_is_one_that_a_model_may_have(owner: Owner) -> None:
    def break_down(turn: Any) -> None:
        raise RuntimeError("no model")

    with answering([break_down]):
        session = asked(owner, "Why?")
    assert rows(session)[1].error == "RuntimeError: no model"


def test_the_fixture_answers_too(owner: Owner, chat_answers: Any) -> None:
    asked(owner, "Why?")
    assert chat_answers.questions == ["Why?"]
