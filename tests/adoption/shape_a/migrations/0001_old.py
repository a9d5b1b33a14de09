"""The site's old tables. Nobody owns the rows."""

from __future__ import annotations

from django.db import migrations, models

KEY = models.BigAutoField(primary_key=True, serialize=False)


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [
        migrations.CreateModel(
            "Conversation",
            [
                ("id", KEY),
                ("title", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.CreateModel(
            "Message",
            [
                ("id", KEY),
                (
                    "conversation",
                    models.ForeignKey(
                        "shape_a.conversation", models.CASCADE, related_name="messages"
                    ),
                ),
                ("role", models.CharField(max_length=20)),
                ("content", models.TextField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
    ]
