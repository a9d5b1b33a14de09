"""Every operation as it is meant to be used, for every kind of caller."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models.signals import pre_save
from django.test import Client

from django_chat_sessions import get_message_model, get_session_model, services
from django_chat_sessions.exceptions import SessionNotFound
from tests.callers import Caller, assert_error, assert_private, person, rows
from tests.conversations import fill_history


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


def test_a_host_refuses_a_scope_where_a_session_begins(caller: Caller) -> None:
    def refuse(instance: Any, **kwargs: Any) -> None:
        if instance._state.adding and instance.scope == "subject:99":
            raise SessionNotFound("There is no such subject.")

    before = rows()
    pre_save.connect(refuse, get_session_model())
    try:
        assert_error(caller.say("Why?", scope="subject:99"), 404, "not_found")
        assert_error(caller.post("sessions", {"scope": "subject:99"}), 404, "not_found")
        assert rows() == before
        assert caller.say("Why?", scope="subject:1").status_code == 201
    finally:
        pre_save.disconnect(refuse, get_session_model())
    assert caller.say("Why?", key="another-key", scope="subject:99").status_code == 201


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
        assert len(page["messages"]) <= 4
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


def test_stopping_keeps_what_was_written(caller: Caller) -> None:
    sent = caller.say("Why?").json()
    reply = get_message_model()._base_manager.filter(pk=sent["reply"]["id"])
    reply.update(content="Because it")
    response = caller.post(f"sessions/{sent['session']['id']}/stop")
    assert response.status_code == 200
    body = response.json()
    assert (body["reply"]["state"], body["reply"]["content"]) == ("stopped", "Because it")
    assert body["session"]["running"] is False
    again = caller.post(f"sessions/{sent['session']['id']}/stop").json()
    assert (again["session"], again["reply"]) == (body["session"], body["reply"])


def test_where_nobody_has_answered_there_is_nothing_to_stop(caller: Caller) -> None:
    session = caller.post("sessions").json()["session"]["id"]
    assert caller.post(f"sessions/{session}/stop").json()["reply"] is None


def test_what_was_stopped_can_be_asked_for_again(caller: Caller, answering: Any) -> None:
    session = caller.say("Why?").json()["session"]["id"]
    running = caller.post(f"sessions/{session}/retry")
    assert_error(running, 409, "turn_in_progress")
    assert running["Retry-After"] == "1"
    assert running.json()["running"]["state"] == "pending"
    caller.post(f"sessions/{session}/stop")
    with answering():
        body = caller.post(f"sessions/{session}/retry").json()
        assert (body["reply"]["state"], body["reply"]["attempt"]) == ("pending", 2)
        assert body["session"]["running"] is True
    [_question, reply] = caller.get(f"sessions/{session}/messages").json()["messages"]
    assert (reply["state"], reply["content"]) == ("answered", "You asked: Why?")
    assert_error(caller.post(f"sessions/{session}/retry"), 409, "nothing_to_retry")
    caller.post(f"sessions/{session}/end")
    stored = rows()
    refused = caller.post(f"sessions/{session}/retry")
    assert_error(refused, 409, "nothing_to_retry")
    assert refused.json()["session"]["id"] == session
    assert rows() == stored


def test_an_answer_is_unread_until_it_was_seen(caller: Caller, answering: Any) -> None:
    with answering():
        session = caller.say("Why?").json()["session"]["id"]
    before = caller.get(f"sessions/{session}").json()["session"]
    assert before["unread"] is True
    assert [row["unread"] for row in caller.get("sessions").json()["sessions"]] == [True]
    read = caller.post(f"sessions/{session}/read").json()["session"]
    assert read == before | {"unread": False}
    assert caller.post(f"sessions/{session}/read").json()["session"] == read


def test_updates_tell_what_is_open_and_then_what_has_changed(
    caller: Caller, answering: Any
) -> None:
    with answering():
        sent = caller.say("Why?").json()
        first = caller.get("updates").json()
        reply = get_message_model()._base_manager.filter(pk=sent["reply"]["id"])
        reply.update(content="Because 👩‍🔬")
        second = caller.get(f"updates?since={first['cursor']}").json()
    assert [row["id"] for row in first["sessions"]] == [sent["session"]["id"]]
    assert [row["content"] for row in first["messages"]] == ["Why?", ""]
    [delta] = second["deltas"]
    assert (delta["message"], delta["offset"]) == (sent["reply"]["id"], 0)
    assert delta["text"] == "Because 👩‍🔬"
    third = caller.get(f"updates?since={second['cursor']}").json()
    assert [row["content"] for row in third["messages"]] == ["You asked: Why?"]
    assert [row["unread"] for row in third["sessions"]] == [True]


def test_looking_for_updates_changes_nothing(caller: Caller) -> None:
    cursor = caller.say("Why?").json() and caller.get("updates").json()["cursor"]
    stored = rows()
    for path in ("updates", f"updates?since={cursor}", "updates?scope=a", "updates?since=AAAA"):
        assert caller.get(path).status_code == 200
    assert rows() == stored


@pytest.mark.parametrize("form", ['"{}"', 'W/"{}"', '"another", "{}"'])
def test_what_the_reader_has_already_is_not_sent_again(caller: Caller, form: str) -> None:
    caller.say("Why?")
    response = caller.get("updates")
    cursor = response.json()["cursor"]
    assert response.headers["ETag"] == f'"{cursor}"'
    known = caller.get(f"updates?since={cursor}", HTTP_IF_NONE_MATCH=form.format(cursor))
    assert (known.status_code, known.content) == (304, b"")
    assert known.headers["ETag"] == f'"{cursor}"'
    assert_private(known)
    caller.post("sessions", {"scope": "b"})
    news = caller.get(f"updates?since={cursor}", HTTP_IF_NONE_MATCH=form.format(cursor))
    assert (news.status_code, len(news.json()["sessions"])) == (200, 1)


def test_updates_differ_by_what_the_reader_accepts(caller: Caller) -> None:
    cursor = caller.get("updates").json()["cursor"]
    answers = [
        caller.get("updates"),
        caller.get("updates", HTTP_IF_NONE_MATCH=f'"{cursor}"'),
        caller.get("updates", HTTP_ACCEPT="text/event-stream"),
        caller.get("updates?since=%00"),
        caller.call("OPTIONS", "updates"),
        caller.call("POST", "updates"),
        caller.call("HEAD", "updates"),
    ]
    assert [answer.status_code for answer in answers] == [200, 304, 406, 400, 200, 405, 200]
    for answer in answers:
        assert "accept" in answer.headers["Vary"].lower().split(", ")
        assert_private(answer)
    assert "Accept" not in caller.get("sessions").headers["Vary"]


ACCEPT = {
    "": 200,
    "*/*": 200,
    "application/json": 200,
    "text/event-stream, application/json": 200,
    "text/event-stream, application/json;q=0.9": 200,
    "application/json;q=0.1, text/event-stream": 200,
    "text/html,application/xhtml+xml,*/*;q=0.8": 200,
    "image/png": 200,
    "nonsense": 200,
    "text/event-stream": 406,
    "text/event-stream;q=0.5": 406,
    "text/html, text/event-stream": 406,
    "text/*": 406,
}


@pytest.mark.parametrize("accept", ACCEPT)
def test_under_wsgi_a_stream_is_refused_to_who_takes_nothing_else(
    caller: Caller, accept: str
) -> None:
    response = caller.get("updates", HTTP_ACCEPT=accept)
    if ACCEPT[accept] == 406:
        assert_error(response, 406, "use_polling")
    else:
        assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")


def test_who_asks_for_the_head_of_a_stream_is_not_kept_waiting(caller: Caller) -> None:
    response = caller.call("HEAD", "updates", HTTP_ACCEPT="text/event-stream")
    assert (response.status_code, response.content) == (200, b"")


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
    for verb in ("touch", "end", "reopen", "stop", "read"):
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


class TestHistory:
    """Pinned, archived, deleted, found."""

    def listed(self, caller: Caller, query: str = "") -> list[str]:
        return [row["id"] for row in caller.get(f"sessions{query}").json()["sessions"]]

    def change(self, caller: Caller, session: str, **changes: Any) -> Any:
        return caller.call("PATCH", f"sessions/{session}", changes).json()["session"]

    def test_it_is_put_in_order(self, caller: Caller, noon: Any) -> None:
        ids = []
        for number in range(5):
            noon.shift(1)
            said = caller.say(f"Why {number}?", f"key-0000000{number}", scope=str(number))
            ids.append(said.json()["session"]["id"])
        first, second, third, fourth, fifth = ids
        assert self.change(caller, first, pinned=True, title="Ice")["title"] == "Ice"
        noon.shift(1)
        assert self.change(caller, third, pinned=True)["pinned_at"]
        archived = self.change(caller, fourth, archived=True)
        assert (archived["state"], archived["end_reason"]) == ("ended", "user")
        assert self.listed(caller) == [third, first, fifth, second]
        assert self.listed(caller, "?archived=true") == [fourth]
        assert self.change(caller, first, pinned=False)["pinned_at"] is None
        assert self.change(caller, fourth, archived=False)["archived_at"] is None
        assert self.listed(caller, "?archived=false") == [third, fifth, fourth, second, first]

    @pytest.mark.parametrize("change", [{"title": "Ice"}, {"pinned": True}, {"archived": True}])
    def test_what_is_not_named_stays(self, caller: Caller, change: dict[str, Any]) -> None:
        session = caller.say("Why?").json()["session"]["id"]
        before = self.change(caller, session, title="Ice", pinned=True, archived=True)
        after = self.change(caller, session, **change)
        assert after["title"] == "Ice"
        assert (after["pinned_at"], after["archived_at"]) == (
            before["pinned_at"],
            before["archived_at"],
        )

    def test_pages_join_also_among_the_pinned(self, caller: Caller, noon: Any) -> None:
        fill_history(caller.owner, 7)
        for row in self.listed(caller)[3:6]:
            noon.shift(1)
            self.change(caller, row, pinned=True)
        whole = self.listed(caller)
        joined, query = [], "?limit=2"
        while query:
            page = caller.get(f"sessions{query}").json()
            joined += [row["id"] for row in page["sessions"]]
            query = page["next_cursor"] and f"?limit=2&cursor={page['next_cursor']}"
        assert joined == whole
        assert len(set(joined)) == 7

    def test_s13_as_many_statements_for_3_as_for_30(self, caller: Caller, statements: Any) -> None:
        counts = []
        for more, listed in ((3, 3), (27, 30)):
            fill_history(caller.owner, more)
            with statements() as seen:
                assert len(self.listed(caller)) == listed
            counts.append(len(seen))
        assert counts[0] == counts[1]

    def test_what_was_found_and_where(self, caller: Caller) -> None:
        session = caller.say("Why is glacier ice blue?").json()["session"]["id"]
        found = caller.get("sessions/search?q=GLACIER&limit=1").json()
        [match] = found["matches"]
        assert (match["session"]["id"], match["excerpt"]) == (session, "Why is glacier ice blue?")
        assert found["complete"] is True
        assert caller.get("sessions/search?q=glacier&scope=other").json()["matches"] == []
        caller.say("Another glacier", "key-00000002", scope="another")
        found = caller.get("sessions/search?q=glacier&limit=1").json()
        assert (len(found["matches"]), found["complete"]) == (1, False)

    def test_a_deletion_is_taken_back(self, caller: Caller) -> None:
        session = caller.say("Why?").json()["session"]["id"]
        caller.call("DELETE", f"sessions/{session}")
        assert self.listed(caller) == []
        restored = caller.post(f"sessions/{session}/restore").json()["session"]
        assert (restored["id"], restored["state"]) == (session, "ended")
        assert self.listed(caller) == [session]
        assert caller.post(f"sessions/{session}/reopen").status_code == 200

    def test_an_error_of_the_hosts_in_updates_is_not_the_cursors(
        self, caller: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*args: Any) -> Any:
            raise ValueError("not of the cursor")

        monkeypatch.setattr("django_chat_sessions.services.following.updates._rows", fail)
        with pytest.raises(ValueError, match="not of the cursor"):
            caller.get("updates")
