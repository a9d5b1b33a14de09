"""The message table: old columns get the package's names in Python, and its columns are added.

Alone: a transaction that locks both tables meets a deadlock with old code that writes into them.
"""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table

message = Table("shape_j", "Message")


class Migration(migrations.Migration):
    dependencies = [("shape_j", "0002_sessions")]
    operations = [
        *message.renamed(chat="session", content="body"),
        *message.kept("role", "created_at"),
        *message.added("session", "role", "body", "created_at", "updated_at"),
    ]
