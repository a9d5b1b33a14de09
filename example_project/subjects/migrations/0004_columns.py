"""Step 2 of 4: the package's columns, each nullable or with a default in the database.

So no table is rewritten, and code of either side of the deployment can insert rows.
"""

from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
import model_utils.fields
from django.conf import settings
from django.db import migrations, models


def column(model, name, field):
    return migrations.AddField(model, name, field)


def moment(model, name, **options):
    return column(model, name, models.DateTimeField(editable=False, null=True, **options))


class Migration(migrations.Migration):
    dependencies = [
        ("subjects", "0003_names"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # Visitors have no account, and a chat may be about no subject at all.
        migrations.AlterField(
            "chatsession",
            "user",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="chat_sessions",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            "chatsession",
            "subject",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="chat_sessions",
                to="subjects.subject",
            ),
        ),
        # The keys stay bigint: links and reports that name them go on working.
        migrations.AlterField(
            "chatsession", "id", models.BigAutoField(primary_key=True, serialize=False)
        ),
        migrations.AlterField(
            "chatmessage", "id", models.BigAutoField(primary_key=True, serialize=False)
        ),
        column(
            "chatsession",
            "created",
            model_utils.fields.AutoCreatedField(
                default=django.utils.timezone.now,
                editable=False,
                null=True,
                verbose_name="created",
            ),
        ),
        column(
            "chatsession",
            "modified",
            model_utils.fields.AutoLastModifiedField(
                default=django.utils.timezone.now,
                editable=False,
                null=True,
                verbose_name="modified",
            ),
        ),
        column(
            "chatsession",
            "visitor_key",
            models.CharField(
                blank=True, editable=False, max_length=64, null=True, verbose_name="visitor key"
            ),
        ),
        column(
            "chatsession",
            "scope",
            models.CharField(
                blank=True, db_default="", default="", max_length=100, verbose_name="scope"
            ),
        ),
        # Unique in step 4, when the rows are known to be right.
        column("chatsession", "open_key", models.UUIDField(blank=True, editable=False, null=True)),
        moment("chatsession", "opened_at"),
        moment("chatsession", "last_activity_at", verbose_name="last activity"),
        moment("chatsession", "last_message_at", verbose_name="last message"),
        moment("chatsession", "expires_at", verbose_name="expires at"),
        moment("chatsession", "running_until"),
        moment("chatsession", "ended_at", verbose_name="ended at"),
        column(
            "chatsession",
            "end_reason",
            models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                max_length=20,
                verbose_name="end reason",
            ),
        ),
        column(
            "chatsession",
            "previous",
            models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="subjects.chatsession",
                verbose_name="previous session",
            ),
        ),
        column(
            "chatsession",
            "title",
            models.CharField(
                blank=True, db_default="", default="", max_length=200, verbose_name="title"
            ),
        ),
        column(
            "chatsession",
            "preview",
            models.CharField(blank=True, db_default="", default="", editable=False, max_length=200),
        ),
        column(
            "chatsession",
            "message_count",
            models.PositiveIntegerField(
                db_default=0, default=0, editable=False, verbose_name="messages"
            ),
        ),
        column(
            "chatsession",
            "unread",
            models.BooleanField(
                db_default=False, default=False, editable=False, verbose_name="unread"
            ),
        ),
        moment("chatsession", "pinned_at", blank=True),
        moment("chatsession", "archived_at", blank=True),
        moment("chatsession", "deleted_at", blank=True),
        column("chatsession", "metadata", models.JSONField(blank=True, default=dict, null=True)),
        column("chatmessage", "client_key", models.UUIDField(editable=False, null=True)),
        column("chatmessage", "position", models.PositiveIntegerField(editable=False, null=True)),
        column(
            "chatmessage",
            "state",
            models.CharField(
                blank=True,
                choices=[
                    ("pending", "waiting"),
                    ("running", "being written"),
                    ("answered", "answered"),
                    ("failed", "failed"),
                    ("stopped", "stopped"),
                    ("interrupted", "interrupted"),
                ],
                db_default="",
                default="",
                max_length=12,
                verbose_name="state",
            ),
        ),
        column(
            "chatmessage",
            "error",
            models.TextField(
                blank=True, default="", editable=False, null=True, verbose_name="error"
            ),
        ),
        moment("chatmessage", "lease_until"),
        column("chatmessage", "token", models.UUIDField(editable=False, null=True)),
        column(
            "chatmessage",
            "attempt",
            models.PositiveSmallIntegerField(db_default=0, default=0, editable=False),
        ),
        column("chatmessage", "metadata", models.JSONField(blank=True, default=dict, null=True)),
    ]
