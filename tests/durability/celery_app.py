"""The Celery of the proofs' site, as a host would have it."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings.durability")

app = Celery("proofs")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
