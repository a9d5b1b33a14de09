"""Large tables change while others write, which PostgreSQL has to be asked for in its own way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, migrations, models
from django.db.migrations.state import ProjectState

from django_chat_sessions.adoption import Concurrently

ON_POSTGRES = connection.vendor == "postgresql"
pytestmark = pytest.mark.django_db(transaction=True)


def constraints(column: str) -> list[tuple[str, bool]]:
    """Each constraint of a column of the sessions' table, and whether all rows were held to it.

    On PostgreSQL: elsewhere the operation is Django's own.
    """
    if not ON_POSTGRES:
        return []
    table = apps.get_model("shape_k", "ChatSession")._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.oid || ' ' || c.contype::text, c.convalidated FROM pg_constraint c "
            "JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey) "
            "WHERE c.conrelid = %s::regclass AND a.attname = %s AND c.contype IN ('f', 'c') "
            "ORDER BY 1",
            [table, column],
        )
        return list(cursor.fetchall())


@pytest.mark.parametrize("name", ["previous", "message_count", "title", "metadata"])
def test_m_04_a_column_is_added_while_others_write_and_again_after_an_interruption(
    name: str,
) -> None:
    field: Any = apps.get_model("shape_k", "ChatSession")._meta.get_field(name)
    today = ProjectState.from_apps(apps)
    before = today.clone()
    before.remove_field("shape_k", "chatsession", name)
    operation = Concurrently(migrations.AddField("chatsession", name, field.clone()))
    kinds = [kind[-1:] for kind, _checked in constraints(field.column)]
    with connection.schema_editor(atomic=False) as editor:
        # What was done before the interruption; elsewhere the operation is Django's own.
        times = 2 if ON_POSTGRES else 1
        for _ in range(times):
            operation.database_backwards("shape_k", editor, today, before)
        for _ in range(times):
            operation.database_forwards("shape_k", editor, before, today)
    model = apps.get_model("shape_k", "ChatSession")
    assert list(model._base_manager.values_list(name)) == []
    made = constraints(field.column)
    assert [kind[-1:] for kind, _checked in made] == kinds
    assert all(is_checked for _kind, is_checked in made)
    with connection.cursor() as cursor:
        there = connection.introspection.get_constraints(cursor, model._meta.db_table)
    indexed = [each for each in there.values() if each["columns"] == [field.column]]
    assert any(each["index"] for each in indexed) == (name == "previous")


def altered(name: str, **changed: Any) -> list[tuple[str, bool]]:
    """Alter a foreign key of the sessions and undo it; return its constraints in between."""
    field: Any = apps.get_model("shape_k", "ChatSession")._meta.get_field(name)
    *_names, arguments, options = field.deconstruct()
    other: Any = models.ForeignKey(*arguments, **{**options, **changed})
    operation = Concurrently(migrations.AlterField("chatsession", name, other))
    today = ProjectState.from_apps(apps)
    then = today.clone()
    operation.state_forwards("shape_k", then)
    with connection.schema_editor(atomic=False) as editor:
        operation.database_forwards("shape_k", editor, today, then)
        found = constraints(field.column)
        operation.database_backwards("shape_k", editor, then, today)
    return found


def test_m_01_a_foreign_key_that_stays_as_it_is_is_not_checked_again() -> None:
    kept = constraints("user_id")
    assert len(kept) == int(ON_POSTGRES)
    assert altered("user", null=False) == kept
    assert constraints("user_id") == kept


@pytest.mark.parametrize("changed", [{"db_constraint": False}, {"to": "shape_k.chatmessage"}])
def test_a_foreign_key_that_changes_is_made_anew(changed: dict[str, Any]) -> None:
    kept = constraints("previous_id")
    assert not set(altered("previous", **changed)) & set(kept)
    made = constraints("previous_id")
    assert [is_checked for _kind, is_checked in made] == [True] * len(kept)
    assert not set(made) & set(kept)


if ON_POSTGRES:

    def indexes(model: Any) -> list[tuple[str, str]]:
        """Each index of the table, with its schema, in whichever schema the table is."""
        with connection.cursor() as cursor:
            asked = (
                "SELECT schemaname, indexname FROM pg_indexes WHERE tablename = %s ORDER BY 1, 2"
            )
            cursor.execute(asked, [model._meta.db_table])
            return list(cursor.fetchall())

    @pytest.fixture
    def tenant() -> Iterator[str]:
        """A schema of the messages' table that is looked into before the public one."""
        table = apps.get_model("shape_k", "ChatMessage")._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA tenant")
            cursor.execute(f"CREATE TABLE tenant.{table} (LIKE public.{table})")
            cursor.execute("SET search_path TO tenant, public")
            yield "tenant"
            cursor.execute("RESET search_path")
            cursor.execute("DROP SCHEMA tenant CASCADE")

    def test_an_index_of_another_schema_is_left_alone(tenant: str) -> None:
        model = apps.get_model("shape_k", "ChatMessage")
        state = ProjectState.from_apps(apps)
        index = models.Index(fields=["created_at"], name="shape_k_of_time")
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE INDEX shape_k_of_time ON public.{model._meta.db_table} (id)")
        before = indexes(model)
        [place] = model._meta.constraints
        new = [
            Concurrently(migrations.AddIndex("chatmessage", index)),
            Concurrently(migrations.AddConstraint("chatmessage", place)),
        ]
        then = state.clone()
        new[0].state_forwards("shape_k", then)
        try:
            for operation in [*new, new[0]]:  # the index once more, as after an interruption
                with connection.schema_editor(atomic=False) as editor:
                    operation.database_forwards("shape_k", editor, state, then)
            made = {(tenant, index.name), (tenant, place.name)}
            assert set(indexes(model)) == {*before, *made}
        finally:
            with connection.cursor() as cursor:
                cursor.execute("DROP INDEX public.shape_k_of_time")

    def test_an_index_of_a_table_whose_schema_is_named(tenant: str) -> None:
        model = apps.get_model("shape_k", "ChatMessage")
        index = models.Index(fields=["created_at"], name="shape_k_of_time")
        operation = Concurrently(migrations.AddIndex("chatmessage", index))
        today = ProjectState.from_apps(apps)
        named = f'"{tenant}"."{model._meta.db_table}"'
        today.models["shape_k", "chatmessage"].options["db_table"] = named
        with connection.cursor() as cursor:
            cursor.execute("RESET search_path")
        then = today.clone()
        operation.state_forwards("shape_k", then)
        before = indexes(model)
        with connection.schema_editor(atomic=False) as editor:
            operation.database_forwards("shape_k", editor, today, then)
        assert set(indexes(model)) - set(before) == {(tenant, index.name)}

    @pytest.mark.parametrize("is_there", [True, False])
    def test_sqlmigrate_tells_what_to_do_whatever_the_database_has(is_there: bool) -> None:
        model: Any = apps.get_model("shape_k", "ChatMessage")
        [place] = model._meta.constraints
        today = ProjectState.from_apps(apps)
        if not is_there:
            today.models["shape_k", "chatmessage"].options["db_table"] = "still_to_come"
        table = model._meta.db_table if is_there else "still_to_come"
        name = f'"{place.name}"'
        operation = Concurrently(migrations.AddConstraint("chatmessage", place))
        with connection.schema_editor(collect_sql=True, atomic=False) as editor:
            operation.database_forwards("shape_k", editor, today, today)
        assert [line.split(" (")[0] for line in editor.collected_sql] == [
            f"DROP INDEX CONCURRENTLY IF EXISTS {name};",
            f'CREATE UNIQUE INDEX CONCURRENTLY {name} ON "{table}"',
            f'ALTER TABLE "{table}" ADD CONSTRAINT {name} UNIQUE USING INDEX {name};',
        ]

    def told(operation: Any, table: str, *without: str) -> list[str]:
        """What sqlmigrate tells of an operation on the sessions, in a table still to come."""
        before = ProjectState.from_apps(apps)
        before.models["shape_k", "chatsession"].options["db_table"] = table
        for name in without:
            before.remove_field("shape_k", "chatsession", name)
        then = before.clone()
        operation.state_forwards("shape_k", then)
        with connection.schema_editor(collect_sql=True, atomic=False) as editor:
            operation.database_forwards("shape_k", editor, before, then)
        return list(editor.collected_sql)

    @pytest.mark.parametrize("table", ["still_to_come", '"tenant"."talks"'])
    def test_an_index_is_built_while_others_write(table: str) -> None:
        quoted = connection.ops.quote_name(table)
        index = models.Index(fields=["title"], name="of_title")
        empty = models.Q(message_count=0)
        first = models.UniqueConstraint(fields=["title"], condition=empty, name="one_title")
        assert told(Concurrently(migrations.AddIndex("chatsession", index)), table) == [
            'DROP INDEX CONCURRENTLY IF EXISTS "of_title";',
            f'CREATE INDEX CONCURRENTLY "of_title" ON {quoted} ("topic");',
        ]
        made = f'CREATE UNIQUE INDEX CONCURRENTLY "one_title" ON {quoted} ("topic") '
        assert told(Concurrently(migrations.AddConstraint("chatsession", first)), table) == [
            'DROP INDEX CONCURRENTLY IF EXISTS "one_title";',
            made + 'WHERE "message_count" = 0;',
        ]

    @pytest.mark.parametrize(
        ("table", "name"),
        [
            ("still_to_come_one_day", "still_to_come_one_day_message_count_check"),
            ('"tenant"."talks"', "talks_message_count_check"),
        ],
    )
    def test_a_check_is_called_as_postgresql_calls_it(table: str, name: str) -> None:
        field: Any = apps.get_model("shape_k", "ChatSession")._meta.get_field("message_count")
        adding = migrations.AddField("chatsession", "message_count", field.clone())
        start = f"ALTER TABLE {connection.ops.quote_name(table)}"
        assert told(Concurrently(adding), table, "message_count")[1:4] == [
            f'{start} DROP CONSTRAINT IF EXISTS "{name}";',
            f'{start} ADD CONSTRAINT "{name}" CHECK ("message_count" >= 0) NOT VALID;',
            f'{start} VALIDATE CONSTRAINT "{name}";',
        ]

    def test_a_check_whose_name_is_too_long_keeps_one_of_its_own() -> None:
        field: Any = apps.get_model("shape_k", "ChatSession")._meta.get_field("message_count")
        adding = migrations.AddField("chatsession", "message_count", field.clone())
        [*_others, checked] = told(Concurrently(adding), "t" * 60, "message_count")[:4]
        name = checked.split('"')[-2]
        assert len(name) == 63
        assert name != f"{'t' * 60}_message_count_check"[:63]  # as it would be for each column

    def test_a_check_is_added_while_others_write_and_again_after_an_interruption() -> None:
        check = models.CheckConstraint(condition=models.Q(message_count__gte=0), name="counted")
        operation = Concurrently(migrations.AddConstraint("chatsession", check))
        today = ProjectState.from_apps(apps)
        then = today.clone()
        operation.state_forwards("shape_k", then)
        known = constraints("message_count")
        with connection.schema_editor(atomic=False) as editor:
            for _ in range(2):
                operation.database_forwards("shape_k", editor, today, then)
            [(_made, is_checked)] = set(constraints("message_count")) - set(known)
            for _ in range(2):
                operation.database_backwards("shape_k", editor, then, today)
        assert is_checked
        assert constraints("message_count") == known

    def test_so_is_that_of_an_old_number_that_may_not_be_negative_any_more() -> None:
        counted = models.PositiveIntegerField(default=0, db_column="old_count")
        altering = migrations.AlterField("chatsession", "old_count", counted)
        before = ProjectState.from_apps(apps)
        before.add_field("shape_k", "chatsession", "old_count", models.IntegerField(), False)
        then = before.clone()
        altering.state_forwards("shape_k", then)
        with connection.schema_editor(collect_sql=True, atomic=False) as editor:
            Concurrently(altering).database_forwards("shape_k", editor, before, then)
        dropped, added, checked = editor.collected_sql[-3:]
        assert "DROP CONSTRAINT IF EXISTS" in dropped
        assert added.endswith('CHECK ("old_count" >= 0) NOT VALID;')
        assert "VALIDATE CONSTRAINT" in checked

    def test_a_number_becomes_a_foreign_key() -> None:
        key = models.ForeignKey(
            "people.Person", models.CASCADE, null=True, db_column="message_count"
        )
        altering = migrations.AlterField("chatsession", "message_count", key)
        table = apps.get_model("shape_k", "ChatSession")._meta.db_table
        [added] = [line for line in told(Concurrently(altering), table) if "FOREIGN KEY" in line]
        assert added.endswith("NOT VALID;")
