"""The command that asks for known vulnerabilities: what it makes of the answers, and of none."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests import advisories

CLEAN = {"dependencies": [{"name": "django", "version": "6.1", "vulns": []}]}
BAD = {"dependencies": [{"name": "django", "version": "5.2", "vulns": [{"id": "CVE-1"}]}]}
SKIPPED = {"dependencies": [{"name": "django", "skip_reason": "not found"}]}


@pytest.mark.parametrize(
    ("answer", "found"),
    [(CLEAN, []), (BAD, ["django CVE-1"]), (SKIPPED, None), ({}, None), (None, None)],
)
def test_what_pip_audit_says(answer: Any, found: Any) -> None:
    assert advisories.python_findings(answer) == found


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"vulnerabilities": {}}, []),
        ({"vulnerabilities": {"vite": {"severity": "high"}}}, ["vite (high)"]),
        ({"message": "405 Method Not Allowed"}, None),
        (None, None),
    ],
)
def test_what_npm_says(answer: Any, found: Any) -> None:
    assert advisories.npm_findings(answer) == found


@pytest.mark.parametrize(
    ("known", "code", "sentence"),
    [
        (None, 0, "It cannot be reached from here; nothing was checked.\n"),
        ([], 0, "It know of nothing.\n"),
        (["a", "b"], 1, "It know of: a, b.\n"),
    ],
)
def test_it_is_told_in_one_sentence(
    known: Any, code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert advisories.told("It", lambda: known) == code
    assert capsys.readouterr().out == sentence


@pytest.mark.parametrize("command", [[sys.executable, "-c", "print('<html>')"], ["no-such-tool"]])
def test_a_tool_that_does_not_answer_has_said_nothing(command: list[str]) -> None:
    assert advisories.answer_of(command) is None
