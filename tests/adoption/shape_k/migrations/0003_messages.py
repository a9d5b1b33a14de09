"""The message table: old columns get the package's names in Python, and its columns are added.

Alone: a transaction that locks both tables meets a deadlock with old code that writes into them.
"""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table

message = Table("shape_k", "ChatMessage")


class Migration(migrations.Migration):
    dependencies = [("shape_k", "0002_sessions")]
    operations = [
        *message.renamed(sender="old_sender", text="content", sent_at="created_at"),
        *message.kept("session"),
        *message.added("session", "old_sender", "content", "created_at"),
    ]
