"""The message table: old columns get the package's names in Python, and its columns are added.

Alone: a transaction that locks both tables meets a deadlock with old code that writes into them.
"""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table

message = Table("shape_f", "ChatMessage")


class Migration(migrations.Migration):
    dependencies = [("shape_f", "0002_sessions")]
    operations = [
        *message.renamed(message="content", timestamp="created_at"),
        *message.kept("session", "sender"),
        *message.added("session", "sender", "content", "created_at"),
    ]
