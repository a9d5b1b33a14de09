"""Old columns get the package's names in Python, and the package's columns are added."""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table

session, message = Table("shape_k", "ChatSession"), Table("shape_k", "ChatMessage")


class Migration(migrations.Migration):
    dependencies = [("shape_k", "0001_old"), ("people", "0001_initial")]
    operations = [
        *session.renamed(created_at="started_at", topic="title"),
        *session.kept("user"),
        *message.renamed(sender="old_sender", text="content", sent_at="created_at"),
        *message.kept("session"),
        *session.added("user", "title", "started_at"),
        *message.added("session", "old_sender", "content", "created_at"),
    ]
