"""What goes wrong when the site is started is told in one sentence."""

from __future__ import annotations

import importlib
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "example_project" / "serve.py"
serve: Any = importlib.import_module("serve")


def test_a_port_in_use_is_said_before_anything_is_built() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, SCRIPT, "--port", str(port)],
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in done.stderr


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 99999), ("no such host", 8000)])
def test_an_address_that_cannot_be(host: str, port: int) -> None:
    with pytest.raises(serve.Problem, match=r"Cannot listen on .*; choose another one"):
        serve.reserve(host, port)


@pytest.mark.parametrize("version", [None, "v18.20.4", "nonsense"])
def test_without_a_node_that_can_build(
    monkeypatch: pytest.MonkeyPatch, version: str | None
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path: version and f"/bin/{name}")
    monkeypatch.setattr(serve, "output", lambda command: version)
    with pytest.raises(serve.Problem, match="Node 22 or newer with npm is needed"):
        serve.environment_with_node()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("npm error code ENOTFOUND\nnpm error network request to …", "are you online?"),
        ("warn\nnpm error code EINTEGRITY", "failed in frontend: npm error code EINTEGRITY"),
        ("", "failed in frontend: exit code 1"),
    ],
)
def test_npm_fails(monkeypatch: pytest.MonkeyPatch, said: str, sentence: str) -> None:
    failed = subprocess.CompletedProcess(["npm"], 1, stdout=said)
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: failed)
    with pytest.raises(serve.Problem, match=sentence.replace("?", r"\?")):
        serve.npm(serve.PACKAGE, ["ci"], {"PATH": ""})


def test_nothing_is_built_twice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package, site = tmp_path / "frontend", tmp_path / "example_project" / "frontend"
    for folder in (package, site):
        (folder / "src").mkdir(parents=True)
        (folder / "src" / "main.ts").write_text("1")
    built: list[Path] = []

    def make(folder: Path) -> None:
        built.append(folder)
        (folder / "dist").mkdir(exist_ok=True)

    monkeypatch.setattr(serve, "HOME", site.parent)
    monkeypatch.setattr(serve, "PACKAGE", package)
    monkeypatch.setattr(serve, "SITE", site)
    monkeypatch.setattr(serve, "make", make)
    serve.build()
    assert built == [package, site]
    serve.build()
    assert built == [package, site]
    (site / "src" / "main.ts").write_text("2")
    serve.build()
    assert built == [package, site, site]
    (package / "src" / "other.test.ts").write_text("a test changes nothing")
    serve.build()
    assert len(built) == 3
    (package / "src" / "main.ts").write_text("2")
    serve.build()
    assert built[3:] == [package, site]
