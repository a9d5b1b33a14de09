"""The rows become what the package would have written; then the database holds them to it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import migrations
from django.db.models import OuterRef, Subquery

from django_chat_sessions import adoption
from tests.adoption.columns import Table

ROLES = {"bot": "assistant"}  # everybody else is a user


def forwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    sessions = apps.get_model("shape_b", "ChatSession").objects.using(alias)
    find = adoption.lookup(
        apps.get_model(settings.AUTH_USER_MODEL).objects.using(alias), "username"
    )
    adoption.adopt(
        sessions,
        roles=ROLES,
        role_from="old_sender",
        fill=lambda session: {"user_id": find(session.user_name)},
    )


def backwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    sessions = apps.get_model("shape_b", "ChatSession").objects.using(alias)
    names = apps.get_model(settings.AUTH_USER_MODEL).objects.using(alias)
    name = names.filter(pk=OuterRef("user")).values("username")
    sessions.filter(user_name=None).update(user_name=Subquery(name))
    adoption.give_back(
        sessions,
        roles={"user": "user", "assistant": "bot"},
        role_to="old_sender",
        needs=["user_name"],
    )


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shape_b", "0003_messages")]
    operations = [
        migrations.RunPython(forwards, backwards),
        *Table("shape_b", "ChatSession").guaranteed(),
        *Table("shape_b", "Message").guaranteed("session"),
    ]
