"""Groups C and D as far as one machine shows them: many at once, retries, workers that die."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import DatabaseError, connection
from django.test import Client

from django_chat_sessions import clock, get_message_model, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.exceptions import SessionNotFound, TurnLost
from django_chat_sessions.owners import Owner
from tests.conversations import (
    configure,
    listen_only,
    messages_of,
    open_sessions,
    reply_of,
    rows,
    somebody_else,
    stored,
    talked,
    waiting,
)
from tests.races.pack import RACERS, VARIANTS, Pack
from tests.services.replies.test_runners import until_answered
from tests.threads import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]
THREADS = "django_chat_sessions.services.replies.runners.ThreadRunner"
ROUNDS = 3


@pytest.fixture(scope="module", params=VARIANTS)
def pack(request: pytest.FixtureRequest, django_db_setup: Any) -> Iterator[Pack]:
    racing = Pack(str(connection.settings_dict["NAME"]), request.param)
    yield racing
    racing.close()


@pytest.fixture
def people(django_user_model: Any) -> Iterator[tuple[Owner, str]]:
    """Users who are logged in and have no session yet, one after the other."""

    def one_after_the_other() -> Iterator[tuple[Owner, str]]:
        while True:
            user = django_user_model.objects.create_user(f"user {time.monotonic_ns()}")
            client = Client()
            client.force_login(user)
            yield Owner.for_user(user), client.cookies[django_settings.SESSION_COOKIE_NAME].value

    return one_after_the_other()


def asking(cookie: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
    return {"do": "request", "cookie": cookie, "method": method, "path": path, "body": body}


def statuses(results: list[Any]) -> set[int]:
    assert [result for result in results if "raised" in result] == []
    return {result["status"] for result in results}


def post(client: Client, path: str, **body: Any) -> Any:
    return client.post(f"/chat/{path}", json.dumps(body), content_type="application/json")


def test_c_01_c_02_sixteen_open_at_once(pack: Pack, people: Any) -> None:
    for _ in range(ROUNDS):
        owner, cookie = next(people)
        results = pack.all(**asking(cookie, "POST", "sessions", {}))
        assert statuses(results) == {201}
        (session,) = open_sessions(owner)
        assert {result["body"]["session"]["id"] for result in results} == {str(session.pk)}
        assert get_session_model().objects.owned_by(owner).count() == 1


def test_c_04_c_05_different_messages_at_once_are_stored_in_one_order_or_refused(
    pack: Pack, people: Any
) -> None:
    for number in range(ROUNDS):
        owner, cookie = next(people)
        if number % 2:
            past = clock.now() - timedelta(seconds=301)
            talked(owner)
            get_session_model().objects.owned_by(owner).update(
                last_activity_at=past, expires_at=past + timedelta(seconds=300)
            )
        results = pack.race(
            *[
                asking(cookie, "POST", "messages", {"content": f"Q{n}", "key": f"key-number-{n}"})
                for n in range(RACERS)
            ]
        )
        assert statuses(results) <= {201, 409}
        accepted = [n for n in range(RACERS) if results[n]["status"] == 201]
        (session,) = open_sessions(owner)
        messages = rows(session)
        assert sorted(row.content for row in messages[::2]) == sorted(f"Q{n}" for n in accepted)
        assert [row.position for row in messages] == list(range(2 * len(accepted)))
        for result in results:
            if result["status"] == 409:
                assert result["body"]["code"] == "turn_in_progress"


def test_c_09_cleanups_at_once_sweep_and_purge_each_session_once(pack: Pack) -> None:
    for _ in range(ROUNDS):
        for _session in range(20):
            talked(somebody_else())
        past = clock.now() - timedelta(days=2)
        expired = (
            get_session_model()
            .objects.exclude(open_key=None)
            .update(expires_at=past, last_activity_at=past, last_message_at=past)
        )
        assert expired == 20
        results = pack.all(do="sweep")
        assert [result for result in results if "raised" in result] == []
        assert sum(result["swept"] for result in results) == 20
        assert sum(result["signals"].count("session_ended") for result in results) == 20
        assert set(get_session_model().objects.values_list("ended_at", flat=True)) == {past}
        results = pack.all(do="purge")
        assert [result for result in results if "raised" in result] == []
        assert sum(result["purged"] for result in results) == 20
        assert [result["signals"] for result in results] == [[]] * RACERS
        assert not get_session_model()._base_manager.exists()
        assert not get_message_model()._base_manager.exists()


def test_c_12_sixteen_ends_are_one(pack: Pack, people: Any) -> None:
    for _ in range(ROUNDS):
        owner, cookie = next(people)
        session = talked(owner)
        results = pack.all(**asking(cookie, "POST", f"sessions/{session.pk}/end"))
        assert statuses(results) == {200}
        assert len({result["body"]["session"]["ended_at"] for result in results}) == 1
        assert sum(result["signals"].count("session_ended") for result in results) == 1


def test_c_14_deleting_races_with_answering_and_sending(pack: Pack, people: Any) -> None:
    for _ in range(ROUNDS):
        owner, cookie = next(people)
        session = talked(owner)
        path, sending = f"sessions/{session.pk}", {"content": "Hi", "session": str(session.pk)}
        results = pack.race(
            *[
                asking(cookie, "DELETE", path)
                if n % 2
                else asking(cookie, "POST", "messages", sending | {"key": f"key-number-{n}"})
                for n in range(RACERS)
            ]
        )
        assert statuses(results) <= {204, 404, 201, 409}
        with pytest.raises(SessionNotFound):
            chat_sessions.find_session(owner, session.pk)
        assert stored(session).open_key is None
        assert not messages_of(session).replies_running().exists()


@pytest.mark.parametrize("at_once", [False, True], ids=["deleted", "erased"])
def test_c_14_an_answer_to_a_deleted_session_vanishes_with_it(
    *, ada: Client, user: Any, settings: Any, caplog: pytest.LogCaptureFixture, at_once: bool
) -> None:
    caplog.set_level("INFO")
    held, reached = threading.Event(), threading.Event()

    def answer(turn: Any) -> str:
        reached.set()
        assert held.wait(10)
        return "Too late"

    configure(settings, RESPONDER=answer, RUNNER=THREADS)
    sent = post(ada, "messages", content="Why?", key="key-of-why").json()
    session_id = sent["session"]["id"]
    assert reached.wait(10)
    gone = "/chat/sessions" if at_once else f"/chat/sessions/{session_id}"
    assert ada.delete(gone).status_code == 204
    held.set()
    until(lambda: "dropped" in caplog.text or "taken away" in caplog.text)
    for path in ("", "/messages"):
        assert ada.get(f"/chat/sessions/{session_id}{path}").status_code == 404
    get_session_model().objects.update(deleted_at=clock.now() - timedelta(days=2))
    assert chat_sessions.purge() == int(not at_once)
    assert not get_message_model().objects.exists()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_c_16_long_answers_hold_nobody_up(settings: Any, django_user_model: Any) -> None:
    held, lock, writing = threading.Event(), threading.Lock(), [0]

    def answer(turn: Any) -> Iterator[str]:
        assert not connection.in_atomic_block
        yield "Well, "
        with lock:
            writing[0] += 1
        assert held.wait(30)
        yield "yes."

    configure(settings, RESPONDER=answer, RUNNER=THREADS)
    sent = [chat_sessions.send(somebody_else(), "Why?", key="k") for _ in range(8)]
    until(lambda: writing[0] == 8)
    client = Client()
    client.force_login(django_user_model.objects.create_user("somebody else"))
    configure(settings, RESPONDER=None)
    slowest = 0.0
    for number in range(20):
        before = time.monotonic()
        assert post(client, "messages", content="Hi", key=f"key-number-{number}").status_code == 201
        assert client.get("/chat/sessions").status_code == 200
        slowest = max(slowest, time.monotonic() - before)
    held.set()
    for one in sent:
        until_answered(one)
        assert stored(reply_of(one)).content == "Well, yes."
    assert slowest < 2  # seconds, for both, on a machine that is shared


def test_c_16_also_in_the_hosts_own_view(owner: Owner) -> None:
    session = talked(owner)
    with chat_sessions.record_turn(session, "Why?") as turn:
        assert not connection.in_atomic_block
        other = talked(somebody_else())
        assert stored(other).message_count == 1
        turn.answer = "So."


def test_c_17_atomic_requests_do_not_reach_our_views(
    ada: Client, user: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    inside: list[bool] = []

    def answer(turn: Any) -> str:
        inside.append(connection.in_atomic_block)
        return "Yes"

    configure(settings, RESPONDER=answer)
    assert post(ada, "messages", content="Why?", key="key-of-why").status_code == 201
    assert inside == [False]


def test_d_04_a_retry_after_a_lost_answer_gets_the_first_ids(ada: Client, user: Any) -> None:
    first = post(ada, "messages", content="Why?", key="key-of-why")
    again = post(ada, "messages", content="Why?", key="key-of-why")
    assert (first.status_code, again.status_code) == (201, 200)
    for name in ("session", "message", "reply"):
        assert again.json()[name]["id"] == first.json()[name]["id"]
    assert again.json()["arrival"] == first.json()["arrival"]
    assert get_message_model().objects.count() == 2


def test_d_05_the_same_request_sixteen_times_at_once_is_one_message(
    pack: Pack, people: Any
) -> None:
    for _ in range(ROUNDS):
        owner, cookie = next(people)
        body = {"content": "Why?", "key": "key-of-why"}
        results = pack.all(**asking(cookie, "POST", "messages", body))
        assert statuses(results) == {200, 201}
        assert [result["status"] for result in results].count(201) == 1
        for name in ("session", "message", "reply"):
            assert len({result["body"][name]["id"] for result in results}) == 1
        assert len({json.dumps(result["body"]["arrival"]) for result in results}) == 1
        (session,) = open_sessions(owner)
        assert [row.content for row in rows(session)] == ["Why?", "You asked: Why?"]


def test_d_06_the_same_key_with_another_text_is_422_and_stores_nothing(
    ada: Client, user: Any
) -> None:
    post(ada, "messages", content="Why?", key="key-of-why")
    refused = post(ada, "messages", content="How?", key="key-of-why")
    assert (refused.status_code, refused.json()["code"]) == (422, "key_reused")
    assert get_message_model().objects.count() == 2


def test_d_10_what_failed_before_it_was_stored_can_be_sent_again_and_succeeds_once(
    owner: Owner,
) -> None:
    def full(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "INSERT" in sql:
            raise DatabaseError("the disk is full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(full), pytest.raises(DatabaseError):
        waiting(owner)
    assert not get_session_model().objects.exists()
    assert waiting(owner).created
    assert not waiting(owner).created
    (session,) = open_sessions(owner)
    assert [row.content for row in rows(session)] == ["Hello", "You asked: Hello"]


def test_d_10_a_view_that_answered_500_is_asked_again_under_the_same_key(owner: Owner) -> None:
    session = talked(owner)

    def view(answer: str | None) -> str:
        with chat_sessions.record_turn(session, "Why?", key="k") as turn:
            if turn.created:
                if answer is None:
                    raise RuntimeError("500")
                turn.answer = answer
        return turn.answer or ""

    with pytest.raises(RuntimeError):
        view(None)
    assert view("Because.") == "Because."
    assert view("Something else.") == "Because."
    assert [row.content for row in rows(session)] == ["Hello", "Why?", "Because."]


def test_d_14_messages_that_arrive_in_another_order_have_one_order_everywhere(
    ada: Client, user: Any, settings: Any
) -> None:
    listen_only(settings)
    for text in ("m2", "m1"):  # sent as m1, m2
        sent = post(ada, "messages", content=text, key=f"key-of-{text}").json()
        session_id = sent["session"]["id"]
    for _tab in range(2):
        messages = ada.get(f"/chat/sessions/{session_id}/messages").json()["messages"]
        assert [row["content"] for row in messages] == ["m2", "m1"]


def test_two_workers_that_take_the_same_failed_question_answer_it_once(owner: Owner) -> None:
    session = talked(owner)
    with pytest.raises(RuntimeError), chat_sessions.record_turn(session, "Why?", key="k"):
        raise RuntimeError
    first = chat_sessions.record_turn(session, "Why?", key="k")
    turn = first.__enter__()
    turn.answer = "First"
    get_message_model().objects.filter(pk=turn.reply.pk).update(lease_until=clock.now())
    get_session_model().objects.update(running_until=clock.now())
    with chat_sessions.record_turn(stored(session), "Why?", key="k") as second:
        second.answer = "Second"
    with pytest.raises(TurnLost):
        first.__exit__(None, None, None)
    assert [row.content for row in rows(session)] == ["Hello", "Why?", "Second"]


def test_c10_a_visitors_chats_move_once_however_many_tabs_log_in(
    pack: Pack, people: Iterator[tuple[Owner, str]]
) -> None:
    """At first all tabs claim; then every other one is still sending as the visitor."""
    for number, (account, _cookie) in zip(range(ROUNDS), people, strict=False):
        name = f"visitor {time.monotonic_ns()}"
        visitor = Owner.for_visitor(name)
        mine = talked(account, "Account's")
        theirs = [talked(visitor, "Visitor's", scope) for scope in ("", "s")]
        starters: list[dict[str, Any]] = [
            {"do": "claim", "visitor": name, "user": account.user_id} for _ in range(RACERS)
        ]
        for late in range(0, RACERS if number else 0, 2):
            key = f"late-key-{late}"
            starters[late] = {"do": "send", "visitor": name, "content": key, "key": key}
        results = pack.race(*starters)
        assert [result for result in results if "raised" in result] == []
        moved = sum(result.get("moved", 0) for result in results)
        moved += chat_sessions.claim(visitor, account).moved  # what was sent after the others
        assert chat_sessions.recent_sessions(visitor) == []
        for scope in ("", "s"):
            [still_open] = open_sessions(account, scope)
            assert still_open.open_key == account.open_key(scope)
        history = set(chat_sessions.recent_sessions(account))
        assert {mine, *theirs} <= history
        assert moved == len(history) - 1
        said = [row.content for session in history for row in rows(session)]
        sent = [s["key"] for s, r in zip(starters, results, strict=True) if r.get("busy") is False]
        assert [said.count(text) for text in sent] == [1] * len(sent)
        assert (said.count("Account's"), said.count("Visitor's")) == (1, 2)
        if not number:
            told = [name for result in results for name in result["signals"]]
            assert (moved, told.count("sessions_claimed")) == (2, 1)
