"""Make docs/explanation/evidence.md of the figures that the measurements have kept.

    python -m benchmarks.evidence [--check]

With --check nothing is written: the exit code is 1 where the page is not what the figures say.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.figures import Figures, grid, kept, markdown

PAGE = Path(__file__).resolve().parents[1] / "docs" / "explanation" / "evidence.md"
# In the order of the page; a measurement that is not named here is not shown.
SECTIONS = (
    "speed-postgres",
    "speed-sqlite",
    "http",
    "imports",
    "scale",
    "cleanup",
    "people",
    "activity",
    "model",
    "faults",
    "soak",
    "fuzz",
    "authorisation",
    "limits",
)
HEAD = """\
# Evidence

This page is made by `python -m benchmarks.evidence` from what the commands below have measured;
nothing on it is typed by hand. A figure is only as good as the command that prints it: each stands
above its figures, and can be run again on your machine. Ratios are measured side by side in one
run, since machines differ. A bar that is missed stays here as such:
"""


def overview(sections: list[Figures]) -> str:
    """Return how many bars each section meets, so that nobody has to read on to know."""
    measured = [(figures.title, figures.bars) for figures in sections if figures.bars]
    rows = [(title, f"{sum(bar.met for bar in bars)} of {len(bars)}") for title, bars in measured]
    return grid(("measurement", "bars met"), rows) + "\n"


def main(arguments: list[str]) -> int:
    """Write the page, or compare it with what would be written."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evidence", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare, write nothing")
    options = parser.parse_args(arguments)
    sections = [figures for name in SECTIONS if (figures := kept(name))]
    page = "\n".join([HEAD, overview(sections), *(markdown(figures) for figures in sections)])
    if not options.check:
        PAGE.write_text(page, encoding="utf-8")
        print(f"{len(sections)} of {len(SECTIONS)} measurements written to {PAGE.name}")
        return 0
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        print("docs/explanation/evidence.md is not what the figures say: run this without --check.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
