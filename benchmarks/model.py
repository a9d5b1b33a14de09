"""Random stories of the life cycle, told to the package and to the reference model: do they agree?

    python -m benchmarks.model [--databases sqlite,postgres,mariadb] [--steps N] [--seed N] [--keep]

Each database is asked by a process of its own, first by the Python verbs, then by HTTP, each for
at least N steps. After every step all that can be seen is compared, and every row that is stored.
A difference is printed as the shortest story that leads to it; the same seed finds it again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from typing import Any

from benchmarks import progress
from benchmarks.figures import Bar, Figures, Table
from benchmarks.trial_site import trial_site

DATABASES = ("sqlite", "postgres", "mariadb")
STEPS = 10_000
ROUND = 10  # stories between two looks at how many steps there were


def main(arguments: list[str]) -> int:
    """Ask every database, and show what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.model", description=__doc__)
    parser.add_argument("--databases", default=",".join(DATABASES), help="separated by commas")
    parser.add_argument("--steps", type=int, default=STEPS, help="at least, each way of asking")
    parser.add_argument("--seed", type=int, default=1, help="where the random stories begin")
    parser.add_argument("--keep", action="store_true", help="keep the figures for the evidence")
    parser.add_argument("--child", choices=DATABASES, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        sys.stdout.write(json.dumps(ask(options.steps, options.seed)) + "\n")
        return 0
    chosen = options.databases.split(",")
    unknown = sorted(set(chosen) - set(DATABASES))
    if unknown or options.steps < 1:
        parser.error(f"databases are {', '.join(DATABASES)}, and steps at least 1.")
    answers = {name: in_a_child(name, options.steps, options.seed) for name in chosen}
    figures = summed_up(answers, options)
    return figures.concluded(keep=options.keep)


def in_a_child(database: str, steps: int, seed: int) -> dict[str, Any]:
    """Ask one database in a process of its own: Django is set up for one only."""
    command = [sys.executable, "-W", "error", "-m", "benchmarks.model", "--child", database]
    command += ["--steps", str(steps), "--seed", str(seed)]
    environment = os.environ | {"CHAT_SESSIONS_TEST_DB": database}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, check=False)
    if done.returncode:
        return {}
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def ask(steps: int, seed: int) -> dict[str, Any]:
    """Tell stories to this database in both ways until there were enough steps."""
    with trial_site():
        return {way: tell(way, steps, seed) for way in ("services", "http")}


def tell(way: str, steps: int, seed: int) -> dict[str, Any]:
    """Tell stories in one way; what differs is a failure, and ends it."""
    from tests.model import runs

    failure = ""
    with runs.site(way) as machine:
        used = seed
        while sum(machine.ran.values()) < steps and not failure:
            try:
                runs.tell(machine, ROUND, used)
            except AssertionError as error:
                failure = "\n".join([f"{way}, seed {used}: {error}", *error.__notes__])
                sys.stderr.write(failure + "\n")
            used += 1
            progress.tell(f"{way}: {sum(machine.ran.values()):,} steps")
        return {"ran": dict(machine.ran), "met": dict(machine.met), "failure": failure}


def summed_up(answers: dict[str, dict[str, Any]], options: argparse.Namespace) -> Figures:
    """Return the figures of all databases."""
    command = f"python -m benchmarks.model --steps {options.steps} --seed {options.seed}"
    if options.databases != ",".join(DATABASES):
        command += f" --databases {options.databases}"
    figures = Figures("model", "The package against a reference model", command)
    figures.notes.append(
        "Random stories of several people, tabs, workers and clocks are told to the package, by "
        "its Python verbs and by its HTTP API, and to a model of plain lists that knows nothing of "
        "it. After each step the answers, the signals, what was handed to workers, what the owner "
        "sees and every stored row are compared."
    )
    ran: Counter[str] = Counter()
    met: Counter[str] = Counter()
    rows = []
    for database, ways in answers.items():
        for way in ("services", "http"):
            answer = ways.get(way, {"ran": {}, "met": {}, "failure": "it did not run"})
            ran.update(answer["ran"])
            met.update(answer["met"])
            steps, failure = sum(answer["ran"].values()), answer["failure"]
            rows.append((database, way, f"{steps:,}", "1" if failure else "0"))
            what = f"{database}, by {way}: steps with a difference"
            enough = steps >= options.steps and not failure
            measured = "1" if failure else f"0 of {steps:,}"
            figures.bars.append(Bar(what, f"0 of {options.steps:,} or more", measured, enough))
    figures.tables.append(Table("Steps", ("database", "asked by", "steps", "failures"), rows))
    figures.tables.append(Table("How often each rule ran", ("rule", "times"), counted(ran)))
    figures.tables.append(Table("What was met on the way", ("what", "times"), counted(met)))
    return figures


def counted(times: Counter[str]) -> list[tuple[str, str]]:
    """Return the rows of a table of counts, the largest first."""
    return [(what, f"{count:,}") for what, count in times.most_common()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
