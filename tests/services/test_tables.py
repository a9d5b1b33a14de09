"""The host's tables on the database that is written to; signals after commit."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.dispatch import Signal
from django.utils.functional import SimpleLazyObject

from django_chat_sessions import get_message_model, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.owners import Owner
from django_chat_sessions.services import erasure, tables
from django_chat_sessions.services.tables import (
    after_commit,
    announce,
    is_pooled,
    let_others_write,
    messages,
    sessions,
    short_transaction,
    tell_readers,
)
from tests.conversations import fill_history, opened, stored


class Replicated:
    """A router of a host that reads from a replica."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"


def test_decisions_never_read_a_replica(settings: Any) -> None:
    settings.DATABASE_ROUTERS = ["tests.services.test_tables.Replicated"]
    assert get_session_model().objects.all().db == "replica"
    assert sessions().db == "default"
    assert messages().db == "default"


@pytest.mark.parametrize(
    ("options", "wanted"),
    [({}, False), ({"pool": False}, False), ({"pool": {"max_size": 4}}, True)],
)
def test_a_pool_is_one_that_the_settings_name(
    monkeypatch: pytest.MonkeyPatch, options: Any, wanted: bool
) -> None:
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    assert is_pooled() is wanted


def test_they_are_the_hosts_tables() -> None:
    assert sessions().model is get_session_model()
    assert messages().model is get_message_model()


class TestLettingOthersWrite:
    """Who waits for SQLite's one lock has to find it free at the moment of looking."""

    @pytest.mark.parametrize("locks_rows", [True, False])
    @pytest.mark.parametrize("of_a_callers", [True, False])
    def test_there_is_a_pause_where_one_writer_keeps_out_all_others(
        self, monkeypatch: pytest.MonkeyPatch, locks_rows: bool, of_a_callers: bool
    ) -> None:
        paused: list[float] = []
        monkeypatch.setattr("time.sleep", paused.append)
        monkeypatch.setattr(connection.features, "has_select_for_update", locks_rows)
        monkeypatch.setattr(tables, "in_transaction", lambda: of_a_callers)
        let_others_write()
        assert bool(paused) is not (locks_rows or of_a_callers)
        assert all(pause > 0.1 for pause in paused)  # SQLite looks each tenth of a second

    @pytest.mark.django_db
    @pytest.mark.parametrize(("rows", "pauses"), [(1, 0), (3, 1), (5, 2)])
    def test_between_two_batches_and_not_for_a_few_rows(
        self, owner: Owner, monkeypatch: pytest.MonkeyPatch, rows: int, pauses: int
    ) -> None:
        paused: list[str] = []
        monkeypatch.setattr(tables, "let_others_write", lambda: paused.append("purge"))
        monkeypatch.setattr(erasure, "let_others_write", lambda: paused.append("erase"))
        monkeypatch.setattr(erasure, "BATCH", 2)
        fill_history(owner, rows)
        chat_sessions.purge(older_than_days=0, batch_size=2)
        fill_history(owner, rows)
        chat_sessions.erase(owner)
        assert paused == ["purge"] * pauses + ["erase"] * pauses


@pytest.mark.django_db
class TestShortTransaction:
    def test_what_is_undone_in_the_table_is_undone_in_memory(self, owner: Owner) -> None:
        session, other = opened(owner), opened(owner, "2")

        def fails() -> None:
            with short_transaction(session, other):
                for row in (session, other):
                    row.title = "Lost"
                    row.save()
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fails()
        for row in (session, other):
            assert row.title == stored(row).title == ""

    def test_so_is_it_in_a_lazy_row(self, owner: Owner) -> None:
        """Such as ``request.chat_session`` is."""
        session: Any = SimpleLazyObject(lambda: opened(owner))
        assert session.title == ""

        def fails() -> None:
            with short_transaction(session):
                session.title = "Lost"
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fails()
        assert session.title == ""

    def test_what_is_stored_stays_in_memory(self, owner: Owner) -> None:
        session = opened(owner)
        with short_transaction(session):
            session.title = "Kept"
            session.save()
        assert session.title == stored(session).title == "Kept"


@pytest.mark.django_db(transaction=True)
class TestAfterCommit:
    def test_at_once_where_there_is_no_transaction(self) -> None:
        called: list[str] = []
        after_commit(lambda: called.append("now"))
        assert called == ["now"]

    def test_inside_one_it_waits_for_the_end_of_the_callers(self, owner: Owner) -> None:
        from django.db import transaction

        seen: list[Any] = []
        signal = Signal()

        def note(sender: Any, session: Any, **facts: Any) -> None:
            seen.append((sender, session, facts["more"]))

        signal.connect(note)
        session = opened(owner)
        with transaction.atomic():
            with short_transaction():
                announce(signal, session, more=1)
            assert seen == []
        assert seen == [(type(session), session, 1)]

    def test_what_the_caller_undoes_is_never_told(self, owner: Owner) -> None:
        from django.db import transaction

        seen: list[Any] = []

        def undone() -> None:
            with transaction.atomic():
                after_commit(lambda: seen.append(1))
                raise RuntimeError

        with pytest.raises(RuntimeError):
            undone()
        assert seen == []

    def test_a_receiver_that_raises_disturbs_neither_us_nor_the_next(
        self, owner: Owner, caplog: pytest.LogCaptureFixture
    ) -> None:
        seen: list[Any] = []
        signal = Signal()

        def broken(sender: Any, **facts: Any) -> None:
            raise RuntimeError

        def fine(sender: Any, **facts: Any) -> None:
            seen.append(facts["session"])

        signal.connect(broken)
        signal.connect(fine)
        session = opened(owner)
        announce(signal, session)
        assert seen == [session]
        assert "RuntimeError" in caplog.text


@pytest.mark.django_db
def test_a_row_that_was_adopted_and_is_nobodys_tells_nobody(
    owner: Owner, django_capture_on_commit_callbacks: Any
) -> None:
    session = opened(owner)
    with django_capture_on_commit_callbacks() as hints:
        tell_readers(get_session_model()())
    assert hints == []
    with django_capture_on_commit_callbacks() as hints:
        tell_readers(session)
    assert len(hints) == 1
