"""Import: what an export gave is there again, whole; what is anything else is refused, whole."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import models
from django.db.models.signals import post_save
from django.test.utils import isolate_apps

from django_chat_sessions import get_message_model, get_session_model, ids
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.exceptions import ChatSessionsError, InvalidDocument
from django_chat_sessions.models import AbstractChatSession
from django_chat_sessions.owners import Owner
from django_chat_sessions.services import documents, importing
from django_chat_sessions.services.excerpts import DEEPEST
from django_chat_sessions.services.importing import Imported
from tests.callers import rows as everything
from tests.conversations import leave_replies, somebody_else, stored, talked, waiting
from tests.services.test_erasure import a_full_account

pytestmark = pytest.mark.django_db
KEEPS_IDS = ids.new_primary_key(get_session_model()) is not None


def exported(owner: Owner) -> dict[str, Any]:
    document: dict[str, Any] = json.loads("".join(chat_sessions.export(owner)))
    return document


def nested(levels: int) -> dict[str, Any]:
    """Return objects in each other, so many levels of them."""
    return {"a": nested(levels - 1)} if levels > 1 else {}


def test_metadata_as_deep_as_every_database_stores_it_is_kept_and_no_deeper(owner: Owner) -> None:
    talked(owner)
    document = exported(owner)
    document["sessions"][0]["metadata"] = nested(DEEPEST)
    chat_sessions.import_sessions(owner, document)
    kept = [each["metadata"] for each in exported(owner)["sessions"]]
    assert nested(DEEPEST) in kept
    document["sessions"][0]["metadata"] = nested(DEEPEST + 1)
    with pytest.raises(InvalidDocument, match="metadata is wrong"):
        chat_sessions.import_sessions(owner, document)
    assert len(exported(owner)["sessions"]) == len(kept)


def comparable(document: dict[str, Any]) -> list[Any]:
    """Return what must be the same after the way there and back."""
    numbers = {each["id"]: number for number, each in enumerate(document["sessions"])}
    changing = {"exported_at", *(() if KEEPS_IDS else ("id",))}
    found: list[Any] = deepcopy(document["sessions"])
    for each in found:
        each["previous"] = numbers.get(each["previous"])
        for one in [each, *each["messages"]]:
            for name in changing & one.keys():
                del one[name]
    return found


def test_export_erase_import_gives_the_same_transcripts(owner: Owner, noon: Any) -> None:
    a_full_account(owner)
    chat_sessions.send(owner, "Why?\r\n=1+1", key="key-00000001", scope="d")
    followed = chat_sessions.start(owner, "d").opened
    chat_sessions.send(owner, "And?", key="key-00000002", scope="d")
    chat_sessions.rename(followed, "Followed")
    noon.shift(400)
    before = exported(owner)
    chat_sessions.erase(owner)
    counts = chat_sessions.import_sessions(owner, json.dumps(before))
    assert counts == Imported(
        len(before["sessions"]), sum(len(s["messages"]) for s in before["sessions"])
    )
    assert comparable(exported(owner)) == comparable(before)
    [again] = [row for row in chat_sessions.recent_sessions(owner) if row.title == "Followed"]
    assert again.previous is not None
    chat_sessions.reopen(again)
    chat_sessions.add_message(again, "system", "It goes on")
    assert chat_sessions.transcript(again).messages[-1].content == "It goes on"


def test_what_was_open_has_ended_and_what_was_being_written_is_interrupted(
    owner: Owner, settings: Any
) -> None:
    leave_replies(settings)
    waiting(owner)
    document = exported(owner)
    other = somebody_else()
    chat_sessions.import_sessions(other, document)
    [row] = chat_sessions.recent_sessions(other)
    assert (row.open_key, row.end_reason, row.ended_at) == (None, "idle", row.last_activity_at)
    assert [m.state for m in chat_sessions.transcript(row).messages] == ["", "interrupted"]
    assert chat_sessions.current(owner) is not None


def test_ids_that_are_taken_or_of_another_table_become_new_ones(owner: Owner) -> None:
    talked(owner)
    document = exported(owner)
    before = everything()
    other = somebody_else()
    assert chat_sessions.import_sessions(other, document) == Imported(1, 1)
    now = everything()
    assert all(row in now[name] for name, rows in before.items() for row in rows)
    in_capitals, of_no_version = "0192F0C4-7A10-7C3E-8F6A-2B1D9C5E0A01", str(UUID(int=0))
    for strange in ("4711", "x", in_capitals, of_no_version):
        document["sessions"][0]["id"] = strange
        chat_sessions.import_sessions(other, document)
    keys = {row.pk for row in chat_sessions.recent_sessions(other)}
    assert len(keys) == 5
    assert not keys & {UUID(in_capitals), UUID(of_no_version)}


def test_ids_are_looked_for_in_batches(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    for scope in "abc":
        talked(owner, scope, scope)
    document = exported(owner)
    for count in (6, 9):
        assert chat_sessions.import_sessions(owner, document) == Imported(3, 3)
        assert get_session_model().objects.count() == count


def test_ids_that_are_free_are_kept_where_the_table_does_not_number_its_rows(owner: Owner) -> None:
    session = talked(owner)
    document = exported(owner)
    chat_sessions.erase(owner)
    chat_sessions.import_sessions(owner, document)
    [again] = chat_sessions.recent_sessions(owner)
    assert again.title == session.title
    assert (again.pk == session.pk) is KEEPS_IDS


def test_times_that_an_adopted_row_lacks_are_made_up(owner: Owner) -> None:
    talked(owner)
    document = exported(owner)
    names = ("started_at", "opened_at", "last_activity_at", "last_message_at", "ended_at")
    for name in names:
        document["sessions"][0][name] = None
    document["sessions"][0]["messages"][0]["position"] = None
    chat_sessions.erase(owner)
    chat_sessions.import_sessions(owner, document)
    [row] = chat_sessions.recent_sessions(owner)
    assert None not in [getattr(row, name) for name in names]
    assert chat_sessions.history_page(owner, limit=1)[0] == [row]


def test_a_time_that_only_the_start_tells_is_that_of_the_start(owner: Owner, noon: Any) -> None:
    session = talked(owner)
    document = exported(owner)
    names = ("opened_at", "last_activity_at", "last_message_at", "ended_at")
    document["sessions"][0].update(dict.fromkeys(names))
    noon.shift(timedelta(days=1))
    other = somebody_else()
    chat_sessions.import_sessions(other, document)
    [row] = chat_sessions.recent_sessions(other)
    assert {getattr(row, name) for name in names} == {session.started_at}


def test_a_conversation_with_gaps_goes_on_after_its_last_message(owner: Owner) -> None:
    for text in ("One", "Two"):
        talked(owner, text)
    document = exported(owner)
    for message, position in zip(document["sessions"][0]["messages"], (3, 7), strict=True):
        message["position"] = position
    other = somebody_else()
    chat_sessions.import_sessions(other, document)
    [row] = chat_sessions.recent_sessions(other)
    chat_sessions.reopen(row)
    talked(other, "Three")
    said = chat_sessions.transcript(row).messages
    assert [message.content for message in said] == ["One", "Two", "Three"]


def test_messages_without_positions_keep_their_order(owner: Owner) -> None:
    """Adopted rows have none; what was said after them has."""
    for text in ("One", "Two", "Three"):
        talked(owner, text)
    document = exported(owner)
    for message in document["sessions"][0]["messages"][:2]:
        message["position"] = None
    other = somebody_else()
    chat_sessions.import_sessions(other, document)
    said = chat_sessions.transcript(chat_sessions.recent_sessions(other)[0]).messages
    assert [message.content for message in said] == ["One", "Two", "Three"]


def test_an_id_that_is_taken_while_it_is_stored_becomes_a_new_one(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = talked(owner)
    document = exported(owner)
    document["sessions"][0]["messages"] = []  # whose ids would be taken, too
    keep_free_ids, asked = importing._keep_free_ids, []

    def as_before_they_were_taken(table: Any, rows: Any, given: list[str]) -> None:
        asked.append(given)
        keep_free_ids(table.none() if len(asked) == 1 else table, rows, given)

    monkeypatch.setattr(importing, "_keep_free_ids", as_before_they_were_taken)
    other = somebody_else()
    assert chat_sessions.import_sessions(other, document) == Imported(1, 0)
    assert chat_sessions.recent_sessions(owner) == [session]
    assert get_session_model().objects.count() == 2


SECRET = "SECRET-4711"
NESTED: Any = []
for _ in range(5_000):
    NESTED = [NESTED]
WRONG: list[tuple[str, Any, str]] = [
    ("", [], "The document is wrong"),
    ("", {SECRET: 1}, "The document is wrong"),
    ("version", 2, "version is wrong: give 1,"),
    ("version", True, "version is wrong"),
    ("format", SECRET, "format is wrong: give one of 'django-chat-sessions'"),
    ("exported_at", "yesterday", "exported_at is wrong: give a time like"),
    ("sessions", {}, "sessions is wrong: give a list"),
    ("sessions.0", SECRET, r"sessions\[0\] is wrong"),
    ("sessions.0.title", "x" * 201, r"sessions\[0\].title is wrong: give up to 200"),
    ("sessions.0.scope", 5, r"sessions\[0\].scope is wrong"),
    ("sessions.0.state", ["active"], r"sessions\[0\].state is wrong: give one of 'active'"),
    ("sessions.0.unread", "no", r"sessions\[0\].unread is wrong: give true or false"),
    ("sessions.0.started_at", "0001-01-01T00:00:00.000000Z", "started_at is wrong"),
    ("sessions.0.started_at", "2026-13-01T00:00:00.000000Z", "started_at is wrong"),
    ("sessions.0.started_at", "2026-11-22T12:00:00", "started_at is wrong: give a time like"),
    ("sessions.0.pinned_at", 5, "pinned_at is wrong"),
    # It would be on top of nothing, and hide its session from the history.
    (
        "sessions.0.pinned_at",
        "1970-01-01T23:59:59.999999Z",
        r"\[0\].pinned_at is wrong: give a time from 1970-01-02 to the end of the year 9000\.$",
    ),
    # In Vienna it is the year 10000.
    ("sessions.0.last_message_at", "9999-12-31T23:59:59.999999Z", "last_message_at is wrong: give"),
    ("sessions.0.messages.0.created_at", "9001-01-01T00:00:00.000000Z", "created_at is wrong"),
    ("sessions.0.metadata", [], "metadata is wrong: give an object"),
    ("sessions.0.metadata", {"a": float("nan")}, "metadata is wrong"),
    ("sessions.0.metadata", {"a": "\x00"}, "metadata is wrong"),
    ("sessions.0.metadata", {"a": object()}, "metadata is wrong"),
    ("sessions.0.metadata", {"a": NESTED}, "metadata is wrong"),
    ("sessions.0.user", 1, "an object with exactly id, scope"),
    ("sessions.0.messages.0.content", "\ud800", r"messages\[0\].content is wrong"),
    ("sessions.0.messages.0.role", "admin", r"messages\[0\].role is wrong: give one of 'user'"),
    ("sessions.0.messages.0.position", -1, r"messages\[0\].position is wrong"),
    ("sessions.0.messages.0.attempt", 2**15, r"messages\[0\].attempt is wrong"),
    ("sessions.0.messages.1.position", 0, r"sessions\[0\].messages is wrong: give them in order"),
    ("sessions.1.id", "the first one's", "The ids of sessions is wrong: give each only once"),
    ("sessions.1.messages.0.id", "the first one's", "The ids of messages is wrong"),
]


@pytest.mark.parametrize(("place", "value", "sentence"), WRONG, ids=range(len(WRONG)))
def test_what_is_not_such_a_document_is_refused_and_nothing_is_stored(
    noon: Any, place: str, value: Any, sentence: str
) -> None:
    owner = Owner.for_visitor("v")
    for scope in "ab":
        chat_sessions.send(owner, SECRET, key=f"key-0000000{scope}", scope=scope)
    document = exported(owner)
    first = document["sessions"][0]
    if value == "the first one's":
        value = first["messages"][0]["id"] if "messages" in place else first["id"]
    inner: Any = {"": document}
    *steps, last = place.split(".")
    if steps or last:
        inner = document
    for step in steps:
        inner = inner[int(step) if step.isdigit() else step]
    inner[int(last) if last.isdigit() else last] = value
    given: Any = inner.get("", document) if isinstance(inner, dict) else document
    before = everything()
    with pytest.raises(InvalidDocument, match=sentence) as refused:
        chat_sessions.import_sessions(somebody_else(), given if isinstance(given, dict) else "[]")
    assert SECRET not in f"{refused.value!r} {refused.value.__context__!r}"
    assert everything() == before


def test_times_at_the_edge_of_what_is_told_can_be_imported(owner: Owner) -> None:
    talked(owner)
    document = exported(owner)
    first, last = "1970-01-02T00:00:00.000000Z", "9000-12-31T23:59:59.999999Z"
    document["sessions"][0] |= {"started_at": first, "expires_at": last}
    chat_sessions.erase(owner)
    chat_sessions.import_sessions(owner, document)
    [again] = exported(owner)["sessions"]
    assert (again["started_at"], again["expires_at"]) == (first, last)


def test_texts_may_be_as_long_as_the_columns_of_the_host(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    talked(owner)
    document = exported(owner)
    with isolate_apps():
        columns = {
            "title": models.CharField(max_length=500),
            "scope": models.CharField(max_length=200),
            "preview": models.TextField(max_length=200),
        }
        own = {"__module__": __name__, "Meta": type("Meta", (), {"app_label": "host"})}
        wide = type("Talk", (AbstractChatSession,), {**own, **columns})
    monkeypatch.setattr(documents, "get_session_model", lambda: wide)
    texts = {"title": "x" * 500, "scope": "x" * 200, "preview": "x" * 5000}
    document["sessions"][0] |= texts
    [read] = documents.read_document(document)
    assert {name: read[name] for name in texts} == texts
    document["sessions"][0]["title"] += "x"
    with pytest.raises(InvalidDocument, match="title is wrong: give up to 500 characters"):
        documents.read_document(document)


@pytest.mark.parametrize("document", [b"\xff", "{", "", f'{{"{SECRET}"', "[" * 100_000, "NaN"])
def test_what_is_not_even_json_is_refused_without_quoting_it(document: Any) -> None:
    with pytest.raises(InvalidDocument) as refused:
        chat_sessions.import_sessions(Owner.for_visitor("v"), document)
    assert isinstance(refused.value, ValueError | ChatSessionsError)
    assert refused.value.__cause__ is None
    assert SECRET not in str(refused.value)


def test_an_import_that_fails_in_the_middle_leaves_nothing(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    talked(owner)
    document = exported(owner)
    before = everything()

    def full(row: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(importing, "tell_readers", full)
    with pytest.raises(OSError, match="the disk is full"):
        chat_sessions.import_sessions(somebody_else(), document)
    assert everything() == before


def test_no_session_holds_the_one_that_it_follows(owner: Owner) -> None:
    """Each of a person's follows another: Python cannot take a chain of thousands apart."""
    talked(owner)
    [first] = exported(owner)["sessions"]
    chain = [{**first, "id": "a", "previous": None}, {**first, "id": "b", "previous": "a"}]
    for each in chain:
        each["messages"] = []
    made: list[Any] = []

    def note(instance: Any, **facts: Any) -> None:
        made.append(instance)

    post_save.connect(note, sender=get_session_model())
    try:
        chat_sessions.import_sessions(owner, {**exported(owner), "sessions": chain})
    finally:
        post_save.disconnect(note, sender=get_session_model())
    earlier, later = made
    assert later.previous_id == earlier.pk
    assert not get_session_model()._meta.get_field("previous").is_cached(later)
    later.refresh_from_db()
    assert later.previous_id == earlier.pk


def test_an_empty_document_is_a_document(owner: Owner) -> None:
    assert chat_sessions.import_sessions(owner, exported(owner)) == Imported()
    assert get_message_model()._base_manager.count() == 0


def test_what_is_no_document_at_all_is_refused_by_its_kind(owner: Owner) -> None:
    given: Any = None
    with pytest.raises(InvalidDocument, match="The document is a NoneType; give JSON"):
        chat_sessions.import_sessions(owner, given)


def test_every_moment_of_a_session_is_the_one_it_had(owner: Owner, noon: Any) -> None:
    session = chat_sessions.start(owner).opened
    for _ in range(2):
        noon.shift(timedelta(seconds=60))
        chat_sessions.add_message(session, "user", "Hello")
    noon.shift(timedelta(seconds=60))
    chat_sessions.touch(session)
    noon.shift(timedelta(seconds=60))
    chat_sessions.end(session)
    names = ("started_at", "opened_at", "last_message_at", "last_activity_at", "ended_at")
    had = [getattr(stored(session), name) for name in names]
    document = exported(owner)
    chat_sessions.erase(owner)
    noon.shift(timedelta(days=9))
    chat_sessions.import_sessions(owner, document)
    [again] = chat_sessions.recent_sessions(owner)
    assert [getattr(again, name) for name in names] == had
