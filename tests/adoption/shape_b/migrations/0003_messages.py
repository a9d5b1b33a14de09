"""The message table: old columns get the package's names in Python, and its columns are added.

Alone: a transaction that locks both tables meets a deadlock with old code that writes into them.
"""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table

message = Table("shape_b", "Message")


class Migration(migrations.Migration):
    dependencies = [("shape_b", "0002_sessions")]
    operations = [
        *message.renamed(message="content", timestamp="created_at", sender="old_sender"),
        *message.kept("session"),
        *message.added("session", "content", "created_at", "old_sender"),
    ]
