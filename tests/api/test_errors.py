"""The one map from what went wrong to what is answered."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import BadRequest, RequestDataTooBig, TooManyFieldsSent
from django.db.models import ProtectedError

from django_chat_sessions import exceptions, get_session_model
from django_chat_sessions.api import errors


def example(kind: type[exceptions.ChatSessionsError]) -> exceptions.ChatSessionsError:
    """Return an exception of this kind."""
    of_session = (exceptions.SessionEnded, exceptions.TurnInProgress, exceptions.NothingToRetry)
    if kind in of_session:
        model: Any = get_session_model()
        return kind(model(pk=4711))
    if kind is exceptions.SessionsHeld:
        return exceptions.SessionsHeld(1, ProtectedError("SECRET-4711", set()), None)
    return kind("SECRET-4711")


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (exceptions.SessionNotFound, 404, "not_found"),
        (exceptions.NotAuthenticated, 401, "not_authenticated"),
        (exceptions.KeyReused, 422, "key_reused"),
        (exceptions.TurnInProgress, 409, "turn_in_progress"),
        (exceptions.InvalidDocument, 400, "invalid"),
        (exceptions.SessionEnded, 409, "session_ended"),
        (exceptions.NothingToRetry, 409, "nothing_to_retry"),
        (exceptions.SessionsHeld, 409, "sessions_held"),
    ],
)
def test_every_exception_has_its_answer(
    kind: type[exceptions.ChatSessionsError], status: int, code: str
) -> None:
    answer = errors.error_for(example(kind))
    assert (answer.status, answer.code) == (status, code)
    assert set(answer.body()) == {"code", "message", "field"}
    assert "SECRET" not in str(answer.body())


def test_an_exception_that_a_host_derives_is_answered_like_ours() -> None:
    class Expelled(exceptions.NotAuthenticated):
        pass

    assert errors.error_for(Expelled()).code == "not_authenticated"


def test_an_exception_that_has_no_answer_is_raised_as_it_is() -> None:
    class Strange(exceptions.ChatSessionsError):
        pass

    # A StopIteration, say, would never arrive where a view is awaited.
    with pytest.raises(Strange):
        errors.error_for(Strange())


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RequestDataTooBig("x"), "too_large"),
        (TooManyFieldsSent("x"), "invalid"),
        (BadRequest("x"), "invalid"),
    ],
)
def test_what_django_refuses_has_its_answer(error: Exception, code: str) -> None:
    assert errors.unreadable(error).code == code


def test_headers_go_with_the_answer() -> None:
    assert errors.unavailable().headers == {"Retry-After": "5"}
    assert errors.too_many_streams().headers == {"Retry-After": "60"}
    too_many = errors.error_for(exceptions.TooManyMessages(17))
    assert (too_many.status, too_many.headers) == (429, {"Retry-After": "17"})
    assert errors.ApiError("invalid", "x", Allow="GET").headers == {"Allow": "GET"}


def test_an_answer_prints_its_code_only() -> None:
    assert str(errors.ApiError("invalid", "SECRET-4711", "SECRET")) == "invalid"
