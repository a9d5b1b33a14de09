"""How the old code of each shape wrote its rows, and how it reads them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from django.utils import timezone

LONG = "Why " + "is the sky blue and " * 60 + "the grass green?"
BEGAN = datetime(2024, 3, 1, 9, 0, tzinfo=UTC)
SECRETS = ("k3v8q1z7m5x2c9b4n6a0s8d1", "8f14e45f-ceea-467f-a83c-1d2e3f4a5b6c", "1234")
# Whose it is (0 and 1 know a secret, the secret of 2 could be guessed), and what was said.
STORIES: list[tuple[int, list[tuple[str, str]]]] = [
    (0, [("user", "What is light?"), ("bot", "A wave."), ("user", "And?"), ("bot", "A ray.")]),
    (0, [("user", LONG)]),
    (1, [("user", "Zwei\n\nZeilen 🙂"), ("bot", "Ja.")]),
    (2, [("user", "Who am I?"), ("bot", "Somebody.")]),
]


@dataclass(frozen=True)
class Shape:
    """One kind of site: the names of its old tables, and its old code."""

    letter: str
    session: str
    message: str
    owner: str  # "user", "visitor", or "" for nobody
    text: str  # the old table's column with what a person said
    begin: Callable[[Any, Any, str], Any]
    say: Callable[[Any, Any, str, str], Any]
    read: Callable[[Any], tuple[bool, str]]
    title: str = ""  # what the old code called every conversation

    @property
    def app(self) -> str:
        """The label of its app."""
        return f"shape_{self.letter}"

    def tell(self, apps: Any, people: list[Any]) -> None:
        """Let the old code write every story; the first two messages in the same second."""
        # A random key cannot say which of the two came first.
        together = 0 if self.letter == "j" else 1
        for number, (whose, said) in enumerate(STORIES):
            began = BEGAN + timedelta(days=number)
            with time_machine.travel(began, tick=False) as clock:
                session = self.begin(apps, people[whose], SECRETS[whose])
                for place, (speaker, text) in enumerate(said):
                    clock.move_to(began + timedelta(seconds=40 * max(0, place - together)))
                    self.say(apps, session, speaker, text)


def _people(apps: Any, app: str) -> Callable[..., Any]:
    def begin(models: Any, person: Any, secret: str) -> Any:
        return models.get_model(app, apps).objects.create(user_id=person.pk)

    return begin


def _flagged(app: str, model: str, key: str, text: str) -> Callable[..., Any]:
    def say(models: Any, session: Any, speaker: str, words: str) -> Any:
        values = {key: session, text: words, "is_user": speaker == "user"}
        return models.get_model(app, model).objects.create(**values)

    return say


def _worded(
    app: str, model: str, columns: tuple[str, str, str], names: dict[str, str] | None = None
) -> Callable[..., Any]:
    def say(models: Any, session: Any, speaker: str, words: str) -> Any:
        key, text, who = columns
        values = {key: session, text: words, who: (names or {}).get(speaker, speaker)}
        return models.get_model(app, model).objects.create(**values)

    return say


def _begin_a(models: Any, person: Any, secret: str) -> Any:
    return models.get_model("shape_a", "Conversation").objects.create(title="A talk")


def _begin_b(models: Any, person: Any, secret: str) -> Any:
    return models.get_model("shape_b", "ChatSession").objects.create(user=person.username)


def _say_b(models: Any, session: Any, speaker: str, words: str) -> Any:
    sender = session.user if speaker == "user" else "bot"
    messages = models.get_model("shape_b", "Message").objects
    return messages.create(session=session, message=words, sender=sender)


def _begin_d(models: Any, person: Any, secret: str) -> Any:
    sessions = models.get_model("shape_d", "ChatSession").objects
    # Each browser had one session for ever; its second conversation has another id.
    taken = sessions.filter(session_id=secret).exists()
    return sessions.create(session_id=f"{secret}-second" if taken else secret)


def _begin_e(models: Any, person: Any, secret: str) -> Any:
    return models.get_model("shape_e", "ChatSession").objects.create(user_id_id=person.pk)


def _say_e(models: Any, session: Any, speaker: str, words: str) -> Any:
    messages = models.get_model("shape_e", "ChatMessage").objects
    if speaker == "user":
        return messages.create(session_id=session, user_message=words)
    question = messages.filter(session_id=session).order_by("-pk")[0]
    question.chatbot_message = words
    return question.save()


def _begin_f(models: Any, person: Any, secret: str) -> Any:
    people = models.get_model("people", "Person").objects
    bot, _made = people.get_or_create(username="bot")
    session = models.get_model("shape_f", "ChatSession").objects.create()
    session.users.add(person.pk, bot)
    return session


def _say_f(models: Any, session: Any, speaker: str, words: str) -> Any:
    bots = session.users.filter(username="bot")
    [sender] = bots if speaker == "bot" else session.users.exclude(username="bot")
    messages = models.get_model("shape_f", "ChatMessage").objects
    return messages.create(session=session, sender=sender, message=words)


def _begin_g(models: Any, person: Any, secret: str) -> Any:
    return secret


def _begin_h(models: Any, person: Any, secret: str) -> Any:
    sessions = models.get_model("shape_h", "ChatSession").objects
    taken = sessions.filter(session_key=secret).exists()
    key = f"{secret}2" if taken else secret
    return sessions.create(session_key=key, ip_address="192.0.2.1", user_agent="curl")


def _begin_k(models: Any, person: Any, secret: str) -> Any:
    sessions = models.get_model("shape_k", "ChatSession").objects
    return sessions.create(user_id=person.pk, topic="A talk", created_at=timezone.now())


def _say_k(models: Any, session: Any, speaker: str, words: str) -> Any:
    messages = models.get_model("shape_k", "ChatMessage").objects
    now = timezone.now()
    return messages.create(session=session, text=words, sender=speaker, sent_at=now)


def _say_j(models: Any, session: Any, speaker: str, words: str) -> Any:
    role = "user" if speaker == "user" else "assistant"
    messages = models.get_model("shape_j", "Message").objects
    return messages.create(chat=session, role=role, content={"text": words})


LOUD = {"user": "USER", "bot": "ASSISTANT"}
NEW = {"bot": "assistant"}
SHAPES = [
    Shape(
        "a",
        "Conversation",
        "Message",
        "",
        "content",
        _begin_a,
        _worded("shape_a", "Message", ("conversation", "content", "role"), NEW),
        lambda row: (row.role == "user", row.content),
        title="A talk",
    ),
    Shape(
        "b",
        "ChatSession",
        "Message",
        "user",
        "message",
        _begin_b,
        _say_b,
        lambda row: (row.sender != "bot", row.message),
    ),
    Shape(
        "c",
        "ChatSession",
        "ChatMessage",
        "user",
        "content",
        _people("ChatSession", "shape_c"),
        _flagged("shape_c", "ChatMessage", "session", "content"),
        lambda row: (row.is_user, row.content),
    ),
    Shape(
        "d",
        "ChatSession",
        "Message",
        "visitor",
        "message_text",
        _begin_d,
        _flagged("shape_d", "Message", "chat_session", "message_text"),
        lambda row: (row.is_user, row.message_text),
    ),
    Shape(
        "e",
        "ChatSession",
        "ChatMessage",
        "user",
        "user_message",
        _begin_e,
        _say_e,
        lambda row: (bool(row.user_message), row.user_message or row.content),
    ),
    Shape(
        "f",
        "ChatSession",
        "ChatMessage",
        "user",
        "message",
        _begin_f,
        _say_f,
        lambda row: (row.sender.username != "bot", row.message),
    ),
    Shape(
        "g",
        "ChatSession",
        "ChatMessage",
        "visitor",
        "message",
        _begin_g,
        _worded("shape_g", "ChatMessage", ("session_id", "message", "sender")),
        lambda row: (row.sender == "user", row.message),
    ),
    Shape(
        "h",
        "ChatSession",
        "ChatMessage",
        "visitor",
        "content",
        _begin_h,
        _worded("shape_h", "ChatMessage", ("session", "content", "role")),
        lambda row: (row.role == "user", row.content),
    ),
    Shape(
        "i",
        "ChatSession",
        "ChatMessage",
        "user",
        "message",
        _people("ChatSession", "shape_i"),
        _worded("shape_i", "ChatMessage", ("session", "message", "type"), LOUD),
        lambda row: (row.type == "USER", row.message),
    ),
    Shape(
        "j",
        "Chat",
        "Message",
        "user",
        "content",
        _people("Chat", "shape_j"),
        _say_j,
        lambda row: (row.role == "user", row.body["text"]),
    ),
    Shape(
        "k",
        "ChatSession",
        "ChatMessage",
        "user",
        "text",
        _begin_k,
        _say_k,
        lambda row: (row.sender == "user", row.text),
        title="A talk",
    ),
]
