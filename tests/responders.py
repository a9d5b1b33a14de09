"""Responders for tests: small, real callables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def echo(turn: Any) -> Iterator[Any]:
    """Answer with the question."""
    yield "You asked: "
    yield turn.question
    yield {"sources": [{"title": "Echo", "url": "/echo/", "quote": "echo"}]}
