"""Fuzz every parser of what comes from outside, led by coverage.

    python -m benchmarks.fuzz [--seconds 300] [--keep]

The seconds are shared between the parsers of `tests/attack/parsers.py`. Each
begins with what our own encoders made; what it must hold is written there. A crash is an exception
that is not documented, or a promise that was broken: its bytes are printed, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.figures import Bar, Figures, Table

SETTINGS = "tests.settings.default_models"
LONGEST_INPUT = 4096  # bytes
INSTRUMENTED = ("django_chat_sessions", "json", "base64", "django.core.signing", "django.http")
MISSING = (
    "This command needs atheris, which has wheels for CPython 3.11 to 3.14 on Linux: "
    "pip install atheris."
)


@dataclass(frozen=True)
class Fuzzed:
    """What became of one parser."""

    name: str
    seeds: int
    executions: int
    edges: int
    crash: str


def main(arguments: list[str]) -> int:
    """Fuzz all parsers, or the one that is named, in this process."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=300, help="in all; 300 if not given")
    parser.add_argument("--keep", action="store_true", help="write benchmarks/figures/fuzz.json")
    parser.add_argument("--in-process", metavar="PARSER", help=argparse.SUPPRESS)
    options, for_fuzzer = parser.parse_known_args(arguments)
    if options.in_process:
        return _fuzz_here(options.in_process, for_fuzzer)
    if for_fuzzer:
        parser.error(f"there is no option {for_fuzzer[0]}")
    if find_spec("atheris") is None:
        print(MISSING, file=sys.stderr)
        return 1
    names = _names()
    each = options.seconds // len(names)
    if each < 1:
        print(f"Give at least {len(names)} seconds, one for each parser.", file=sys.stderr)
        return 1
    figures = _figures([_fuzz(name, each) for name in names], options.seconds)
    return figures.concluded(keep=options.keep)


def _names() -> list[str]:
    _set_up()
    from tests.attack.parsers import PARSERS

    return list(PARSERS)


def _set_up() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    os.environ["CHAT_SESSIONS_TEST_DB"] = "sqlite"  # no parser asks a database
    import django

    django.setup()


def _fuzz(name: str, seconds: int) -> Fuzzed:
    """Fuzz one parser in a process of its own: libFuzzer ends the one that it runs in."""
    from tests.attack.parsers import PARSERS

    if sys.stderr.isatty():
        print(f"{name}: {seconds} s …", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        seeds = PARSERS[name].seeds()
        for number, seed in enumerate(seeds):
            (corpus / str(number)).write_bytes(seed)
        command = [sys.executable, "-m", "benchmarks.fuzz", "--in-process", name]
        command += [f"-max_total_time={seconds}", f"-max_len={LONGEST_INPUT}", "-timeout=20"]
        command += ["-print_final_stats=1", f"-artifact_prefix={folder}/", str(corpus)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, errors="replace"
        )
    return _read(name, len(seeds), done)


def _read(name: str, seeds: int, done: subprocess.CompletedProcess[str]) -> Fuzzed:
    executions = re.findall(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
    edges = re.findall(r"\bcov: (\d+)", done.stderr)
    crash = ""
    if done.returncode != 0 or not executions:
        crash = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
        print(f"{name}:\n{crash}", file=sys.stderr)
    runs, reached = (int(found[-1]) if found else 0 for found in (executions, edges))
    return Fuzzed(name, seeds, runs, reached, crash)


def _figures(found: list[Fuzzed], seconds: int) -> Figures:
    figures = Figures(
        "fuzz",
        "Fuzzing what comes from outside",
        f"python -m benchmarks.fuzz --seconds {seconds} --keep",
    )
    figures.notes.append(
        "Led by coverage (atheris, libFuzzer), from what our own encoders made. A crash is an "
        "exception that is not documented, or a promise that does not hold: what is accepted comes "
        "out as it went in, and no cookie is accepted that was not signed here."
    )
    crashes = [each.name for each in found if each.crash]
    figures.bars.append(
        Bar("crashes", "0", f"{len(crashes)} {' '.join(crashes)}".strip(), not crashes)
    )
    rows = [
        (
            each.name,
            str(each.seeds),
            f"{each.executions:,}",
            f"{each.edges:,}",
            str(int(bool(each.crash))),
        )
        for each in found
    ]
    columns = ("parser", "seeds", "executions", "edges reached", "crashes")
    figures.tables.append(Table(f"Each for {seconds // len(found)} s", columns, rows))
    return figures


def _fuzz_here(name: str, for_fuzzer: list[str]) -> int:
    import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]

    with atheris.instrument_imports(include=list(INSTRUMENTED)):
        _set_up()
        from tests.attack.parsers import PARSERS
    atheris.Setup([sys.argv[0], *for_fuzzer], PARSERS[name].check)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
