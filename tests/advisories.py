"""Asks what is known against the versions that are installed: `tox run -e advisories`.

    python -m tests.advisories

Two databases are asked, through pip-audit what a host installs with this package, through npm what
is in the bundle. Where one cannot be reached from here, a sentence says so and the exit code is 0:
no change of ours can depend on it. It is 1 where something is known.
"""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# What a host gets with the package, and what the database drivers of its extras are.
PACKAGES = ("django", "django-model-utils", "asgiref", "sqlparse", "psycopg")
WITHIN = 120  # seconds


def main() -> int:
    """Ask both; return 1 where something is known."""
    asked = {"PyPI's advisories (pip-audit)": _of_python, "npm's advisories (npm audit)": _of_npm}
    return max([told(where, ask) for where, ask in asked.items()])


def told(where: str, ask: Callable[[], list[str] | None]) -> int:
    """Print what one database says; None is a database out of reach."""
    known = ask()
    if known is None:
        print(f"{where} cannot be reached from here; nothing was checked.")
    elif known:
        print(f"{where} know of: {', '.join(known)}.")
    else:
        print(f"{where} know of nothing.")
    return int(bool(known))


def _of_python() -> list[str] | None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text("\n".join(f"{name}=={_version(name)}" for name in PACKAGES))
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(file), "--no-deps"]
        command += ["--disable-pip", "--progress-spinner", "off", "--format", "json"]
        return python_findings(answer_of(command))


def python_findings(answer: Any) -> list[str] | None:
    """Return what pip-audit found; None where it could not ask about every package."""
    packages = answer.get("dependencies", []) if isinstance(answer, dict) else []
    if not packages or any("skip_reason" in each for each in packages):
        return None
    return [f"{each['name']} {bad['id']}" for each in packages for bad in each["vulns"]]


def _of_npm() -> list[str] | None:
    return npm_findings(answer_of(["npm", "audit", "--json"], ROOT / "frontend"))


def npm_findings(answer: Any) -> list[str] | None:
    """Return what npm found; None where it could not ask."""
    if not isinstance(answer, dict) or "vulnerabilities" not in answer:
        return None
    return [f"{name} ({bad['severity']})" for name, bad in answer["vulnerabilities"].items()]


def answer_of(command: Sequence[str], folder: Path = ROOT) -> Any:
    """Return what a command printed as JSON; None where it did not."""
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=WITHIN
        )
        return json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def _version(name: str) -> str:
    return importlib.metadata.version(name)


if __name__ == "__main__":
    sys.exit(main())
