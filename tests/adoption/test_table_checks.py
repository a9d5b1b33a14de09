"""What the checks say of a half-adopted host."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection, models

from django_chat_sessions import get_message_model, get_session_model
from django_chat_sessions.checks import tables as checks
from django_chat_sessions.owners import Owner
from tests.conversations import configure, talked

pytestmark = pytest.mark.django_db


def found(databases: Any = ("default",)) -> dict[str, str]:
    messages = [*checks.check_guarantees(), *checks.check_adoption(databases=databases)]
    return {str(each.id).rpartition(".")[2]: f"{each.msg} {each.hint}" for each in messages}


def test_w011_what_the_database_does_not_guarantee(monkeypatch: Any) -> None:
    assert found() == {}
    message = get_message_model()
    monkeypatch.setattr(message._meta, "constraints", [])
    monkeypatch.delitem(message._meta.__dict__, "total_unique_constraints", raising=False)
    assert "session and position of" in found()["W011"]
    monkeypatch.setattr(get_session_model()._meta.get_field("open_key"), "_unique", False)
    monkeypatch.delitem(get_session_model()._meta.get_field("open_key").__dict__, "unique", False)
    texts = [each.msg for each in checks.check_guarantees()]
    assert f"make {get_session_model()._meta.label}.open_key unique." in texts[0]
    monkeypatch.undo()
    monkeypatch.delitem(message._meta.__dict__, "total_unique_constraints", raising=False)
    assert found() == {}


def test_a_guarantee_may_be_given_in_another_way(monkeypatch: Any) -> None:
    message, session = get_message_model(), get_session_model()
    for model in (message, session):
        monkeypatch.delitem(model._meta.__dict__, "total_unique_constraints", raising=False)
    monkeypatch.setattr(message._meta, "constraints", [])
    monkeypatch.setattr(message._meta, "unique_together", (("session", "position"),))
    monkeypatch.setattr(session._meta.get_field("open_key"), "_unique", False)
    monkeypatch.delitem(session._meta.get_field("open_key").__dict__, "unique", False)
    constraint = models.UniqueConstraint(fields=["open_key"], name="one_place")
    monkeypatch.setattr(session._meta, "constraints", [constraint])
    told = found()
    monkeypatch.undo()
    for model in (message, session):
        monkeypatch.delitem(model._meta.__dict__, "total_unique_constraints", raising=False)
    assert told == found() == {}


def test_w012_columns_that_no_migration_has_added(monkeypatch: Any) -> None:
    field: Any = models.TextField(null=True)
    field.set_attributes_from_name("sentiment")
    model = get_message_model()
    fields = (*model._meta.local_concrete_fields, field)
    monkeypatch.setitem(model._meta.__dict__, "local_concrete_fields", fields)
    text = found()["W012"]
    assert f"The table {model._meta.db_table} has no column sentiment." in text
    assert f"makemigrations {model._meta.app_label}" in text


def test_w012_both_tables_are_told_of_at_once(monkeypatch: Any) -> None:
    pair: tuple[Any, Any] = (get_session_model(), get_message_model())
    monkeypatch.setattr(checks, "_columns", lambda model, alias: {model._meta.pk.column})
    monkeypatch.setattr(checks, "_waiting", None)  # no database takes a question for what lacks
    [finding] = checks.check_adoption(databases=["default"])
    assert finding.id == "django_chat_sessions.W012"
    for model in pair:
        assert f"he table {model._meta.db_table} has no column " in finding.msg
    assert str(finding.hint).startswith("Run migrate")


def test_w012_the_hint_names_the_database_that_the_chats_are_in(monkeypatch: Any) -> None:
    monkeypatch.setattr(checks.router, "db_for_write", lambda model: "chats")
    monkeypatch.setattr(checks, "_columns", lambda model, alias: {model._meta.pk.column})
    monkeypatch.setattr(checks, "_unsafe", lambda model, alias: ())
    [finding] = checks.check_adoption(databases=["default", "chats"])
    assert str(finding.hint).startswith("Run migrate --database chats, which")


def test_w012_a_table_that_is_still_to_come_is_no_finding(monkeypatch: Any) -> None:
    monkeypatch.setattr(connection.introspection, "table_names", lambda cursor: [])
    assert found() == {}


def test_w018_a_table_of_an_engine_without_transactions(monkeypatch: Any) -> None:
    engines = {get_message_model()._meta.db_table: "MyISAM"}
    monkeypatch.setattr(
        connection.introspection,
        "get_storage_engine",
        lambda cursor, table: engines.get(table, "InnoDB"),
        raising=False,
    )
    assert list(found()) == ["W018"]
    engines.clear()
    assert found() == {}


if connection.vendor == "mysql":  # other databases have one engine, which has transactions

    @pytest.mark.django_db(transaction=True)
    def test_w018_a_table_without_transactions() -> None:
        table = get_message_model()._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(f"RENAME TABLE {table} TO {table}_aside")
            try:
                cursor.execute(f"CREATE TABLE {table} LIKE {table}_aside")
                assert found() == {}
                cursor.execute(f"ALTER TABLE {table} ENGINE = MyISAM")
                told = found()
            finally:
                cursor.execute(f"DROP TABLE IF EXISTS {table}")
                cursor.execute(f"RENAME TABLE {table}_aside TO {table}")
        assert list(told) == ["W018"]
        assert f"The table {table} is one of MyISAM's" in told["W018"]
        assert f"ALTER TABLE {table} ENGINE = InnoDB." in told["W018"]


def test_w013_rows_that_are_not_adopted() -> None:
    session = talked(Owner.for_visitor("somebody"))
    assert found() == {}
    get_message_model()._base_manager.all().update(position=None)
    assert "has rows without position" in found()["W013"]
    skipped = "such as a message without a session, stays until that row is corrected or deleted."
    assert skipped in found()["W013"]
    for column in ("last_activity_at", "opened_at"):  # a host may have the first one, filled
        get_session_model()._base_manager.all().update(**{column: None})
        first, _second = checks.check_adoption(databases=["default"])
        assert f"the first found is {session.pk}:" in first.msg
        get_session_model()._base_manager.all().update(**{column: session.started_at})


def test_w013_tables_of_another_schema(monkeypatch: Any) -> None:
    """As '"schema"."table"' names them, which PostgreSQL alone understands."""
    if connection.vendor != "postgresql":
        return
    talked(Owner.for_visitor("somebody"))
    get_message_model()._base_manager.all().update(position=None)
    with connection.cursor() as cursor:
        cursor.execute('CREATE SCHEMA "old chats"')
        for model in (get_session_model(), get_message_model()):
            cursor.execute(f'ALTER TABLE "{model._meta.db_table}" SET SCHEMA "old chats"')
            elsewhere = f'"old chats"."{model._meta.db_table}"'
            monkeypatch.setattr(model._meta, "db_table", elsewhere)
    assert "has rows without position" in found()["W013"]
    for model in (get_session_model(), get_message_model()):
        monkeypatch.setattr(model._meta, "db_table", '"old chats"."still to come"')
    assert found() == {}


def test_the_database_is_asked_only_where_that_is_wanted(settings: Any) -> None:
    get_session_model()(started_at=None).save()
    assert found(databases=None) == {}
    ids = [message.id for message in run_checks()]
    assert "django_chat_sessions.W013" not in ids
    printed = StringIO()
    call_command("check", databases=["default"], stderr=printed)
    assert "django_chat_sessions.W013" in printed.getvalue()
    for wrong in ("nothing", "no.Model", None):
        configure(settings, SESSION_MODEL=wrong)
        assert found() == {}
