"""A program that asks questions and ends of its own accord before any of them is answered."""

from __future__ import annotations

import threading
from typing import Any

QUESTIONS = 3


def answer(turn: Any) -> str:
    """Answer when the program has nothing else to do any more."""
    threading.main_thread().join()
    return f"Answer to {turn.question}"


def main() -> None:
    """Ask more than the pool has threads, and end."""
    import django
    from django.conf import settings

    settings.CHAT_SESSIONS |= {
        "RESPONDER": "tests.services.replies.ending_program.answer",
        "RUNNER": "tests.services.replies.test_runners.OneByOne",
    }
    django.setup()
    from django_chat_sessions import services as chat_sessions
    from django_chat_sessions.owners import Owner

    for number in range(QUESTIONS):
        owner = Owner.for_visitor(f"visitor {number}")
        chat_sessions.send(owner, f"Question {number}", key="the key of it")


if __name__ == "__main__":
    main()
