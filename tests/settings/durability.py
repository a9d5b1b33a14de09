"""The site that the proofs of durability kill, stall and cut off; their environment varies it.

A proof starts it on a database of its own, so that nothing else writes there.
"""

from __future__ import annotations

import os
from typing import Any

from django_chat_sessions.limits import Limits
from tests.durability.orphans import end_with_the_proof
from tests.settings.default_models import *  # noqa: F403
from tests.settings.default_models import CHAT_SESSIONS, INSTALLED_APPS

end_with_the_proof()
RUNNERS = {
    "threads": "django_chat_sessions.services.replies.runners.ThreadRunner",
    "inline": "django_chat_sessions.services.replies.runners.InlineRunner",
    "tasks": "django_chat_sessions.contrib.tasks.TasksRunner",
    "celery": "django_chat_sessions.contrib.celery.CeleryRunner",
}
NOTIFIERS = {
    "suitable": None,
    "poll": "django_chat_sessions.services.following.polling.PollNotifier",
}

INSTALLED_APPS = [*INSTALLED_APPS, "django_tasks_db", "django_chat_sessions.contrib.celery"]
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
_varied: Any = {
    "RESPONDER": "tests.durability.words.respond",
    "RUNNER": RUNNERS[os.environ.get("PROOF_RUNNER", "threads")],
    "REPLY_LEASE": float(os.environ.get("PROOF_LEASE", "2")),
    "REPLY_ATTEMPTS": int(os.environ.get("PROOF_ATTEMPTS", "1")),
    "NOTIFIER": NOTIFIERS[os.environ.get("PROOF_NOTIFIER", "suitable")],
}
if "PROOF_LIMITS" in os.environ:  # as a site has them that says nothing about it
    _varied["LIMITS"] = Limits()
CHAT_SESSIONS = {**CHAT_SESSIONS, **_varied}
CELERY_BROKER_URL = os.environ.get("PROOF_BROKER", "memory://")
__import__("tests.durability.celery_app")  # as a project's __init__.py does
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"django_chat_sessions": {"handlers": ["console"], "level": "INFO"}},
}
