"""Group S: a flood of one person's is refused, says when to come back, and disturbs nobody."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from django_chat_sessions import get_message_model
from django_chat_sessions.limits import Limits
from tests.callers import Caller, assert_error, person, rows
from tests.conversations import configure, leave_replies, listen_only

MOST = 5


def flood(caller: Caller, count: int) -> list[Any]:
    """Send many messages, each in a scope of its own and said to come from another address."""
    return [
        caller.post(
            "messages",
            {"content": "Spam", "key": f"key-{number:08}", "scope": f"s{number}"},
            HTTP_X_FORWARDED_FOR=f"198.51.100.{number}",
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(
    "path",
    [
        *("sessions/current", "sessions", "sessions/search?q=ice", "updates", "export"),
        *("sessions/current/page", "sessions/none", "openapi.yaml"),
    ],
)
def test_s05_who_only_looks_leaves_no_row(db: None, path: str) -> None:
    before = rows()
    for _ in range(20):
        assert Client().get(f"/chat/{path}").status_code in (200, 404)
    assert rows() == before
    assert not Session.objects.exists()


def test_s10_z19_a_flood_is_refused_wherever_it_says_it_comes_from(
    caller: Caller, stranger: Caller, settings: Any, noon: Any
) -> None:
    listen_only(settings)
    configure(settings, LIMITS=Limits(messages_per_minute=MOST))
    answers = flood(caller, 4 * MOST)
    assert [answer.status_code for answer in answers] == [201] * MOST + [429] * 3 * MOST
    for answer in answers[MOST:]:
        assert_error(answer, 429, "too_many_messages")
        assert answer.headers["Retry-After"] == "60"
    assert get_message_model()._base_manager.count() == MOST
    assert stranger.say("Why?").status_code == 201
    assert caller.get("sessions").status_code == 200
    noon.shift(60)
    assert caller.say("Back again", key="key-afterwards").status_code == 201


def test_s10_so_many_answers_of_one_person_are_written_at_once(
    caller: Caller, stranger: Caller, settings: Any
) -> None:
    leave_replies(settings)
    configure(settings, LIMITS=Limits(messages_per_minute=None, replies_at_once=2))
    answers = flood(caller, 6)
    assert [answer.status_code for answer in answers] == [201] * 2 + [429] * 4
    assert {answer.headers["Retry-After"] for answer in answers[2:]} == {"5"}
    assert stranger.say("Why?").status_code == 201
    [first, *_others] = [answer.json()["session"]["id"] for answer in answers[:2]]
    assert caller.post(f"sessions/{first}/stop").status_code == 200
    assert caller.say("Again", key="key-afterwards", scope="t").status_code == 201
    assert_error(caller.post(f"sessions/{first}/retry"), 429, "too_many_messages")


def test_what_was_refused_is_taken_later_with_the_same_key(
    caller: Caller, settings: Any, noon: Any
) -> None:
    listen_only(settings)
    configure(settings, LIMITS=Limits(messages_per_minute=1))
    first = caller.say("One", key="key-00000001")
    assert caller.say("Two", key="key-00000002").status_code == 429
    again = caller.say("One", key="key-00000001")
    assert (again.status_code, again.json()["message"]) == (200, first.json()["message"])
    noon.shift(60)
    assert caller.say("Two", key="key-00000002").status_code == 201


def test_a_form_that_is_refused_keeps_what_was_written(settings: Any, db: None) -> None:
    listen_only(settings)
    configure(settings, LIMITS=Limits(messages_per_minute=1))
    visitor = person("visitor")
    sent = {"content": "A long thought", "key": "key-00000001"}
    assert visitor.client.post("/chat/sessions/current/page", sent).status_code == 303
    again = {**sent, "key": "key-00000002"}
    refused = visitor.client.post("/chat/sessions/current/page", again)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert "Too many messages at once" in refused.content.decode()
    assert "A long thought" in refused.content.decode()
