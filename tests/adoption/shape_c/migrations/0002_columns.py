"""Old columns get the package's names in Python, and the package's columns are added."""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table

session, message = Table("shape_c", "ChatSession"), Table("shape_c", "ChatMessage")


class Migration(migrations.Migration):
    dependencies = [("shape_c", "0001_old"), ("people", "0001_initial")]
    operations = [
        *session.renamed(created_at="started_at"),
        *session.kept("user"),
        *message.renamed(is_user="was_user"),
        *message.kept("session", "content", "created_at"),
        *session.added("started_at", "user"),
        *message.added("session", "content", "created_at", "was_user"),
    ]
