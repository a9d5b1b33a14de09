"""Let many people chat on a whole site on this machine, and check every promise from outside.

    python -m benchmarks.people [--people 2000] [--minutes 10] [--keep]

Two web processes, two workers, PostgreSQL and Valkey are started, and end with the command. People
think, type, reload, open two tabs, lose responses and send again, leave for longer than the idle
timeout, follow slow answers by streams or by polling, log in. Each checks what it is told; at the
end everybody's whole history is read again and compared with what they believe.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractContextManager, nullcontext

from benchmarks.figures import Figures
from benchmarks.people import report
from benchmarks.people.beliefs import Promises
from benchmarks.people.person import Person
from benchmarks.people.processors import processor_time
from benchmarks.people.site import Site, running
from benchmarks.people.visitor import Town
from benchmarks.people.wire import Wire

READ_AGAIN_AT_ONCE = 40


def main(arguments: list[str]) -> int:
    """Run it; 0 when nothing was lost and no promise broken."""
    options = _options(arguments)
    with _site(options) as site:
        figures = asyncio.run(_measure(options, site))
    return figures.concluded(keep=options.keep)


def _site(options: argparse.Namespace) -> AbstractContextManager[Site]:
    if options.at:
        return nullcontext(Site(options.at, [], []))
    return running(idle=options.idle, slots=int(options.slots))


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.people",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--people", type=_above_zero(int), default=2000)
    parser.add_argument("--minutes", type=_above_zero(float), default=10.0)
    parser.add_argument(
        "--idle",
        type=_above_zero(float),
        default=120.0,
        help="seconds of the idle timeout, with which thinking and being away grow (default 120)",
    )
    parser.add_argument(
        "--longest", type=_above_zero(float), default=60.0, help="seconds of the longest answer"
    )
    parser.add_argument(
        "--slots", type=_above_zero(int), default=200, help="answers that a worker writes at once"
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument(
        "--at",
        type=_address,
        action="append",
        help="HOST:PORT of a web process that runs already, as in compose.yaml; once for each",
    )
    parser.add_argument("--keep", action="store_true", help="keep the figures for the evidence")
    return parser.parse_args(arguments)


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text} is not HOST:PORT")
    return host, int(port)


def _above_zero(kind: Callable[[str], float]) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value

    number.__name__ = "number"  # what argparse calls it where it is none
    return number


async def _measure(options: argparse.Namespace, site: Site) -> Figures:
    seconds = options.minutes * 60
    wire = Wire(site.addresses)
    town = Town(wire, Promises(), options.idle, options.longest, time.time() + seconds)
    dice = random.Random(options.seed)
    print(f"seed {options.seed}", file=sys.stderr)
    names = [f"p{number}" for number in range(int(options.people))]
    people = [Person(name, town, dice.randrange(2**32)) for name in names]
    gc.freeze()
    before = processor_time(site)
    # Nobody opens a site at the same moment as everybody else.
    comes = [dice.uniform(0, min(options.idle, seconds / 4)) for _ in people]
    lives = [person.live(begins_in) for person, begins_in in zip(people, comes, strict=True)]
    with report.Progress(town):
        await asyncio.gather(*lives)
    lived = report.Lived(options, town, processor_time(site, since=before))
    await _in_turns(person.read_all_again() for person in people)
    wire.close()
    return lived.figures()


async def _in_turns(all_of_it: Iterable[Awaitable[None]]) -> None:
    places = asyncio.Semaphore(READ_AGAIN_AT_ONCE)

    async def one(thing: Awaitable[None]) -> None:
        async with places:
            await thing

    await asyncio.gather(*map(one, all_of_it))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
