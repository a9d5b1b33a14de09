"""Z-13: a cache that many share keeps nothing of what was made for one."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from tests.attack.matrix import ROWS, SECRET, call
from tests.callers import Caller, assert_private, person

READ = [route for route, method in ROWS if method == "GET" and route != "openapi.yaml"]
FETCH = "django.middleware.cache.FetchFromCacheMiddleware"
UPDATE = "django.middleware.cache.UpdateCacheMiddleware"


@pytest.fixture
def shared_cache(settings: Any) -> Any:
    """A cache of whole answers before the site, as a proxy would be."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.MIDDLEWARE = [UPDATE, *settings.MIDDLEWARE, FETCH]
    cache.clear()
    yield
    cache.clear()


@pytest.mark.parametrize("kind", ["user", "visitor", "token"])
def test_z13_a_shared_cache_gives_nobody_what_was_anothers(
    db: None, tokens_too: None, shared_cache: None, kind: str
) -> None:
    owner = person(kind)
    session = owner.say(SECRET).json()["session"]["id"]
    read = [call(owner.client, route, "GET", session) for route in READ]
    assert {response.status_code for response in read} == {200}
    for route in READ:
        for reader in (Client(), person("user", "eve").client):
            told = call(reader, route, "GET", session)
            assert SECRET.encode() not in told.content, route
            assert told.status_code == (404 if "{id}" in route else 200), route


def test_z13_an_answer_that_nothing_has_changed_is_as_private(caller: Caller) -> None:
    cursor = caller.get("updates").headers["ETag"]
    unchanged = caller.get("updates", HTTP_IF_NONE_MATCH=cursor)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert_private(unchanged)


def test_z13_a_range_or_another_condition_gives_no_answer_that_may_be_kept(caller: Caller) -> None:
    session = caller.say(SECRET).json()["session"]["id"]
    conditions = {
        "HTTP_RANGE": "bytes=0-10",
        "HTTP_IF_MODIFIED_SINCE": "Thu, 01 Jan 2099 00:00:00 GMT",
        "HTTP_CACHE_CONTROL": "only-if-cached, max-stale",
    }
    for route in READ:
        response = call(caller.client, route, "GET", session, **conditions)
        assert response.status_code == 200
        assert_private(response)
        assert not {"Expires", "Last-Modified", "Age"} & set(response.headers)
