"""Group P, from outside: a secret in everything a person can write, looked for everywhere else."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.template import Context, Template
from django.test import Client
from django.urls import clear_url_caches, path

import tests.urls
from django_chat_sessions import get_session_model, services
from django_chat_sessions.admin import ChatSessionAdmin
from django_chat_sessions.api.inputs import Changes, Message
from django_chat_sessions.authentication import VISITOR_COOKIE, recognise_or_welcome
from django_chat_sessions.limits import Limits
from django_chat_sessions.owners import Owner
from tests.acceptance.logged import Everything
from tests.callers import Caller
from tests.conversations import configure

SECRET = "SECRET-4711"
KEY = f"{SECRET}-key"


@pytest.fixture
def log() -> Iterator[list[str]]:
    """Every logger there is, whoever made it, at level DEBUG."""
    handler = Everything()
    known = logging.root.manager.loggerDict.values()
    loggers = [logging.root, *(one for one in known if isinstance(one, logging.Logger))]
    before = [(one, one.level, one.disabled) for one in loggers]
    for one in loggers:
        one.setLevel(logging.DEBUG)
        one.disabled = False
        if one is logging.root or not one.propagate:
            one.addHandler(handler)
    yield handler.texts
    for one, level, disabled in before:
        one.removeHandler(handler)
        one.setLevel(level)
        one.disabled = disabled


def fails(turn: Any) -> Any:
    yield {"note": SECRET}
    yield f"{SECRET} so far"
    raise RuntimeError(f"no answer to {turn.question}")


def answers(turn: Any) -> Any:
    yield {"sources": [{"title": SECRET, "url": f"https://example.com/{SECRET}"}]}
    yield f"You said {turn.question}"


def everything_that_goes_well(caller: Caller, answering: Any) -> Iterator[Any]:
    """Yield each response of a life with the secret in all of it."""
    with answering():
        sent = caller.say(f"{SECRET}?", key=KEY)
    yield sent
    session = sent.json()["session"]["id"]
    yield caller.call("PATCH", f"sessions/{session}", {"title": SECRET, "pinned": True})
    get_session_model()._base_manager.update(metadata={"note": SECRET})
    yield caller.get(f"sessions/search?q={SECRET}")
    for address in ("sessions", "sessions?limit=1", "updates", "sessions/current", "export"):
        yield caller.get(address)
    for address in ("messages", "page", "export?format=csv", "export?format=markdown"):
        yield caller.get(f"sessions/{session}/{address}")
    form = {"content": f"More {SECRET}", "key": f"{KEY}-form"}
    with answering():
        yield caller.client.post("/chat/sessions/current/page", form)
    for verb in ("read", "touch", "end", "reopen", "stop"):
        yield caller.post(f"sessions/{session}/{verb}")


def everything_that_goes_wrong(caller: Caller, settings: Any, answering: Any) -> Iterator[Any]:
    """Yield each refusal, and what a responder that fails leaves."""
    raw = f'{{"{SECRET}": "{SECRET}'.encode()
    yield caller.say(f"Other {SECRET}", key=KEY)
    yield caller.say(SECRET * 2000, key=f"{KEY}-long")
    yield caller.say(SECRET, key="!", scope=f"{SECRET}!")
    yield caller.post("messages", {"content": SECRET, "key": KEY, SECRET: SECRET})
    yield caller.raw("POST", "messages", raw, "application/json")
    yield caller.raw("POST", "messages", raw, f"text/{SECRET}")
    yield caller.call("PATCH", "sessions/none", {"title": SECRET})
    yield caller.get(f"sessions/search?q={SECRET * 50}")
    yield caller.get(f"sessions?cursor={SECRET}&limit=x")
    yield caller.get(f"updates?since={SECRET}")
    configure(settings, RESPONDER=fails)
    with answering():
        yield caller.say(SECRET, key=f"{KEY}-fails", scope="fails")
    configure(settings, LIMITS=Limits(messages_per_minute=1))
    yield caller.say(SECRET, key=f"{KEY}-many", scope="many")


def decoded(text: str) -> str:
    """Return a cursor with what is inside of it."""
    padded = text.encode() + b"=" * (-len(text) % 4)
    return text + base64.urlsafe_b64decode(padded).decode("latin-1")


def addresses_in(response: Any) -> Iterator[str]:
    """Yield every address that an answer leads to, and every cursor that will stand in one."""
    yield response.headers.get("Location", "")
    text = response.content.decode() if not response.streaming else ""
    if response.headers.get("Content-Type", "").startswith("text/html"):
        # What a responder gave as a source is the host's to give, and is shown to its reader only.
        mine = (at for at in re.findall(r'(?:href|action|src)="([^"]*)"', text) if at[:1] != "h")
        yield from mine
    elif response.headers.get("Content-Type") == "application/json":
        for name in ("next_cursor", "cursor"):
            if cursor := response.json().get(name):
                yield decoded(cursor)


def test_p01_a_secret_in_all_that_is_written_is_in_no_log_and_no_address(
    caller: Caller, log: list[str], settings: Any, answering: Any
) -> None:
    configure(settings, RESPONDER=answers)
    well = list(everything_that_goes_well(caller, answering))
    assert [response.status_code for response in well if response.status_code >= 400] == []
    assert any(SECRET in response.content.decode() for response in well)
    wrong = list(everything_that_goes_wrong(caller, settings, answering))
    assert {response.status_code for response in wrong} >= {400, 404, 415, 422, 429}
    services.sweep()
    services.recover(ended=True)
    services.purge(older_than_days=0)
    assert log
    assert [text for text in log if SECRET in text] == []
    for response in (*well, *wrong):
        assert [at for at in addresses_in(response) if SECRET in at] == []


def test_p01_no_refusal_repeats_what_was_written(
    caller: Caller, settings: Any, answering: Any
) -> None:
    caller.say(SECRET, key=KEY)
    for response in everything_that_goes_wrong(caller, settings, answering):
        if response.status_code >= 400 and response.json()["field"] != SECRET:
            assert SECRET not in response.json()["message"]


TAGS = """{% load chat_sessions %}{% chat_history %}{% chat_history variant="dropdown" %}
{% chat_history variant="sidebar" %}{% chat_session_status %}{% chat_widget %}{% chat_styles %}"""


def test_p01_no_template_logs_it_where_it_looks_in_vain(
    user: Any, log: list[str], listed: str, rf: Any, answering: Any
) -> None:
    with answering():
        session = services.send(Owner.for_user(user), SECRET, key=KEY).session
    request = rf.get("/")
    request.user = user
    assert SECRET in Template(TAGS).render(Context({"request": request}))
    staff = Client()
    staff.force_login(type(user).objects.create_superuser("root"))
    for page in ("", "statistics/", f"{session.pk}/change/"):
        assert staff.get(listed + page).status_code == 200, page
    assert SECRET in staff.get(f"{listed}{session.pk}/change/").content.decode()
    assert [text for text in log if SECRET in text] == []


@pytest.fixture
def listed(settings: Any) -> Iterator[str]:
    """The admin's list of sessions, in hosts with models of their own too."""
    model: Any = get_session_model()
    is_mine = not admin.site.is_registered(model)
    if is_mine:
        admin.site.register(model, ChatSessionAdmin)
    kept = list(tests.urls.urlpatterns)
    tests.urls.urlpatterns[0] = path("admin/", admin.site.urls)
    clear_url_caches()
    yield f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    if is_mine:
        admin.site.unregister(model)
    tests.urls.urlpatterns[:] = kept
    clear_url_caches()


def test_p01_neither_lists_nor_figures_nor_commands_show_it(
    owner: Owner, listed: str, django_user_model: Any, answering: Any
) -> None:
    with answering():
        session = services.send(owner, SECRET, key=KEY).session
    services.rename(session, SECRET)
    get_session_model()._base_manager.update(metadata={"note": SECRET})
    staff = Client()
    staff.force_login(django_user_model.objects.create_superuser("root"))
    for page in ("", "statistics/", f"?q={session.pk}"):
        answer = staff.get(listed + page)
        assert answer.status_code == 200, page
        assert SECRET not in answer.content.decode()
    said = StringIO()
    for command in ("chat_session_statistics", "clear_chat_sessions"):
        call_command(command, stdout=said, stderr=said, verbosity=3)
    assert said.getvalue()
    assert SECRET not in said.getvalue()


def test_p01_no_object_of_ours_shows_it_where_it_is_printed(
    owner: Owner, answering: Any, rf: Any
) -> None:
    with answering():
        sent = services.send(owner, SECRET, key=KEY)
    services.rename(sent.session, SECRET)
    known = services.updates(owner)
    page = services.transcript(sent.session)
    with services.record_turn(sent.session, SECRET, key=f"{KEY}-2") as turn:
        turn.answer = SECRET
        turn.metadata["note"] = SECRET
    stranger = recognise_or_welcome(rf.get("/"))
    shown: list[Any] = [
        *(sent, sent.arrival, sent.session, sent.message, sent.reply, known, page, turn, owner),
        *(
            services.search(owner, SECRET),
            services.look(owner),
            services.Grown(turn.reply, 0, SECRET),
        ),
        Message.parse({"content": SECRET, "key": KEY}),
        Changes.parse({"title": SECRET}),
    ]
    assert services.search(owner, SECRET).matches
    for one in shown:
        assert SECRET not in f"{one} {one!r}", type(one)
    assert stranger.new_visitor_key
    assert stranger.new_visitor_key not in f"{stranger} {stranger!r}"
    assert VISITOR_COOKIE not in repr(stranger)
