"""A site's start is as quick as it was, and the package begins nothing that nobody asked for."""

from __future__ import annotations

import sys

import pytest

from benchmarks import imports

pytestmark = pytest.mark.once


def test_the_package_begins_nothing_and_loads_little() -> None:
    alone = imports.start(imports.DJANGO)
    together = imports.start((*imports.DJANGO, *imports.PACKAGE))
    assert together["begun"] == []
    # Times depend on the machine, modules do not: 38 of them, and the services would be 40 more.
    assert together["modules"] - alone["modules"] < 50


def test_what_is_begun_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    begins = "django.setup()\nimport threading, asyncio\nthreading.Thread(target=print).start()\n"
    begins += "asyncio.new_event_loop().close()"
    monkeypatch.setattr(imports, "PROBE", imports.PROBE.replace("django.setup()", begins))
    begun = imports.start(imports.DJANGO)["begun"]
    told = {"_thread", "socket"} if sys.version_info >= (3, 12) else {"socket"}
    assert {event.split(".")[0] for event in begun} == told


def test_a_bar_that_is_not_met_is_an_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = {imports.DJANGO: 0.1, (*imports.DJANGO, *imports.PACKAGE): 0.2}

    def start(apps: tuple[str, ...]) -> dict[str, object]:
        return {"wall": costs[apps], "processor": costs[apps], "modules": 9, "begun": []}

    monkeypatch.setattr(imports, "start", start)
    assert imports.main(["--runs", "1"]) == 1
    monkeypatch.setattr(imports, "MOST", 100)
    assert imports.main(["--runs", "1"]) == 0
