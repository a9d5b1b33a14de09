"""Old columns get the package's names in Python, and the package's columns are added."""

from __future__ import annotations

from django.db import migrations

from tests.adoption.columns import Table

session, message = Table("shape_g", "ChatSession"), Table("shape_g", "ChatMessage")


class Migration(migrations.Migration):
    dependencies = [("shape_g", "0001_old"), ("people", "0001_initial")]
    operations = [
        migrations.CreateModel("ChatSession", [("id", session.as_today("id"))]),
        *message.renamed(session_id="chat_id", sender="old_sender"),
        *message.renamed(message="content", timestamp="created_at"),
        *session.added(),
        *message.added("chat_id", "old_sender", "content", "created_at"),
    ]
