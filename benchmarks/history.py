"""What the history, and the admin, cost with an owner of 10,000 sessions and 1,000,000 messages.

    python -m benchmarks.history [sessions] [messages]

The database is chosen by CHAT_SESSIONS_TEST_DB (sqlite, postgres or mariadb) and thrown away
afterwards. Printed are the statements of each verb and the milliseconds that the middle one of
nine calls took.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.urls import reverse

from benchmarks.trial_site import trial_site
from django_chat_sessions.owners import Owner

CALLS = 9
_ADMIN = "admin:chat_sessions_chatsession_{}"


def main(sessions: int, messages: int) -> None:
    """Fill a database and print the figures."""
    with trial_site():
        print(f"{connection.vendor}: {sessions:,} sessions, {sessions * messages:,} messages")
        for what, verb in _verbs(sessions, messages).items():
            print(f"{what:42} {_statements(verb)} statements {_milliseconds(verb):9.1f} ms")


def _verbs(sessions: int, messages: int) -> dict[str, Callable[[], Any]]:
    from benchmarks.filling import fill
    from django_chat_sessions import services

    began = time.perf_counter()
    owner = fill(sessions, messages)
    print(f"filled in {time.perf_counter() - began:.0f} s")
    place = None
    for _ in range(int(sessions * 0.8) // 100):
        _rows, place = services.history_page(owner, limit=100, after=place)
    [latest] = services.recent_sessions(owner, 1)
    page, listed = _admin(owner), reverse(_ADMIN.format("changelist"))
    return {
        "the last 30": lambda: services.recent_sessions(owner),
        "a page of 30 after nine tenths of the list": lambda: services.history_page(
            owner, limit=30, after=place
        ),
        "the first archived 30": lambda: services.history_page(owner, limit=30, archived=True),
        "one transcript page": lambda: services.transcript(latest),
        "updates": lambda: services.updates(owner),
        "search: a word in every message": lambda: services.search(owner, "water"),
        "search: a word in one of the latest": lambda: services.search(owner, "conversation 77"),
        "search: a word nobody said": lambda: services.search(owner, "volcano"),
        "admin: the list": lambda: page(listed),
        "admin: a search for the owner": lambda: page(f"{listed}?q=busy"),
        "admin: one session, with what was said": lambda: page(
            reverse(_ADMIN.format("change"), args=[latest.pk])
        ),
        "admin: the statistics of 30 days": lambda: page(reverse(_ADMIN.format("statistics"))),
    }


def _admin(owner: Owner) -> Callable[[str], None]:
    """Return what fetches a page as staff that may see everything."""
    staff = get_user_model()._default_manager.get(pk=owner.user_id)
    staff.is_staff = staff.is_superuser = True
    staff.save()
    client = Client()
    client.force_login(staff)

    def page(address: str) -> None:
        response = client.get(address)
        assert response.status_code == 200, address

    return page


def _statements(verb: Callable[[], Any]) -> int:
    seen: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")):
            seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        verb()
    return len(seen)


def _milliseconds(verb: Callable[[], Any]) -> float:
    took = []
    for _ in range(CALLS):
        began = time.perf_counter()
        verb()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description=__doc__)
    parser.add_argument("sessions", type=int, nargs="?", default=10_000)
    parser.add_argument("messages", type=int, nargs="?", default=100, help="messages of each")
    options = parser.parse_args()
    if min(options.sessions, options.messages) < 1:
        parser.error("sessions and messages must be 1 or more")
    main(options.sessions, options.messages)
