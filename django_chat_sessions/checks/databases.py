"""System checks of what the host has set for its databases and for time.

W001 SQLite without transaction_mode IMMEDIATE
W002 ATOMIC_REQUESTS
W003 USE_TZ = False
W016 AUTOCOMMIT = False
E020 a schema for each tenant
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import router

from django_chat_sessions.checks.tables import ID, models_in_use


# Not tagged as database checks: those run on request only, and these ask no database.
@register(Tags.compatibility)
def check_databases(**kwargs: Any) -> list[CheckMessage]:
    """Settings under which two people at once meet an error that one person never sees."""
    found: list[CheckMessage] = []
    # Others may be set as they like: what the chat does is no part of their transactions.
    aliases = {router.db_for_write(model) for model in models_in_use() or ()}
    for alias in sorted(aliases & settings.DATABASES.keys()):
        found.extend(_of_a_database(alias, settings.DATABASES[alias]))
    if not settings.USE_TZ:
        found.append(
            CheckWarning(
                "USE_TZ is False: in the hour that the end of daylight saving repeats, a session "
                "may expire up to an hour early or late.",
                hint="Set USE_TZ = True.",
                id=f"{ID}.W003",
            )
        )
    return found


@register(Tags.compatibility)
def check_tenants(**kwargs: Any) -> list[CheckMessage]:
    """django-tenants chooses a schema for the thread of a request; ours have none of their own."""
    pair, theirs = models_in_use(), {*getattr(settings, "TENANT_APPS", ())}
    if pair is None or not theirs:
        return []
    app = apps.get_app_config(pair[0]._meta.app_label)
    # As Django takes an entry of INSTALLED_APPS.
    if theirs.isdisjoint({app.name, f"{type(app).__module__}.{type(app).__qualname__}"}):
        return []
    return [
        Error(
            f"{pair[0]._meta.label} is in TENANT_APPS, and no tenant is known in the threads that "
            "write answers and read for streams: nothing is answered there, and readers of a "
            "stream could be shown the chats of the shared schema.",
            hint="Put that app and the user model into SHARED_APPS alone. Or serve by WSGI, let "
            "workers that know the tenant or a view of yours answer, and silence this check.",
            id=f"{ID}.E020",
        )
    ]


def _of_a_database(alias: str, options: dict[str, Any]) -> Iterator[CheckMessage]:
    mode = options.get("OPTIONS", {}).get("transaction_mode")
    is_sqlite = options.get("ENGINE", "").endswith("sqlite3")
    if is_sqlite and str(mode).upper() != "IMMEDIATE":  # as Django takes it
        yield CheckWarning(
            f"Database {alias!r}: two writers on SQLite meet 'database is locked'.",
            hint='Set OPTIONS = {"transaction_mode": "IMMEDIATE", "timeout": 20}.',
            id=f"{ID}.W001",
        )
    if options.get("ATOMIC_REQUESTS"):
        yield CheckWarning(
            f"Database {alias!r}: with ATOMIC_REQUESTS a view of yours holds its "
            "transaction while an answer is computed, and a lost race cannot be repaired.",
            hint="Decorate the views that talk to the chat with "
            "transaction.non_atomic_requests; the package's own views are.",
            id=f"{ID}.W002",
        )
    if not options.get("AUTOCOMMIT", True):
        yield CheckWarning(
            f"Database {alias!r}: with AUTOCOMMIT off every write of the chat's raises "
            "TransactionManagementError.",
            hint="Take AUTOCOMMIT = False away: each change is a transaction of its own.",
            id=f"{ID}.W016",
        )
