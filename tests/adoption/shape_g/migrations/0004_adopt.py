"""The rows become what the package would have written; then the database holds them to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import migrations

from django_chat_sessions import adoption
from tests.adoption.columns import Table


def forwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    sessions = apps.get_model("shape_g", "ChatSession").objects.using(alias)
    messages = apps.get_model("shape_g", "ChatMessage").objects.using(alias)
    adoption.make_sessions(
        messages,
        "chat_id",
        gap=timedelta(hours=8),
        fill=lambda text: {"visitor_key": adoption.visitor_key(text)},
    )
    adoption.adopt(sessions, roles={"bot": "assistant"}, role_from="old_sender")


def backwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    sessions = apps.get_model("shape_g", "ChatSession").objects.using(alias)
    old = {"user": "user", "assistant": "bot"}
    adoption.give_back(sessions, roles=old, role_to="old_sender")
    messages = apps.get_model("shape_g", "ChatMessage").objects.using(alias)
    adoption.give_back_texts(messages, "chat_id")
    messages.update(session=None)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shape_g", "0003_messages")]
    operations = [
        migrations.RunPython(forwards, backwards),
        *Table("shape_g", "ChatSession").guaranteed(),
        *Table("shape_g", "ChatMessage").guaranteed("session"),
    ]
