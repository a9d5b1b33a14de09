"""Group P: what people say is in their chat, and nowhere else."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import RequestFactory

from django_chat_sessions import exceptions, services
from django_chat_sessions import signals as signals_module
from django_chat_sessions.authentication import VISITOR_COOKIE
from django_chat_sessions.middleware import ChatSessionMiddleware
from django_chat_sessions.owners import Owner
from tests.acceptance.logged import Everything
from tests.callers import Caller, person

SECRET = "SECRET-4711"
KEY = f"{SECRET}-key"


@pytest.fixture
def log() -> Iterator[Everything]:
    """Everything that the package and Django's request handling log, at level DEBUG."""
    handler = Everything()
    names = ("django_chat_sessions", "django.request", "django.dispatch", "django.security")
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield handler
    for name, level in before.items():
        logging.getLogger(name).removeHandler(handler)
        logging.getLogger(name).setLevel(level)


def leaves_in_the_middle(turn: Any) -> Any:
    yield f"{SECRET} so far"
    raise RuntimeError(f"model refused: {turn.question}")


def gives_a_number(turn: Any) -> Any:
    return 5


def says_nothing(turn: Any) -> str:
    return "  "


RESPONDERS = (leaves_in_the_middle, gives_a_number, says_nothing)


@pytest.mark.parametrize("responder", RESPONDERS)
def test_p01_no_log_line_holds_what_was_said_when_an_answer_fails(
    caller: Caller, log: Everything, settings: Any, answering: Any, responder: Any
) -> None:
    settings.CHAT_SESSIONS = {**settings.CHAT_SESSIONS, "RESPONDER": responder}
    with answering():
        sent = caller.say(f"{SECRET}?", key=KEY)
    reply = sent.json()["reply"]["id"]
    session = sent.json()["session"]["id"]
    [_question, answer] = caller.get(f"sessions/{session}/messages").json()["messages"]
    assert answer["state"] == "failed"
    assert "refused" not in answer["error"]
    assert any(reply in text for text in log.texts)
    assert not [text for text in log.texts if SECRET in text]


def test_p01_no_log_line_holds_what_was_said_through_a_whole_life(
    caller: Caller, log: Everything, answering: Any, noon: Any, settings: Any
) -> None:
    with answering():
        sent = caller.say(f"{SECRET}?", key=KEY)
    session = sent.json()["session"]["id"]
    caller.call("PATCH", f"sessions/{session}", {"title": SECRET})
    caller.call("PATCH", f"sessions/{session}", {"title": SECRET * 50})
    caller.say(f"Other {SECRET}", key=KEY)
    caller.say("\u200b", key=SECRET)
    caller.say(SECRET, key="!")
    caller.post("messages", {"content": SECRET, SECRET: SECRET})
    caller.raw("POST", "messages", f'{{"content": "{SECRET}'.encode(), "application/json")
    caller.raw("POST", "messages", f'{{"{SECRET}": "\\ud800"}}'.encode(), "application/json")
    caller.say(SECRET, scope=SECRET + "!")
    noon.shift(600)
    caller.say(SECRET, key=f"{KEY}-2", session=session)
    caller.say(SECRET, key=f"{KEY}-3")
    caller.post(f"sessions/{session}/reopen")
    caller.post(f"sessions/{session}/end")
    services.sweep()
    caller.call("DELETE", f"sessions/{session}")
    services.purge(older_than_days=0)
    assert not [text for text in log.texts if SECRET in text]


def test_p01_an_outage_is_logged_without_what_was_said(caller: Caller, log: Everything) -> None:
    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        raise OperationalError(f"while executing {sql} with {params}")

    with connection.execute_wrapper(fail):
        assert caller.say(SECRET, key=KEY).status_code == 503
    assert any("OperationalError" in text for text in log.texts)
    assert not [text for text in log.texts if SECRET in text]


def test_p01_a_policy_that_fails_is_logged_without_what_was_said(
    caller: Caller, log: Everything, settings: Any
) -> None:
    settings.CHAT_SESSIONS = {**settings.CHAT_SESSIONS, "TIMEOUT_POLICY": "no.such.Policy"}
    assert caller.say(SECRET, key=KEY).status_code == 201
    assert log.texts
    assert not [text for text in log.texts if SECRET in text]


def everything_that_is_raised(owner: Owner) -> Iterator[BaseException]:
    session = services.send(owner, SECRET, key=KEY).session
    attempts: list[Any] = [
        lambda: services.send(owner, f"Other {SECRET}", key=KEY),
        lambda: services.send(owner, SECRET, key=f"{KEY}-2"),
        lambda: services.send(owner, SECRET, key=f"{KEY}-3", session_id=SECRET),
        lambda: services.add_message(session, "user", SECRET),
        lambda: services.find_session(owner, SECRET),
        lambda: services.add_message(services.end(session), "user", SECRET, key=f"{KEY}-4"),
        lambda: services.send(owner, SECRET, key=f"{KEY}-5", session_id=session.pk),
        lambda: services.reopen(_deleted(session)),
    ]
    for attempt in attempts:
        with pytest.raises(exceptions.ChatSessionsError) as raised:
            attempt()
        yield raised.value


def _deleted(session: Any) -> Any:
    services.delete(session)
    return session


def test_p01_no_exception_holds_what_was_said(owner: Owner) -> None:
    for error in everything_that_is_raised(owner):
        told = f"{error!s} {error!r} {error.args}"
        assert SECRET not in told
        chain: BaseException | None = error
        while chain is not None:
            assert SECRET not in str(chain)
            chain = chain.__cause__ or chain.__context__


def test_p01_rows_do_not_show_what_was_said_where_they_are_printed(owner: Owner) -> None:
    sent = services.send(owner, SECRET, key=KEY)
    for shown in (sent.session, sent.message, sent.reply, owner):
        assert SECRET not in f"{shown!s} {shown!r}"


def test_p01_the_visitors_key_is_in_no_log_and_in_no_row(db: None, log: Everything) -> None:
    from tests.callers import rows

    visitor = person("visitor")
    key = visitor.client.cookies[VISITOR_COOKIE].value.split(":")[0]
    visitor.say("Why?")
    visitor.client.cookies[VISITOR_COOKIE] = f"{key}:forged:signature"
    visitor.get("sessions")
    assert key not in str(rows())
    assert not [text for text in log.texts if key in text]


# P-10: signals

ANNOUNCED = {
    "session_started": {"session", "arrival"},
    "session_resumed": {"session", "arrival"},
    "session_reopened": {"session", "arrival"},
    "session_ended": {"session", "reason"},
    "message_added": {"session", "message"},
    "turn_answered": {"session", "reply"},
    "turn_failed": {"session", "reply", "state"},
    "sessions_claimed": {"owner", "claimed"},
}


def _somebody() -> Any:
    return get_user_model()._default_manager.get_or_create(username="somebody")[0]


def a_whole_life(owner: Owner, settings: Any, answering: Any) -> None:
    """Do everything that is announced."""
    visitor = Owner.for_visitor(f"before {owner.identity} logged in")
    with answering():
        services.start(visitor, "before")
        services.claim(visitor, Owner(user_id=_somebody().pk))
    with answering():
        session = services.send(owner, "Why?", key="key-00000001").session
    with answering():
        services.resume_or_start(owner)
        services.end(services.find_session(owner, session.pk))
    with answering():
        services.reopen(services.find_session(owner, session.pk))
    settings.CHAT_SESSIONS = {**settings.CHAT_SESSIONS, "RESPONDER": gives_a_number}
    with answering():
        services.send(owner, "How?", key="key-00000002")


def test_p10_every_signal_carries_what_is_documented_and_no_more(
    owner: Owner, signals: list[tuple[str, dict[str, Any]]], settings: Any, answering: Any
) -> None:
    a_whole_life(owner, settings, answering)
    assert {name for name, _facts in signals} == set(ANNOUNCED)
    for name, facts in signals:
        assert set(facts) == ANNOUNCED[name], name
        assert name == "sessions_claimed" or facts["session"].pk


def test_p10_a_receiver_that_raises_disturbs_nobody_and_is_logged(
    caller: Caller, log: Everything, settings: Any, answering: Any
) -> None:
    def broken(**facts: Any) -> None:
        raise ZeroDivisionError("in a receiver")

    everything = [getattr(signals_module, name) for name in ANNOUNCED]
    for signal in everything:
        signal.connect(broken)
    try:
        with answering():
            session = caller.say("Why?").json()["session"]["id"]
        a_whole_life(caller.owner, settings, answering)
    finally:
        for signal in everything:
            signal.disconnect(broken)
    page = caller.get(f"sessions/{session}/messages").json()["messages"]
    assert page[1]["state"] == "answered"
    assert any("in a receiver" in text for text in log.texts)


def test_a_page_that_asks_for_anothers_session_learns_nothing(db: None) -> None:
    visitor, other = person("visitor"), person("visitor")
    session = visitor.say(SECRET).json()["session"]["id"]
    request: Any = RequestFactory().get("/", headers={"X-Chat-Session": session})
    request.COOKIES[VISITOR_COOKIE] = other.client.cookies[VISITOR_COOKIE].value
    ChatSessionMiddleware(lambda request: HttpResponse())(request)
    assert not request.chat_session
