"""The site's old tables. Several users in a session, and the bot is one."""

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
                ("users", models.ManyToManyField(USER)),
            ],
        ),
        migrations.CreateModel(
            "ChatMessage",
            [
                ("id", KEY),
                ("session", models.ForeignKey("shape_f.chatsession", models.CASCADE)),
                ("sender", models.ForeignKey(USER, models.CASCADE)),
                ("message", models.TextField()),
                ("timestamp", models.DateTimeField(auto_now_add=True)),
            ],
        ),
    ]
