"""Step 1 of 4: tell Django that the old columns now have other names in Python.

`makemigrations` alone would remove `text` and add `content`: the conversations would be gone.
A field that first names its column and is renamed afterwards leaves the column where it is.
"""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("subjects", "0002_old_conversations")]

    operations = [
        migrations.AlterField(
            "chatmessage",
            "chat_session",
            models.ForeignKey(
                db_column="chat_session_id",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="messages",
                to="subjects.chatsession",
            ),
        ),
        migrations.RenameField("chatmessage", "chat_session", "session"),
        migrations.AlterField(
            "chatmessage",
            "sender",
            # The default is in the database too: a server that still runs the old code can insert.
            models.CharField(db_column="sender", db_default="user", default="user", max_length=10),
        ),
        migrations.RenameField("chatmessage", "sender", "role"),
        migrations.AlterField(
            "chatmessage",
            "text",
            models.TextField(blank=True, db_column="text", default=""),
        ),
        migrations.RenameField("chatmessage", "text", "content"),
        migrations.AlterField(
            "chatmessage",
            "sent_at",
            models.DateTimeField(db_column="sent_at", editable=False, null=True),
        ),
        migrations.RenameField("chatmessage", "sent_at", "created_at"),
        migrations.AlterField(
            "chatsession",
            "created_at",
            models.DateTimeField(db_column="created_at", editable=False, null=True),
        ),
        migrations.RenameField("chatsession", "created_at", "started_at"),
    ]
