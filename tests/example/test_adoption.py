"""XP's old chat is adopted with every row, key and date, and can be given back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from django_chat_sessions import get_session_model, services
from django_chat_sessions.owners import Owner

pytestmark = pytest.mark.django_db(transaction=True)
OLD = "0002_old_conversations"
ADOPTED = "0006_constraints"
BEGAN = datetime(2024, 3, 1, 9, 0, tzinfo=UTC)
LONG = "Why " + "is the sky blue and " * 60 + "the grass green?"

Migrate = Callable[[str], Any]


@pytest.fixture
def migrate() -> Iterator[Migrate]:
    """Go to a migration of XP's app, and get the models as they are there."""

    def to(name: str) -> Any:
        executor = MigrationExecutor(connection)
        executor.migrate([("subjects", name)])
        return MigrationExecutor(connection).loader.project_state([("subjects", name)]).apps

    to(OLD)
    yield to
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


@pytest.fixture
def old(migrate: Migrate) -> dict[str, Any]:
    """Old rows of every kind that real tables hold; their keys by name."""
    models = migrate(OLD)
    models.get_model("subjects", "ChatSession").objects.all().delete()
    subjects = models.get_model("subjects", "Subject").objects
    subject = subjects.create(name="Optics", slug="optics")
    user = models.get_model("auth", "User").objects.create(username="ada")
    said = {
        "usual": [
            ("student", "What is light?"),
            ("bot", "A wave."),
            ("student", "And?"),
            ("bot", "A ray."),
        ],
        "unanswered": [("student", LONG)],
        "bot first": [("bot", "Welcome!"), ("student", "Zwei\n\nZeilen 🙂")],
        "empty": [],
    }
    keys = {"subject": subject.pk, "user": user.pk}
    for name, messages in said.items():
        session = models.get_model("subjects", "ChatSession").objects.create(
            user=user, subject=subject
        )
        keys[name] = session.pk
        begin(models, session, messages)
    return keys


def begin(models: Any, session: Any, messages: list[tuple[str, str]]) -> None:
    """Write what was said; the first two messages in the same second."""
    type(session).objects.filter(pk=session.pk).update(created_at=BEGAN)
    rows = models.get_model("subjects", "ChatMessage").objects
    for number, (sender, text) in enumerate(messages):
        row = rows.create(chat_session=session, sender=sender, text=text)
        rows.filter(pk=row.pk).update(sent_at=BEGAN + timedelta(seconds=max(0, number - 1)))


def old_rows(models: Any) -> Any:
    """Everything in the old tables."""
    sessions = models.get_model("subjects", "ChatSession").objects.order_by("pk")
    messages = models.get_model("subjects", "ChatMessage").objects.order_by("pk")
    return (
        list(sessions.values_list("pk", "user_id", "subject_id", "created_at")),
        list(messages.values_list("pk", "chat_session_id", "sender", "text", "sent_at")),
    )


def session_of(key: Any) -> Any:
    return get_session_model().objects.get(pk=key)


def test_an_old_conversation_becomes_a_session(migrate: Migrate, old: dict[str, Any]) -> None:
    migrate(ADOPTED)
    session = session_of(old["usual"])
    last = BEGAN + timedelta(seconds=2)
    assert (session.scope, session.user_id) == (f"subject:{old['subject']}", old["user"])
    assert (session.title, session.preview) == ("What is light?", "A ray.")
    assert session.message_count == 4
    assert (session.started_at, session.opened_at, session.created) == (BEGAN, BEGAN, BEGAN)
    assert (session.last_message_at, session.last_activity_at) == (last, last)
    assert (session.ended_at, session.end_reason) == (last + timedelta(minutes=5), "idle")
    assert session.open_key is None
    rows = session.messages.in_order()
    assert [(row.position, row.role, row.state) for row in rows] == [
        (0, "user", ""),
        (1, "assistant", "answered"),
        (2, "user", ""),
        (3, "assistant", "answered"),
    ]
    assert [row.content for row in rows] == ["What is light?", "A wave.", "And?", "A ray."]


def test_code_that_uses_the_old_names_goes_on_working(
    migrate: Migrate, old: dict[str, Any]
) -> None:
    migrate(ADOPTED)
    session = session_of(old["usual"])
    question, answer, *_ = session.chat_messages.in_order()
    assert (question.sender, answer.sender) == ("student", "bot")
    assert (question.text, question.sent_at) == ("What is light?", BEGAN)
    assert question.chat_session == session
    assert session.created_at == BEGAN
    assert session.user.chat_sessions.count() == 4


def test_old_rows_that_are_not_as_they_should_be(migrate: Migrate, old: dict[str, Any]) -> None:
    migrate(ADOPTED)
    unanswered, empty = session_of(old["unanswered"]), session_of(old["empty"])
    assert len(unanswered.title) == 80
    assert len(unanswered.preview) == 140
    assert LONG.startswith(unanswered.title.removesuffix("…"))
    assert (empty.title, empty.preview, empty.message_count) == ("", "", 0)
    assert empty.last_message_at == BEGAN
    greeted = session_of(old["bot first"])
    assert (greeted.title, greeted.preview) == ("Zwei Zeilen 🙂", "Zwei Zeilen 🙂")


def test_an_adopted_conversation_is_in_the_history_and_can_be_continued(
    migrate: Migrate, old: dict[str, Any], settings: Any
) -> None:
    migrate(ADOPTED)
    settings.CHAT_SESSIONS = {**settings.CHAT_SESSIONS, "RESPONDER": None}
    owner = Owner(user_id=old["user"])
    scope = f"subject:{old['subject']}"
    listed = services.recent_sessions(owner, scope=scope)
    assert [row.pk for row in listed] == [old["usual"], old["bot first"], old["unanswered"]]
    assert services.current(owner, scope) is None
    arrival = services.reopen(listed[0])
    assert (arrival.status, arrival.opened.pk) == ("reopened", old["usual"])
    sent = services.send(owner, "Go on.", key="one", scope=scope)
    assert (sent.session.pk, sent.message.position) == (old["usual"], 4)


def test_a_new_session_knows_its_subject(migrate: Migrate, old: dict[str, Any]) -> None:
    migrate(ADOPTED)
    owner = Owner.for_visitor("somebody")
    session: Any = services.start(owner, f"subject:{old['subject']}").opened
    assert session_of(session.pk).subject_id == old["subject"]
    for scope in ("subject:4711", "subject:x", f"subject:{10**30}", "other", ""):
        assert session_of(services.start(owner, scope).opened.pk).subject_id is None


def test_the_way_back_gives_the_old_tables(migrate: Migrate, old: dict[str, Any]) -> None:
    before = old_rows(migrate(OLD))
    migrate(ADOPTED)
    assert old_rows(migrate(OLD)) == before
    migrate(ADOPTED)
    assert session_of(old["usual"]).message_count == 4


def test_what_was_said_since_goes_back_too(
    migrate: Migrate, old: dict[str, Any], settings: Any
) -> None:
    migrate(ADOPTED)
    settings.CHAT_SESSIONS = {**settings.CHAT_SESSIONS, "RESPONDER": None}
    owner = Owner(user_id=old["user"])
    scope = f"subject:{old['subject']}"
    kept = services.start(owner, scope).opened
    services.add_message(kept, "user", "New?")
    services.add_message(kept, "assistant", "Yes.")
    services.add_message(kept, "assistant", "")
    services.delete(session_of(old["unanswered"]))
    sessions, messages = old_rows(migrate(OLD))
    assert kept.pk in [row[0] for row in sessions]
    assert old["unanswered"] not in [row[0] for row in sessions]
    new = [row[2:4] for row in messages if row[1] == kept.pk]
    assert new == [("student", "New?"), ("bot", "Yes.")]


def test_the_way_back_refuses_to_lose_a_visitors_conversation(
    migrate: Migrate, old: dict[str, Any]
) -> None:
    migrate(ADOPTED)
    services.start(Owner.for_visitor("somebody"), f"subject:{old['subject']}")
    with pytest.raises(RuntimeError, match=r"^1 conversations have no user"):
        migrate(OLD)
    get_session_model().objects.filter(user=None).delete()


def test_an_interrupted_adoption_goes_on_where_it_stopped(
    migrate: Migrate, old: dict[str, Any]
) -> None:
    migrate("0005_adopt")
    models = migrate("0005_adopt")
    sessions = models.get_model("subjects", "ChatSession").objects
    sessions.filter(pk=old["usual"]).update(title="Mine")
    sessions.exclude(pk=old["usual"]).update(last_activity_at=None, title="")
    executor = MigrationExecutor(connection)
    executor.recorder.record_unapplied("subjects", "0005_adopt")
    migrate(ADOPTED)
    assert session_of(old["usual"]).title == "Mine"
    assert session_of(old["bot first"]).title == "Zwei Zeilen 🙂"


def test_the_models_are_what_the_migrations_make() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
