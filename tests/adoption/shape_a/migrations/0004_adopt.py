"""The rows become what the package would have written; then the database holds them to it."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from django_chat_sessions import adoption
from tests.adoption.columns import Table


def forwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    sessions = apps.get_model("shape_a", "Conversation").objects.using(alias)
    adoption.adopt(sessions)


def backwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    sessions = apps.get_model("shape_a", "Conversation").objects.using(alias)
    adoption.give_back(sessions)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shape_a", "0003_messages")]
    operations = [
        migrations.RunPython(forwards, backwards),
        *Table("shape_a", "Conversation").guaranteed(),
        *Table("shape_a", "Message").guaranteed("session"),
    ]
