"""One PostgreSQL of our own, one server between two proxies, and a tally for each fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.durability.conftest import dice, is_long, tell
from tests.durability.processes import KIND, Stage, migrate
from tests.faults.own_postgres import OwnPostgres, own_postgres
from tests.faults.proxy import proxying
from tests.faults.site import ATTEMPTS, LEASE, Site
from tests.faults.tally import Tally

__all__ = ["dice", "is_long", "tell"]  # fixtures, found here by pytest
# PostgreSQL is restarted here; SQLite runs out of room, too.
collect_ignore_glob = [] if KIND == "postgres" else ["test_n*", "test_d*", "test_p*", "test_t*"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[OwnPostgres]:
    with own_postgres() as database:
        migrate(database)
        yield database


@pytest.fixture
def stage(postgres: OwnPostgres, tmp_path: Path) -> Iterator[Stage]:
    playing = Stage(postgres, tmp_path)
    yield playing
    playing.close()


@pytest.fixture(scope="session")
def site(postgres: OwnPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    playing = Stage(postgres, tmp_path_factory.mktemp("faults"))
    server = playing.server(lease=str(LEASE), attempts=str(ATTEMPTS)).start()
    with proxying(("127.0.0.1", server.port)) as web:
        yield Site(postgres, playing, server, web)
    playing.close()


@pytest.fixture
def tally(request: pytest.FixtureRequest, postgres: OwnPostgres) -> Iterator[Tally]:
    """The row of a test's fault, named by the first line of its docstring."""
    named = Tally(request.function.__doc__.partition("\n")[0].rstrip("."))
    yield named
    if named.rounds:
        named.close(postgres)
