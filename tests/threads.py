"""Other threads, and waiting for what they do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any


def threads(name: str) -> list[threading.Thread]:
    """Return the threads of this name."""
    return [thread for thread in threading.enumerate() if thread.name == name]


def until(condition: Callable[[], Any]) -> None:
    """Wait for another thread, as short as possible and some ten seconds at most."""
    for _ in range(10_000):  # by no clock: a test may have stopped it
        if condition():
            return
        time.sleep(0.001)
    raise AssertionError("It did not happen within ten seconds.")
