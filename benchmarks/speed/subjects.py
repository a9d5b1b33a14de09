"""The subjects by name. Peers are optional: one that is not installed is left out, and named."""

from __future__ import annotations

RAW = "RAW"
# name -> kind of database -> module:Class
SUBJECTS: dict[str, dict[str, str]] = {
    RAW: {
        "postgres": "benchmarks.speed.raw:RawPostgres",
        "sqlite": "benchmarks.speed.raw:RawSqlite",
    },
}
