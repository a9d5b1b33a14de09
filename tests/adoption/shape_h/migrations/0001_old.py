"""The site's old tables. Anonymous, with Django's session key."""

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
                ("session_key", models.CharField(max_length=40, unique=True)),
                ("ip_address", models.GenericIPAddressField()),
                ("user_agent", models.TextField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.CreateModel(
            "ChatMessage",
            [
                ("id", KEY),
                ("session", models.ForeignKey("shape_h.chatsession", models.CASCADE)),
                ("role", models.CharField(max_length=10)),
                ("content", models.TextField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
    ]
