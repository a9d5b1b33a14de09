"""The site's old tables. The owner is a text that only the visitor knows."""

from __future__ import annotations

from django.db import migrations, models

KEY = models.BigAutoField(primary_key=True, serialize=False)


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [
        migrations.CreateModel(
            "ChatSession",
            [
                ("id", KEY),
                ("session_id", models.CharField(max_length=100, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            "Message",
            [
                ("id", KEY),
                ("chat_session", models.ForeignKey("shape_d.chatsession", models.CASCADE)),
                ("message_text", models.TextField()),
                ("is_user", models.BooleanField()),
                ("timestamp", models.DateTimeField(auto_now_add=True)),
            ],
        ),
    ]
