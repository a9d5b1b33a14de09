"""Old columns get the package's names in Python, and the package's columns are added."""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table

session, message = Table("shape_f", "ChatSession"), Table("shape_f", "ChatMessage")


class Migration(migrations.Migration):
    dependencies = [("shape_f", "0001_old"), ("people", "0001_initial")]
    operations = [
        *message.renamed(message="content", timestamp="created_at"),
        *message.kept("session", "sender"),
        *session.added(),
        *message.added("session", "sender", "content", "created_at"),
    ]
