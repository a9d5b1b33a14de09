"""The study site in public: Django's own checks find nothing, and the how-to says the same."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

from tests.doc_pages import DOCS

EXAMPLE = Path(__file__).resolve().parents[2] / "example_project"
SETTINGS = EXAMPLE / "config" / "production.py"
KEY = "a key of 50 characters and more, that nobody else knows: 4711"


def checked(**environment: str) -> subprocess.CompletedProcess[str]:
    """Run `check --deploy` as the site's keeper would."""
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=EXAMPLE,
        env=kept | {"DJANGO_SETTINGS_MODULE": "config.production"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_check_deploy_finds_nothing() -> None:
    done = checked(XP_SECRET_KEY=KEY)
    assert done.returncode == 0, done.stderr
    assert "no issues (1 silenced)" in done.stdout


def test_without_a_key_of_its_own_it_does_not_start() -> None:
    done = checked(XP_SECRET_KEY="")
    assert done.returncode != 0


def assigned(source: str) -> dict[str, object]:
    """Return the settings of Django's security checks that a piece of Python makes."""
    found: dict[str, object] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name.startswith("SECURE_") or name.endswith("_COOKIE_SECURE"):
                found[name] = ast.literal_eval(node.value)
    return found


def test_the_how_to_says_the_same() -> None:
    page = (DOCS / "how-to" / "deploy.md").read_text(encoding="utf-8")
    section = page.partition("\n## Speak TLS only\n")[2].partition("\n## ")[0]
    block = section.partition("```python\n")[2].partition("```")[0]
    assert assigned(block) == assigned(SETTINGS.read_text(encoding="utf-8"))
    assert len(assigned(block)) == 7
