"""The rows become what the package would have written; then the database holds them to it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import migrations
from django.db.models import OuterRef, Subquery

from django_chat_sessions import adoption
from tests.adoption.columns import Table

BOT = "bot"


def forwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    sessions = apps.get_model("shape_f", "ChatSession").objects.using(alias)
    bots = apps.get_model(settings.AUTH_USER_MODEL).objects.using(alias).filter(username=BOT)
    keys = set(bots.values_list("pk", flat=True))

    def owner(session: Any) -> dict[str, Any]:
        # One session has one owner: whoever spoke first.
        people = session.messages.exclude(sender__in=keys).order_by("created_at", "pk")
        return {"user_id": people.values_list("sender", flat=True).first()}

    adoption.adopt(
        sessions,
        roles=lambda sender: "assistant" if sender in keys else "user",
        role_from="sender",
        fill=owner,
    )


def backwards(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    sessions = apps.get_model("shape_f", "ChatSession").objects.using(alias)
    bot = apps.get_model(settings.AUTH_USER_MODEL).objects.using(alias).get(username=BOT)
    for session in sessions.filter(users=None).exclude(user=None).iterator():
        session.users.add(session.user_id, bot)
    owner = sessions.filter(pk=OuterRef("session")).values("user")
    adoption.give_back(
        sessions,
        roles={"user": Subquery(owner), "assistant": bot.pk},
        role_to="sender",
        needs=["user"],
    )


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shape_f", "0003_messages")]
    operations = [
        migrations.RunPython(forwards, backwards),
        *Table("shape_f", "ChatSession").guaranteed(),
        *Table("shape_f", "ChatMessage").guaranteed("session"),
    ]
