"""Old columns get the package's names in Python, and the package's columns are added."""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table

session, message = Table("shape_a", "Conversation"), Table("shape_a", "Message")


class Migration(migrations.Migration):
    dependencies = [("shape_a", "0001_old"), ("people", "0001_initial")]
    operations = [
        *session.renamed(created_at="started_at"),
        *session.kept("title", "updated_at"),
        *message.renamed(conversation="session"),
        *message.kept("role", "content", "created_at"),
        *session.added("title", "started_at", "updated_at"),
        *message.added("session", "role", "content", "created_at"),
    ]
