"""Deletion for good: few statements, and nothing that a host hung on sessions is passed over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.db.models import ProtectedError, RestrictedError, signals

from django_chat_sessions import get_message_model, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.exceptions import SessionsHeld
from django_chat_sessions.owners import Owner
from django_chat_sessions.services import deletion, races, staff
from django_chat_sessions.services.keys import Keys
from tests.conversations import (
    fill_history,
    in_sizes,
    messages_of,
    somebody_else,
    stored,
    talked,
)

pytestmark = pytest.mark.django_db


def followed(owner: Owner) -> tuple[Any, Any]:
    """Return an ended session and the open one that followed it."""
    before = chat_sessions.end(talked(owner))
    after = talked(owner)
    assert after.previous_id == before.pk
    return before, after


def is_gone(before: Any, after: Any) -> bool:
    """Whether only the first of two is gone, and the other one has forgotten it."""
    assert messages_of(after).count() == 1
    assert stored(after).previous_id is None
    return not (
        messages_of(before).exists() or get_session_model().objects.filter(pk=before.pk).exists()
    )


@in_sizes(others=(0, 250))
def test_3_statements_however_many_sessions(owner: Owner, statements: Any, others: int) -> None:
    before, after = followed(owner)
    kept_before, kept = followed(somebody_else())
    fill_history(somebody_else(), others, scope="another")
    more = get_session_model().objects.filter(scope="another").values_list("pk", flat=True)
    keys = Keys([before.pk, *more])
    with statements() as sent:
        deletion.delete_for_good(keys)
    assert len(sent) == 3
    assert is_gone(before, after)
    assert stored(kept).previous_id == kept_before.pk
    assert get_session_model().objects.count() == 3


def test_sessions_that_follow_each_other_go_together(owner: Owner) -> None:
    before, after = followed(owner)
    deletion.delete_for_good(Keys([before.pk, after.pk]))
    assert not get_session_model().objects.exists()
    assert not get_message_model()._default_manager.exists()


def test_those_that_go_together_are_not_written_first(owner: Owner) -> None:
    before, after = followed(owner)
    chat_sessions.end(after)
    last = talked(owner)
    written: list[int] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith("UPDATE"):
            written.append(context["cursor"].rowcount)
        return result

    with connection.execute_wrapper(note):
        deletion.delete_for_good(Keys([before.pk, after.pk]))
    # InnoDB asks of each row by itself whether another one refers to it.
    assert written == [1 if connection.features.can_defer_constraint_checks else 2]
    assert stored(last).previous_id is None


@pytest.mark.parametrize("signal", [signals.pre_delete, signals.post_delete])
def test_a_hosts_receiver_hears_of_each_session(owner: Owner, signal: Any) -> None:
    before, after = followed(owner)
    told: list[Any] = []

    def hear(instance: Any, **facts: Any) -> None:
        told.append((instance.title, facts["origin"].model))

    signal.connect(hear, sender=get_session_model())
    try:
        deletion.delete_for_good(Keys([before.pk]))
    finally:
        signal.disconnect(hear, sender=get_session_model())
    assert told == [(before.title, get_session_model())]
    assert is_gone(before, after)


def test_a_hosts_receiver_hears_of_each_message(owner: Owner) -> None:
    before, after = followed(owner)
    told: list[Any] = []

    def hear(instance: Any, **facts: Any) -> None:
        told.append(instance.content)

    signals.post_delete.connect(hear, sender=get_message_model())
    try:
        deletion.delete_for_good(Keys([before.pk]))
    finally:
        signals.post_delete.disconnect(hear, sender=get_message_model())
    assert told == ["Hello"]
    assert is_gone(before, after)


@pytest.mark.parametrize("refusal", [ProtectedError, RestrictedError])
def test_what_a_hosts_row_protects_stays_and_everything_else_goes(
    owner: Owner, protects: Any, refusal: type[Exception], noon: Any
) -> None:
    ended = [chat_sessions.end(talked(owner, scope=f"s{number}")) for number in range(7)]
    protects(ended[2], ended[5], refusal=refusal)
    noon.shift(1)
    told: list[int] = []
    with pytest.raises(
        ProtectedError, match=r"^2 sessions stay, .*'Rating\.session'\. Del"
    ) as held:
        chat_sessions.purge(older_than_days=0, batch_size=4, progress=told.append)
    assert held.value.done == told[-1] == 5  # type: ignore[attr-defined]
    assert told == [3, 5]
    assert set(get_session_model().objects.all()) == {ended[2], ended[5]}
    assert all(messages_of(ended[number]).exists() for number in (2, 5))


def test_an_owner_whose_session_is_protected_loses_the_others_and_hears_of_it(
    owner: Owner, protects: Any
) -> None:
    sessions = [talked(owner, scope=f"s{number}") for number in range(3)]
    protects(sessions[1])
    with pytest.raises(ProtectedError, match=r"^1 sessions stay") as held:
        chat_sessions.erase(owner)
    assert held.value.done == chat_sessions.Erased(2, 2, 0)  # type: ignore[attr-defined]
    assert list(get_session_model().objects.all()) == [sessions[1]]
    assert stored(sessions[1]).open_key is not None  # as it was, and not half deleted


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "verb", [chat_sessions.erase, lambda owner: chat_sessions.purge(older_than_days=0)]
)
def test_a_foreign_key_that_django_does_not_know_keeps_its_session_only(
    owner: Owner, verb: Any, noon: Any
) -> None:
    ended = [chat_sessions.end(talked(owner, scope=f"s{number}")) for number in range(5)]
    noon.shift(60)
    with reports_of(ended[2]), pytest.raises(SessionsHeld) as refused:
        verb(owner)
    assert str(refused.value).startswith("1 sessions stay, all others are gone. The database says")
    assert "foreign key" in str(refused.value).lower()
    assert "\n" not in str(refused.value)
    assert list(get_session_model().objects.all()) == [ended[2]]
    assert messages_of(ended[2]).exists()


@contextmanager
def reports_of(session: Any) -> Iterator[None]:
    """A table that some other program of the host's has made."""
    key, quoted = session._meta.pk, connection.ops.quote_name
    table = quoted(session._meta.db_table)
    kind = key.rel_db_type(connection)
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE reports (of_session {kind}, "
            f"FOREIGN KEY (of_session) REFERENCES {table} ({quoted(key.column)}))"
        )
        value = key.get_db_prep_value(session.pk, connection)
        cursor.execute("INSERT INTO reports VALUES (%s)", [value])
        try:
            yield
        finally:
            cursor.execute("DROP TABLE reports")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("clear_chat_sessions --older-than=0", "1 purged."),
        ("erase_chat_sessions", "1 sessions and 1 messages erased"),
    ],
)
def test_the_commands_say_what_stays_in_a_sentence_and_fail(
    owner: Owner, noon: Any, protects: Any, command: str, said: str
) -> None:
    kept, _gone = (chat_sessions.end(talked(owner, scope=scope)) for scope in ("kept", "gone"))
    protects(kept)
    noon.shift(60)
    whose = f"--user-id={owner.user_id}" if owner.user_id else f"--visitor-key={owner.visitor_key}"
    words = [*command.split(), *([whose] if command.startswith("erase") else [])]
    printed = StringIO()
    with pytest.raises(CommandError, match=r"^1 sessions stay, all others are gone"):
        call_command(*words, stdout=printed)
    assert said in printed.getvalue()
    assert list(get_session_model().objects.all()) == [kept]


@pytest.mark.parametrize(
    "hung_on",
    [
        {"get_fields": [SimpleNamespace(auto_created=True, concrete=False, field="a rating's")]},
        {"private_fields": [SimpleNamespace(bulk_related_objects=None)]},
        {"parents": {"a model with a table of its own": None}},
    ],
)
def test_what_a_host_hangs_on_sessions_is_left_to_django(
    owner: Owner, monkeypatch: pytest.MonkeyPatch, statements: Any, hung_on: dict[str, Any]
) -> None:
    before, after = followed(owner)
    meta: Any = get_session_model()._meta
    facts = {"get_fields": [], "private_fields": meta.private_fields, "parents": meta.parents}
    facts |= hung_on
    fields = [*meta.get_fields(include_hidden=True), *facts.pop("get_fields")]
    # A foreign key with related_name="+" is among the hidden ones only.
    shown = lambda include_hidden=False: fields if include_hidden else []  # noqa: E731
    facts |= {"get_fields": shown, "get_field": meta.get_field}
    seen = type("Seen", (), {"_meta": SimpleNamespace(**facts)})
    monkeypatch.setattr(deletion, "get_session_model", lambda: seen)
    with statements() as sent:
        deletion.delete_for_good(Keys([before.pk]))
    assert len(sent) > 3
    assert is_gone(before, after)


def test_what_staff_chose_and_the_database_holds_is_given_up_at_once(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a foreign key that Django does not know: no other attempt could delete more."""

    def hold(*of: Any) -> None:
        raise IntegrityError("still referenced by a rating")

    monkeypatch.setattr(staff, "close", hold)
    monkeypatch.setattr(races, "pause", lambda attempt: pytest.fail("It tried again."))
    with pytest.raises(ProtectedError, match="The database says: still referenced by a rating"):
        chat_sessions.purge_chosen([talked(owner)])
