"""The tables are emptied after a test that commits, without making anew what migrations made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from django.core.management.commands import flush

KEPT = ("django_content_type", "auth_permission")


@pytest.fixture(scope="session", autouse=True)
def kept_content_types_and_permissions() -> Iterator[None]:
    """Django empties these too, and makes them again each time: that is most of what it costs."""

    def emptying(style: Any, connection: Any, **options: Any) -> list[str]:
        tables = connection.introspection.django_table_names(
            only_existing=True, include_views=False
        )
        emptied = [table for table in tables if table not in KEPT]
        statements: list[str] = connection.ops.sql_flush(style, emptied, **options)
        return statements

    with (
        mock.patch.object(flush, "sql_flush", emptying),
        mock.patch.object(flush, "emit_post_migrate_signal"),
    ):
        yield
