"""The tables of RAW, as models."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Session(models.Model):
    id = models.BigAutoField(primary_key=True)
    public_id = models.UUIDField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, db_index=False)
    title = models.CharField(max_length=200)
    preview = models.CharField(max_length=200)
    message_count = models.IntegerField()
    started_at = models.DateTimeField()
    last_activity_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    active = models.BooleanField()

    class Meta:
        indexes = [models.Index(fields=["owner", "-last_activity_at"])]
        constraints = [
            models.UniqueConstraint(
                fields=["owner"], condition=models.Q(active=True), name="plain_one_active"
            )
        ]

    def __str__(self) -> str:
        return self.title


class Message(models.Model):
    id = models.BigAutoField(primary_key=True)
    session = models.ForeignKey(Session, models.CASCADE, db_index=False)
    seq = models.IntegerField()
    role = models.CharField(max_length=10)
    content = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "seq"], name="plain_seq")]

    def __str__(self) -> str:
        return f"{self.role} {self.seq}"
