"""What may go wrong between a page and its server, and what the page is to make of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Error, Page, Route

API = "**/chat/**"
RETRY_AFTER = 60
PORTAL = "<!doctype html><title>Wi-Fi</title><h1>Welcome! Accept our terms to go online.</h1>"
# One that is on its way says so, in whichever words; one that is not says what can be done.
ON_ITS_WAY = "Sending…|Waiting"
RECONNECTING = "Reconnecting…"

# Notes each request with the time on the page's own clock, and what became of it.
NOTE_REQUESTS = """
window.asked = [];
const send = window.fetch;
window.fetch = (address, options = {}) => {
  const { pathname } = new URL(address, location.href);
  const what = `${options.method ?? 'GET'} ${pathname}`;
  const one = { what, at: Date.now(), body: options.body ?? '', status: 0 };
  window.asked.push(one);
  return send(address, options).then((answer) => {
    one.status = answer.status;
    return answer;
  });
};
"""


@dataclass(frozen=True)
class Trouble:
    """One kind of it."""

    name: str
    # What becomes of a request.
    meets: Callable[[Route], object]
    # What the browser itself says about it.
    provokes: tuple[str, ...] = ()
    # The seconds that pass while it lasts, and those that pass afterwards.
    lasts: tuple[int, ...] = (3, 3)
    heals: tuple[int, ...] = (9,)
    status: str = RECONNECTING
    note: str = ON_ITS_WAY
    # For so many seconds the same thing may not be asked again.
    pause: int = 0
    # Whether the server has the message all the same, and a stream that is open says so.
    arrives: bool = False
    # The button that sends what is not sent by itself.
    asked_again: str | None = None

    def __str__(self) -> str:
        return self.name


def answers(status: int, **more: Any) -> Callable[[Route], None]:
    """A page for people, as proxies and portals send it, where JSON was asked for."""
    options = {"content_type": "text/html", "body": PORTAL, **more}
    return lambda route: route.fulfill(status=status, **options)


def fails(reason: str) -> Callable[[Route], None]:
    return lambda route: route.abort(reason)


def truncates(route: Route) -> None:
    """The server does what it was asked for; half of its answer arrives."""
    if "/updates" in route.request.url:
        route.fulfill(content_type="text/event-stream", body='event: updates\ndata: {"cur')
        return
    # A page whose clock has moved on may have given the request up meanwhile.
    with contextlib.suppress(Error):
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.body()[: len(answer.body()) // 2])


def elsewhere(route: Route) -> None:
    """To another host, as portals do; the browser lets no page follow there."""
    port = route.request.url.split(":")[2].split("/")[0]
    route.fulfill(status=302, headers={"Location": f"http://localhost:{port}/login/"})


def asked(page: Page, what: str = "") -> list[dict[str, Any]]:
    """The requests that begin so: what, at (milliseconds), body, status (0 without an answer)."""
    noted: list[dict[str, Any]] = page.evaluate("window.asked")
    return [one for one in noted if one["what"].startswith(what)]


WAIT = {"Retry-After": str(RETRY_AFTER)}
PATIENT: dict[str, Any] = {"lasts": (RETRY_AFTER - 5, 8), "heals": (62,), "pause": RETRY_AFTER}

TROUBLES = [
    Trouble("the server fails", answers(500), ("500",), status="Active|New|Loading"),
    Trouble("the proxy has no server", answers(502), ("502",)),
    Trouble("the server is busy", answers(503, headers=WAIT), ("503",), **PATIENT),
    Trouble(
        "too many requests",
        answers(429, headers=WAIT),
        ("429",),
        status="Active|Loading",
        **PATIENT,
    ),
    Trouble("a portal answers", answers(200)),
    Trouble("a portal sends away", answers(302, headers={"Location": "/login/"})),
    Trouble("a portal sends elsewhere", elsewhere, ("Content Security Policy", ": csp")),
    Trouble("half an answer", truncates, ("ERR_CONTENT_LENGTH_MISMATCH",), arrives=True),
    Trouble("no answer", lambda route: None, lasts=(31, 3, 31), heals=(31, 9)),
    Trouble("no such name", fails("namenotresolved"), ("ERR_NAME_NOT_RESOLVED",)),
    Trouble("no way there", fails("addressunreachable"), ("ERR_ADDRESS_UNREACHABLE",)),
    Trouble(
        "a wall",
        answers(403),
        ("403",),
        status="Active|New",
        note="Not sent",
        heals=(),
        asked_again="Try again",
    ),
]
