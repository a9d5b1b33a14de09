"""The rows become what the package would have written; then the database holds them to it."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from django_chat_sessions import adoption
from tests.adoption.columns import Table

ROLES = {True: "user", False: "assistant"}


def forwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    sessions = apps.get_model("shape_c", "ChatSession").objects.using(alias)
    adoption.adopt(sessions, roles=ROLES, role_from="was_user")


def backwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    sessions = apps.get_model("shape_c", "ChatSession").objects.using(alias)
    old = {"user": True, "assistant": False}
    adoption.give_back(sessions, roles=old, role_to="was_user", needs=["user"])


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shape_c", "0003_messages")]
    operations = [
        migrations.RunPython(forwards, backwards),
        *Table("shape_c", "ChatSession").guaranteed("user"),
        *Table("shape_c", "ChatMessage").guaranteed("session"),
    ]
