"""How far a long command has come: on a terminal only."""

from __future__ import annotations

import sys


def tell(what: str, done: int, of: int) -> None:
    """Show it in place of what was shown before."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{what}: {done:,} of {of:,}")
        if done >= of:
            sys.stderr.write("\r\033[K")
        sys.stderr.flush()
