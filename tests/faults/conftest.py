"""One PostgreSQL of our own, one server between two proxies, and a tally for each fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.durability.conftest import dice, is_long, tell
from tests.durability.processes import KIND, Database, Stage, migrate
from tests.faults.own_postgres import SETTINGS, OwnPostgres, own_postgres
from tests.faults.proxy import proxying
from tests.faults.site import ATTEMPTS, LEASE, Site
from tests.faults.tally import Tally

__all__ = ["dice", "is_long", "tell"]  # fixtures, found here by pytest
# Most of this is about a server of databases; what SQLite can meet is a full disk.
FULL_DISK = "test_full_disk.py"
ALL = [file.name for file in Path(__file__).parent.glob("test_*.py")]
collect_ignore = {"postgres": [], "sqlite": [name for name in ALL if name != FULL_DISK]}.get(
    KIND, ALL
)


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    if KIND == "sqlite":
        file = Database(tmp_path_factory.mktemp("faults"))
        file.environment["DJANGO_SETTINGS_MODULE"] = SETTINGS
        migrate(file)
        yield file
    else:
        with own_postgres() as server:
            migrate(server)
            yield server


@pytest.fixture(scope="session")
def postgres(database: Database) -> OwnPostgres:
    assert isinstance(database, OwnPostgres)
    return database


@pytest.fixture
def stage(database: Database, tmp_path: Path) -> Iterator[Stage]:
    playing = Stage(database, tmp_path)
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
def tally(request: pytest.FixtureRequest, database: Database) -> Iterator[Tally]:
    """The row of a test's fault, named by the first line of its docstring."""
    named = Tally(request.function.__doc__.partition("\n")[0].rstrip("."))
    yield named
    if named.rounds:
        named.close(database)
