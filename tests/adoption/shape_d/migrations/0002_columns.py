"""Old columns get the package's names in Python, and the package's columns are added."""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table

session, message = Table("shape_d", "ChatSession"), Table("shape_d", "Message")


class Migration(migrations.Migration):
    dependencies = [("shape_d", "0001_old"), ("people", "0001_initial")]
    operations = [
        *session.renamed(session_id="old_id", created_at="started_at"),
        *message.renamed(chat_session="session", message_text="content"),
        *message.renamed(is_user="was_user", timestamp="created_at"),
        *session.added("old_id", "started_at"),
        *message.added("session", "content", "created_at", "was_user"),
    ]
