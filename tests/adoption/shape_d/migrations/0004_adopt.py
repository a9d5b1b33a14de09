"""The rows become what the package would have written; then the database holds them to it."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import migrations

from django_chat_sessions import adoption
from tests.adoption.columns import Table

ROLES = {True: "user", False: "assistant"}


def forwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    sessions = apps.get_model("shape_d", "ChatSession").objects.using(alias)
    adoption.adopt(
        sessions,
        roles=ROLES,
        role_from="was_user",
        fill=lambda session: {"visitor_key": adoption.visitor_key(session.old_id)},
    )


def backwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    sessions = apps.get_model("shape_d", "ChatSession").objects.using(alias)
    for session in sessions.filter(old_id=None).iterator():
        # Old code lets in whoever knows the id: it must not be guessable.
        sessions.filter(pk=session.pk).update(old_id=uuid.uuid4().hex)
    old = {"user": True, "assistant": False}
    adoption.give_back(sessions, roles=old, role_to="was_user")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shape_d", "0003_messages")]
    operations = [
        migrations.RunPython(forwards, backwards),
        *Table("shape_d", "ChatSession").guaranteed(),
        *Table("shape_d", "Message").guaranteed("session"),
    ]
