"""The rows become what the package would have written; then the database holds them to it."""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.utils.crypto import get_random_string

from django_chat_sessions import adoption
from tests.adoption.columns import Table


def forwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    sessions = apps.get_model("shape_h", "ChatSession").objects.using(alias)
    adoption.adopt(
        sessions,
        roles={"bot": "assistant"},
        fill=lambda session: {"visitor_key": adoption.visitor_key(session.session_key)},
    )


def backwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    sessions = apps.get_model("shape_h", "ChatSession").objects.using(alias)
    for session in sessions.filter(session_key=None).iterator():
        sessions.filter(pk=session.pk).update(
            session_key=get_random_string(32), ip_address="192.0.2.0", user_agent=""
        )
    adoption.give_back(sessions, roles={"user": "user", "assistant": "bot"})


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shape_h", "0003_messages")]
    operations = [
        migrations.RunPython(forwards, backwards),
        *Table("shape_h", "ChatSession").guaranteed(),
        *Table("shape_h", "ChatMessage").guaranteed("session"),
    ]
