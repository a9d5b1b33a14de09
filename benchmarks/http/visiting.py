"""A person's browser, and the rounds in which it asks the package and the bare view in turn."""

from __future__ import annotations

import http.client
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.http.endpoints import Endpoint
from benchmarks.progress import tell

PACKAGE, BARE = "chat", "bare"
WARMING = 5  # requests that are not counted


@dataclass(frozen=True)
class Visitor:
    """Who is logged in, and the session that is open."""

    cookies: str
    token: str
    session: str


class Browser:
    """One connection that stays open, as browsers keep theirs."""

    def __init__(self, port: int, visitor: Visitor) -> None:
        self.visitor = visitor
        self.line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.headers = {
            "Cookie": visitor.cookies,
            "X-CSRFToken": visitor.token,
            "Content-Type": "application/json",
        }

    def ask(self, prefix: str, endpoint: Endpoint) -> tuple[float, int]:
        """Return the seconds until the answer was there, and its size."""
        body = endpoint.sent()
        content = None if body is None else json.dumps(body).encode()
        address = f"/{prefix}/{endpoint.route.format(session=self.visitor.session)}"
        began = time.perf_counter()
        self.line.request(endpoint.method, address, content, self.headers)
        response = self.line.getresponse()
        answer = response.read()
        took = time.perf_counter() - began
        if not 200 <= response.status < 300:
            raise SystemExit(f"{endpoint.method} {address} was answered with {response.status}.")
        return took, len(answer)


@dataclass
class Compared:
    """What an endpoint took in each round, of the package and of the bare view. Seconds."""

    package: list[list[float]] = field(default_factory=list)
    bare: list[list[float]] = field(default_factory=list)
    size: int = 0


Results = dict[tuple[str, str], Compared]  # by server and endpoint


def visit(
    ports: dict[str, int],
    visitor: Visitor,
    endpoints: Sequence[Endpoint],
    *,
    rounds: int,
    requests: int,
) -> Results:
    """Ask every endpoint of every server so often in each round, one subject after the other."""
    results: Results = {(server, each.name): Compared() for server in ports for each in endpoints}
    browsers = {server: Browser(port, visitor) for server, port in ports.items()}
    for number in range(rounds):
        turns = [(server, each) for server in ports for each in endpoints]
        random.shuffle(turns)
        for server, endpoint in turns:
            tell(f"round {number + 1} of {rounds}: {endpoint.name}, {server}")
            browsers[server].line.close()  # it may have waited longer than the server does
            _compare(browsers[server], endpoint, requests, results[server, endpoint.name])
    return results


def _compare(browser: Browser, endpoint: Endpoint, requests: int, compared: Compared) -> None:
    took: dict[str, list[float]] = {PACKAGE: [], BARE: []}
    order = [PACKAGE, BARE]
    for number in range(WARMING + requests):
        random.shuffle(order)
        for prefix in order:
            seconds, size = browser.ask(prefix, endpoint)
            if prefix == PACKAGE:
                compared.size = size
            if number >= WARMING:
                took[prefix].append(seconds)
    compared.package.append(took[PACKAGE])
    compared.bare.append(took[BARE])
