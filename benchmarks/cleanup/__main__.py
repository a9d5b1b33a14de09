"""`clear_chat_sessions` beside people who chat, and with a million sessions overdue.

    python -m benchmarks.cleanup [--sessions N] [--messages N] [--overdue N] [--keep]

A PostgreSQL server is started for it and ends with it.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.scale import databases


def main(arguments: list[str]) -> int:
    """Fill the databases, clear them, show; exit with 1 where a bar is not met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cleanup", description=__doc__)
    parser.add_argument("--sessions", type=int, default=100_000, help="to be deleted")
    parser.add_argument("--messages", type=int, default=10, help="in each session")
    parser.add_argument("--overdue", type=int, default=1_000_000, help="sessions to be swept")
    parser.add_argument("--clients", type=int, default=16, help="that chat meanwhile")
    parser.add_argument("--idle", type=float, default=30, help="seconds of nothing but chatting")
    parser.add_argument("--keep", action="store_true", help="keep the figures for the evidence")
    options = parser.parse_args(arguments)
    if options.sessions < 200 or options.messages < 1 or options.clients < 1:
        parser.error("give at least 200 sessions, 1 message and 1 client.")
    if options.overdue < 10_000:
        parser.error("give at least 10,000 overdue sessions: fewer are swept before the kill.")
    databases.serve(None)
    from benchmarks.cleanup.report import measured

    figures = measured(options)
    return figures.concluded(keep=options.keep)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
