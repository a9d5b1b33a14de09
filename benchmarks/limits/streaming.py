"""One open stream of events, as a browser has it."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager

from tests.durability.readers import Person


@contextmanager
def open_stream(person: Person) -> Iterator[http.client.HTTPResponse]:
    """Ask for a stream and nothing else; it is closed at the end."""
    line = http.client.HTTPConnection("127.0.0.1", person.port, timeout=60)
    sent = {"Cookie": person.cookie_header(), "Accept": "text/event-stream"}
    line.request("GET", "/chat/updates", headers=sent)
    response = line.getresponse()
    try:
        yield response
    finally:
        response.close()
        line.close()
