"""What a long command is doing: on a terminal only."""

from __future__ import annotations

import sys


def tell(what: str) -> None:
    """Show it in place of what was shown before."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{what}")
        sys.stderr.flush()


def tell_share(what: str, done: int, of: int) -> None:
    """Show how far it has come; nothing of it is left in the end."""
    tell(f"{what}: {done:,} of {of:,}" if done < of else "")
