"""The session table: old columns get the package's names in Python, and its columns are added.

Alone: a transaction that locks both tables meets a deadlock with old code that writes into them.
"""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table, one_by_one

session = Table("shape_c", "ChatSession")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shape_c", "0001_old"), ("people", "0001_initial")]
    operations = one_by_one(
        [
            *session.renamed(created_at="started_at"),
            *session.kept("user"),
            *session.added("started_at", "user"),
        ]
    )
