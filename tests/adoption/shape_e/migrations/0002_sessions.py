"""The session table: old columns get the package's names in Python, and its columns are added.

Alone: a transaction that locks both tables meets a deadlock with old code that writes into them.
"""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table

session = Table("shape_e", "ChatSession")


class Migration(migrations.Migration):
    dependencies = [("shape_e", "0001_old"), ("people", "0001_initial")]
    operations = [
        *session.renamed(user_id="user", created_at="started_at"),
        *session.added("user", "started_at"),
    ]
