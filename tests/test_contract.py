"""openapi.yaml, the URLconf, the examples and the real answers say the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db.models.signals import pre_save
from django.test import AsyncRequestFactory, Client
from django.urls import reverse
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from django_chat_sessions import get_message_model, get_session_model
from django_chat_sessions.api import errors, pages, streams, urls, views
from django_chat_sessions.exceptions import SessionNotFound
from django_chat_sessions.limits import Limits
from tests.callers import Caller, assert_private

EXAMPLES = sorted(Path(__file__).with_name("contract").glob("*.json"))
CONTRACT: Any = yaml.safe_load(Path(urls.__file__).with_name("openapi.yaml").read_text())
REGISTRY: Registry[Any] = Registry().with_resource(
    "urn:contract", Resource.from_contents(CONTRACT, default_specification=DRAFT202012)
)
STREAM = "text/event-stream"
METHODS = ("get", "post", "put", "patch", "delete")
OPERATIONS = {
    item[method]["operationId"]: (method.upper(), path, item[method])
    for path, item in CONTRACT["paths"].items()
    for method in METHODS
    if method in item
}


def resolved(node: Any) -> Any:
    """Follow a $ref of the contract."""
    while "$ref" in node:
        target = CONTRACT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def problems(operation: str, status: int, body: Any, kind: str = "") -> list[str]:
    """Return how a body differs from what the contract says of this operation and status."""
    responses = OPERATIONS[operation][2]["responses"]
    assert str(status) in responses, f"{operation} does not document {status}"
    answer = resolved(responses[str(status)])
    if "content" not in answer:
        return [] if body in (None, "") else ["a body where there is none"]
    # A stream of events has no form of its own: each carries what JSON would be.
    told = {kind: media for kind, media in answer["content"].items() if kind != STREAM}
    [schema] = [
        media["schema"] for name, media in told.items() if kind in (name, "") or len(told) == 1
    ]
    if "$ref" in schema:
        schema = {"$ref": "urn:contract" + schema["$ref"]}
    validator = Draft202012Validator(schema, registry=REGISTRY, format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]


def test_the_contract_is_valid_openapi_3_1() -> None:
    assert CONTRACT["openapi"].startswith("3.1")
    assert [error.message for error in OpenAPIV31SpecValidator(CONTRACT).iter_errors()] == []


def test_the_contract_has_the_version_of_the_package() -> None:
    import django_chat_sessions

    assert CONTRACT["info"]["version"] == django_chat_sessions.__version__


def test_every_operation_is_named_once_and_told_in_a_sentence() -> None:
    count = sum(method in item for item in CONTRACT["paths"].values() for method in METHODS)
    assert len(OPERATIONS) == count
    assert all(operation["summary"] for _method, _path, operation in OPERATIONS.values())


def test_every_route_and_method_is_in_the_contract_and_the_other_way_round() -> None:
    served = set()
    for pattern in urls.urlpatterns:
        if pattern.name == "nowhere" or issubclass(pattern.callback.view_class, pages.Page):
            continue
        path = "/" + re.sub(r"<str:(\w+)>", r"{\1}", str(pattern.pattern))
        view_class = pattern.callback.view_class
        served |= {(name, path) for name in METHODS if hasattr(view_class, name)}
    documented = {(method.lower(), path) for method, path, _operation in OPERATIONS.values()}
    assert served == documented


def test_every_code_of_an_error_is_in_the_contract_and_the_other_way_round() -> None:
    schemas = CONTRACT["components"]["schemas"]
    documented = {
        *schemas["Error"]["properties"]["code"]["enum"],
        *schemas["Conflict"]["properties"]["code"]["enum"],
        *schemas["Held"]["properties"]["code"]["enum"],
    }
    assert documented == set(errors.STATUS)


def test_every_status_that_an_operation_documents_is_one_that_errors_know() -> None:
    known = set(errors.STATUS.values()) | {200, 201, 204, 304}
    for _method, _path, operation in OPERATIONS.values():
        assert {int(status) for status in operation["responses"]} <= known


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_as_the_contract_says(path: Path) -> None:
    example = json.loads(path.read_text())
    assert problems(example["operation"], example["status"], example["body"]) == []


def test_every_operation_with_a_body_has_an_example() -> None:
    shown = {json.loads(path.read_text())["operation"] for path in EXAMPLES}
    bodiless = {"deleteSession", "getContract"}
    bodiless |= {"exportSession", "exportSessions"}  # files, whose form is the services' matter
    assert shown == set(OPERATIONS) - bodiless


@pytest.mark.parametrize("spoilt", ["surplus", "title", "state", "server_time"])
def test_a_wrong_example_would_be_found(spoilt: str) -> None:
    [path] = [path for path in EXAMPLES if path.stem == "sent"]
    body = json.loads(path.read_text())["body"]
    assert problems("sendMessage", 201, body) == []
    if spoilt == "title":
        del body["session"]["title"]
    elif spoilt == "state":
        body["session"]["state"] = "asleep"
    else:
        body[spoilt] = "yesterday"
    assert problems("sendMessage", 201, body)


class Held:
    """A caller whose every answer is held against the contract."""

    def __init__(self, caller: Caller, protects: Callable[..., None]) -> None:
        self.caller = caller
        self.protects = protects
        self.seen: set[tuple[str, int]] = set()

    def __call__(
        self, operation: str, data: Any = None, *, query: str = "", pk: Any = "", **extra: Any
    ) -> Any:
        method, path, _operation = OPERATIONS[operation]
        path = path.replace("{session_id}", str(pk)).lstrip("/") + query
        if data is None and method in ("POST", "PATCH"):
            data = {}
        more = () if data is None else (data,)
        response = self.caller.call(method, path, *more, **extra)
        return self.check(operation, response)

    def check(self, operation: str, response: Any) -> Any:
        kind = response.headers.get("Content-Type", "").split(";")[0]
        read: dict[str, Any] = {
            "application/json": json.loads,
            "text/csv": str,
            "text/markdown": str,
        }
        body = read.get(kind, yaml.safe_load)(response.content)
        assert problems(operation, response.status_code, body, kind) == []
        assert_private(response)
        self.seen.add((operation, response.status_code))
        return body


@pytest.fixture
def held(caller: Caller, protects: Any) -> Held:
    return Held(caller, protects)


def message(content: str = "Why?", key: str = "key-00000001", **more: Any) -> dict[str, Any]:
    return {"content": content, "key": key, **more}


def everything_that_works(held: Held, answering: Callable[[], Any], noon: Any) -> None:
    held("getContract")
    held("getCurrentSession")
    held("listSessions")
    with answering():
        first = held("sendMessage", message(scope="s"))["session"]["id"]
    held("sendMessage", message(scope="s"))
    held("getCurrentSession", query="?scope=s")
    held("getSession", pk=first)
    held("changeSession", {"title": "Ice", "pinned": True}, pk=first)
    held("searchSessions", query="?q=ice")
    held("getTranscript", pk=first)
    held("getTranscript", pk=first, query="?limit=1")
    held("touchSession", pk=first)
    noon.shift(400)
    held("getCurrentSession", query="?scope=s")
    held("getSession", pk=first)
    held("listSessions")
    second = held("sendMessage", message("How?", "key-00000002", scope="s"))["session"]["id"]
    held("reopenSession", pk=first)
    held("endSession", pk=first)
    held("startSession", {"scope": "s"})
    held("startSession", {"scope": "t"})
    held("listSessions", query="?limit=1")
    held("stopReply", pk=second)
    held("reopenSession", pk=second)
    with answering():
        held("retryReply", pk=second)
    held("markRead", pk=second)
    held("stopReply", pk=first)
    for query in ("", "?format=json", "?format=markdown", "?format=csv", "?format=xml"):
        held("exportSession", pk=first, query=query)
        held("exportSessions", query=query)
    held("deleteSession", pk=second)
    held("restoreSession", pk=second)
    held("changeSession", {"pinned": False, "archived": True}, pk=second)
    held("listSessions", query="?archived=true")
    held("eraseSessions")


def everything_that_is_followed(held: Held, answering: Callable[[], Any], noon: Any) -> None:
    cursor = held("getUpdates")["cursor"]
    held("getUpdates", query=f"?since={cursor}", HTTP_IF_NONE_MATCH=f'"{cursor}"')  # 304
    with answering():
        sent = held("sendMessage", message("And?", "key-00000009", scope="f"))
        told = held("getUpdates", query=f"?since={cursor}&scope=f")
        grow(sent["reply"]["id"])
        grown = held("getUpdates", query=f"?since={told['cursor']}")
        assert [delta["text"] for delta in grown["deltas"]] == ["Because"]
    noon.shift(400)
    assert held("getUpdates", query=f"?since={grown['cursor']}")["history_changed"]
    held("getUpdates", query="?since=AAAA")
    held("getUpdates", HTTP_ACCEPT=STREAM)  # 406: no server that can stream


def grow(pk: str) -> None:
    """Let a reply have the beginning of its text."""
    get_message_model()._base_manager.filter(pk=pk).update(content="Because")


def one_stream_too_many_is_refused(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MOST_PER_OWNER", 0)
    request: Any = AsyncRequestFactory().get("/chat/updates", headers={"Accept": STREAM})
    held.check("getUpdates", views.Updates.as_view()(request))


def one_message_too_many_is_refused(held: Held, settings: Any) -> None:
    before = settings.CHAT_SESSIONS
    session = held("sendMessage", message("Stop!", "key-of-limits", scope="l"))["session"]["id"]
    held("stopReply", pk=session)
    settings.CHAT_SESSIONS = {**before, "LIMITS": Limits(messages_per_minute=1)}
    held("sendMessage", message("More", "key-of-limits-2", scope="l"))
    held("retryReply", pk=session)
    held("startSession", {"scope": "m"})
    settings.CHAT_SESSIONS = before


def what_the_host_refuses_is_not_there(held: Held) -> None:
    def refuse(**kwargs: Any) -> None:
        raise SessionNotFound("There is no such subject.")

    pre_save.connect(refuse, get_session_model())
    try:
        held("startSession", {"scope": "subject:99"})
        held("sendMessage", message("Why?", "key-of-no-scope", scope="subject:99"))
    finally:
        pre_save.disconnect(refuse, get_session_model())


def everything_that_is_refused(held: Held) -> None:
    key = "key-of-refusals"
    waiting = held("sendMessage", message("Why?", key, scope="w"))["session"]["id"]
    held("sendMessage", message("Other", key, scope="w"))  # 422: the key is taken
    held("sendMessage", message("More", "key-00000003", scope="w"))  # 409: no answer yet
    held("endSession", pk=waiting)
    held("sendMessage", message("More", "key-00000003", session=waiting))  # 409: it was ended
    held("sendMessage", message("More", "key-00000003", session="x"))
    held("sendMessage", {})
    held("startSession", {"scope": 5})
    held("changeSession", {"title": ""}, pk=waiting)
    held("listSessions", query="?limit=0")
    held("searchSessions", query="?q=%20")
    held("getCurrentSession", query="?scope=%20")
    held("getTranscript", pk=waiting, query="?before=x")
    held("getUpdates", query="?since=%20")
    held("retryReply", pk=waiting)  # 409: it was ended
    with_id = [name for name, (_m, path, _o) in OPERATIONS.items() if "{" in path]
    for operation in with_id:
        held(operation, pk="x")
    for operation, method, path in (
        ("sendMessage", "POST", "messages"),
        ("startSession", "POST", "sessions"),
        ("changeSession", "PATCH", f"sessions/{waiting}"),
    ):
        plain = held.caller.raw(method, path, b"{}", "text/plain")
        held.check(operation, plain)
        large = held.caller.raw(method, path, b"x" * 3_000_000, "application/json")
        held.check(operation, large)


def strangers_are_refused(held: Held, settings: Any) -> None:
    kept = held.caller.client
    settings.CHAT_SESSIONS = {
        **settings.CHAT_SESSIONS,
        "AUTHENTICATORS": ["django_chat_sessions.authentication.DjangoSession"],
    }
    held.caller.client = Client()
    for operation in set(OPERATIONS) - {"getContract"}:
        held(operation, pk="x")
    held.caller.client = kept


def forgers_are_refused(held: Held, settings: Any) -> None:
    settings.CHAT_SESSIONS = {
        **settings.CHAT_SESSIONS,
        "AUTHENTICATORS": ["django_chat_sessions.authentication.AnonymousCookie"],
    }
    held.caller.client = Client(enforce_csrf_checks=True)
    for operation, (method, _path, _operation) in OPERATIONS.items():
        if method != "GET":
            held(operation, pk="x")


def broken_forms_are_refused(held: Held) -> None:
    from tests.callers import person

    held.caller = person("visitor", csrf=True)
    for operation, (method, path, _operation) in OPERATIONS.items():
        if method == "POST":
            address = path.replace("{session_id}", "x").lstrip("/")
            form = "multipart/form-data"
            token = {"HTTP_X_CSRFTOKEN": held.caller.client.cookies["csrftoken"].value}
            held.check(operation, held.caller.raw("POST", address, b"x", form, **token))
            form = "application/x-www-form-urlencoded"
            body = b"x" * 3_000_000
            held.check(operation, held.caller.raw("POST", address, body, form, **token))


def what_the_host_protects_is_told(held: Held) -> None:
    held("sendMessage", message("Why?", "key-of-held-1", scope="h"))
    kept = held("sendMessage", message("How?", "key-of-held-2", scope="i"))["session"]["id"]
    held.protects(get_session_model()._base_manager.get(pk=kept))
    held("eraseSessions")


def outages_are_told(held: Held) -> None:
    from django.db import OperationalError, connection

    def fail(*args: Any) -> Any:
        raise OperationalError("away")

    pk = held("startSession", {"scope": "o"})["session"]["id"]
    with connection.execute_wrapper(fail):
        for operation in set(OPERATIONS) - {"getContract"}:
            data = {"sendMessage": message(), "changeSession": {"pinned": True}}.get(operation)
            query = "?q=ice" if operation == "searchSessions" else ""
            held(operation, data, pk=pk, query=query)


def test_every_real_answer_is_as_the_contract_says(
    held: Held,
    answering: Callable[[], Any],
    noon: Any,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    everything_that_works(held, answering, noon)
    everything_that_is_followed(held, answering, noon)
    one_stream_too_many_is_refused(held, monkeypatch)
    one_message_too_many_is_refused(held, settings)
    everything_that_is_refused(held)
    what_the_host_refuses_is_not_there(held)
    what_the_host_protects_is_told(held)
    outages_are_told(held)
    strangers_are_refused(held, settings)
    forgers_are_refused(held, settings)
    broken_forms_are_refused(held)
    documented = {
        (name, int(status))
        for name, (_method, _path, operation) in OPERATIONS.items()
        for status in operation["responses"]
    }
    assert held.seen == documented


def test_the_served_contract_is_the_one_in_the_package(db: None) -> None:
    response = Client().get(reverse("chat_sessions:contract"))
    assert yaml.safe_load(response.content) == CONTRACT
