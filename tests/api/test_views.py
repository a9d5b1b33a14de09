"""Every operation as it is meant to be used, for every kind of caller."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from django_chat_sessions import get_session_model, services
from django_chat_sessions.exceptions import SessionNotFound
from tests.callers import Caller, assert_error, assert_private, person, rows


def test_a_first_look_says_that_a_message_would_start_the_first_chat(caller: Caller) -> None:
    response = caller.get("sessions/current")
    assert response.status_code == 200
    assert response.json()["session"] is None
    assert response.json()["arrival"] == {"status": "new", "reason": "first", "previous": None}


def test_looking_stores_nothing(caller: Caller) -> None:
    before = rows()
    for path in ("sessions/current", "sessions", "sessions?scope=a", "openapi.yaml"):
        assert caller.get(path).status_code == 200
    assert rows() == before


def test_a_message_starts_a_chat_and_its_reply_is_pending(caller: Caller) -> None:
    response = caller.say("Why does ice float?", scope="subject:1")
    assert response.status_code == 201
    body = response.json()
    assert body["arrival"]["status"] == "new"
    assert body["session"]["title"] == "Why does ice float?"
    assert body["session"]["scope"] == "subject:1"
    assert body["message"]["content"] == "Why does ice float?"
    assert (body["message"]["position"], body["reply"]["position"]) == (0, 1)
    assert body["reply"]["state"] == "pending"


def test_the_responder_answers_after_commit(caller: Caller, answering: Any) -> None:
    with answering():
        session = caller.say("Why?").json()["session"]["id"]
    question, reply = caller.get(f"sessions/{session}/messages").json()["messages"]
    assert question["content"] == "Why?"
    assert (reply["content"], reply["state"]) == ("You asked: Why?", "answered")
    assert reply["metadata"]["sources"][0]["title"] == "Echo"


def test_the_same_key_again_answers_200_with_what_it_led_to(caller: Caller, answering: Any) -> None:
    with answering():
        first = caller.say("Why?", key="a-key-of-mine").json()
    stored = rows()
    again = caller.say("Why?", key="a-key-of-mine")
    assert again.status_code == 200
    assert rows() == stored
    assert again.json()["message"] == first["message"]
    assert again.json()["reply"]["id"] == first["reply"]["id"]
    assert again.json()["reply"]["content"] == "You asked: Why?"


def test_a_key_of_another_text_is_refused(caller: Caller, answering: Any) -> None:
    with answering():
        caller.say("Why?", key="a-key-of-mine")
    stored = rows()
    assert_error(caller.say("How?", key="a-key-of-mine"), 422, "key_reused", "key")
    assert rows() == stored


def test_the_keys_of_two_owners_are_two_keys(caller: Caller, stranger: Caller) -> None:
    assert caller.say("Mine", key="a-key-of-mine").status_code == 201
    assert stranger.say("Theirs", key="a-key-of-mine").status_code == 201


def test_a_second_message_waits_for_the_answer_of_the_first(caller: Caller) -> None:
    first = caller.say("Why?").json()
    stored = rows()
    response = caller.say("And how?", key="another-key")
    assert_error(response, 409, "turn_in_progress")
    assert response["Retry-After"] == "1"
    body = response.json()
    assert body["running"]["id"] == first["reply"]["id"]
    assert body["session"]["id"] == first["session"]["id"]
    assert rows() == stored


def test_a_message_to_a_chat_that_was_ended_is_refused_with_the_open_one(
    caller: Caller, answering: Any
) -> None:
    with answering():
        first = caller.say("Why?").json()["session"]["id"]
    current = caller.post("sessions").json()["session"]["id"]
    stored = rows()
    response = caller.say("More", key="another-key", session=first)
    assert_error(response, 409, "session_ended")
    assert response.json()["session"]["id"] == first
    assert response.json()["current"]["id"] == current
    assert rows() == stored


def test_a_message_to_an_expired_chat_starts_a_new_one_and_says_so(
    caller: Caller, answering: Any, noon: Any
) -> None:
    with answering():
        first = caller.say("Why?").json()["session"]["id"]
    noon.shift(300)
    response = caller.say("More", key="another-key", session=first)
    assert response.status_code == 201
    assert response.json()["session"]["id"] != first
    assert response.json()["arrival"]["reason"] == "idle"
    assert response.json()["arrival"]["previous"]["id"] == first


def test_a_message_from_a_stale_tab_does_not_slip_into_another_open_chat(
    caller: Caller, answering: Any, noon: Any
) -> None:
    with answering():
        stale = caller.say("Why?").json()["session"]["id"]
    noon.shift(300)
    with answering():
        current = caller.say("New topic", key="another-key").json()["session"]["id"]
    stored = rows()
    response = caller.say("About the old one", key="a-third-key", session=stale)
    assert_error(response, 409, "session_ended")
    assert response.json()["current"]["id"] == current
    assert rows() == stored


def test_without_a_responder_there_is_no_reply(caller: Caller, settings: Any) -> None:
    settings.CHAT_SESSIONS = {**settings.CHAT_SESSIONS, "RESPONDER": None}
    body = caller.say("Why?").json()
    assert body["reply"] is None
    assert body["session"]["running"] is False


def test_starting_anew_ends_the_open_chat(caller: Caller, answering: Any) -> None:
    with answering():
        first = caller.say("Why?").json()["session"]["id"]
    response = caller.post("sessions")
    assert response.status_code == 201
    assert response.json()["arrival"]["previous"]["id"] == first
    assert caller.get(f"sessions/{first}").json()["session"]["end_reason"] == "user"


def test_starting_twice_makes_one_chat(caller: Caller) -> None:
    first = caller.post("sessions").json()["session"]["id"]
    assert caller.post("sessions").json()["session"]["id"] == first
    assert get_session_model()._base_manager.count() == 1


def test_the_history_shows_the_latest_chat_first_and_only_ones_own(
    caller: Caller, stranger: Caller
) -> None:
    stranger.say("Not yours")
    for number in range(3):
        caller.say(f"Question {number}", key=f"key-number-{number}", scope=f"s{number}")
    titles = [row["title"] for row in caller.get("sessions").json()["sessions"]]
    assert titles == ["Question 2", "Question 1", "Question 0"]
    only = caller.get("sessions?scope=s1").json()["sessions"]
    assert [row["title"] for row in only] == ["Question 1"]


def test_pages_of_the_history_neither_skip_nor_repeat_at_equal_times(
    caller: Caller, noon: Any
) -> None:
    for number in range(7):
        caller.say("?", key=f"key-number-{number}", scope=f"s{number}")
    seen, cursor = [], ""
    for _page in range(4):
        page = caller.get(f"sessions?limit=2{cursor}").json()
        seen += [row["scope"] for row in page["sessions"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert page["next_cursor"] is None
    assert seen == [f"s{number}" for number in reversed(range(7))]


def test_the_history_limit_of_the_site_is_the_default_and_never_above_100(
    caller: Caller, settings: Any
) -> None:
    for number in range(3):
        caller.say("?", key=f"key-number-{number}", scope=f"s{number}")
    settings.CHAT_SESSIONS = {**settings.CHAT_SESSIONS, "HISTORY_LIMIT": 2}
    assert len(caller.get("sessions").json()["sessions"]) == 2
    settings.CHAT_SESSIONS = {**settings.CHAT_SESSIONS, "HISTORY_LIMIT": 5000}
    assert len(caller.get("sessions").json()["sessions"]) == 3


def test_renaming_keeps_everything_but_the_title(caller: Caller) -> None:
    session = caller.say("Why?").json()["session"]
    response = caller.call("PATCH", f"sessions/{session['id']}", {"title": "Ice  and\nwater"})
    assert response.status_code == 200
    assert response.json()["session"] == session | {"title": "Ice and water"}


def test_a_deleted_chat_is_gone_for_its_owner(caller: Caller) -> None:
    session = caller.say("Why?").json()["session"]["id"]
    response = caller.call("DELETE", f"sessions/{session}")
    assert (response.status_code, response.content) == (204, b"")
    assert_private(response)
    assert_error(caller.get(f"sessions/{session}"), 404, "not_found")
    assert_error(caller.call("DELETE", f"sessions/{session}"), 404, "not_found")
    assert caller.get("sessions").json()["sessions"] == []
    with pytest.raises(SessionNotFound):
        services.find_session(caller.owner, session)


def test_the_transcript_comes_in_pages_without_gap_or_overlap(
    caller: Caller, answering: Any
) -> None:
    for number in range(3):
        with answering():
            session = caller.say(f"{number}?", key=f"key-number-{number}").json()["session"]["id"]
    positions: list[int] = []
    query = "limit=4"
    while True:
        page = caller.get(f"sessions/{session}/messages?{query}").json()
        positions = [message["position"] for message in page["messages"]] + positions
        if page["next_before"] is None:
            break
        query = f"limit=4&before={page['next_before']}"
    assert positions == list(range(6))


def test_ending_twice_changes_nothing_more(caller: Caller) -> None:
    session = caller.post("sessions").json()["session"]["id"]
    first = caller.post(f"sessions/{session}/end")
    assert (first.status_code, first.json()["session"]["state"]) == (200, "ended")
    assert caller.post(f"sessions/{session}/end").json()["session"] == first.json()["session"]


def test_reopening_brings_a_chat_back_and_says_what_it_replaced(
    caller: Caller, answering: Any
) -> None:
    with answering():
        first = caller.say("Why?").json()["session"]["id"]
    caller.post(f"sessions/{first}/end")
    with answering():
        second = caller.say("How?", key="another-key").json()["session"]["id"]
    response = caller.post(f"sessions/{first}/reopen")
    assert response.status_code == 200
    assert response.json()["arrival"]["status"] == "reopened"
    assert response.json()["arrival"]["previous"]["id"] == second
    assert response.json()["session"]["state"] == "active"
    assert len(caller.get(f"sessions/{first}/messages").json()["messages"]) == 2


def test_a_touch_extends_an_open_chat_but_does_not_wake_an_expired_one(
    caller: Caller, noon: Any
) -> None:
    session = caller.post("sessions").json()["session"]["id"]
    noon.shift(299)
    touched = caller.post(f"sessions/{session}/touch").json()["session"]
    assert touched["expires_at"] == "2026-11-22T12:09:59.000000Z"
    noon.shift(300)
    assert caller.post(f"sessions/{session}/touch").json()["session"]["state"] == "expired"


def test_verbs_without_a_body_take_any_body(caller: Caller) -> None:
    session = caller.post("sessions").json()["session"]["id"]
    for verb in ("touch", "end", "reopen"):
        response = caller.raw("POST", f"sessions/{session}/{verb}", b"\xff", "text/plain")
        assert response.status_code == 200


def test_a_token_and_a_login_of_one_user_are_one_owner(db: None, tokens_too: None) -> None:
    session = person("user").say("Why?").json()["session"]["id"]
    assert person("token").get(f"sessions/{session}").status_code == 200


def test_the_contract_is_served_to_everybody(db: None, settings: Any) -> None:
    settings.CHAT_SESSIONS = {
        **settings.CHAT_SESSIONS,
        "AUTHENTICATORS": ["django_chat_sessions.authentication.DjangoSession"],
    }
    response = Client().get("/chat/openapi.yaml")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/yaml"
    assert response.content.startswith(b"openapi: 3.1")
    assert_private(response)
