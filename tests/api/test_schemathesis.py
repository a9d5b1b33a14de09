"""Requests made up from the contract, right and wrong ones: no 500, no answer it does not tell."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, assume, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    ensure_resource_availability,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
    use_after_free,
)

from tests.callers import Caller, person
from tests.test_contract import OPERATIONS

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
    allow_header_conformance,
    missing_required_header,
    negative_data_rejection,
    ignored_auth,
    use_after_free,
    ensure_resource_availability,
]
# What these refuse no schema can say: a cursor that was never given out, words without a letter.
REFUSE_BY_MEANING = {
    "listSessions",
    "searchSessions",
    "getUpdates",
    "sendMessage",
    "changeSession",
}
# The tox environments `schemathesis-sqlite` and `schemathesis-postgres` ask for more of both.
EXAMPLES = int(os.environ.get("CHAT_SESSIONS_EXAMPLES") or "20")
SEEDS = [int(each) for each in (os.environ.get("CHAT_SESSIONS_SEEDS") or "4711").split()]


@contextmanager
def connection_kept() -> Iterator[None]:
    """Let the test's connection outlive its requests, as Django's test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


def headers_of(caller: Caller) -> dict[str, str]:
    """Return what this caller's browser or program sends with every request."""
    if caller.kind == "token":
        return {"Authorization": caller.client.defaults["HTTP_AUTHORIZATION"]}
    cookies = caller.client.cookies
    sent = "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())
    return {"Cookie": sent, "X-CSRFToken": cookies["csrftoken"].value}


@pytest.mark.parametrize("number", SEEDS)
@pytest.mark.parametrize("kind", ["visitor", "token"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_b23_every_answer_to_made_up_requests_is_as_the_contract_says(
    db: None, name: str, kind: str, number: int, tokens_too: None
) -> None:
    caller = person(kind)
    own = caller.say("Why?").json()["session"]["id"]
    headers = headers_of(caller)
    method, path, _operation = OPERATIONS[name]
    checks = CHECKS if name in REFUSE_BY_MEANING else [*CHECKS, positive_data_acceptance]
    answered: set[int] = set()
    with connection_kept():
        contract = schemathesis.openapi.from_wsgi("/chat/openapi.yaml", get_wsgi_application())
    operation = contract[path][method]

    @seed(number)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=made_up(operation), mine=st.booleans())
    def holds(case: Any, mine: bool) -> None:
        # Hypothesis knows the words of our sources, and these are other operations' addresses.
        assume((case.path_parameters or {}).get("session_id") not in ("current", "search"))
        if mine and "session_id" in (case.path_parameters or {}):
            case.path_parameters["session_id"] = own
        answered.add(case.call_and_validate(headers=headers, checks=checks).status_code)

    with connection_kept():
        holds()
    assert answered


def made_up(operation: Any) -> st.SearchStrategy[Any]:
    """Return requests that follow the contract, and ones that break it where it can be broken."""
    right = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if not (operation.body or operation.query):
        return right  # type: ignore[no-any-return]
    wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    return st.one_of(right, wrong)
