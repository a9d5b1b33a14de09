"""The site's old tables. Everything may be missing."""

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
                ("user", models.ForeignKey(USER, models.CASCADE, null=True)),
                ("topic", models.CharField(max_length=300, null=True)),
                ("created_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            "ChatMessage",
            [
                ("id", KEY),
                ("session", models.ForeignKey("shape_k.chatsession", models.CASCADE, null=True)),
                ("sender", models.CharField(max_length=20, null=True)),
                ("text", models.TextField(null=True)),
                ("sent_at", models.DateTimeField(null=True)),
            ],
        ),
    ]
