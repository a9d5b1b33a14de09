"""The command that measures speed works; what it measures on a busy machine is no matter here."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.speed.__main__ import main
from benchmarks.speed.bars import bars_of
from benchmarks.speed.measuring import Case, Measured, run
from benchmarks.speed.peers import PEERS
from benchmarks.speed.report import median, ratio
from benchmarks.speed.subjects import OURS_BUSY, OURS_PREPARED, SUBJECTS

pytestmark = pytest.mark.once
QUICKLY = ["--small", "--background", "20", "--rounds", "1", "--seconds", "0.01"]


def test_it_prints_what_each_operation_costs_beside_raw(capsys: pytest.CaptureFixture[str]) -> None:
    main(["sqlite", *QUICKLY, "--only", "recent", "page", "--subjects", "this package"])
    printed = capsys.readouterr().out
    assert "## Speed on SQLite" in printed
    [table] = [part for part in printed.split("### ") if part.startswith("As multiples of RAW")]
    names = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines()[4:] if line]
    assert names == ["RAW", "this package"]


def test_a_subject_that_is_not_there_is_named_in_one_sentence() -> None:
    with pytest.raises(SystemExit, match=r"There is no subject FAST; there are RAW, "):
        main(["sqlite", *QUICKLY, "--subjects", "FAST"])


def test_a_bar_is_met_only_where_the_worst_size_meets_it() -> None:
    def took(seconds: float) -> list[Measured]:
        return [Measured([seconds], seconds, 0.0, 1 / seconds)]

    small, large, many = Case("resume", 30), Case("resume", 1_000), Case("resume", 30, 16)
    results = {
        "RAW": {small: took(1), large: took(1), many: took(1)},
        "this package": {small: took(2), large: took(3.25), many: took(2)},
        "this package, 15 s": {small: took(1.25), large: took(1.75), many: took(1)},
        "this package, 15 s, prepared": {small: took(1.25), large: took(1.5), many: took(1)},
    }
    measured = {
        bar.what: (bar.measured.split()[0], bar.met) for bar in bars_of(results, [*results["RAW"]])
    }
    assert measured == {
        "resume: time against RAW": ("3.25", False),
        "resume: CPU against RAW": ("3.25", True),
        "resume, activity written every 15 s: time against RAW": ("1.75", False),
        "resume, activity written every 15 s, plans kept as RAW's are: time against RAW": (
            "1.50",
            True,
        ),
        "resume: 1,000 against 30": ("1.62", False),
        "resume: throughput of 16 clients against RAW": ("0.50", True),
    }


class FakeWorker:
    """Each round takes a second longer than the one before."""

    operations = ("resume",)

    def __init__(self, name: str) -> None:
        self.name = name
        self.rounds = 0

    def measure(self, case: Case, seconds: float) -> Measured:
        self.rounds += 1
        return Measured([self.rounds], 0.0, 0.0, 1.0)


def test_who_takes_part_in_the_first_rounds_only_is_compared_with_those() -> None:
    case = Case("resume", 30)
    workers: list[Any] = [FakeWorker("RAW"), FakeWorker("chainlit")]
    results = run(workers, [case], 5, 0.1, {"chainlit": 2})
    assert {name: len(found[case]) for name, found in results.items()} == {"RAW": 5, "chainlit": 2}
    assert ratio(median, results, "chainlit", case) == 1


def test_every_subject_but_peers_is_one_for_both_databases() -> None:
    only_postgres = {*PEERS, OURS_PREPARED, OURS_BUSY}
    alone = {name: kinds for name, kinds in SUBJECTS.items() if name not in only_postgres}
    assert all(kinds.keys() == {"postgres", "sqlite"} for kinds in alone.values())
