"""Numbers from the environment, with an error that names the variable."""

from __future__ import annotations

import math
import os


def seconds(name: str, default: float) -> float:
    """Return a positive number of seconds. Raises ValueError."""
    raw = os.environ.get(name, "").strip()
    if not raw:
        return default
    try:
        value = float(raw)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a number of seconds above zero, not {raw!r}.")
    return value
