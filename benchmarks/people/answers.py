"""Answers that take their time: numbered words, so that every missing or doubled one shows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

PIECES_PER_SECOND = 4
# Of one, two and more code points, so that an offset in anything else goes wrong at once.
MARKS = "aé☂🎈", "e\u0301", "👩‍👩‍👧", "z"


def question(name: str, number: int, seconds: float) -> str:
    """Return what somebody asks; it says whose it is, and how long the answer shall take."""
    return f"{name} asks {number}: speak for {seconds:.2f} s"


def whole(asked: str) -> str:
    """Return the complete answer to a question."""
    return "".join(_pieces(asked))


def respond(turn: Any) -> Iterator[Any]:
    """Give the pieces at an even pace; say at the end when this began."""
    began_at, began = time.time(), time.monotonic()
    for number, piece in enumerate(_pieces(turn.question), start=1):
        time.sleep(max(0.0, began + number / PIECES_PER_SECOND - time.monotonic()))
        yield piece
    yield {"began_at": began_at}


def _pieces(asked: str) -> list[str]:
    count = max(1, round(float(asked.split()[-2]) * PIECES_PER_SECOND))
    return [
        f"{number} of {count} to «{asked}» {MARKS[number % len(MARKS)]}\n"
        for number in range(count)
    ]
