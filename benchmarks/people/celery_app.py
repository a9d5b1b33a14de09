"""The Celery of the site, as a host would have it."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.people.settings")

app = Celery("people")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
