"""Old columns get the package's names in Python, and the package's columns are added."""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table

session, message = Table("shape_i", "ChatSession"), Table("shape_i", "ChatMessage")


class Migration(migrations.Migration):
    dependencies = [("shape_i", "0001_old"), ("people", "0001_initial")]
    operations = [
        *session.renamed(created_at="started_at"),
        *session.kept("user", "updated_at"),
        *message.renamed(message="content", type="role", timestamp="created_at"),
        *message.kept("session"),
        *session.added("user", "started_at", "updated_at"),
        *message.added("session", "content", "role", "created_at"),
    ]
