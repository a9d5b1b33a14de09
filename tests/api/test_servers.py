"""A real server, a real socket: what a test client would never send."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.db import connection

from tests.callers import rows
from tests.databases import NAME

SERVE = "-m uvicorn --factory django.core.asgi:get_asgi_application --lifespan off --port 0"


@pytest.fixture
def server(transactional_db: None) -> Iterator[int]:
    """The port of a uvicorn that uses this test's database."""
    with served() as port:
        yield port


@pytest.fixture
def another_server(transactional_db: None) -> Iterator[int]:
    """The port of another process that serves the same site."""
    with served() as port:
        yield port


@contextmanager
def served() -> Iterator[int]:
    """Run a uvicorn with this test's database; give its port."""
    process = subprocess.Popen(
        [sys.executable, *SERVE.split()],
        env={**os.environ, NAME: str(connection.settings_dict["NAME"])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    said = []
    for line in process.stderr:
        said.append(line)
        if found := re.search(r"running on http://127\.0\.0\.1:(\d+)", line):
            break
    else:
        pytest.fail("".join(said))
    try:
        yield int(found[1])
    finally:
        process.terminate()
        process.communicate(timeout=30)


class Browser:
    """Keeps cookies, and sends exactly the bytes that it is given."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}

    def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, Any]:
        sent = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()), **(headers or {})}
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            line.request(method, f"/chat/{path}", body, sent)
            response = line.getresponse()
            text = response.read()
        finally:
            line.close()
        for header in response.headers.get_all("Set-Cookie", []):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(header).items()}
        is_json = response.headers.get("Content-Type") == "application/json"
        return response, json.loads(text) if is_json and text else text

    def post(self, path: str, body: Any, **headers: str) -> tuple[http.client.HTTPResponse, Any]:
        token = self.cookies.get("csrftoken", "")
        given = {"Content-Type": "application/json", "X-CSRFToken": token, **headers}
        return self.send("POST", path, body, given)


class Stream:
    """An open line on which updates come."""

    def __init__(self, browser: Browser, query: str = "", **headers: str) -> None:
        self.line = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=30)
        sent = {"Cookie": "; ".join(f"{k}={v}" for k, v in browser.cookies.items())}
        sent |= {"Accept": "text/event-stream", **headers}
        self.line.request("GET", f"/chat/updates{query}", headers=sent)
        self.response = self.line.getresponse()

    def event(self) -> Any:
        """Wait for the next news."""
        while line := self.response.readline().decode():
            if line.startswith("data: "):
                return json.loads(line.removeprefix("data: "))
        raise AssertionError("The stream has ended.")

    def leave(self) -> None:
        self.response.close()
        self.line.close()


def visitor(port: int) -> Browser:
    """Return a browser that was welcomed."""
    browser = Browser(port)
    browser.send("GET", "sessions/current")
    return browser


def pieces(*parts: bytes) -> Iterator[bytes]:
    """Return a body without a length, which http.client sends in chunks."""
    yield from parts


def test_a_visitor_talks_through_a_real_asgi_server(server: int) -> None:
    browser = Browser(server)
    look, _body = browser.send("GET", "sessions/current")
    assert look.status == 200
    assert "no-store" in look.headers["Cache-Control"]
    body = json.dumps({"content": "Why?", "key": "key-00000001"}).encode()

    sent, said = browser.post("messages", body)
    assert sent.status == 201
    again, said_again = browser.post("messages", body)
    assert again.status == 200
    assert said_again["message"]["id"] == said["message"]["id"]

    session = said["session"]["id"]
    _page, read = browser.send("GET", f"sessions/{session}/messages")
    assert [row["role"] for row in read["messages"]] == ["user", "assistant"]

    chunked, said = browser.post(
        "messages", pieces(b'{"content": "In chunks", ', b'"key": "key-00000002"}')
    )
    assert chunked.status == 201
    assert said["message"]["content"] == "In chunks"

    before = rows()
    large, refusal = browser.post("messages", pieces(*[b"x" * 100_000] * 30))
    assert (large.status, refusal["code"]) == (413, "too_large")
    forged, refusal = browser.send("POST", "sessions", b"{}", {"Content-Type": "application/json"})
    assert (forged.status, refusal["code"]) == (403, "csrf_failed")
    for path in (
        "sessions/%00",
        "sessions/%ED%A0%80",
        "sessions/a%0Ab",
        "%2e%2e/x",
        "sessions//end",
    ):
        missing, refusal = browser.send("GET", path)
        assert (missing.status, refusal["code"]) == (404, "not_found"), path
    odd, refusal = browser.send("FOO", "sessions")
    assert (odd.status, refusal["code"]) == (405, "method_not_allowed")
    head, nothing = browser.send("HEAD", "sessions")
    assert (head.status, nothing) == (200, b"")
    for cookie in ('"aaaaaaaa\\000"', "x" * 4096, '"\\777"'):
        stranger = Browser(server)
        stranger.cookies = {"chat_visitor": cookie}
        welcome, listed = stranger.send("GET", "sessions")
        assert (welcome.status, listed["sessions"]) == (200, [])
    assert rows() == before


def test_a_stream_is_taken_up_again_at_another_process(server: int, another_server: int) -> None:
    here = visitor(server)
    there = Browser(another_server)
    there.cookies = here.cookies
    stream = Stream(here)
    assert stream.response.status == 200
    assert stream.response.headers["Cache-Control"] == "no-store, private, no-transform"
    first = stream.event()
    assert first["sessions"] == []

    _sent, said = there.post("messages", b'{"content": "Why?", "key": "key-00000001"}')
    told: list[Any] = []
    while not told or told[-1]["state"] != "answered":  # in one event or in several
        last = stream.event()
        told += last["messages"]
    assert [row["content"] for row in told if row["role"] == "user"] == ["Why?"]
    assert told[-1]["content"] == "You asked: Why?"
    stream.leave()

    here.post("messages", b'{"content": "How?", "key": "key-00000002"}')
    for back in (
        Stream(there, f"?since={last['cursor']}"),
        Stream(there, **{"Last-Event-ID": last["cursor"]}),
    ):
        event = back.event()
        assert [row["content"] for row in event["messages"]] == ["How?", "You asked: How?"]
        assert [row["id"] for row in event["sessions"]] == [said["session"]["id"]]
        back.leave()


def test_twenty_streams_hold_next_to_no_connections_and_are_let_go(server: int) -> None:
    browsers = [visitor(server) for _ in range(5)]
    open_lines = [Stream(browser) for browser in browsers for _ in range(4)]
    for stream in open_lines:
        stream.event()
    if connection.vendor == "postgresql":
        assert connections_of_others() <= 3
    more = []
    for _ in range(2):
        more.append(Stream(browsers[0]))
        more[-1].event()  # it counts from then on
    more.append(Stream(browsers[0]))
    assert [stream.response.status for stream in more] == [200, 200, 429]
    for stream in open_lines + more:
        stream.leave()
    give_up = time.monotonic() + 20
    status = 429
    while status != 200:  # the server notices it when it is told, a moment later
        assert time.monotonic() < give_up
        again = Stream(browsers[0])
        status = again.response.status
        again.leave()
    _sent, said = browsers[1].post("messages", b'{"content": "Why?", "key": "key-00000001"}')
    assert said["reply"] is not None


def connections_of_others() -> int:
    """Return how many connections other processes have to this test's database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])
