"""The rows become what the package would have written; then the database holds them to it."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from django_chat_sessions import adoption
from tests.adoption.columns import Table


def forwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    sessions = apps.get_model("shape_j", "Chat").objects.using(alias)
    adoption.adopt(sessions, text_from="body", text=lambda body: body["text"])


def backwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    sessions = apps.get_model("shape_j", "Chat").objects.using(alias)
    for message in (
        apps.get_model("shape_j", "Message").objects.using(alias).filter(body__isnull=True)
    ):
        message.body = {"text": message.content}
        message.save(update_fields=["body"])
    adoption.give_back(sessions, needs=["user"])


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shape_j", "0003_messages")]
    operations = [
        migrations.RunPython(forwards, backwards),
        *Table("shape_j", "Chat").guaranteed("user"),
        *Table("shape_j", "Message").guaranteed("session"),
    ]
