"""A million sessions with ten million messages on PostgreSQL: how fast, how big, which plans.

    python -m benchmarks.scale [--sessions N] [--messages N] [--database-kept DIR] [--keep]

A server is started for it and ends with it. With --database-kept its data stays in a folder, and
is measured again without being made again.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.scale import databases


def main(arguments: list[str]) -> int:
    """Make the database, measure, show; exit with 1 where a bar is not met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--messages", type=int, default=10, help="in each session")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--database-kept", metavar="DIR", help="a folder for the database")
    parser.add_argument("--keep", action="store_true", help="keep the figures for the evidence")
    options = parser.parse_args(arguments)
    if options.sessions < 400 or options.messages < 2 or options.rounds < 1:
        parser.error("give at least 400 sessions, 2 messages and 1 round.")
    databases.serve(options.database_kept)
    from benchmarks.scale.report import measured

    figures = measured(options.sessions, options.messages, options.rounds)
    return figures.concluded(keep=options.keep)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
