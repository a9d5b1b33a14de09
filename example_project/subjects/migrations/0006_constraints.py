"""Step 4 of 4: what the database itself guarantees from now on, and what makes it fast.

Last, because rows have to be right before they are held to it, and because filling columns that
are not indexed yet is cheaper. Indexes that the new ones make superfluous go afterwards.
"""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("subjects", "0005_adopt"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # At most one open session for each owner and subject.
        migrations.AlterField(
            "chatsession",
            "open_key",
            models.UUIDField(blank=True, editable=False, null=True, unique=True),
        ),
        # A message that is sent twice is stored once.
        migrations.AlterField(
            "chatmessage",
            "client_key",
            models.UUIDField(editable=False, null=True, unique=True),
        ),
        migrations.AddConstraint(
            "chatmessage",
            models.UniqueConstraint(
                fields=("session", "position"), name="subjects_chatmessage_position"
            ),
        ),
        migrations.AddIndex(
            "chatsession",
            models.Index(fields=["user", "last_message_at"], name="subjects_ch_user_id_9f6631_idx"),
        ),
        migrations.AddIndex(
            "chatsession",
            models.Index(
                fields=["visitor_key", "last_message_at"], name="subjects_ch_visitor_c38557_idx"
            ),
        ),
        # Both begin with the foreign key, whose own index is no longer needed.
        migrations.AlterField(
            "chatsession",
            "user",
            models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="chat_sessions",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            "chatmessage",
            "session",
            models.ForeignKey(
                db_column="chat_session_id",
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="messages",
                to="subjects.chatsession",
            ),
        ),
        migrations.AlterModelOptions(
            "chatsession",
            {"verbose_name": "chat session", "verbose_name_plural": "chat sessions"},
        ),
        migrations.AlterModelOptions(
            "chatmessage",
            {"verbose_name": "chat message", "verbose_name_plural": "chat messages"},
        ),
    ]
