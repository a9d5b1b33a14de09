"""Each limit of the HTTP API, tried just below it, at it and just above."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from uuid import uuid4

from django.conf import settings

from benchmarks.limits.streaming import open_stream
from django_chat_sessions.api.inputs import LARGEST_PAGE, LONGEST_TITLE
from django_chat_sessions.api.streams import MOST_PER_OWNER
from django_chat_sessions.limits import Limits
from django_chat_sessions.services.searching import LONGEST_QUERY
from tests.durability.readers import Person
from tests.durability.words import question

LONG = 20.0  # seconds that an answer takes where it shall not end
LONGEST_KEY = 64


@dataclass(frozen=True)
class Answer:
    """What one request was told."""

    status: int
    code: str = ""
    retry_after: str = ""

    def __str__(self) -> str:
        wait = f", Retry-After {self.retry_after}" if self.retry_after else ""
        return f"{self.status} {self.code}{wait}".strip()


@dataclass(frozen=True)
class Edge:
    """One limit and its three answers; ``refusal`` is what the last one must be."""

    name: str
    value: str
    answers: tuple[Answer, Answer, Answer]
    refusal: tuple[int, str]

    @property
    def row(self) -> tuple[str, ...]:
        """The limit as the table shows it."""
        return (self.name, self.value, *map(str, self.answers))

    @property
    def holds(self) -> bool:
        """Whether it lets pass what it should, and refuses the rest as it should."""
        *passed, above = self.answers
        must_wait = above.status == 429
        return (
            all(answer.status < 400 for answer in passed)
            and (above.status, above.code) == self.refusal
            and must_wait == bool(above.retry_after)
        )


def ask(
    person: Person, method: str, path: str, body: bytes | None = None, **headers: str
) -> Answer:
    """Send exactly this, with the person's cookies."""
    line = http.client.HTTPConnection("127.0.0.1", person.port, timeout=60)
    token = person.cookies.get("csrftoken", "")
    sent = {"Cookie": person.cookie_header(), "X-CSRFToken": token}
    if body is not None:
        sent["Content-Type"] = "application/json"
    try:
        line.request(method, f"/chat/{path}", body, sent | headers)
        response = line.getresponse()
        text = response.read()
    finally:
        line.close()
    code = json.loads(text).get("code", "") if response.status >= 400 else ""
    return Answer(response.status, str(code), response.headers.get("Retry-After", ""))


def say(person: Person, content: str, scope: str = "", *, key: str = "", **headers: str) -> Answer:
    """Send a message, with a key of its own unless one is given."""
    sent = {"content": content, "key": key or uuid4().hex, "scope": scope}
    return ask(person, "POST", "messages", json.dumps(sent).encode(), **headers)


def tried(port: int) -> list[Edge]:
    """Try every limit at one server; each by somebody new, so that they do not meet."""
    limits = Limits()
    minute, replies = limits.messages_per_minute or 0, limits.replies_at_once or 0
    body = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    long, once = limits.message_length, (429, "too_many_messages")
    return [
        _sized("bytes of a body", body, _body(port), (413, "too_large")),
        _sized("characters of a message", long, _message(port), (400, "too_long")),
        _sized("characters of a key", LONGEST_KEY, _key(port), (400, "invalid")),
        _sized("characters of a title", LONGEST_TITLE, _title(port), (400, "too_long")),
        _sized("characters to search for", LONGEST_QUERY, _query(port), (400, "too_long")),
        _sized("rows of a page of the history", LARGEST_PAGE, _page(port), (400, "invalid")),
        _counted("messages a minute", minute, _quick(port), once),
        _counted("sessions begun a minute", minute, _begun(port), once),
        _counted("answers written at once", replies, _slow(port), once),
        _streams(port),
    ]


def _sized(name: str, value: int, at: Callable[[int], Answer], refusal: tuple[int, str]) -> Edge:
    answers = (at(value - 1), at(value), at(value + 1))
    return Edge(name, f"{value:,}", answers, refusal)


def _counted(name: str, value: int, one: Callable[[int], Answer], refusal: tuple[int, str]) -> Edge:
    """The last of ``value - 1``, of ``value`` and of ``value + 1`` that are sent in a row."""
    *_before, below, at, above = [one(number) for number in range(value + 1)]
    return Edge(name, f"{value:,}", (below, at, above), refusal)


def _body(port: int) -> Callable[[int], Answer]:
    person = Person(port)

    def send(size: int) -> Answer:
        sent = json.dumps({"content": question(1, 0), "key": uuid4().hex, "scope": f"b{size}"})
        return ask(person, "POST", "messages", sent.encode().ljust(size))

    return send


def _message(port: int) -> Callable[[int], Answer]:
    person = Person(port)
    return lambda size: say(person, question(1, 0).ljust(size, "!"), f"m{size}")


def _key(port: int) -> Callable[[int], Answer]:
    person = Person(port)
    return lambda size: say(person, question(1, 0), f"k{size}", key="k" * size)


def _title(port: int) -> Callable[[int], Answer]:
    person = Person(port)
    session = person.ask(question(1, 0))["session"]["id"]

    def rename(size: int) -> Answer:
        return ask(
            person, "PATCH", f"sessions/{session}", json.dumps({"title": "t" * size}).encode()
        )

    return rename


def _query(port: int) -> Callable[[int], Answer]:
    person = Person(port)
    return lambda size: ask(person, "GET", f"sessions/search?q={'q' * size}")


def _page(port: int) -> Callable[[int], Answer]:
    person = Person(port)
    return lambda size: ask(person, "GET", f"sessions?limit={size}")


def _quick(port: int) -> Callable[[int], Answer]:
    person = Person(port)

    def send(number: int) -> Answer:
        answer = say(person, question(1, 0), f"q{number}")
        while answer.code == "too_many_messages" and answer.retry_after == "5":
            answer = say(person, question(1, 0), f"q{number}")  # four are being written just now
        return answer

    return send


def _begun(port: int) -> Callable[[int], Answer]:
    person = Person(port)
    return lambda number: ask(
        person, "POST", "sessions", json.dumps({"scope": f"s{number}"}).encode()
    )


def _slow(port: int) -> Callable[[int], Answer]:
    person = Person(port)
    return lambda number: say(person, question(10, LONG), f"r{number}")


def _streams(port: int) -> Edge:
    person = Person(port)
    with ExitStack() as opened:

        def follow(_number: int) -> Answer:
            response = opened.enter_context(open_stream(person))
            if response.status == 200:
                response.readline()  # it counts from when it has begun
                return Answer(200)
            code = json.loads(response.read())["code"]
            return Answer(response.status, code, response.headers.get("Retry-After", ""))

        refusal = (429, "too_many_streams")
        return _counted("streams in one process", MOST_PER_OWNER, follow, refusal)
