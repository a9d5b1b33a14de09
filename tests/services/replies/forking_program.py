"""A program that forks while its pool is full, and lets its child ask a question of its own."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

child_is_done = threading.Event()


def by_the_parent(turn: Any) -> str:
    """Answer when the child has ended."""
    child_is_done.wait(30)
    return "By the parent."


def by_the_child(turn: Any) -> str:
    """Say how many leases this process keeps."""
    from django_chat_sessions.services.replies.leases import lease_keeper

    return f"By the child, which keeps {len(lease_keeper._held)}."


def main() -> None:
    """Ask, fork, ask."""
    import django
    from django.conf import settings

    settings.CHAT_SESSIONS |= {
        "RESPONDER": by_the_parent,
        "RUNNER": "tests.services.replies.test_runners.OneByOne",
    }
    django.setup()
    from django.db import connections

    reply = asked("Who is first?")
    until(reply, "running")
    connections.close_all()  # or the child would have the parent's
    child = os.fork()
    if child == 0:
        settings.CHAT_SESSIONS["RESPONDER"] = by_the_child
        until(asked("And who is second?"), "answered")
        os._exit(0)
    os.waitpid(child, 0)
    child_is_done.set()


def asked(question: str) -> Any:
    """Send a question; return its reply."""
    from django_chat_sessions import services as chat_sessions
    from django_chat_sessions.owners import Owner

    return chat_sessions.send(Owner.for_visitor(question), question, key="the key of it").reply


def until(reply: Any, state: str) -> None:
    """Wait until the reply is in this state, ten seconds at most."""
    for _ in range(1000):
        reply.refresh_from_db()
        if reply.state == state:
            return
        time.sleep(0.01)


if __name__ == "__main__":
    main()
