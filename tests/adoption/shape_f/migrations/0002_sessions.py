"""The session table: old columns get the package's names in Python, and its columns are added.

Alone: a transaction that locks both tables meets a deadlock with old code that writes into them.
"""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table

session = Table("shape_f", "ChatSession")


class Migration(migrations.Migration):
    dependencies = [("shape_f", "0001_old"), ("people", "0001_initial")]
    operations = [
        *session.added(),
    ]
