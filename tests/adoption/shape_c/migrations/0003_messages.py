"""The message table: old columns get the package's names in Python, and its columns are added.

Alone: a transaction that locks both tables meets a deadlock with old code that writes into them.
"""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table, one_by_one

message = Table("shape_c", "ChatMessage")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shape_c", "0002_sessions")]
    operations = one_by_one(
        [
            *message.renamed(is_user="was_user"),
            *message.kept("session", "content", "created_at"),
            *message.added("session", "content", "created_at", "was_user"),
        ]
    )
