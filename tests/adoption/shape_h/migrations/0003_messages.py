"""The message table: old columns get the package's names in Python, and its columns are added.

Alone: a transaction that locks both tables meets a deadlock with old code that writes into them.
"""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table

message = Table("shape_h", "ChatMessage")


class Migration(migrations.Migration):
    dependencies = [("shape_h", "0002_sessions")]
    operations = [
        *message.kept("session", "role", "content", "created_at"),
        *message.added("session", "role", "content", "created_at"),
    ]
