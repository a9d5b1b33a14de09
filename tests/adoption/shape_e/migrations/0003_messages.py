"""The message table: old columns get the package's names in Python, and its columns are added.

Alone: a transaction that locks both tables meets a deadlock with old code that writes into them.
"""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table

message = Table("shape_e", "ChatMessage")


class Migration(migrations.Migration):
    dependencies = [("shape_e", "0002_sessions")]
    operations = [
        *message.renamed(session_id="session", user_message="content"),
        *message.kept("created_at", "chatbot_message", "modified_at"),
        *message.added("session", "content", "created_at", "chatbot_message", "modified_at"),
    ]
