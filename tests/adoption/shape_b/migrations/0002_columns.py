"""Old columns get the package's names in Python, and the package's columns are added."""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table

session, message = Table("shape_b", "ChatSession"), Table("shape_b", "Message")


class Migration(migrations.Migration):
    dependencies = [("shape_b", "0001_old"), ("people", "0001_initial")]
    operations = [
        *session.renamed(user="user_name", created_at="started_at"),
        *message.renamed(message="content", timestamp="created_at", sender="old_sender"),
        *message.kept("session"),
        *session.added("user_name", "started_at"),
        *message.added("session", "content", "created_at", "old_sender"),
    ]
