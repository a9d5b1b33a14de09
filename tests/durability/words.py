"""The answer of the proofs: numbered words, so that every missing or doubled one shows."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

# Of one, two and more code points, so that an offset in anything else goes wrong at once.
MARKS = "aé☂🎈", "👩‍👩‍👧", "e\u0301", "🏳️‍🌈", "z"


def question(words: int, seconds: float) -> str:
    """Return a question whose answer has so many words and takes so long."""
    return f"{words} words in {seconds} seconds, please"


def whole(asked: str, attempt: int = 1) -> str:
    """Return the complete answer to a question; each attempt's is another."""
    return "".join(_word(number, attempt) for number in range(int(asked.split(maxsplit=1)[0])))


def _word(number: int, attempt: int) -> str:
    return f"{attempt}.{number}{MARKS[number % len(MARKS)]} "


def respond(turn: Any) -> Iterator[Any]:
    """Give a word at a time, at an even pace; tell at the end who has written."""
    count, seconds = int(turn.question.split()[0]), float(turn.question.split()[3])
    began = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, began + seconds * number / count - time.monotonic()))
        yield _word(number, turn.reply.attempt)
    time.sleep(max(0.0, began + seconds - time.monotonic()))
    yield {"written_by": os.getpid()}
