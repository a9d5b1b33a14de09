"""Meet every fault of tests/faults in its long form, and show what its people saw.

python -m benchmarks.faults [--keep]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.figures import Bar, Figures, Table

ROOT = Path(__file__).resolve().parents[1]
SEEN = "CHAT_SESSIONS_FAULTS_SEEN"
DATABASES = ("postgres", "sqlite")
COLUMNS = ("fault", "database", "rounds", "what was seen", "lost", "doubled")


def main(arguments: list[str]) -> int:
    """Run the proofs on both databases; exit with 1 where one fails."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep the figures for the evidence")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        seen = Path(folder) / "seen"
        failed = [kind for kind in DATABASES if not _passes(kind, seen)]
        lines = seen.read_text(encoding="utf-8").splitlines() if seen.exists() else []
    figures = figures_of([json.loads(line) for line in lines], failed)
    return figures.concluded(keep=options.keep)


def _passes(kind: str, seen: Path) -> bool:
    environment = {**os.environ, SEEN: str(seen), "CHAT_SESSIONS_TEST_DB": kind}
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-k", "not short"]
    done = subprocess.run(
        [*command, "tests/faults"],
        cwd=ROOT,
        env=environment,
        stdout=None if sys.stdout.isatty() else subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode and done.stdout:
        sys.stderr.write(done.stdout)
    return done.returncode == 0


def figures_of(seen: list[dict[str, Any]], failed: list[str]) -> Figures:
    """Return the figures of what the proofs have written down."""
    figures = Figures("faults", "Faults", "python -m benchmarks.faults")
    figures.notes.append(
        "Real servers and databases, restarted, stopped and cut off in the middle of their work. "
        "A question is lost if its sender was told that it is there, or sent it until that was "
        "told, and it is not; an answer must be whole, without a missing or doubled character."
    )
    for what in ("lost", "doubled"):
        count = sum(one[what] for one in seen)
        figures.bars.append(Bar(f"messages {what}", "0", str(count), count == 0))
    told = "all" if not failed else f"not on {', '.join(failed)}"
    figures.bars.append(Bar("proofs that pass", "all", told, bool(seen) and not failed))
    rows = [
        (
            *(one["fault"], one["database"], str(one["rounds"])),
            ", ".join(f"{times} × {outcome}" for outcome, times in sorted(one["seen"].items())),
            *(str(one["lost"]), str(one["doubled"])),
        )
        for one in seen
    ]
    figures.tables.append(Table("What people saw", COLUMNS, rows))
    return figures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
