"""The site's old tables. No session table."""

from __future__ import annotations

from django.db import migrations, models

KEY = models.BigAutoField(primary_key=True, serialize=False)


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [
        migrations.CreateModel(
            "ChatMessage",
            [
                ("id", KEY),
                ("session_id", models.CharField(max_length=64)),
                ("sender", models.CharField(max_length=20)),
                ("message", models.TextField()),
                ("timestamp", models.DateTimeField(auto_now_add=True)),
            ],
        ),
    ]
