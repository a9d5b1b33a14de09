"""M-10: the main job over HTTP with JWT; no decision reads the replica, which no test may touch."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from django_chat_sessions import get_message_model, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.owners import Owner
from tests.callers import Caller, assert_error
from tests.conversations import configure, leave_replies
from tests.second_host.conftest import member

# Reading from `replica` fails in these tests: pytest-django forbids what is not named.
pytestmark = pytest.mark.django_db(databases=["default", "chats"])


def said(caller: Caller, session_id: str) -> list[tuple[str, str]]:
    page = caller.get(f"sessions/{session_id}/messages").json()
    return [(row["role"], row["content"]) for row in page["messages"]]


def test_a_conversation_from_the_first_message_to_its_deletion(
    noon: Any, ada: Caller, eve: Caller, answered: Any
) -> None:
    with answered():
        sent = ada.say("Why is the sky blue?")
    assert (sent.status_code, sent.json()["arrival"]["status"]) == (201, "new")
    first = sent.json()["session"]["id"]
    assert first.isdigit()
    again = ada.say("Why is the sky blue?")
    assert again.status_code == 200
    assert again.json()["message"]["id"] == sent.json()["message"]["id"]
    talk = [("user", "Why is the sky blue?"), ("assistant", "You asked: Why is the sky blue?")]
    assert said(ada, first) == talk

    noon.shift(timedelta(seconds=299))
    current = ada.get("sessions/current").json()
    assert current["arrival"]["status"] == "resumed"
    assert current["session"]["id"] == first
    noon.shift(timedelta(seconds=1))
    with answered():
        later = ada.say("And red?", key="key-00000002").json()
    assert (later["arrival"]["status"], later["arrival"]["reason"]) == ("new", "idle")
    assert later["arrival"]["previous"]["id"] == first
    assert later["session"]["started_at"] == "2026-11-22T12:05:00.000000Z"

    renamed = ada.call("PATCH", f"sessions/{first}", {"title": "Blue"})
    assert renamed.json()["session"]["title"] == "Blue"
    listed = ada.get("sessions").json()["sessions"]
    assert [row["title"] for row in listed] == ["And red?", "Blue"]
    assert ada.post(f"sessions/{first}/reopen").json()["arrival"]["status"] == "reopened"
    assert said(ada, first) == talk

    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/reopen")):
        other = eve.call(method, f"sessions/{first}{path}", {"title": "Mine"})
        assert_error(other, 404, "not_found")
    assert ada.call("DELETE", f"sessions/{first}").status_code == 204
    assert_error(ada.get(f"sessions/{first}"), 404, "not_found")
    assert len(ada.get("sessions").json()["sessions"]) == 1


def test_rows_are_where_the_router_wants_them(ada: Caller) -> None:
    ada.say("Hello")
    tables = {
        alias: connections[alias].introspection.table_names() for alias in ("default", "chats")
    }
    assert "second_talk" in tables["chats"]
    assert "second_talk" not in tables["default"]
    assert "members_member" not in tables["chats"]
    talk = get_session_model().objects.using("chats").get()
    assert talk.user_id == ada.owner.user_id
    assert talk.user.email == "ada@example.org"


def test_m_10_every_decision_reads_what_was_written(ada: Caller, settings: Any, noon: Any) -> None:
    leave_replies(settings)
    owner = ada.owner
    sent = chat_sessions.send(owner, "Why?", key="k")
    assert chat_sessions.stop(sent.session).state == "stopped"  # type: ignore[union-attr]
    assert chat_sessions.retry(sent.session).attempt == 2
    noon.shift(timedelta(seconds=31))
    assert chat_sessions.recover().interrupted == 1
    configure(settings, RESPONDER=None)
    with chat_sessions.record_turn(sent.session, "How?", key="k2") as turn:
        turn.answer = "So."
    assert [row.content for row in chat_sessions.context(sent.session)] == ["Why?", "How?", "So."]
    assert chat_sessions.updates(owner).sessions == [sent.session]
    assert chat_sessions.touch(sent.session)
    chat_sessions.mark_read(sent.session)
    second = chat_sessions.start(owner).opened
    assert second.previous == sent.session
    assert chat_sessions.reopen(sent.session).previous == second
    noon.shift(timedelta(days=2))
    assert chat_sessions.look(owner).reason == "idle"
    assert chat_sessions.sweep() == 1
    chat_sessions.delete(sent.session)
    assert chat_sessions.purge(older_than_days=1) == 2
    assert not get_message_model().objects.using("chats").exists()


def test_no_verb_needs_the_times_that_this_host_has_taken_away(ada: Caller, eve: Caller) -> None:
    visitor = Owner.for_visitor("somebody")
    chat_sessions.send(visitor, "Why?", key="k")
    assert chat_sessions.claim(visitor, ada.owner).moved == 1
    document = "".join(chat_sessions.export(ada.owner))
    assert chat_sessions.import_sessions(eve.owner, document).sessions == 1
    [session] = chat_sessions.recent_sessions(eve.owner)
    assert chat_sessions.reopen(session).status == "reopened"
    assert {"created", "modified"} & {field.name for field in session._meta.fields} == set()


def test_an_account_that_is_deleted_takes_its_talks_and_its_token_with_it(
    ada: Caller, eve: Caller
) -> None:
    from tests.second_host.members.models import Member

    ada.say("Hello")
    eve.say("Hello")
    Member.objects.get(pk=ada.owner.user_id).delete()
    assert_error(ada.say("Anybody?", key="key-00000002"), 401, "not_authenticated")
    assert_error(ada.get("sessions"), 401, "not_authenticated")
    left = get_session_model().objects.using("chats").get()
    assert left.user_id == eve.owner.user_id


def test_middleware_and_tags_know_a_member(ada: Caller, answered: Any) -> None:
    with answered():
        sent = ada.say("Why is the sky blue?").json()
    found = {"session": sent["session"]["id"]}
    assert ada.client.get("/where/").json() == found
    browser = Client()
    browser.force_login(type(member("bob@example.org")).objects.get(pk=ada.owner.user_id))
    assert browser.get("/where/").json() == found
    page = browser.get("/page/").content.decode()
    assert "Why is the sky blue?" in page
    assert f"?chat={sent['session']['id']}" in page
