"""Old columns get the package's names in Python, and the package's columns are added."""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table

session, message = Table("shape_j", "Chat"), Table("shape_j", "Message")


class Migration(migrations.Migration):
    dependencies = [("shape_j", "0001_old"), ("people", "0001_initial")]
    operations = [
        *session.renamed(created_at="started_at"),
        *session.kept("user"),
        *message.renamed(chat="session", content="body"),
        *message.kept("role", "created_at"),
        *session.added("user", "started_at", "updated_at"),
        *message.added("session", "role", "body", "created_at", "updated_at"),
    ]
