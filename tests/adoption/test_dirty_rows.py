"""Rows that are not as they should be: none stops the adoption, and each has its rule."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from io import StringIO
from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldError
from django.db import (
    IntegrityError,
    NotSupportedError,
    OperationalError,
    connection,
    migrations,
    models,
    transaction,
)
from django.db.migrations.state import ProjectState
from django.test.utils import isolate_apps

from django_chat_sessions import adoption, clock, get_message_model, get_session_model, services
from django_chat_sessions.adoption import Adopted, Concurrently, batches, return_ticket
from django_chat_sessions.adoption import rows as adopting
from django_chat_sessions.adoption.moments import NO_COLUMN, Created
from django_chat_sessions.exceptions import SessionEnded, SessionNotFound
from django_chat_sessions.models import AbstractChatSession
from django_chat_sessions.owners import Owner
from tests.adoption.shapes import BEGAN, SECRETS
from tests.conversations import configure

pytestmark = pytest.mark.django_db(transaction=True)
BOT = {"bot": "assistant"}


@pytest.fixture
def ada() -> Any:
    return get_user_model().objects.create(username="ada")


@pytest.fixture(autouse=True)
def site(settings: Any) -> Iterator[None]:
    """The site of shape K, whose columns are all nullable; its rows are written as old code did."""
    configure(settings, SESSION_MODEL="shape_k.ChatSession", RESPONDER=None)
    yield
    for model in (get_message_model(), get_session_model()):
        model._base_manager.all().delete()


@contextmanager
def added_to(model: Any, name: str, field: Any) -> Iterator[None]:
    """Let the table of a site have one column more."""
    field.contribute_to_class(model, name)
    with connection.schema_editor() as editor:
        editor.add_field(model, field)
    try:
        yield
    finally:
        model._base_manager.all().delete()
        with connection.schema_editor() as editor:
            editor.remove_field(model, field)
        model._meta.local_fields.remove(field)
        delattr(model, name)
        apps.clear_cache()


def sessions() -> Any:
    return get_session_model()._base_manager.using("default")


def began(user: Any, *said: tuple[str | None, str | None], **values: Any) -> Any:
    """Return an old session in which these things were said, a minute apart."""
    values = {"user": user, "started_at": BEGAN, "title": None, **values}
    session: Any = get_session_model().objects.create(**values)
    for number, (sender, text) in enumerate(said):
        say(session, sender, text, BEGAN + timedelta(minutes=number))
    return session


def say(session: Any, sender: str | None, text: str | None, at: Any) -> Any:
    messages: Any = get_message_model().objects
    return messages.create(session=session, old_sender=sender, content=text, created_at=at)


def adopt(**options: Any) -> Adopted:
    return adoption.adopt(sessions(), **{"roles": BOT, "role_from": "old_sender", **options})


def stored(session: Any) -> Any:
    return sessions().get(pk=session.pk)


def told(session: Any) -> list[Any]:
    return [(row.position, row.role, row.content) for row in session.messages.in_order()]


def test_m_k_texts_senders_and_times_that_are_missing(ada: Any) -> None:
    session = began(ada, ("user", "One"), (None, None), ("Bot ", "x"), (" USER", "Two"))
    say(session, "bot", "Zero", None)
    say(session, "bot", "Before", BEGAN - timedelta(days=1))
    assert adopt() == Adopted(sessions=1, messages=6)
    assert told(session) == [
        (0, "assistant", "Before"),
        (1, "user", "One"),
        (2, "user", ""),
        (3, "user", "x"),
        (4, "user", "Two"),
        (5, "assistant", "Zero"),
    ]
    row = stored(session)
    assert (row.title, row.message_count, row.opened_at) == ("One", 6, BEGAN)
    assert row.last_message_at == BEGAN + timedelta(minutes=3)
    assert row.ended_at == row.expires_at == row.last_message_at + timedelta(minutes=5)


def test_m_k_messages_without_a_time_keep_the_order_of_their_keys(ada: Any) -> None:
    session, other = began(ada, started_at=BEGAN + timedelta(days=1)), began(ada)
    for number, minutes in enumerate([None, 0, None, 1, None, None, 2]):
        at = None if minutes is None else BEGAN + timedelta(minutes=minutes)
        say(session, "user", f"{number}", at)
        say(other, "user", f"{number}", None)
    adopt()
    for row in (session, other):
        assert [content for _place, _role, content in told(row)] == list("0123456")
    times = [message.created_at for message in session.messages.in_order()]
    assert times == [BEGAN + timedelta(minutes=minutes) for minutes in (0, 0, 0, 1, 1, 1, 2)]
    assert {message.created_at for message in other.messages.all()} == {BEGAN}


def test_m_k_a_message_without_a_time_comes_after_those_that_have_a_place(ada: Any) -> None:
    session = began(ada, ("user", "One"), ("bot", "Two"))
    adopt()
    services.reopen(stored(session))
    placed = services.add_message(stored(session), "user", "Three")
    get_message_model().objects.filter(content="Two").update(created_at=None)
    say(session, "bot", "Four", None)
    assert adopt() == Adopted(sessions=1, messages=1)
    *_others, last = session.messages.in_order()
    assert (last.content, last.created_at) == ("Four", placed.created_at)
    # What has a place is not touched any more.
    assert get_message_model().objects.get(content="Two").created_at is None


def test_m_k_where_nothing_has_a_time_it_is_now(ada: Any) -> None:
    session, before = began(ada, started_at=None), clock.now()
    sessions().update(created=None)
    say(session, "user", "One", None)
    adopt()
    [message] = session.messages.all()
    assert before <= message.created_at == stored(session).started_at <= clock.now()


def test_m_k_random_keys_do_not_say_what_came_before(ada: Any, settings: Any) -> None:
    configure(settings, SESSION_MODEL="shape_j.Chat", RESPONDER=None)
    session: Any = get_session_model().objects.create(user=ada, started_at=BEGAN)
    messages: Any = get_message_model().objects
    for key, at in ((1, BEGAN + timedelta(hours=1)), (2, None), (3, BEGAN + timedelta(hours=2))):
        messages.create(id=UUID(int=key), session=session, content=f"{key}", created_at=at)
    adoption.adopt(sessions())
    assert [message.content for message in session.messages.in_order()] == ["2", "1", "3"]
    assert messages.get(content="2").created_at == BEGAN


def test_m_k_a_session_whose_times_cannot_be_compared_gets_no_place(
    ada: Any, monkeypatch: Any
) -> None:
    def naive(*moments: Any) -> Any:
        raise TypeError("can't compare offset-naive and offset-aware datetimes")

    good, bad = began(ada, ("user", "Fine")), began(ada, started_at=None)
    say(bad, "user", "One", None)
    times = {"opened_at": BEGAN, "last_activity_at": BEGAN}
    with monkeypatch.context() as patch:
        patch.setattr(Created, "of_the_hosts", naive)
        patch.setattr(adopting._Run, "_facts", lambda *facts: times)
        report = adopt()
    assert report.skipped == {
        f"shape_k.ChatSession {bad.pk}": "its columns cannot be used (TypeError)"
    }
    assert [place for place, *_rest in told(bad)] == [None]
    assert stored(good).last_activity_at == BEGAN
    assert adopt().sessions == 1


def test_m_k_many_sessions_at_once_and_empty_ones(ada: Any) -> None:
    kept = [began(ada, ("user", f"{n}")) for n in range(3)]
    empty = [began(ada) for _n in range(5)]
    timeless = began(ada, started_at=None)
    assert adopt(batch=2).sessions == 9
    listed = services.recent_sessions(Owner.for_user(ada))
    assert {row.pk for row in listed} == {row.pk for row in kept}
    assert {stored(row).message_count for row in [*empty, timeless]} == {0}
    assert stored(timeless).started_at is not None
    arrivals = [services.reopen(row).status for row in listed]
    assert arrivals == ["reopened"] * 3
    assert sessions().exclude(open_key=None).count() == 1


def test_m_k_a_time_called_created_of_the_hosts_stays_and_is_the_start(ada: Any) -> None:
    hour = timedelta(hours=1)
    own, early, none = (began(ada, ("user", "One"), started_at=None) for _n in range(3))
    both, silent = began(ada, ("user", "One")), began(ada, started_at=None)
    created = {own: BEGAN - hour, early: BEGAN + hour, both: BEGAN - hour, silent: BEGAN + hour}
    for session, moment in {**created, none: None}.items():
        sessions().filter(pk=session.pk).update(created=moment)
    adopt()
    assert {row: stored(row).created for row in created} == created
    assert stored(none).created == stored(none).started_at == BEGAN
    assert stored(own).started_at == stored(own).opened_at == BEGAN - hour
    assert (stored(early).started_at, stored(early).opened_at) == (BEGAN + hour, BEGAN)
    assert stored(both).started_at == BEGAN
    assert stored(silent).started_at == stored(silent).last_message_at == BEGAN + hour


def test_m_k_a_time_called_created_that_the_migration_added_becomes_the_start(ada: Any) -> None:
    timeless, old = began(ada, ("user", "One"), started_at=None), began(ada, ("user", "One"))
    later = began(ada, started_at=None)
    added_at = BEGAN + timedelta(days=9)
    say(later, "user", "After it", added_at + timedelta(minutes=1))
    sessions().update(created=added_at)
    adopt()
    for session in (timeless, old):
        assert stored(session).created == stored(session).started_at == BEGAN
    # As good as any: nothing says that it began before.
    assert stored(later).created == stored(later).started_at == added_at


@pytest.mark.parametrize("field", [None, models.DateField(null=True)])
def test_a_column_called_created_that_is_gone_or_holds_no_time_is_left_alone(field: Any) -> None:
    with isolate_apps():
        meta = type("Meta", (), {"app_label": "host"})
        own = {"__module__": __name__, "Meta": meta, "created": field}
        talk: Any = type("Talk", (AbstractChatSession,), own)
    assert Created.of(talk._base_manager) is NO_COLUMN  # there is no table to ask


def test_m_k_a_time_of_the_hosts_called_like_ours_keeps_no_session_from_its_adoption(
    ada: Any,
) -> None:
    clicked = BEGAN + timedelta(hours=1)
    session = began(ada, ("user", "One"), ("bot", "Two"), last_activity_at=clicked)
    for last in (1, 2):
        adopt(fill=lambda old: {"scope": "subject:1"})
        row = stored(session)
        assert (row.title, row.scope, row.end_reason) == ("One", "subject:1", "idle")
        assert row.last_message_at == BEGAN + timedelta(minutes=last)
        assert row.last_activity_at == clicked
        assert row.ended_at == clicked + adopting.MOMENT
        assert services.recent_sessions(Owner.for_user(ada)) == [row]
        adoption.give_back(sessions())
        assert stored(session).last_activity_at == clicked  # old code may need it
        say(session, "user", "Three", BEGAN + timedelta(minutes=2))


@pytest.mark.parametrize("name", ["last_activity_at", "opened_at"])
def test_m_k_a_silent_session_with_one_of_our_times_is_adopted_too(ada: Any, name: str) -> None:
    session = began(ada, **{name: BEGAN})
    assert adopt().sessions == 1
    row = stored(session)
    assert row.opened_at == row.last_activity_at == BEGAN


def test_m_k_a_start_that_the_host_fills_in_counts_for_the_other_times(ada: Any) -> None:
    silent, spoken = began(ada, started_at=None), began(ada, ("user", "One"))
    start = BEGAN - timedelta(days=1)
    sessions().update(created=None)
    adopt(fill=lambda session: {"started_at": start})
    for session, last in ((silent, start), (spoken, BEGAN)):
        row = stored(session)
        assert row.started_at == row.opened_at == row.created == start
        assert row.last_activity_at == row.last_message_at == last
        assert row.ended_at == last + timedelta(minutes=5)


def test_m_k_a_message_that_was_written_just_now_ended_no_later_than_now(ada: Any) -> None:
    session = began(ada, started_at=clock.now())
    say(session, "user", "Hello", clock.now())
    adopt()
    assert stored(session).ended_at <= clock.now()


@pytest.mark.parametrize("column", ["started_at", "last_activity_at", "created_at"])
def test_m_k_a_time_that_is_still_to_come_keeps_nothing_on_top_or_open(
    ada: Any, column: str
) -> None:
    ahead = clock.now() + timedelta(days=400)
    of_session = {} if column == "created_at" else {column: ahead}
    session = began(ada, **of_session)
    if column != "started_at":
        say(session, "user", "Hello", ahead if column == "created_at" else BEGAN)
    adopt()
    row = stored(session)
    assert row.last_message_at <= clock.now()
    services.reopen(row)
    assert row.expires_at <= clock.now() + timedelta(minutes=5)
    say(session, "user", "Later", ahead)
    adopt()
    assert stored(session).last_message_at <= clock.now()


def test_m_k_rows_that_cannot_be_used_are_skipped_by_key_and_without_content(
    ada: Any, caplog: Any
) -> None:
    good, nobodys = began(ada, ("user", "Fine")), began(None)
    bad = began(ada, ("x", "Secret"), ("user", "And more"))
    ghost = say(None, "user", "Nobody hears", BEGAN)

    def roles(sender: str) -> str | None:
        return {"x": "robot"}.get(sender)

    report = adopt(roles=roles)
    assert (report.sessions, report.messages, report.skipped_count) == (2, 1, 2)
    assert str(report.skipped[f"shape_k.ChatSession {bad.pk}"]).endswith("read (ValueError)")
    assert report.skipped[f"shape_k.ChatMessage {ghost.pk}"] == "its session is missing"
    assert "Secret" not in caplog.text
    assert "2 rows were skipped" in caplog.text
    assert stored(bad).last_activity_at is None
    assert stored(nobodys).message_count == 0
    assert [row.pk for row in services.recent_sessions(Owner.for_user(ada))] == [good.pk]
    report = adopt()
    assert (report.sessions, report.skipped_count) == (1, 1)
    assert stored(bad).title == "Secret"


def refuse_emoji(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    """As mysqlclient tells of a column in utf8mb3, which PyMySQL takes for bad data."""
    if sql.startswith(("UPDATE", "INSERT")) and "😀" in str(params):
        raise OperationalError(1366, "Incorrect string value: '\\xF0\\x9F\\x98\\x80'")
    return execute(sql, params, many, context)


def test_m_k_a_text_that_the_table_has_no_characters_for_costs_that_session_only(ada: Any) -> None:
    bad, good = began(ada, ("user", "Hello 😀")), began(ada, ("user", "Hello"))
    with connection.execute_wrapper(refuse_emoji):
        report = adopt()
    assert (report.sessions, report.skipped_count) == (1, 1)
    assert report.skipped == {
        f"shape_k.ChatSession {bad.pk}": "the database refuses it (OperationalError)"
    }
    assert stored(good).title == "Hello"
    assert adopt().sessions == 1


class Backwards(models.TextField):  # type: ignore[type-arg]  # no subscript at run time
    """A text that the host keeps otherwise than it reads, as one that is encrypted."""

    def get_prep_value(self, value: Any) -> Any:
        return value if value is None else value[::-1]

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> Any:
        return value if value is None else value[::-1]


def test_a_text_that_is_kept_encrypted_is_read_for_the_title(ada: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(get_message_model()._meta.get_field("content"), "__class__", Backwards)
    session, empty = began(ada, ("user", "Hello"), ("bot", "Welcome")), began(ada)
    adopt()
    assert (stored(session).title, stored(session).preview) == ("Hello", "Welcome")
    assert (stored(empty).title, stored(empty).preview) == ("", "")


def test_m_g_nor_more_than_its_messages_where_sessions_are_made(settings: Any) -> None:
    configure(settings, SESSION_MODEL="shape_g.ChatSession", RESPONDER=None)
    messages: Any = get_message_model().objects
    for text in ("a", "b"):
        messages.create(chat_id=text, content="x", created_at=BEGAN, old_sender="user")

    def fill(text: str) -> dict[str, Any]:
        return {"title": "😀" if text == "a" else "b"}

    with connection.execute_wrapper(refuse_emoji):
        report = adoption.make_sessions(messages.all(), "chat_id", fill=fill)
    assert (report.sessions, report.skipped_count) == (1, 1)


def test_a_database_that_is_away_costs_no_row(ada: Any, settings: Any) -> None:
    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(("UPDATE", "INSERT")):
            raise OperationalError("away")
        return execute(sql, params, many, context)

    session = began(ada, ("user", "Hello"))
    with connection.execute_wrapper(fail), pytest.raises(OperationalError, match="away"):
        adopt()
    assert stored(session).last_activity_at is None
    configure(settings, SESSION_MODEL="shape_g.ChatSession", RESPONDER=None)
    messages: Any = get_message_model().objects
    messages.create(chat_id="a", content="x", created_at=BEGAN, old_sender="user")
    with connection.execute_wrapper(fail), pytest.raises(OperationalError, match="away"):
        adoption.make_sessions(messages.all(), "chat_id")
    assert messages.get().session_id is None


def test_m_k_what_a_host_fills_in_wrongly_costs_that_session_only(ada: Any) -> None:
    first, second, third = (began(ada, ("user", "Fine")) for _n in range(3))

    def fill(session: Any) -> dict[str, Any]:
        if session.pk == first.pk:
            raise KeyError("Secret")
        return {"scope": "subject:1", **({"open_key": key} if session.pk == taken else {})}

    taken, key = second.pk, Owner.for_user(ada).open_key("")
    services.start(Owner.for_user(ada))
    report = adopt(fill=fill)
    assert (report.sessions, report.skipped_count) == (1, 2)
    assert report.skipped == {
        f"shape_k.ChatSession {first.pk}": "fill fails (KeyError)",
        f"shape_k.ChatSession {second.pk}": "the database refuses it (IntegrityError)",
    }
    assert stored(third).scope == "subject:1"


def test_a_session_whose_times_cannot_be_used_is_skipped_and_says_so(
    ada: Any, monkeypatch: Any
) -> None:
    def naive(*moments: Any) -> Any:
        raise TypeError("can't compare offset-naive and offset-aware datetimes")

    session = began(ada, ("user", "Fine"))
    with monkeypatch.context() as patch:
        patch.setattr(adopting.clock, "after", naive)
        report = adopt()
    why = "its columns cannot be used (TypeError)"
    assert report.skipped == {f"shape_k.ChatSession {session.pk}": why}
    assert adopt().sessions == 1


def test_a_report_stays_short(caplog: Any) -> None:
    for number in range(30):
        say(None, "user", f"{number}", BEGAN)
    with caplog.at_level(logging.WARNING):
        report = adopt()
    assert (report.skipped_count, len(report.skipped)) == (30, 20)


def test_an_interrupted_run_goes_on(ada: Any, monkeypatch: Any) -> None:
    old = [began(ada, *[("user", "x")] * 5) for _n in range(4)]
    monkeypatch.setattr(adopting, "CHUNK", 3)
    real, calls = adopting.write, []

    def dies(rows: Any, changes: Any) -> None:
        calls.append(rows)
        if len(calls) == 6:
            raise KeyboardInterrupt
        real(rows, changes)

    with monkeypatch.context() as patch:
        patch.setattr(adopting, "write", dies)
        with pytest.raises(KeyboardInterrupt):
            adopt(batch=2)
    assert sessions().filter(last_activity_at=None).exists()
    adopt(batch=2)
    assert [[place for place, *_rest in told(row)] for row in old] == [list(range(5))] * 4
    assert adopt() == Adopted()


def test_m_02_what_old_code_writes_meanwhile_is_found_by_the_next_run(ada: Any) -> None:
    session = began(ada, ("user", "One"), ("bot", "Two"))
    adopt()
    services.reopen(stored(session))
    services.add_message(stored(session), "user", "Three")
    late = BEGAN + timedelta(hours=1)
    say(session, "bot", "Four", late)
    say(session, "bot", "Five", clock.now())
    before = stored(session)
    assert adopt() == Adopted(sessions=1, messages=2)
    row = stored(session)
    assert [content for _place, _role, content in told(row)] == [
        "One",
        "Two",
        "Three",
        "Four",
        "Five",
    ]
    assert (row.message_count, row.preview, row.open_key) == (5, "Five", before.open_key)
    assert row.last_message_at >= before.last_message_at
    services.add_message(row, "user", "Six")


def test_m_02_what_waits_for_its_adoption_is_read_and_not_continued(ada: Any) -> None:
    """What is said in it meanwhile would be the beginning."""
    session = began(ada, ("user", "One"), ("bot", "Two"))
    said = services.transcript(stored(session)).messages
    assert {message.content for message in said} == {"One", "Two"}
    with pytest.raises(SessionNotFound, match="adopt it first"):
        services.reopen(stored(session))
    adopt()
    services.reopen(stored(session))
    services.add_message(stored(session), "user", "Three")
    assert [content for _place, _role, content in told(session)] == ["One", "Two", "Three"]


def test_m_02_the_history_has_the_latest_moment_whoever_wrote_then(ada: Any) -> None:
    later, earlier = BEGAN + timedelta(hours=1), BEGAN - timedelta(hours=1)
    for at, latest in ((later, later), (earlier, BEGAN)):
        session = began(ada, ("user", "One"))
        adopt()
        say(session, "bot", "Two", at)
        adopt()
        assert stored(session).last_message_at == latest


def test_m_01_a_run_ends_however_fast_old_code_writes(ada: Any) -> None:
    began(ada, ("user", "Old"))

    def fill(session: Any) -> dict[str, Any]:
        assert sessions().count() < 10, "the run follows its own tail"
        began(ada, ("user", "Meanwhile"))
        return {}

    assert adopt(fill=fill, batch=1).sessions == 1
    assert sessions().filter(last_activity_at=None).count() == 1
    adopt()
    assert not sessions().filter(last_activity_at=None).exists()


def test_a_role_that_does_not_exist_is_refused_before_anything_is_written(ada: Any) -> None:
    session = began(ada, ("user", "One"))
    with pytest.raises(ValueError, match=r"'robot' is not a role; give one of user, assistant"):
        adopt(roles={"bot": "robot"})
    with pytest.raises(ValueError, match="'person' is not a role"):
        adopt(otherwise="person")
    assert stored(session).last_activity_at is None


def test_a_deadlock_is_survived_and_other_trouble_is_not() -> None:
    trouble = [OperationalError("database is locked")] * 2

    def step() -> str:
        if trouble:
            raise trouble.pop()
        return "done"

    assert batches.committed("default", step) == "done"
    trouble.append(OperationalError("the server has gone"))
    with pytest.raises(OperationalError, match="gone"):
        batches.committed("default", step)
    trouble.extend([OperationalError("database is locked")] * batches.ATTEMPTS)
    assert batches.committed("default", step) == "done"
    trouble.append(OperationalError("database is locked"))
    with transaction.atomic(), pytest.raises(OperationalError, match="locked"):
        batches.committed("default", step)  # which the caller's transaction cannot survive


def test_progress_is_told_on_a_terminal_only(ada: Any, monkeypatch: Any) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    began(ada, ("user", "One"))
    monkeypatch.setattr(sys, "stdout", Terminal())
    began(ada, ("user", "Two"))
    adopt(batch=1)
    lines = [f"\r  Adopting shape_k_chatsession: {done} of 2" for done in range(3)]
    assert sys.stdout.getvalue() == "".join(lines) + "\n"
    assert list(batches.key_batches(sessions(), 100)) != []  # of which nothing is told
    assert sys.stdout.getvalue() == "".join(lines) + "\n"


def test_what_a_host_with_wider_columns_exports_is_imported_again(ada: Any) -> None:
    began(ada, ("user", "One"), title="x" * 300)
    adopt()
    document = "".join(services.export(Owner.for_user(ada)))
    other = get_user_model().objects.create(username="bob")
    services.import_sessions(Owner.for_user(other), document)
    [row] = services.recent_sessions(Owner.for_user(other))
    assert row.title == "x" * 300


# The way back


def test_the_way_back_refuses_to_lose_what_the_old_table_cannot_hold() -> None:
    row: Any = services.start(Owner.for_visitor("somebody")).opened
    with pytest.raises(RuntimeError, match=f"^1 sessions have no user, the first is {row.pk},"):
        adoption.give_back(sessions(), needs=["user"])


def test_the_way_back_drops_what_old_code_would_show_wrongly(ada: Any) -> None:
    gone, kept = began(ada, ("user", "One")), began(ada, ("user", "Two"))
    adopt()
    services.delete(stored(gone))
    services.reopen(stored(kept))
    unsaid = services.add_message(stored(kept), "assistant", "")
    messages: Any = get_message_model().objects
    messages.filter(pk=unsaid.pk).update(attempt=1)
    adoption.give_back(sessions())
    assert [row.content for row in messages.all()] == ["Two"]
    assert [row.pk for row in sessions()] == [kept.pk]


class Sealed(models.TextField):  # type: ignore[type-arg]  # no subscript at run time
    """A text that is encrypted another way each time: no two are equal, and none may be asked."""

    def get_prep_value(self, value: Any) -> Any:
        return value if value is None else f"{uuid4().hex}{value}"

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> Any:
        return value if value is None else value[32:]

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(f"Sealed does not support the lookup {lookup_name}.")
        return super().get_lookup(lookup_name)


def test_the_way_back_drops_unsaid_replies_where_texts_are_encrypted(
    ada: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(get_message_model()._meta.get_field("content"), "__class__", Sealed)
    session = began(ada, ("user", "One"))
    adopt()
    services.reopen(stored(session))
    for text in ("", "Two"):
        asked = services.add_message(stored(session), "assistant", text)
        get_message_model()._base_manager.filter(pk=asked.pk).update(attempt=1)
    adoption.give_back(sessions())
    rows = get_message_model()._base_manager.order_by("pk")
    assert [row.content for row in rows] == ["One", "Two"]


def test_an_old_answer_without_text_is_not_lost_on_the_way_back(ada: Any) -> None:
    session = began(ada, ("user", "Draw a cat"), ("bot", ""))
    before = list(get_message_model()._base_manager.order_by("pk").values_list("pk", "content"))
    adopt(roles=BOT)
    services.reopen(stored(session))
    services.add_message(stored(session), "assistant", "")  # recorded by the host: a picture too
    adoption.give_back(sessions())
    after = get_message_model()._base_manager.order_by("pk").values_list("pk", "content")
    assert list(after)[:2] == before
    assert len(after) == 3


def test_old_code_and_the_next_adoption_find_an_answer_after_its_question(
    ada: Any, settings: Any
) -> None:
    """Both are stored at one moment, and random keys say nothing about who spoke first."""
    configure(settings, RESPONDER="tests.responders.echo")
    session = services.send(Owner.for_user(ada), "Q", key="key-00000001").session
    adoption.give_back(sessions(), roles={"user": "user", "assistant": "bot"})
    rows = get_message_model()._base_manager.filter(session=session.pk)
    assert [row.content for row in rows.order_by("created_at", "-pk")] == ["Q", "You asked: Q"]


def test_a_reply_without_a_question_gets_a_row_without_one(ada: Any, settings: Any) -> None:
    configure(settings, SESSION_MODEL="shape_e.ChatSession", RESPONDER=None)
    owner = Owner.for_user(ada)
    session = services.start(owner).opened
    for role, text in [("assistant", "Welcome."), ("user", "Q"), ("assistant", "A")]:
        services.add_message(session, role, text)
    services.add_message(session, "assistant", "B")
    adoption.give_back(sessions(), answer="chatbot_message")
    messages: Any = get_message_model().objects
    rows = messages.order_by("pk").values_list("content", "chatbot_message")
    assert list(rows) == [("", "Welcome."), ("Q", "A"), ("", "B")]


def test_replies_find_their_questions_where_two_spoke_at_once(ada: Any, settings: Any) -> None:
    configure(settings, SESSION_MODEL="shape_e.ChatSession", RESPONDER=None)
    one, two = (services.start(Owner.for_user(ada), scope=scope).opened for scope in ("a", "b"))
    for session, role, text in [
        *((one, "user", "Q1"), (two, "user", "Q2")),
        *((one, "assistant", "A1"), (two, "assistant", "A2")),
    ]:
        services.add_message(session, role, text)
    adoption.give_back(sessions(), answer="chatbot_message")
    messages: Any = get_message_model().objects
    rows = messages.order_by("pk").values_list("content", "chatbot_message")
    assert list(rows) == [("Q1", "A1"), ("Q2", "A2")]


def test_a_way_back_that_was_interrupted_is_gone_again_and_loses_nothing(
    ada: Any, settings: Any, monkeypatch: Any
) -> None:
    configure(settings, SESSION_MODEL="shape_e.ChatSession", RESPONDER=None)
    owner = Owner.for_user(ada)
    for scope in ("a", "b"):
        session = services.start(owner, scope=scope).opened
        for role, text in [("assistant", "Welcome."), ("user", "Q"), ("assistant", "A")]:
            services.add_message(session, role, text)
        services.add_message(session, "assistant", "B")
    batch = return_ticket.committed
    done: list[Any] = []

    def dies(alias: str, step: Any) -> Any:
        if done:
            raise KeyboardInterrupt
        done.append(batch(alias, step))

    monkeypatch.setattr(return_ticket, "committed", dies)
    with pytest.raises(KeyboardInterrupt):
        adoption.give_back(sessions(), answer="chatbot_message", batch=1)
    monkeypatch.undo()
    for _again in range(2):
        adoption.give_back(sessions(), answer="chatbot_message")
    messages: Any = get_message_model().objects
    rows = messages.order_by("session", "pk").values_list("content", "chatbot_message")
    assert list(rows) == [("", "Welcome."), ("Q", "A"), ("", "B")] * 2


class Voice(models.Field):  # type: ignore[type-arg]  # no subscript at run time
    """A column whose type is the host's own."""

    def db_type(self, connection: Any) -> str:
        return "voice" if connection.vendor == "postgresql" else "varchar(5)"


@pytest.fixture
def voice() -> Iterator[None]:
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("CREATE TYPE voice AS ENUM ('human', 'bot')")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TYPE voice")


@pytest.mark.usefixtures("voice")
def test_roles_are_given_back_to_a_column_of_a_type_of_the_hosts(ada: Any) -> None:
    with added_to(get_message_model(), "voice", Voice(null=True)):
        began(ada, ("user", "Hello"), ("bot", "Welcome"))
        adopt()
        adoption.give_back(sessions(), role_to="voice", roles={"user": "human", "assistant": "bot"})
        given = get_message_model()._base_manager.order_by("pk").values_list("voice", flat=True)
        assert list(given) == ["human", "bot"]


def test_what_new_code_says_at_the_moment_of_the_way_back_is_given_back_too(ada: Any) -> None:
    session = stored(began(ada, ("user", "Hello")))
    adopt()
    services.reopen(stored(session))
    others: list[Thread] = []

    def speaks() -> None:
        with suppress(SessionEnded):
            services.add_message(stored(session), "assistant", "Welcome")
        connection.close()

    def meanwhile(execute: Any, sql: str, *rest: Any) -> Any:
        done = execute(sql, *rest)
        if "CASE" in sql and not others:
            others.append(Thread(target=speaks))
            others[0].start()
            others[0].join(1)
        return done

    def give_back() -> None:
        adoption.give_back(sessions(), roles={"user": "human", "assistant": "bot"})

    with connection.execute_wrapper(meanwhile):
        give_back()
    others[0].join()
    give_back()
    rows: Any = get_message_model()._base_manager
    assert set(rows.values_list("role", "position")) <= {("human", None), ("bot", None)}


# Owners and sessions known by a text


def test_a_user_is_found_by_the_one_right_text_only(ada: Any) -> None:
    people = get_user_model().objects
    find = adoption.lookup(people.all(), "username")
    assert [find(text) for text in ("ada", "ADA", "eve", "", None)] == [ada.pk, *[None] * 4]
    people.create(username="bob", password="same")
    people.create(username="eve", password="same")
    assert adoption.lookup(people.all(), "password")("same") is None


@pytest.mark.parametrize(
    "guessable",
    [
        None,
        "",
        "1",
        "session-12",
        "aaaaaaaaaaaaaaaaaaaaaaaa",
        "abcdefghijklmnopqrs",  # 19 characters
        "abcdefgabcdefgabcdefg",  # 7 different ones
        "6fa459ea-ee8a-11d2-90d4-00c04fd430c8",
    ],
)
def test_an_id_that_can_be_guessed_opens_nothing(guessable: str | None) -> None:
    assert adoption.visitor_key(guessable) is None


def test_an_id_that_cannot_be_guessed_is_kept_as_a_hash() -> None:
    for secret in (*SECRETS[:2], "abcdefghijklmnopqrst", "abcdefghabcdefghabcdefgh"):
        assert adoption.visitor_key(secret) == Owner.for_visitor(secret).visitor_key


def test_messages_without_a_session_table_are_divided_by_text_and_pause(settings: Any) -> None:
    configure(settings, SESSION_MODEL="shape_g.ChatSession", RESPONDER=None)
    messages: Any = get_message_model().objects

    def write(text: str | None, content: str, hours: float) -> None:
        at = BEGAN + timedelta(hours=hours)
        messages.create(chat_id=text, content=content, created_at=at, old_sender="user")

    for text, content, hours in [
        ("abc", "a", 0),
        ("ABC", "A", 1),
        ("abc", "b", 2),
        ("abc", "c", 9),
    ]:
        write(text, content, hours)
    write(None, "nobody's", 0)
    write("", "nobody's either", 0)
    options: Any = {"gap": timedelta(hours=5), "batch": 1}
    report = adoption.make_sessions(messages.all(), "chat_id", **options)
    assert (report.sessions, report.skipped_count) == (3, 2)
    write("abc", "d", 10)
    write("abc", "e", 20)
    by_hand = messages.filter(chat_id="")
    by_hand.update(session=get_session_model().objects.first())
    report = adoption.make_sessions(messages.all(), "chat_id", **options)
    assert (report.sessions, report.skipped_count) == (1, 1)
    by_hand.delete()
    said: dict[Any, str] = {}
    for row in messages.exclude(session=None).order_by("created_at"):
        said[row.session_id] = said.get(row.session_id, "") + row.content
    assert sorted(said.values()) == ["A", "ab", "cd", "e"]
    adoption.adopt(sessions(), role_from="old_sender")
    new = services.start(Owner.for_visitor("somebody")).opened
    services.add_message(new, "user", "new")
    services.add_message(new, "user", "newer")
    adoption.give_back_texts(messages.filter(session=new.pk), "chat_id", batch=1)
    [name] = set(messages.filter(session=new.pk).values_list("chat_id", flat=True))
    assert len(name) == 32
    homeless = messages.create(chat_id=None, content="x", created_at=BEGAN, old_sender="user")
    adoption.give_back_texts(messages.all(), "chat_id")
    assert messages.get(pk=homeless.pk).chat_id is None  # which names no session


def test_messages_without_a_session_table_are_divided_by_whose_they_are(
    ada: Any, settings: Any
) -> None:
    """A table with question and answer, and whose they are: many tutorials make such a one."""
    configure(settings, SESSION_MODEL="shape_g.ChatSession", RESPONDER=None)
    bob = get_user_model().objects.create(username="bob")
    messages: Any = get_message_model().objects
    sender: Any = models.ForeignKey(get_user_model(), models.CASCADE, null=True, related_name="+")
    with added_to(get_message_model(), "person", sender):
        for person, hours in [(ada, 0), (bob, 1), (ada, 2), (ada, 30), (None, 3)]:
            at = BEGAN + timedelta(hours=hours)
            messages.create(person=person, content="x", created_at=at, old_sender="user")
        options: Any = {"gap": timedelta(hours=8), "batch": 1}
        report = adoption.make_sessions(
            messages.all(), "person_id", fill=lambda user: {"user_id": user}, **options
        )
        assert (report.sessions, report.skipped_count) == (3, 1)
        assert adoption.make_sessions(messages.all(), "person_id", **options).sessions == 0
        adoption.adopt(sessions(), role_from="old_sender")
        listed = services.recent_sessions(Owner.for_user(ada))
        assert [row.message_count for row in listed] == [1, 2]
        assert len(services.recent_sessions(Owner.for_user(bob))) == 1


def test_messages_that_a_uuid_holds_together_find_their_session_and_back(settings: Any) -> None:
    configure(settings, SESSION_MODEL="shape_g.ChatSession", RESPONDER=None)
    messages: Any = get_message_model().objects
    with added_to(get_message_model(), "thread", models.UUIDField(null=True)):
        for thread in (UUID(int=1), UUID(int=2), UUID(int=1)):
            messages.create(thread=thread, content="x", created_at=BEGAN, old_sender="user")
        assert adoption.make_sessions(messages.all(), "thread").sessions == 2
        messages.filter(thread=UUID(int=2)).update(thread=None)
        messages.filter(pk=messages.earliest("pk").pk).update(thread=None)
        adoption.give_back_texts(messages.all(), "thread")
        threads = list(messages.order_by("pk").values_list("thread", flat=True))
        assert threads[0] == threads[2] == UUID(int=1)
        assert threads[1].version == 4


def test_a_message_without_a_time_begins_the_session_of_its_text(settings: Any) -> None:
    configure(settings, SESSION_MODEL="shape_g.ChatSession", RESPONDER=None)
    messages: Any = get_message_model().objects
    for text, content, at in [
        ("abc", "timeless", None),
        ("abc", "first", BEGAN),
        ("abc", "latest", BEGAN + timedelta(hours=9)),
        ("never", "timeless", None),
    ]:
        messages.create(chat_id=text, content=content, created_at=at, old_sender="user")
    assert adoption.make_sessions(messages.all(), "chat_id", gap=timedelta(hours=8)).sessions == 3
    starts = sessions().order_by("pk").values_list("started_at", flat=True)
    assert list(starts) == [BEGAN, BEGAN + timedelta(hours=9), None]
    adoption.adopt(sessions(), role_from="old_sender")
    first, last, _timeless = sessions().order_by("last_message_at")
    assert told(first) == [(0, "user", "timeless"), (1, "user", "first")]
    assert first.created == first.started_at == first.last_message_at == BEGAN
    assert told(last) == [(0, "user", "latest")]


def test_a_text_for_which_the_host_fills_in_wrongly_costs_its_messages_only(
    settings: Any, caplog: Any
) -> None:
    configure(settings, SESSION_MODEL="shape_g.ChatSession", RESPONDER=None)
    messages: Any = get_message_model().objects
    for text in ("a", "b", "Secret", "Secret", "c"):
        messages.create(chat_id=text, content="x", created_at=BEGAN, old_sender="user")
    taken = Owner.for_visitor("somebody")
    services.start(taken)

    def fill(text: str) -> dict[str, Any]:
        if text == "Secret":
            raise KeyError(text)
        return {"open_key": taken.open_key("")} if text == "b" else {}

    report = adoption.make_sessions(messages.all(), "chat_id", fill=fill)
    assert (report.sessions, report.skipped_count) == (2, 3)
    assert sorted(why for why in report.skipped.values()) == [
        "fill fails (KeyError)",
        "the database refuses its session (IntegrityError)",
    ]
    assert "Secret" not in caplog.text
    assert adoption.make_sessions(messages.all(), "chat_id").sessions == 2


def test_two_servers_that_migrate_at_once_make_each_session_once(settings: Any) -> None:
    configure(settings, SESSION_MODEL="shape_g.ChatSession", RESPONDER=None)
    messages: Any = get_message_model().objects
    messages.create(chat_id="abc", content="x", created_at=BEGAN, old_sender="user")

    def other_server() -> None:
        adoption.make_sessions(messages.all(), "chat_id")
        connection.close()

    other = Thread(target=other_server)

    def fill(text: str) -> dict[str, Any]:
        other.start()
        other.join(0.5)  # it waits for us, or has made its own by then
        return {}

    assert adoption.make_sessions(messages.all(), "chat_id", fill=fill).sessions == 1
    other.join()
    assert sessions().count() == 1


# Indexes


def test_m_04_an_index_is_built_without_keeping_others_from_writing() -> None:
    model = apps.get_model("shape_k", "ChatSession")
    index = model._meta.indexes[0]
    operation = Concurrently(migrations.AddIndex("chatsession", index))
    name, arguments, options = operation.deconstruct()
    assert (name, options) == ("Concurrently", {})
    assert arguments == [operation.operation]
    assert operation.describe() == f"{operation.operation.describe()} while others write"
    assert operation.migration_name_fragment == operation.operation.migration_name_fragment
    assert operation.references_model("chatsession", "shape_k")
    if connection.vendor == "postgresql":
        state = ProjectState()
        with (
            pytest.raises(NotSupportedError, match="atomic = False"),
            connection.schema_editor() as editor,
        ):
            operation.database_forwards("shape_k", editor, state, state)


def test_m_04_an_interrupted_migration_is_run_again(ada: Any) -> None:
    model = apps.get_model("shape_k", "ChatMessage")
    [place] = model._meta.constraints
    state = ProjectState.from_apps(apps)
    # What was done before the interruption; elsewhere the operation is Django's own.
    times = 2 if connection.vendor == "postgresql" else 1
    operation = Concurrently(migrations.AddConstraint("chatmessage", place))
    with connection.schema_editor(atomic=False) as editor:
        for _ in range(times):
            operation.database_backwards("shape_k", editor, state, state)
        for _ in range(times):
            operation.database_forwards("shape_k", editor, state, state)
    session = began(ada, ("user", "One"))
    adopt()
    with pytest.raises(IntegrityError):
        get_message_model()(session=session, position=0).save()


def test_the_database_refuses_a_second_message_in_the_same_place(ada: Any) -> None:
    session = began(ada, ("user", "One"))
    adopt()
    with pytest.raises(IntegrityError):
        get_message_model()(session=session, position=0).save()
