"""The site's old tables. The role is a boolean."""

from __future__ import annotations

from django.conf import settings
from django.db import migrations, models

KEY = models.BigAutoField(primary_key=True, serialize=False)
USER = settings.AUTH_USER_MODEL


class Migration(migrations.Migration):
    initial = True
    dependencies = [("people", "0001_initial")]
    operations = [
        migrations.CreateModel(
            "ChatSession",
            [
                ("id", KEY),
                ("user", models.ForeignKey(USER, models.CASCADE)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            "ChatMessage",
            [
                ("id", KEY),
                ("session", models.ForeignKey("shape_c.chatsession", models.CASCADE)),
                ("content", models.TextField()),
                ("is_user", models.BooleanField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
    ]
