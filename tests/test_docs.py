"""The documentation tells the truth: what it names exists, and every snippet in it runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests import doc_pages
from tests.doc_pages import DOCS, ROOT, Block
from tests.ports import free_port

TUTORIAL = DOCS / "tutorial" / "first-chat.md"
FROM_NOTHING = [ROOT / "README.md", TUTORIAL]  # these begin with an empty folder
OWN_TABLES = (
    DOCS / "how-to" / "use-your-own-tables.md"
)  # begins with a site that never had the chat
# What a reader types to get and start things; everything else in a console block is run.
NOT_OURS = (
    "python3 -m venv",
    ". .venv",
    "pip install",
    "git clone",
    "cd ",
    "npm ",
    "python3 run.py",
)
# These go on for minutes; tests/benchmarks tries them in small.
MEASUREMENT = re.compile(r"(?:[A-Z_]+=\S+ )*python -m (benchmarks\.\w+)")


class Runner:
    """Runs tasks in throw-away projects; see doc_runner.py."""

    def __init__(self) -> None:
        known_to_the_project_alone = {
            "DJANGO_SETTINGS_MODULE": "mysite.settings",
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "error",
        }
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "doc_runner.py")],
            env=os.environ | known_to_the_project_alone,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, folder: Path, **task: Any) -> str:
        """Return what the task printed; an error is the test's failure."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"folder": str(folder), **task}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert answer["status"] == 0, answer["output"]
        return str(answer["output"])

    def stop(self) -> None:
        """Let the process end."""
        self.process.communicate()


class Project:
    """A throw-away Django project that follows a page."""

    def __init__(self, folder: Path, runner: Runner) -> None:
        self.folder = folder
        self.runner = runner

    def follow(self, page: Path) -> None:
        """Do what the page says, in its order."""
        waiting: list[Block] = []
        for block in doc_pages.blocks(page):
            if block.language in doc_pages.NOT_CODE:
                continue
            if block.language in ("python", "pycon") and block.file is None:
                waiting.append(block)
                continue
            self.run_python(page, waiting)
            waiting = []
            if block.language == "console":
                for command, shown in doc_pages.commands(block):
                    self.run_command(block, command, shown)
            else:
                self.write(block)
        self.run_python(page, waiting)

    def write(self, block: Block) -> None:
        """Add the block to its file, or replace it."""
        assert block.file is not None, f"{block}: begin with the path of the file in a comment"
        path = self.folder / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        before = "" if block.is_whole_file or not path.exists() else path.read_text()
        path.write_text(f"{before}\n{block.text}" if before else block.text)

    def run_python(self, page: Path, blocks: list[Block]) -> None:
        """Run the blocks in one process."""
        if blocks:
            snippets = [(block.language, block.text, str(block)) for block in blocks]
            self.runner.run(self.folder, given=doc_pages.given(page), blocks=snippets)

    def run_command(self, block: Block, command: str, shown: str) -> None:
        """Run a command of Django's and compare what it prints."""
        if command.startswith(NOT_OURS):
            return
        if measures := MEASUREMENT.match(command):
            assert find_spec(measures[1]), f"{block}: {command!r} is no command of this repository"
            return
        python, *words = command.split()
        assert python == "python", f"{block}: {command!r} is neither run nor known"
        if "runserver" in words:
            assert "data-chat-sessions" in self.home_page()
            return
        printed = self.runner.run(self.folder, command=words)
        pattern = ".*".join(re.escape(part.strip()) for part in shown.split("…"))
        assert re.search(pattern, printed, re.DOTALL), f"{block}: {command}\n{printed}"

    def home_page(self) -> str:
        """Serve the project for a moment and return its first page."""
        port = str(free_port())
        command = [sys.executable, "manage.py", "runserver", "--noreload", port]
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "mysite.settings",
            "PYTHONPATH": str(ROOT),
        }
        server = subprocess.Popen(
            command, cwd=self.folder, env=environment, stderr=subprocess.DEVNULL
        )
        try:
            for _attempt in range(600):  # a busy machine may need a while
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
                        return str(answer.read().decode())
                except urllib.error.URLError:
                    time.sleep(0.1)
            pytest.fail("runserver does not answer")
        finally:
            server.terminate()
            server.wait()


@pytest.fixture(scope="session")
def runner() -> Iterator[Runner]:
    runner = Runner()
    yield runner
    runner.stop()


@pytest.fixture(scope="session")
def finished_tutorial(runner: Runner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project in which the tutorial leaves its reader."""
    project = Project(tmp_path_factory.mktemp("tutorial"), runner)
    project.follow(TUTORIAL)
    runner.run(project.folder, command=["manage.py", "flush", "--no-input"])
    return project.folder


@pytest.fixture
def project(finished_tutorial: Path, runner: Runner, tmp_path: Path) -> Project:
    """A copy of it."""
    shutil.copytree(finished_tutorial, tmp_path, dirs_exist_ok=True)
    return Project(tmp_path, runner)


def test_the_tutorial_leads_to_a_chat_that_is_kept(project: Project) -> None:
    """The page promises more than that its commands succeed."""
    project.runner.run(project.folder, command=[str(ROOT / "tests" / "doc_tutorial_story.py")])


def test_the_tutorial_and_the_readme_keep_to_15_lines_of_python() -> None:
    for page in FROM_NOTHING:
        first = [block for block in doc_pages.blocks(page) if block.file][:5]
        files = {str(block.file): block.text for block in reversed(first)}
        lines = [
            line
            for path, text in files.items()
            if path.endswith(".py")
            for line in text.splitlines()[1:]
            if line.strip()
        ]
        assert len(lines) <= 15, page
        claimed = re.search(r"(\d+)\s+lines\s+of\s+Python", page.read_text(encoding="utf-8"))
        assert claimed is None or int(claimed[1]) == len(lines), page


def test_the_readme_works_in_a_new_project(runner: Runner, tmp_path: Path) -> None:
    runner.run(tmp_path, command=["-m", "django", "startproject", "mysite", "."])
    Project(tmp_path, runner).follow(ROOT / "README.md")
    runner.run(tmp_path, command=["manage.py", "check", "--fail-level", "WARNING"])
    page = "from django.template.loader import render_to_string as r; print(r('chat.html'))"
    shown = runner.run(tmp_path, command=["manage.py", "shell", "-c", page])
    assert 'data-base-url="/chat"' in shown


def test_own_tables_need_no_tutorial_before_them(runner: Runner, tmp_path: Path) -> None:
    runner.run(tmp_path, command=["-m", "django", "startproject", "mysite", "."])
    Project(tmp_path, runner).follow(OWN_TABLES)


def is_practical(page: Path) -> bool:
    return any(
        block.language in ("python", "pycon", "console", "html") for block in doc_pages.blocks(page)
    )


@pytest.mark.parametrize(
    "page",
    [
        page
        for page in doc_pages.pages()
        if page not in (*FROM_NOTHING, OWN_TABLES) and is_practical(page)
    ],
    ids=lambda page: page.stem,
)
def test_every_snippet_of_a_page_runs_in_the_tutorials_project(
    page: Path, project: Project
) -> None:
    project.follow(page)
