"""Stream a reply from any OpenAI-compatible `/chat/completions` endpoint.

Errors say what went wrong, never what was said: no message text, answer text or key is in them.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from subjects.pacing import Pace

PATH = "/chat/completions"
LINE_LENGTH = 1 << 16
DONE = "[DONE]"
# Seconds, so that a timer which fires early by the clock's grain still finds the limit passed.
MARGIN = 0.02


class CompletionError(RuntimeError):
    """The language model gave no usable answer; the message says why in a sentence."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the language model is, which one it is, and the key it asks for, if any."""

    url: str
    model: str
    key: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls) -> Endpoint | None:
        """The endpoint of XP_LLM_URL, XP_LLM_MODEL and XP_LLM_KEY; None without the first two."""
        url, model, key = (
            os.environ.get(name, "").strip()
            for name in ("XP_LLM_URL", "XP_LLM_MODEL", "XP_LLM_KEY")
        )
        return cls(url, model, key) if url and model else None


def stream(endpoint: Endpoint, messages: Sequence[Mapping[str, str]], pace: Pace) -> Iterator[str]:
    """Send the conversation and give the pieces of the reply as they arrive.

    Raises CompletionError, and TimeoutError when the limit of `pace` passes, however slowly or
    steadily the endpoint sends.
    """
    connection, path = _connection(endpoint, pace)
    body = json.dumps({"model": endpoint.model, "messages": list(messages), "stream": True})
    try:
        connection.connect()
        with _cut_off_at_limit(connection, pace):
            connection.request("POST", path, body.encode(), _headers(endpoint))
            with connection.getresponse() as response:
                if response.status != HTTPStatus.OK:
                    status = _status(response.status)
                    raise CompletionError(f"The language model answered {status}.")
                yield from _deltas(response, pace)
    except (OSError, HTTPException) as error:
        pace.left()
        kind = type(error).__name__
        raise CompletionError(f"The language model could not be reached ({kind}).") from None
    finally:
        connection.close()


def _connection(endpoint: Endpoint, pace: Pace) -> tuple[HTTPConnection, str]:
    try:
        parts = urlsplit(endpoint.url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = SplitResult("", "", "", "", ""), None, None
    if parts.scheme not in ("http", "https") or not host:
        raise CompletionError("XP_LLM_URL must be an http or https address.")
    path = parts.path.rstrip("/")
    path = path if path.endswith(PATH) else path + PATH
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    return kind(host, port, timeout=pace.left()), f"{path}?{parts.query}" if parts.query else path


def _headers(endpoint: Endpoint) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
    if endpoint.key:
        # http.client would repeat a header that it refuses, and so the key, in its message.
        if not (endpoint.key.isascii() and endpoint.key.isprintable()):
            raise CompletionError("XP_LLM_KEY has characters that a header cannot carry.")
        headers["Authorization"] = f"Bearer {endpoint.key}"
    return headers


@contextmanager
def _cut_off_at_limit(connection: HTTPConnection, pace: Pace) -> Iterator[None]:
    """Shut the socket at the limit: a read's own timeout begins anew with every byte received."""

    def cut_off() -> None:
        try:
            # Not SSLSocket.shutdown, which takes the TLS layer away from the thread that reads.
            socket.socket.shutdown(connected, socket.SHUT_RDWR)
        except OSError:
            pass

    connected = connection.sock
    watchdog = threading.Timer(pace.left() + MARGIN, cut_off)
    watchdog.daemon = True
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()


def _deltas(response: HTTPResponse, pace: Pace) -> Iterator[str]:
    """The text in the `data:` lines of a stream of server-sent events, until it says it is done."""
    is_finished = False
    while line := response.readline(LINE_LENGTH):
        pace.left()
        field_name, _, value = line.decode("utf-8", "replace").strip().partition(":")
        if field_name != "data":
            continue
        if value.strip() == DONE:
            return
        text, ends = _delta(value)
        is_finished = is_finished or ends
        if text:
            yield text
    pace.left()
    if not is_finished:
        raise CompletionError("The language model broke off before the end of its answer.")


def _delta(data: str) -> tuple[str, bool]:
    """The piece of text in one event, and whether it is the last."""
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise CompletionError("The language model sent something that is not a stream of JSON.")
    if event.get("error"):
        raise CompletionError("The language model reported an error in the middle of its answer.")
    choices = event.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else {}
    if not isinstance(choice, dict):
        return "", False
    delta = choice.get("delta")
    content = delta.get("content") if isinstance(delta, dict) else None
    return content if isinstance(content, str) else "", bool(choice.get("finish_reason"))


def _status(code: int) -> str:
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)
