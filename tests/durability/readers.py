"""People in front of the proofs' site: they ask, they read, and they check what they are told."""

from __future__ import annotations

import http.client
import json
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.cookies import SimpleCookie
from typing import Any
from uuid import uuid4

UNFINISHED = ("pending", "running")


class Away(ConnectionError):
    """The site says that it cannot reach its database, and when to come back."""


class Person:
    """A visitor with a browser's cookies, at any of the servers of one site."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}
        self.headers = http.client.HTTPMessage()  # of the last answer
        self.call("GET", "sessions/current")

    def call(
        self, method: str, path: str, body: Any = None, *, port: int | None = None
    ) -> tuple[int, Any]:
        """Ask one server; return the status and the body."""
        line = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=60)
        try:
            line.request(
                method,
                path if path[:1] == "/" else f"/chat/{path}",
                self._body(body),
                self._headers(body),
            )
            response = line.getresponse()
            text = response.read()
        finally:
            line.close()
        for header in response.headers.get_all("Set-Cookie", []):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(header).items()}
        self.headers = response.headers
        is_json = "json" in response.headers.get("Content-Type", "")
        return response.status, json.loads(text) if is_json else text.decode() or None

    def ask(self, content: str, key: str | None = None, **where: Any) -> dict[str, Any]:
        """Send a question, which must be taken; return what came back."""
        sent = {"content": content, "key": key or uuid4().hex}
        status, body = self.call("POST", "messages", sent, **where)
        assert status in (200, 201), body
        return dict(body)

    def _body(self, body: Any) -> bytes | None:
        return None if body is None else json.dumps(body).encode()

    def _headers(self, body: Any) -> dict[str, str]:
        sent = {"Cookie": self.cookie_header()}
        if body is not None:
            token = self.cookies.get("csrftoken", "")
            sent |= {"Content-Type": "application/json", "X-CSRFToken": token}
        return sent

    def cookie_header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())


class Reader:
    """Keeps what one person was told since a cursor, and refuses what does not fit to it."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.cursor: str | None = None
        self.messages: dict[str, dict[str, Any]] = {}
        self.events = 0

    def look(self, port: int | None = None) -> None:
        """Ask once for what is new."""
        status, body = self.person.call("GET", f"updates{self._since()}", port=port)
        if status == 503:
            raise Away
        assert status == 200, body
        self.apply(body)

    def apply(self, update: dict[str, Any]) -> None:
        """Take an update: whole messages replace, and text is added exactly where ours ends."""
        for message in update["messages"]:
            self.messages[message["id"]] = message
        for delta in update["deltas"]:
            message = self.messages[delta["message"]]
            assert message["attempt"] == delta["attempt"]
            assert message["state"] in UNFINISHED
            assert len(message["content"]) == delta["offset"], "text is missing or doubled"
            message["content"] += delta["text"]
        self.cursor = update["cursor"]
        self.events += 1

    def reply(self) -> dict[str, Any]:
        """Return the last reply that this reader knows."""
        return max(
            (message for message in self.messages.values() if message["state"]),
            key=lambda message: int(message["position"]),
        )

    def is_finished(self) -> bool:
        return self.reply()["state"] not in UNFINISHED

    @contextmanager
    def stream(self, port: int | None = None) -> Iterator[socket.socket]:
        """Open a stream of events from where we are; it is cut off hard at the end."""
        line = socket.create_connection(("127.0.0.1", port or self.person.port), timeout=30)
        try:
            line.sendall(self.request().encode())
            yield line
        finally:
            # A reset, as when a laptop sleeps or a proxy dies: no goodbye.
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            line.close()

    def request(self) -> str:
        """Return a request for a stream that goes on where we are, as EventSource sends it."""
        last = "" if self.cursor is None else f"Last-Event-ID: {self.cursor}\r\n"
        return (
            "GET /chat/updates HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n"
            f"{last}Cookie: {self.person.cookie_header()}\r\n\r\n"
        )

    def take(self, received: bytes) -> None:
        """Take every event that is complete in what was received of one stream."""
        for event in complete_events(received):
            self.apply(event)

    def _since(self) -> str:
        return "" if self.cursor is None else f"?since={self.cursor}"


def complete_events(received: bytes) -> list[dict[str, Any]]:
    """Return the updates in the bytes of one response; what was cut off is not there."""
    events: list[dict[str, Any]] = []
    for block in _body(received).split(b"\n\n")[:-1]:  # the rest is not complete
        rows = block.split(b"\n")
        events += [json.loads(row[6:]) for row in rows if row.startswith(b"data: ")]
    return events


def is_inside_an_event(received: bytes) -> bool:
    """Whether the response was cut off where an event, or its own head, was not complete."""
    return not _body(received).endswith(b"\n\n")


def _body(received: bytes) -> bytes:
    head, _blank, body = received.partition(b"\r\n\r\n")
    return _without_chunks(body) if b"chunked" in head.lower() else body


def _without_chunks(body: bytes) -> bytes:
    text = b""
    with suppress(ValueError):
        while body:
            size, mark, rest = body.partition(b"\r\n")
            if not mark:
                break
            text += rest[: int(size, 16)]
            body = rest[int(size, 16) + 2 :]
    return text
