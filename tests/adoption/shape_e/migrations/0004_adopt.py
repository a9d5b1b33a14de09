"""The rows become what the package would have written; then the database holds them to it."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from django_chat_sessions import adoption
from tests.adoption.columns import Table


def forwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    sessions = apps.get_model("shape_e", "ChatSession").objects.using(alias)
    adoption.adopt(sessions, answer="chatbot_message")


def backwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    sessions = apps.get_model("shape_e", "ChatSession").objects.using(alias)
    adoption.give_back(sessions, answer="chatbot_message", needs=["user"])


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shape_e", "0003_messages")]
    operations = [
        migrations.RunPython(forwards, backwards),
        *Table("shape_e", "ChatSession").guaranteed("user"),
        *Table("shape_e", "ChatMessage").guaranteed("session"),
    ]
