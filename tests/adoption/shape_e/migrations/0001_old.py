"""The site's old tables. Question and answer in one row; foreign keys whose names end in _id."""

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
                ("user_id", models.ForeignKey(USER, models.CASCADE)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            "ChatMessage",
            [
                ("id", KEY),
                ("session_id", models.ForeignKey("shape_e.chatsession", models.CASCADE)),
                ("user_message", models.TextField()),
                ("chatbot_message", models.TextField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("modified_at", models.DateTimeField(auto_now=True)),
            ],
        ),
    ]
