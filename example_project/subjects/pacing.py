"""How slowly an answer is given, and how long it may take altogether."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

DELAY = 0.0
PER_WORD = 0.012
LIMIT = 60.0
SLICE = 0.1
BEAT = 1.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds before the first word, seconds per word, and a limit that counts from now."""

    delay: float = DELAY
    per_word: float = PER_WORD
    limit: float = LIMIT
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    started: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "started", self.clock())

    @classmethod
    def from_environment(
        cls,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> Pace:
        """Read XP_ANSWER_DELAY, XP_ANSWER_PACE and XP_ANSWER_LIMIT. Raises ValueError."""
        return cls(
            delay=_seconds("XP_ANSWER_DELAY", DELAY),
            per_word=_seconds("XP_ANSWER_PACE", PER_WORD),
            limit=_seconds("XP_ANSWER_LIMIT", LIMIT),
            sleep=sleep,
            clock=clock,
        )

    def left(self) -> float:
        """Seconds until the limit. Raises TimeoutError when there are none."""
        left = self.started + self.limit - self.clock()
        if left <= 0:
            raise TimeoutError(f"The answer took longer than {self.limit:g} seconds.")
        return left

    def wait(self, seconds: float) -> None:
        """Sleep, never past the limit. Raises TimeoutError."""
        until = self.clock() + seconds
        while (pause := until - self.clock()) > 0:
            self.sleep(min(pause, SLICE, self.left()))
        self.left()

    def pause(self) -> Iterator[str]:
        """Wait for `delay`, giving an empty text each second so that a stop is noticed meanwhile.

        Raises TimeoutError.
        """
        rest = self.delay
        while rest > 0:
            self.wait(min(rest, BEAT))
            rest -= BEAT
            yield ""

    def words(self, text: str) -> Iterator[str]:
        """Give text word by word at this pace. Raises TimeoutError."""
        start = 0
        while start < len(text):
            end = _word_end(text, start)
            yield text[start:end]
            self.wait(self.per_word)
            start = end


def _word_end(text: str, start: int) -> int:
    end = start
    while end < len(text) and not text[end].isspace():
        end += 1
    while end < len(text) and text[end].isspace():
        end += 1
    return end


def _seconds(name: str, default: float) -> float:
    raw = os.environ.get(name, "").strip()
    if not raw:
        return default
    try:
        seconds = float(raw)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError(f"{name} must be a number of seconds, zero or more, not {raw!r}.")
    return seconds
