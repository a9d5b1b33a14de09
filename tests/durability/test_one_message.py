"""One message sent many times at once, and two different ones at once, at real servers."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.durability.kills import Asked
from tests.durability.processes import Stage
from tests.durability.readers import Person, Reader
from tests.durability.words import question

TIMES = 20
# What goes on while the copies are answered; everything else must be equal.
GROWING = {"content", "state", "metadata"}
MOVING = {"running", "preview", "last_activity_at", "last_message_at", "expires_at", "unread"}


def at_once(person: Person, bodies: list[dict[str, Any]], ports: list[int]) -> list[Any]:
    """Post all bodies at the same instant; return statuses and answers."""
    barrier = threading.Barrier(len(bodies))

    def post(number: int) -> Any:
        barrier.wait()
        return person.call("POST", "messages", bodies[number], port=ports[number % len(ports)])

    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(post, range(len(bodies))))


def lasting(body: dict[str, Any]) -> dict[str, Any]:
    """Return what twenty answers to one message have in common."""
    session = {k: v for k, v in body["session"].items() if k not in MOVING}
    reply = {k: v for k, v in body["reply"].items() if k not in GROWING}
    return {
        "arrival": body["arrival"],
        "session": session,
        "message": body["message"],
        "reply": reply,
    }


def test_one_message_sent_twenty_times_at_once_is_one_row_with_one_answer(stage: Stage) -> None:
    servers = [stage.server().start() for _ in range(2)]
    asked = Asked(Reader(Person(servers[0].port)), question(20, 1.0))
    person = asked.reader.person
    body = {"content": asked.question, "key": asked.key}
    answers = at_once(person, [body] * TIMES, [server.port for server in servers])
    assert sorted(status for status, _body in answers) == [200] * (TIMES - 1) + [201]
    first = lasting(answers[0][1])
    assert [lasting(body) for _status, body in answers] == [first] * TIMES

    asked.session = first["session"]["id"]
    asked.follow(within=10)
    assert asked.check(stage.database, 1)["state"] == "answered"  # of exactly two rows
    status, late = person.call("POST", "messages", body)
    assert (status, lasting(late)) == (200, first)
    assert late["reply"]["content"] == asked.reader.reply()["content"]


def test_of_two_different_messages_at_once_one_runs_and_one_is_refused(stage: Stage) -> None:
    servers = [stage.server().start() for _ in range(2)]
    ports = [server.port for server in servers]
    for _ in range(5):
        person = Person(ports[0])
        bodies = [
            {"content": f"{question(10, 0.2)} {number}", "key": f"different-{number}"}
            for number in range(2)
        ]
        (first, taken), (second, refused) = sorted(
            at_once(person, bodies, ports), key=lambda answer: int(answer[0])
        )
        assert (first, second) == (201, 409)
        assert refused["code"] == "turn_in_progress"
        assert refused["running"]["id"] == taken["reply"]["id"]
        reader = Reader(person)
        asked = Asked(reader, taken["message"]["content"], session=taken["session"]["id"])
        asked.follow(within=10)
        assert asked.check(stage.database, 1)["state"] == "answered"
