"""What a documentation page asks its reader to do, step by step.

A fenced block is one step:

* ``python`` whose first line is ``# path/file.py``: added at the end of that file of the project;
  with ``(the whole file)`` after it, in its place.
* ``html`` whose first line is ``{# path/file.html #}``: written to that file.
* ``python`` and ``pycon`` without a path: run in the project, with what the page's
  ``<!-- given: … -->`` names (see ``GIVEN`` in doc_runner.py). One namespace for the page until a
  file is written or a command is run.
* ``console``: each line after ``$`` is a command. Those of ``python`` are run and must print
  what the page shows; ``…`` stands for anything.

``<!-- needs: package -->`` before a block leaves it out where that package cannot be imported.
Nothing else is left out: a language that is not in ``NOT_CODE`` fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
NOT_CODE = frozenset({"text", "http", "json", "sql", "ini", "css", "tsx", "ts", "js"})
FENCE = re.compile(r"^(`{3,})([^\n`]*)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
PYTHON_FILE = re.compile(r"# ([\w/.-]+\.py)\b")
TEMPLATE_FILE = re.compile(r"\{# ([\w/.-]+\.html) #\}")
GIVEN = re.compile(r"<!-- given: (.+?) -->")
NEEDS = re.compile(r"<!-- needs: (\w+) -->\s*\Z")


@dataclass(frozen=True)
class Block:
    """One fenced block, and where it stands."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def file(self) -> str | None:
        """The file of the project that this block belongs to."""
        pattern = {"python": PYTHON_FILE, "html": TEMPLATE_FILE}.get(self.language)
        found = pattern.match(self.text) if pattern else None
        return found[1] if found else None

    @property
    def is_whole_file(self) -> bool:
        """Whether it takes the place of what the file held."""
        return self.language != "python" or "(the whole file)" in self.text.partition("\n")[0]

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Every page that is written by hand for readers."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def text_of(page: str) -> str:
    """The text of a page under docs."""
    return (DOCS / page).read_text(encoding="utf-8")


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page that can be followed here, directives of Sphinx aside."""
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        language = found[2].strip()
        if language.startswith("{"):
            continue
        needed = NEEDS.search(text[: found.start()])
        if needed and find_spec(needed[1]) is None:
            continue
        line = text.count("\n", 0, found.start()) + 1
        yield Block(page, line, language, found[3])


def given(page: Path) -> list[str]:
    """The names that the page's Python may use without making them."""
    found = GIVEN.search(page.read_text(encoding="utf-8"))
    return [name.strip() for name in found[1].split(",")] if found else []


def commands(block: Block) -> list[tuple[str, str]]:
    """Each command of a console block with the output that the page shows."""
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    pairs = (part.partition("\n") for part in parts[1:])
    return [(command.split("  #")[0].strip(), shown) for command, _newline, shown in pairs]
