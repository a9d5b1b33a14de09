"""Django's DATABASES for the tests and benchmarks, with a real server started where one is needed.

CHAT_SESSIONS_TEST_DB chooses sqlite (the default), postgres or mariadb. A server named by
DATABASE_URL is used when it is of that kind; otherwise `database_servers.py` starts one, which ends
when the process that asked for it ends, however it ends. The connection travels in the environment,
so child processes (xdist workers, racing subprocesses) reuse the server of their parent. Set
CHAT_SESSIONS_TEST_DB_NAME for a child that must open the database pytest-django made
(`connection.settings_dict["NAME"]`).
"""

import atexit
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

KIND = "CHAT_SESSIONS_TEST_DB"
NAME = "CHAT_SESSIONS_TEST_DB_NAME"
CONNECTION = "CHAT_SESSIONS_TEST_DB_CONNECTION"  # JSON, written here for child processes
DURABLE = "CHAT_SESSIONS_TEST_DURABLE"  # not MariaDB: write as a real site's does
ISOLATION = "CHAT_SESSIONS_TEST_ISOLATION"  # MariaDB only: "repeatable read", its own default
ENGINES = {
    "sqlite": "django.db.backends.sqlite3",
    "postgres": "django.db.backends.postgresql",
    "mariadb": "django.db.backends.mysql",
}
URL_SCHEMES = {
    "postgres": "postgres",
    "postgresql": "postgres",
    "pgsql": "postgres",
    "mysql": "mariadb",
    "mariadb": "mariadb",
}
SUPERVISOR = Path(__file__).with_name("database_servers.py")
DATABASE = "chat_sessions"


def databases() -> dict[str, dict[str, Any]]:
    """Return DATABASES for the chosen kind, starting its server in the first process that asks."""
    kind = os.environ.get(KIND) or "sqlite"
    if kind not in ENGINES:
        sys.exit(f"{KIND} is {kind!r}, but it must be one of: {', '.join(ENGINES)}.")
    url = os.environ.get("DATABASE_URL", "")
    settings = _inherited(kind) or _from_url(url, kind) or _started(kind)
    os.environ[CONNECTION] = json.dumps({"kind": kind, "settings": settings})
    settings = {"ENGINE": ENGINES[kind], **settings}
    settings["NAME"] = os.environ.get(NAME) or settings["NAME"]
    if kind == "sqlite":
        # A file, because threads and processes must meet in it as they do on a real site.
        settings["TEST"] = {"NAME": f"{settings['NAME']}-test"}
        settings["OPTIONS"] = {"transaction_mode": "IMMEDIATE", "timeout": 20}
        if DURABLE not in os.environ:
            # As the servers in tests: a killed process loses nothing by it, and no power is cut.
            settings["OPTIONS"]["init_command"] = "PRAGMA synchronous = OFF"
    if kind == "mariadb":
        settings["OPTIONS"] = {"charset": "utf8mb4", **settings.get("OPTIONS", {})}
        if isolation := os.environ.get(ISOLATION):
            settings["OPTIONS"]["isolation_level"] = isolation
        settings["TEST"] = {"CHARSET": "utf8mb4"}
        _let_pymysql_stand_in_for_mysqlclient()
    return {"default": settings}


def _inherited(kind: str) -> dict[str, Any] | None:
    known = json.loads(os.environ.get(CONNECTION, "{}"))
    return known["settings"] if known.get("kind") == kind else None


def _from_url(url: str, kind: str) -> dict[str, Any] | None:
    parts = urlsplit(url)
    if URL_SCHEMES.get(parts.scheme) != kind:
        return None
    settings: dict[str, Any] = {
        "NAME": unquote(parts.path.lstrip("/")) or DATABASE,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
    }
    options = dict(parse_qsl(parts.query))
    settings["HOST"] = options.pop("host", settings["HOST"])  # a socket's folder fits only here
    return settings | ({"OPTIONS": options} if options else {})


def _started(kind: str) -> dict[str, Any]:
    # A process of its own, in its own session: Ctrl-C, os._exit (mypy) and even SIGKILL of this one
    # leave no server or folder behind, because its end closes the pipe that the other one waits on.
    supervisor = subprocess.Popen(
        [sys.executable, "-W", "ignore", SUPERVISOR, kind],
        # Measured by nobody: coverage in it would import us, and start another one, without end.
        env={name: value for name, value in os.environ.items() if not name.startswith("COV")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    atexit.register(_stop, supervisor, os.getpid())
    assert supervisor.stdout
    said = supervisor.stdout.readline() or '{"error": "The test server ended at once."}'
    answer = json.loads(said)
    if "error" in answer:
        sys.exit(answer["error"])
    return dict(answer)


def _stop(supervisor: subprocess.Popen[bytes], starter: int) -> None:
    if os.getpid() == starter:  # a fork inherits atexit, and must not end its parent's server
        supervisor.communicate()


def _let_pymysql_stand_in_for_mysqlclient() -> None:
    try:
        pymysql: Any = importlib.import_module("pymysql")
    except ModuleNotFoundError:
        sys.exit("MariaDB tests need PyMySQL: pip install pymysql.")
    pymysql.version_info = (2, 2, 7, "final", 0)  # Django asks mysqlclient for at least 2.2.1
    pymysql.install_as_MySQLdb()
