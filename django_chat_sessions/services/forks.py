"""What a forked process does not go on with.

Its parent's threads are not there, its parent's answers are not its own to keep, and a lock that
was held in that moment is held for ever. gunicorn's ``--preload`` forks, Celery does, and whatever
uses ``multiprocessing`` in its old way.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any


def forgotten_in_forks(forget: Callable[[], Any]) -> None:
    """Call ``forget`` in each process that is forked from this one."""
    if hasattr(os, "register_at_fork"):  # pragma: no branch  Windows knows no fork
        os.register_at_fork(after_in_child=forget)
