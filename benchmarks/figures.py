"""The figures of one measurement: printed for a person, kept as JSON for the page of evidence.

A measurement builds one `Figures` and ends with `concluded`, which with `--keep` on its command
line writes `benchmarks/figures/<name>.json`, too. `python -m benchmarks.evidence` makes
`docs/explanation/evidence.md` of these files, so that no figure is typed by hand.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

KEPT = Path(__file__).parent / "figures"


def machine() -> str:
    """Say what this ran on: a ratio travels to another machine, an absolute figure does not."""
    python = f"Python {platform.python_version()}"
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, {python}"


def _today() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows under columns; every cell is the text that is shown, with its unit."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclasses.dataclass(frozen=True)
class Bar:
    """What was promised, what was measured, and whether the promise was kept."""

    what: str
    promised: str
    measured: str
    met: bool


@dataclasses.dataclass
class Figures:
    """What one command measured. `command` is what a reader types to see it again."""

    name: str
    title: str
    command: str
    notes: list[str] = dataclasses.field(default_factory=list)
    tables: list[Table] = dataclasses.field(default_factory=list)
    bars: list[Bar] = dataclasses.field(default_factory=list)
    machine: str = dataclasses.field(default_factory=machine)
    measured: str = dataclasses.field(default_factory=_today)

    def show(self) -> None:
        """Print everything, as it will stand on the page."""
        sys.stdout.write(markdown(self) + "\n")

    def keep(self) -> None:
        """Write the file that the page of evidence is made of."""
        KEPT.mkdir(exist_ok=True)
        written = json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False)
        (KEPT / f"{self.name}.json").write_text(written + "\n", encoding="utf-8")

    @property
    def met(self) -> bool:
        """Whether every bar was met; a command exits with 1 where it is not."""
        return all(bar.met for bar in self.bars)

    def concluded(self, *, keep: bool) -> int:
        """Show everything, keep it where that is asked for, and return the command's exit code."""
        self.show()
        if keep:
            self.keep()
        return 0 if self.met else 1


def kept(name: str) -> Figures | None:
    """Return what was kept under this name, or None where it was never measured."""
    file = KEPT / f"{name}.json"
    if not file.exists():
        return None
    read = json.loads(file.read_text(encoding="utf-8"))
    read["tables"] = [Table(**table) for table in read["tables"]]
    read["bars"] = [Bar(**bar) for bar in read["bars"]]
    return Figures(**read)


def markdown(figures: Figures) -> str:
    """Return one section of the page."""
    parts = [f"## {figures.title}", f"```console\n$ {figures.command}\n```"]
    parts.append(f"Measured on {figures.measured}: {figures.machine}.")
    parts += figures.notes
    if figures.bars:
        rows = [
            (bar.what, bar.promised, bar.measured, "yes" if bar.met else "**no**")
            for bar in figures.bars
        ]
        parts.append(grid(("promise", "bar", "measured", "met"), rows))
    for table in figures.tables:
        parts += [f"### {table.title}", grid(table.columns, table.rows)]
    return "\n\n".join(parts) + "\n"


def grid(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")
