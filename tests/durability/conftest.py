"""The stage of every proof, and what it prints."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.durability.processes import KIND, Database, Stage, broker, migrate

SHORT, LONG = "short", "long"


@pytest.fixture(scope="session")
def proof_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(tmp_path_factory.mktemp("proofs"))
    migrate(database)
    yield database
    database.drop()


@pytest.fixture
def stage(proof_database: Database, tmp_path: Path) -> Iterator[Stage]:
    playing = Stage(proof_database, tmp_path)
    yield playing
    playing.close()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[str]:
    with broker(tmp_path) as address:
        yield address


@pytest.fixture(
    params=[
        pytest.param(SHORT, id="short"),
        pytest.param(LONG, id="long", marks=pytest.mark.durability),
    ]
)
def is_long(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == LONG)


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Iterator[Callable[[str], None]]:
    """Print a figure: shown by -s, and by pytest where a proof fails."""
    began = time.monotonic()

    def telling(figure: str) -> None:
        sys.stdout.write(f"\n{request.node.name} on {KIND}: {figure}")
        sys.stdout.flush()  # a long proof tells as it goes

    yield telling
    telling(f"{time.monotonic() - began:.1f} s in all")


@pytest.fixture
def dice(tell: Any) -> random.Random:
    """Random moments that can be had again: the seed is printed."""
    seed = random.SystemRandom().randrange(10**6)
    tell(f"seed {seed}")
    return random.Random(seed)  # noqa: S311  moments, not secrets
