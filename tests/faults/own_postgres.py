"""A PostgreSQL that belongs to one test run alone: it is restarted, stopped and run out of room."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests import databases
from tests.database_servers import control_postgres
from tests.durability.processes import Database
from tests.faults.proxy import Proxy

SETTINGS = "tests.settings.faults"


class OwnPostgres(Database):
    """Processes reach it through ``proxy``, by TCP; what is read here comes by its own socket."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.name = settings["NAME"]
        self.home = Path(settings["HOST"])
        self.socket = str(self.home / ".s.PGSQL.5432")
        self.environment = {databases.NAME: self.name, "DJANGO_SETTINGS_MODULE": SETTINGS}
        # A commit that was told must outlive "pg_ctl -m immediate"; fsync is for a lost machine.
        self._administer("ALTER SYSTEM SET synchronous_commit = on")
        self._administer("SELECT pg_reload_conf()")
        self.proxy = Proxy(self.socket)
        known = {"NAME": self.name, "USER": "postgres", "HOST": "127.0.0.1"}
        known["PORT"] = str(self.proxy.port)
        connection = {"kind": "postgres", "settings": known}
        self.environment[databases.CONNECTION] = json.dumps(connection)

    def drop(self) -> None:
        """Close the proxy; the whole server goes away."""
        self.proxy.close()

    @property
    def pid(self) -> int:
        """The process whose children serve the connections that are made from now on."""
        return int((self.home / "data" / "postmaster.pid").read_text().split()[0])

    def administer(self, sql: str) -> list[Any]:
        """Change the database past the site; return the rows, if any."""
        with closing(self._connect(self.name)) as connection:
            connection.autocommit = True
            cursor = connection.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def control(self, *words: str) -> None:
        """Let pg_ctl do this, and wait until it is done."""
        control_postgres(self.home, *words)

    def _connect(self, name: str) -> Any:
        import psycopg

        return psycopg.connect(dbname=name, user="postgres", host=str(self.home))


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """A server that ends with the block, and with this process, however that ends."""
    supervisor = subprocess.Popen(
        [sys.executable, "-W", "ignore", databases.SUPERVISOR, "postgres"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert supervisor.stdout
        settings = json.loads(supervisor.stdout.readline())
        assert "error" not in settings, settings["error"]
        database = OwnPostgres(settings)
        try:
            yield database
        finally:
            database.drop()
    finally:
        supervisor.communicate()
