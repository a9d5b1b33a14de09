"""The rows become what the package would have written; then the database holds them to it."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from django_chat_sessions import adoption
from tests.adoption.columns import Table


def forwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    sessions = apps.get_model("shape_k", "ChatSession").objects.using(alias)
    adoption.adopt(sessions, roles={"bot": "assistant"}, role_from="old_sender")


def backwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    sessions = apps.get_model("shape_k", "ChatSession").objects.using(alias)
    old = {"user": "user", "assistant": "bot"}
    adoption.give_back(sessions, roles=old, role_to="old_sender")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shape_k", "0003_messages")]
    operations = [
        migrations.RunPython(forwards, backwards),
        *Table("shape_k", "ChatSession").guaranteed("user"),
        *Table("shape_k", "ChatMessage").guaranteed("session"),
    ]
