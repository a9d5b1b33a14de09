"""The subjects by name. Peers are optional: one that is not installed is left out, and named."""

from __future__ import annotations

from benchmarks.speed import peers

RAW = "RAW"
OURS, OURS_COARSE, OURS_PREPARED = "this package", "this package, 15 s", "this package, prepared"
OURS_BUSY = "this package, 15 s, prepared"


def _both(dotted: str) -> dict[str, str]:
    return {"postgres": dotted, "sqlite": dotted}


# name -> kind of database -> module:Class
SUBJECTS: dict[str, dict[str, str]] = {
    RAW: {
        "postgres": "benchmarks.speed.raw:RawPostgres",
        "sqlite": "benchmarks.speed.raw:RawSqlite",
    },
    "plain ORM": _both("benchmarks.speed.plain.subject:PlainOrm"),
    OURS: _both("benchmarks.speed.package:Package"),
    OURS_COARSE: _both("benchmarks.speed.package:PackageWithResolution"),
    OURS_PREPARED: {"postgres": "benchmarks.speed.package:PackagePrepared"},
    OURS_BUSY: {"postgres": "benchmarks.speed.package:PackageOfBusyHost"},
    "Django's sessions": _both("benchmarks.speed.login_sessions:LoginSessions"),
    **peers.installed(),
}
