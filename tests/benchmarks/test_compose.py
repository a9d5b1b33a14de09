"""compose.yaml starts what `python -m benchmarks.people` starts without Docker."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from benchmarks.people import __main__ as people
from benchmarks.people.site import WEB, WORKER
from tests.doc_pages import ROOT

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    loaded = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return dict(loaded["services"])


def options_of(command: str, *but: str) -> set[str]:
    """The words of a command, without those that differ by the machine."""
    words = command.removeprefix("python -m ").split()
    return set(words) - {word for option in but for word in _with_value(words, option)}


def _with_value(words: list[str], option: str) -> list[str]:
    return words[words.index(option) :][:2] if option in words else []


def test_it_has_the_same_web_processes_and_workers(services: dict[str, Any]) -> None:
    for name in ("web1", "web2"):
        started = options_of(services[name]["command"], "--host", "--port")
        assert started == options_of(WEB, "--port")
    slots = people._options([]).slots
    for name in ("worker1", "worker2"):
        assert options_of(services[name]["command"]) == options_of(
            WORKER.format(slots=slots), "--hostname"
        )


def test_its_people_go_to_both(services: dict[str, Any]) -> None:
    arguments = services["people"]["command"].split()[3:]
    assert people._options(arguments).at == [("web1", 8000), ("web2", 8000)]


def test_everything_that_is_waited_for_is_there(services: dict[str, Any]) -> None:
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)


@pytest.mark.parametrize(
    "wrong", [["--people", "0"], ["--minutes", "many"], ["--at", "web1"], ["--idle", "-1"]]
)
def test_what_cannot_be_meant_is_refused(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        people._options(wrong)
    assert "error: argument" in capsys.readouterr().err
