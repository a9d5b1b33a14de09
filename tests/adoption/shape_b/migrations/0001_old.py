"""The site's old tables. The user is a text, and senders are free texts."""

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
                ("user", models.CharField(max_length=100)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            "Message",
            [
                ("id", KEY),
                (
                    "session",
                    models.ForeignKey(
                        "shape_b.chatsession", models.CASCADE, related_name="message"
                    ),
                ),
                ("sender", models.CharField(max_length=50)),
                ("message", models.TextField()),
                ("timestamp", models.DateTimeField(auto_now_add=True)),
            ],
        ),
    ]
