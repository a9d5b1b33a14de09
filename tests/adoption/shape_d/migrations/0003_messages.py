"""The message table: old columns get the package's names in Python, and its columns are added.

Alone: a transaction that locks both tables meets a deadlock with old code that writes into them.
"""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table

message = Table("shape_d", "Message")


class Migration(migrations.Migration):
    dependencies = [("shape_d", "0002_sessions")]
    operations = [
        *message.renamed(chat_session="session", message_text="content"),
        *message.renamed(is_user="was_user", timestamp="created_at"),
        *message.added("session", "content", "created_at", "was_user"),
    ]
