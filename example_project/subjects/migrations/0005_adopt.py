"""Step 3 of 4: make every old row what the package would have written itself.

In batches, each its own short transaction: nobody waits for a table that is locked for minutes,
and a run that was interrupted goes on where it stopped (`last_activity_at` is set last).
"""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby

from django.db import migrations, transaction
from django.db.models import Q
from django.utils.text import Truncator

BATCH = 500
IDLE = timedelta(minutes=5)
ROLES = {"student": "user", "bot": "assistant"}
SESSION_COLUMNS = [
    "scope",
    "title",
    "preview",
    "message_count",
    "opened_at",
    "last_message_at",
    "last_activity_at",
    "ended_at",
    "end_reason",
    "created",
]


def adopt(apps, schema_editor):
    sessions, messages = _tables(apps, schema_editor)
    waiting = sessions.filter(last_activity_at=None).order_by("pk")
    while batch := list(waiting[:BATCH]):
        with transaction.atomic(using=schema_editor.connection.alias):
            # The id breaks ties: two messages of one second keep the order they were written in.
            said = messages.filter(session__in=batch).order_by("session", "created_at", "pk")
            by_session = {key: list(rows) for key, rows in groupby(said, lambda m: m.session_id)}
            for session in batch:
                _fill(session, by_session.get(session.pk, []))
            rows = [row for rows in by_session.values() for row in rows]
            messages.bulk_update(rows, ["role", "position", "state"], batch_size=BATCH)
            sessions.bulk_update(batch, SESSION_COLUMNS, batch_size=100)


def _fill(session, said):
    for position, message in enumerate(said):
        message.position = position
        message.role = ROLES.get(message.role, message.role)
        # XP stored an answer when it was complete; there were no half ones.
        message.state = "answered" if message.role == "assistant" else ""
    asked = [message.content for message in said if message.role == "user"]
    last = said[-1].created_at if said else session.started_at
    session.scope = f"subject:{session.subject_id}"
    session.title = _short(asked[0], 80) if asked else ""
    session.preview = _short(said[-1].content, 140) if said else ""
    session.message_count = len(said)
    session.opened_at = session.created = session.started_at
    session.last_message_at = session.last_activity_at = last
    # Ended, not open: the next message starts a new session, and one click continues this one.
    session.ended_at, session.end_reason = last + IDLE, "idle"


def _short(text, length):
    return Truncator(" ".join(text.split())).chars(length)


def give_back(apps, schema_editor):
    sessions, messages = _tables(apps, schema_editor)
    homeless = sessions.filter(Q(user=None) | Q(subject=None), deleted_at=None).count()
    if homeless:
        raise RuntimeError(
            f"{homeless} conversations have no user or no subject, and the old table cannot hold "
            "them. Delete or export them first; nothing has been changed."
        )
    # Their owners deleted them; the old code would show them again.
    sessions.exclude(deleted_at=None).delete()
    # A reply without a word was never shown; the old code would show an empty bubble.
    messages.filter(role="assistant", content="").delete()
    after = 0
    while batch := list(sessions.filter(pk__gt=after).order_by("pk").values_list("pk")[:BATCH]):
        keys = [key for (key,) in batch]
        with transaction.atomic(using=schema_editor.connection.alias):
            said = messages.filter(session__in=keys)
            said.exclude(role__in=["user", *ROLES]).update(role="bot")
            said.filter(role="user").update(role="student")
            sessions.filter(pk__in=keys).update(last_activity_at=None, open_key=None)
        after = keys[-1]


def _tables(apps, schema_editor):
    alias = schema_editor.connection.alias
    return (
        apps.get_model("subjects", "ChatSession").objects.using(alias),
        apps.get_model("subjects", "ChatMessage").objects.using(alias),
    )


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("subjects", "0004_columns")]

    operations = [migrations.RunPython(adopt, give_back)]
