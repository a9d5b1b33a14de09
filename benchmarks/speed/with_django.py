"""What the subjects that are made with Django share: its set-up, and rows put in by SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from benchmarks.speed.subject import Place

ENGINES = {
    "postgres": "django.db.backends.postgresql",
    "sqlite": "django.db.backends.sqlite3",
}
# The same promises as RAW's connections.
OPTIONS: dict[str, dict[str, Any]] = {
    "postgres": {},
    "sqlite": {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
    },
}


def set_up(
    place: Place, apps: Sequence[str], options: Mapping[str, Any] | None = None, **more: Any
) -> None:
    """Make this process a Django site with these apps, and their tables."""
    import django
    from django.conf import settings
    from django.core.management import call_command

    chosen = {**OPTIONS[place.kind], **(options or {})}
    database = {"ENGINE": ENGINES[place.kind], "OPTIONS": chosen, **place.settings}
    settings.configure(
        DATABASES={"default": database},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", *apps],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        SECRET_KEY="only for a measurement, and long enough to sign with",  # noqa: S106
        USE_TZ=True,
        **more,
    )
    django.setup()
    call_command("migrate", verbosity=0)
    call_command("migrate", verbosity=0, run_syncdb=True)  # what has no migrations points at those


def insert(model: Any, fields: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Put rows into a model's table, as fast as the database takes them."""
    from django.db import connection, transaction

    columns = [model._meta.get_field(name) for name in fields]
    names = ", ".join(connection.ops.quote_name(field.column) for field in columns)
    table = connection.ops.quote_name(model._meta.db_table)

    def stored(row: Sequence[Any]) -> list[Any]:
        pairs = zip(columns, row, strict=True)
        return [field.get_db_prep_save(value, connection) for field, value in pairs]

    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(stored(row))
        else:
            marks = ", ".join(["%s"] * len(columns))
            statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
            left = iter(rows)
            while some := [stored(row) for row in islice(left, 10_000)]:
                cursor.executemany(statement, some)


def analyse() -> None:
    """Let the planner know what is there."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
