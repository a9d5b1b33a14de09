"""The rows become what the package would have written; then the database holds them to it."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from django_chat_sessions import adoption
from tests.adoption.columns import Table


def forwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    sessions = apps.get_model("shape_i", "ChatSession").objects.using(alias)
    adoption.adopt(sessions)  # "USER" is a role in another spelling


def backwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    sessions = apps.get_model("shape_i", "ChatSession").objects.using(alias)
    old = {"user": "USER", "assistant": "ASSISTANT"}
    adoption.give_back(sessions, roles=old, needs=["user"])


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shape_i", "0003_messages")]
    operations = [
        migrations.RunPython(forwards, backwards),
        *Table("shape_i", "ChatSession").guaranteed("user"),
        *Table("shape_i", "ChatMessage").guaranteed("session"),
    ]
