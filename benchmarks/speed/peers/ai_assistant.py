"""django-ai-assistant: threads of users and their messages, by the functions in its helpers.

It has no timeout and no limits. A host's lines around it: the thread that was updated last is the
open one, an activity is an update of its name, and a message is followed by one of its moment.
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, message_to_dict

from benchmarks.speed.package import people
from benchmarks.speed.rows import message_rows, session_rows
from benchmarks.speed.subject import (
    ANSWER,
    LISTED,
    PAGE,
    QUESTION,
    STEP,
    TIMEOUT,
    Clock,
    Place,
    Sizes,
)
from benchmarks.speed.with_django import analyse, insert, set_up


class AiAssistant:
    """Its tables, filled."""

    def __init__(self, place: Place) -> None:
        set_up(place, ["django_ai_assistant"])
        self.clock = Clock()
        self.open_sessions: dict[int, int] = {}

    def fill(self, sizes: Sizes) -> None:
        from django.core.management.color import no_style
        from django.db import connection
        from django_ai_assistant.models import Message, Thread

        people(sizes, self.clock.start)
        threads = []
        for row in session_rows(sizes, self.clock.start):
            if row.is_open:
                self.open_sessions[row.owner] = row.number
            threads.append((row.number, QUESTION[:80], row.owner, "", row.moment, row.moment))
        names = ("id", "name", "created_by", "assistant_id", "created_at", "updated_at")
        insert(Thread, names, threads)
        said = (
            (number, row.session, _stored(row.role, row.content), row.moment)
            for number, row in enumerate(message_rows(sizes, self.clock.start), 1)
        )
        insert(Message, ("id", "thread", "message", "created_at"), said)
        with connection.cursor() as cursor:
            for reset in connection.ops.sequence_reset_sql(no_style(), [Thread, Message]):
                cursor.execute(reset)
        analyse()

    def client(self) -> AiAssistantClient:
        return AiAssistantClient(self)


def _stored(role: str, content: str) -> Any:
    kind: Any = HumanMessage if role == "user" else AIMessage
    return message_to_dict(kind(content))


class AiAssistantClient:
    """A logged-in user of each owner, as a request has it."""

    def __init__(self, subject: AiAssistant) -> None:
        from django.contrib.auth.models import User
        from django.db import connection
        from django_ai_assistant.helpers import use_cases
        from django_ai_assistant.helpers.django_messages import save_django_messages
        from django_ai_assistant.models import Thread

        self.clock, self.open_sessions = subject.clock, subject.open_sessions
        self.user, self.threads, self.helpers = User, Thread.objects, use_cases
        self.save, self.close = save_django_messages, connection.close

    def _latest(self, owner: int) -> tuple[Any, Any]:
        user = self.user(pk=owner)
        threads = self.helpers.get_threads(user)
        return user, max(threads, key=lambda thread: thread.updated_at)

    def resume(self, owner: int) -> None:
        self.clock.later(owner, STEP)
        user, thread = self._latest(owner)
        assert thread.updated_at  # it has no timeout to compare that with, and writes its own time
        self.helpers.update_thread(thread, thread.name, user)

    def first_message(self, owner: int) -> None:
        self.clock.later(owner, TIMEOUT + 1)
        user, _thread = self._latest(owner)
        self.save([HumanMessage(QUESTION)], self.helpers.create_thread(QUESTION[:80], user))

    def append(self, owner: int) -> None:
        now = self.clock.later(owner, STEP)
        thread = self.threads.get(pk=self.open_sessions[owner])
        self.save([HumanMessage(QUESTION), AIMessage(ANSWER)], thread)
        self.threads.filter(pk=thread.pk).update(updated_at=now)

    def recent(self, owner: int) -> int:
        threads = self.helpers.get_threads(self.user(pk=owner))
        threads.sort(key=lambda thread: thread.updated_at)
        # A preview and a count can be told by the messages only.
        return len([thread.get_messages() for thread in threads[-LISTED:]])

    def page(self, owner: int) -> int:
        user, thread = self.user(pk=owner), self.threads.get(pk=self.open_sessions[owner])
        return len(self.helpers.get_thread_messages(thread, user)[-PAGE:])
