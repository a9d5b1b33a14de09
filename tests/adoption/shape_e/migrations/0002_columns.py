"""Old columns get the package's names in Python, and the package's columns are added."""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table

session, message = Table("shape_e", "ChatSession"), Table("shape_e", "ChatMessage")


class Migration(migrations.Migration):
    dependencies = [("shape_e", "0001_old"), ("people", "0001_initial")]
    operations = [
        *session.renamed(user_id="user", created_at="started_at"),
        *message.renamed(session_id="session", user_message="content"),
        *message.kept("created_at", "chatbot_message", "modified_at"),
        *session.added("user", "started_at"),
        *message.added("session", "content", "created_at", "chatbot_message", "modified_at"),
    ]
