"""Old columns get the package's names in Python, and the package's columns are added."""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table

session, message = Table("shape_h", "ChatSession"), Table("shape_h", "ChatMessage")


class Migration(migrations.Migration):
    dependencies = [("shape_h", "0001_old"), ("people", "0001_initial")]
    operations = [
        *session.renamed(created_at="started_at"),
        *session.kept("session_key", "ip_address", "user_agent", "updated_at"),
        *message.kept("session", "role", "content", "created_at"),
        *session.added("session_key", "ip_address", "user_agent", "started_at", "updated_at"),
        *message.added("session", "role", "content", "created_at"),
    ]
