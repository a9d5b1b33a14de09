"""The site's old tables. A base class, UUID keys and JSON."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import migrations, models

KEY = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False, serialize=False)
USER = settings.AUTH_USER_MODEL


class Migration(migrations.Migration):
    initial = True
    dependencies = [("people", "0001_initial")]
    operations = [
        migrations.CreateModel(
            "Chat",
            [
                ("id", KEY),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("user", models.ForeignKey(USER, models.CASCADE)),
            ],
        ),
        migrations.CreateModel(
            "Message",
            [
                ("id", KEY),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("chat", models.ForeignKey("shape_j.chat", models.CASCADE)),
                ("role", models.CharField(max_length=20)),
                ("content", models.JSONField()),
            ],
        ),
    ]
