"""The session table: old columns get the package's names in Python, and its columns are added.

Alone: a transaction that locks both tables meets a deadlock with old code that writes into them.
"""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table

session = Table("shape_c", "ChatSession")


class Migration(migrations.Migration):
    dependencies = [("shape_c", "0001_old"), ("people", "0001_initial")]
    operations = [
        *session.renamed(created_at="started_at"),
        *session.kept("user"),
        *session.added("started_at", "user"),
    ]
