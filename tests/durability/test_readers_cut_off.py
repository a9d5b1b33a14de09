"""A reader whose stream is cut off again and again, and goes on at another process."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable

from tests.durability.kills import Asked
from tests.durability.processes import Stage
from tests.durability.readers import Person, Reader, is_inside_an_event
from tests.durability.words import question


def test_a_reader_cut_off_at_random_points_has_the_text_of_the_database(
    stage: Stage, is_long: bool, dice: random.Random, tell: Callable[[str], None]
) -> None:
    cuts, seconds = (100, 30.0) if is_long else (8, 3.0)
    servers = [stage.server(lease="10").start() for _ in range(2)]
    asked = Asked(Reader(Person(servers[0].port)), question(int(seconds * 30), seconds))
    asked.ask()
    reader, inside = asked.reader, 0
    began = time.monotonic()
    for number in range(cuts):
        with reader.stream(servers[number % 2].port) as line:
            # At a random byte of what comes, or at a random moment when less comes.
            until = began + (number + dice.random()) * seconds / cuts
            received = _read(line, most=dice.choice([dice.randrange(6000), 10**6]), until=until)
        inside += is_inside_an_event(received)
        reader.take(received)
    reader.person.port = servers[cuts % 2].port
    told = reader.events
    asked.follow(within=30)
    end = asked.check(stage.database, 1)
    assert end["state"] == "answered"
    tell(f"{cuts} cuts, {inside} of them inside of an event, {told} events taken: identical")


def _read(line: socket.socket, *, most: int, until: float) -> bytes:
    received = b""
    while len(received) < most and (left := until - time.monotonic()) > 0:
        line.settimeout(left)
        try:
            piece = line.recv(most - len(received))
        except TimeoutError:
            break
        assert piece, "the stream ended by itself"
        received += piece
    return received
