"""The message table: old columns get the package's names in Python, and its columns are added.

Alone: a transaction that locks both tables meets a deadlock with old code that writes into them.
"""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table

message = Table("shape_g", "ChatMessage")


class Migration(migrations.Migration):
    dependencies = [("shape_g", "0002_sessions")]
    operations = [
        *message.renamed(session_id="chat_id", sender="old_sender"),
        *message.renamed(message="content", timestamp="created_at"),
        *message.added("chat_id", "old_sender", "content", "created_at"),
    ]
