"""The ready-made tables, in a database that is thrown away afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import django
from django.db import connection


@contextmanager
def trial_site() -> Iterator[None]:
    """Set Django up; the kind of database is chosen by CHAT_SESSIONS_TEST_DB."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings.default_models")
    django.setup()
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
