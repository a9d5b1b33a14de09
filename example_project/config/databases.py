"""Where the rows are: SQLite in `var/`, or the PostgreSQL server that DATABASE_URL names."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

SCHEMES = ("postgres", "postgresql")


def database(url: str, var: Path) -> dict[str, Any]:
    """The entry for settings.DATABASES. Raises ValueError for a URL of anything else."""
    if not url:
        return _sqlite(var / "xp.sqlite3")
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ValueError("DATABASE_URL must start with postgres:// (or be unset for SQLite).")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        # ?sslmode=require, or ?host=/run/postgresql for a socket
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


def _sqlite(path: Path) -> dict[str, Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            # A writer waits its turn from the start; two tabs never meet "database is locked".
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            # Readers go on while an answer is being written.
            "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;",
        },
    }
