"""The message table: old columns get the package's names in Python, and its columns are added.

Alone: a transaction that locks both tables meets a deadlock with old code that writes into them.
"""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table

message = Table("shape_i", "ChatMessage")


class Migration(migrations.Migration):
    dependencies = [("shape_i", "0002_sessions")]
    operations = [
        *message.renamed(message="content", type="role", timestamp="created_at"),
        *message.kept("session"),
        *message.added("session", "content", "role", "created_at"),
    ]
