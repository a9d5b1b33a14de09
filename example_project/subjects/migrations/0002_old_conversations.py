"""Conversations from XP's years before the package, so that there is something to adopt.

A real site has such rows already and needs no migration like this one.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import migrations
from django.utils import timezone

OLD = Path(__file__).with_name("old_conversations.json")
BETWEEN_MESSAGES = timedelta(seconds=40)


def fill(apps, schema_editor):
    database = schema_editor.connection.alias
    users = {name: _demo_user(apps, database, name) for name in ("student", "teacher")}
    sessions = apps.get_model("subjects", "ChatSession").objects.using(database)
    for old in json.loads(OLD.read_text(encoding="utf-8")):
        subject = _subject(apps, database, old["subject"])
        session = sessions.create(user=users[old["user"]], subject=subject)
        began = timezone.now() - timedelta(days=old["days_ago"], hours=session.pk % 7)
        # auto_now_add has written the present; these are old.
        sessions.filter(pk=session.pk).update(created_at=began)
        _say(apps, database, session, began, old["messages"])


def _say(apps, database, session, began, spoken):
    messages = apps.get_model("subjects", "ChatMessage").objects.using(database)
    for number, (sender, text) in enumerate(spoken):
        message = messages.create(chat_session=session, sender=sender, text=text)
        messages.filter(pk=message.pk).update(sent_at=began + number * BETWEEN_MESSAGES)


def _demo_user(apps, database, name):
    users = apps.get_model(settings.AUTH_USER_MODEL).objects.using(database)
    # No password: `load_subjects` sets the one it prints.
    return users.get_or_create(username=name, defaults={"password": "!"})[0]


def _subject(apps, database, slug):
    subjects = apps.get_model("subjects", "Subject").objects.using(database)
    name = slug.replace("-", " ").capitalize()
    return subjects.get_or_create(slug=slug, defaults={"name": name})[0]


class Migration(migrations.Migration):
    dependencies = [
        ("subjects", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    # Backwards there is nothing to do: 0001 takes the tables away.
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
