"""Measure the six everyday operations beside the limit.

python -m benchmarks.speed postgres|sqlite [--rounds N] [--only operation] [--keep]
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence

from benchmarks.progress import tell
from benchmarks.speed import peers
from benchmarks.speed.bars import bars_of
from benchmarks.speed.measuring import Case, Results, Worker, run
from benchmarks.speed.peers import comparison
from benchmarks.speed.report import figures_of
from benchmarks.speed.servers import places
from benchmarks.speed.subject import OF_A_CONVERSATION, OPERATIONS, Sizes, sizes
from benchmarks.speed.subjects import RAW, SUBJECTS

CLIENTS = 16
# size -> how many owners have it; sixteen clients need owners of their own in the smallest
HISTORIES = {30: 64, 1_000: 4, 10_000: 1}
CONVERSATIONS = {10: 400, 100: 128, 1_000: 20}
BACKGROUND = 100_000  # ended sessions of ten messages each


def main(arguments: list[str]) -> int:
    """Fill, measure, print; 1 where a bar was not met."""
    options = _options(arguments)
    offered = [name for name, kinds in SUBJECTS.items() if options.kind in kinds]
    chosen = [name for name in offered if not options.subjects or name in options.subjects]
    if unknown := set(options.subjects) - set(offered):
        sys.exit(f"There is no subject {', '.join(unknown)}; there are {', '.join(offered)}.")
    if options.kind == "postgres" and not options.subjects and (absent := peers.left_out()):
        sys.stderr.write(f"Left out: {', '.join(absent)}. To have them: {peers.INSTALL}.\n")
    if RAW not in chosen:
        chosen.insert(0, RAW)
    small = options.small
    filled = (
        sizes({30: 16, 60: 1}, {10: 32, 60: 4}, options.background)
        if small
        else sizes(HISTORIES, CONVERSATIONS, options.background)
    )
    cases = cases_of(filled, options.only or OPERATIONS)
    results = _measured(chosen, options, filled, cases)
    figures = figures_of(options.kind, results, cases)
    if options.kind == "postgres":
        figures.bars = [*bars_of(results, cases), *comparison.bars(results, cases)]
    # As it was run: what was asked for in another way is said.
    figures.command = " ".join(["python -m benchmarks.speed", *arguments])
    return figures.concluded(keep=options.keep)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    add = parser.add_argument
    add("kind", choices=["postgres", "sqlite"])
    add("--rounds", type=int, default=5, help="how often everything is measured")
    add("--peer-rounds", type=int, default=3, help="in how many of them peers take part")
    add("--seconds", type=float, default=0.6, help="for each case of each subject in a round")
    add("--only", nargs="+", choices=OPERATIONS, help="these operations")
    add("--subjects", nargs="+", default=[], help="these subjects, and RAW")
    add("--background", type=int, default=BACKGROUND, help="sessions that nobody asks for")
    add("--small", action="store_true", help="few owners: to see the command work")
    add("--keep", action="store_true", help="write the figures for the page of evidence")
    return parser.parse_args(arguments)


def cases_of(filled: Sizes, operations: Sequence[str]) -> list[Case]:
    """Return every cell: each operation with each size alone, with the middle one together."""
    cases = []
    for operation in operations:
        if operation in OF_A_CONVERSATION:
            all_sizes = [pool.messages for pool in filled.conversations]
            together = all_sizes[len(all_sizes) // 2 if len(all_sizes) > 2 else 0]
        else:
            all_sizes = [pool.sessions for pool in filled.histories]
            together = all_sizes[0]
        cases += [Case(operation, size) for size in all_sizes]
        cases.append(Case(operation, together, CLIENTS))
    return cases


def _measured(
    chosen: Sequence[str], options: argparse.Namespace, filled: Sizes, cases: Sequence[Case]
) -> Results:
    with places(options.kind) as new, contextlib.ExitStack() as stack:
        workers = []
        for name in chosen:
            tell(f"filling {name}")
            place = new("".join(filter(str.isalnum, name)).lower())
            worker = Worker(name, SUBJECTS[name][options.kind], place, filled)
            stack.callback(worker.end)
            worker.filled()
            workers.append(worker)
        of_peers = dict.fromkeys(peers.PEERS, options.peer_rounds)
        return run(workers, cases, options.rounds, options.seconds, of_peers)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
