"""Writes that belong together are all made or none, in one statement as in several."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import deepcopy
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, ProgrammingError, connection, transaction
from django.db.models import Value
from django.db.models.expressions import DatabaseDefault
from django.db.models.signals import post_save, pre_save

from django_chat_sessions import clock, get_message_model, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.exceptions import TurnLost
from django_chat_sessions.models import AbstractChatSession, ReplyState
from django_chat_sessions.owners import Owner
from django_chat_sessions.services import races
from django_chat_sessions.services.opening import open_new
from django_chat_sessions.services.races import RaceLost, moving
from django_chat_sessions.services.replies.writing import finish, take
from django_chat_sessions.services.tables import messages, sessions
from django_chat_sessions.services.together import Addition, Change, Placing, write
from tests.conversations import (
    leave_replies,
    listen_only,
    opened,
    reply_of,
    rows,
    somebody_else,
    stored,
    talked,
    waiting,
)

IS_POSTGRES = connection.vendor == "postgresql"
GIVES_KEYS = get_session_model()._meta.pk.get_internal_type() == "UUIDField"
USERS: Any = get_user_model()
Way = Callable[[], AbstractContextManager[Any]]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["alone", "in a transaction"])
def way(request: pytest.FixtureRequest) -> Way:
    """Outside of transactions PostgreSQL takes one statement, inside of one it never does."""
    return nullcontext if request.param == "alone" else transaction.atomic


def kinds(sent: list[str]) -> list[str]:
    return [sql.split()[0] for sql in sent]


def user(name: str) -> Any:
    return USERS(username=name)


def refuse(session: Any) -> None:
    raise ValidationError("Not today.")


def renaming(row: Any, name: str, **where: Any) -> Change:
    return Change(row, USERS.objects.all(), {"pk": row.pk, **where}, {"first_name": name}, RaceLost)


class TestWrite:
    def test_all_of_it_is_stored_and_known_to_the_rows(self, way: Way) -> None:
        ada = USERS.objects.create_user("ada")
        new = [user("eve"), user("bob")]
        with way():
            write(renaming(ada, "Ada"), Addition(USERS.objects.all(), new))
        assert ada.first_name == stored(ada).first_name == "Ada"
        assert [stored(one).username for one in new] == ["eve", "bob"]
        assert new[0].pk < new[1].pk
        assert not any(one._state.adding for one in new)
        assert {one._state.db for one in new} == {"default"}

    def test_a_key_that_is_made_is_told_to_the_row_that_had_none(self, way: Way) -> None:
        given, new = USERS(pk=2**30, username="ada"), [user("eve"), user("bob")]
        with way():
            write(Addition(USERS.objects.all(), [given]), Addition(USERS.objects.all(), new))
        assert given.pk == 2**30
        assert [stored(one).username for one in (given, *new)] == ["ada", "eve", "bob"]

    def test_what_is_lost_is_raised_and_nothing_written(self, way: Way) -> None:
        ada = USERS.objects.create_user("ada")
        with way(), pytest.raises(RaceLost):
            write(renaming(ada, "Ada", email="other"), Addition(USERS.objects.all(), [user("eve")]))
        assert ada.first_name == stored(ada).first_name == ""
        assert not USERS.objects.filter(username="eve").exists()

    @pytest.mark.parametrize("first_fits", [True, False])
    def test_of_two_changes_both_are_made_or_none(self, way: Way, first_fits: bool) -> None:
        ada, eve = (USERS.objects.create_user(name) for name in ("ada", "eve"))
        fits, other = {"email": ""}, {"email": "other"}
        two = (
            renaming(ada, "Ada", **(fits if first_fits else other)),
            renaming(eve, "Eve", **(other if first_fits else fits)),
        )
        with way(), pytest.raises(RaceLost):
            write(*two)
        assert stored(ada).first_name == stored(eve).first_name == ada.first_name == ""
        with way():
            write(renaming(ada, "Ada", **fits), renaming(eve, "Eve", **fits))
        assert (stored(ada).first_name, stored(eve).first_name) == ("Ada", "Eve")

    def test_one_that_was_changed_before_is_no_error_of_the_databases(self) -> None:
        ada, eve = (USERS.objects.create_user(name) for name in ("ada", "eve"))
        errors: list[str] = []

        def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            try:
                return execute(sql, params, many, context)
            except Exception:  # noted, and raised on
                errors.append(sql)
                raise

        with connection.execute_wrapper(note), pytest.raises(RaceLost):
            write(renaming(ada, "Ada"), renaming(eve, "Eve", email="other"))
        assert errors == []  # nor is there one in its log

    def test_an_error_undoes_it_all_and_a_transaction_around_it_goes_on(self, way: Way) -> None:
        ada = USERS.objects.create_user("ada")
        with way():
            with pytest.raises(IntegrityError):
                write(renaming(ada, "Ada"), Addition(USERS.objects.all(), [user("ada")]))
            assert stored(ada).first_name == ""
        assert ada.first_name == ""

    def test_an_error_that_comes_again_one_by_one_is_raised_at_once(self, statements: Any) -> None:
        ada = USERS.objects.create_user("ada")
        with statements() as sent, pytest.raises(IntegrityError):
            write(renaming(ada, "Ada"), Addition(USERS.objects.all(), [user("ada")]))
        assert kinds(sent) == (["WITH"] if IS_POSTGRES else ["UPDATE", "INSERT"])

    def test_a_value_that_the_database_refuses_is_raised(self) -> None:
        if not IS_POSTGRES:  # some cut it, some take it
            return
        ada = USERS.objects.create_user("ada")
        with pytest.raises(DataError):
            write(renaming(ada, "x" * 151), Addition(USERS.objects.all(), [user("eve")]))
        assert not USERS.objects.filter(username="eve").exists()

    def test_one_that_the_database_refuses_is_undone_with_the_callers_transaction(self) -> None:
        USERS.objects.create_user("ada")
        eve = USERS.objects.create_user("eve")
        with transaction.atomic():
            USERS.objects.create_user("bob")
            with pytest.raises(IntegrityError):
                write(
                    Change(eve, USERS.objects.all(), {"pk": eve.pk}, {"username": "ada"}, RaceLost)
                )
            assert connection.needs_rollback
        assert not USERS.objects.filter(username="bob").exists()

    def test_several_statements_at_most_where_one_is_not_to_be_had(self, statements: Any) -> None:
        ada = USERS.objects.create_user("ada")
        for around, most in ((nullcontext, 1 if IS_POSTGRES else 2), (transaction.atomic, 2)):
            with statements() as sent, around():
                new = user(f"eve {most} {around.__name__}")
                write(renaming(ada, "Ada"), Addition(USERS.objects.all(), [new]))
            assert len(sent) == most


class TestVerbs:
    def test_statements_outside_of_a_transaction(
        self, owner: Owner, settings: Any, statements: Any
    ) -> None:
        leave_replies(settings)
        connection.ensure_connection()  # which MariaDB is told things by statements
        with statements() as sent:
            waiting(owner)
        begun = ["WITH"] if IS_POSTGRES and GIVES_KEYS else ["INSERT", "INSERT"]
        assert kinds(sent) == ["SELECT", "SELECT", *begun]
        listen_only(settings)
        session = opened(somebody_else())
        both = ["WITH"] if IS_POSTGRES else ["UPDATE", "INSERT"]
        with statements() as sent:
            chat_sessions.add_message(session, "user", "Hello")
        assert kinds(sent) == both
        with statements() as sent, chat_sessions.record_turn(session, "Why?") as turn:
            assert kinds(sent) == both
            sent.clear()
            turn.answer = "Because."
        assert kinds(sent) == (["WITH"] if IS_POSTGRES else ["UPDATE", "UPDATE"])

    def test_what_is_stored_is_the_same_in_a_transaction(
        self, owner: Owner, settings: Any, noon: Any, way: Way
    ) -> None:
        listen_only(settings)
        with way():
            chat_sessions.send(owner, "One 100 % %s", key="1")
        noon.shift(300)
        with way():
            sent = chat_sessions.send(owner, "Two", key="2")
        with way(), chat_sessions.record_turn(sent.session, "Three") as turn:
            noon.shift(20)
            turn.answer, turn.metadata = "Four %s", {"at": 1}
        assert sent.arrival.previous is not None
        before, session = stored(sent.arrival.previous), stored(sent.session)
        assert (before.open_key, before.end_reason, before.preview) == (
            None,
            "idle",
            "One 100 % %s",
        )
        assert (session.previous_id, session.message_count, session.title) == (before.pk, 3, "Two")
        assert (session.preview, session.metadata, session.unread) == ("Four %s", {}, False)
        assert session.created is not None
        assert session.modified is not None
        for field in session._meta.concrete_fields:
            known, there = (getattr(row, field.attname) for row in (sent.session, session))
            assert known == there, field
        told = [
            (row.role, row.content, row.state, row.error, row.attempt, row.metadata, row.position)
            for row in rows(session)
        ]
        assert told == [
            ("user", "Two", "", "", 0, {}, 0),
            ("user", "Three", "", "", 0, {}, 1),
            ("assistant", "Four %s", "answered", "", 1, {"at": 1}, 2),
        ]
        assert {row.created_at for row in rows(before)} == {before.started_at}

    def test_a_session_that_moved_on_is_read_again(self, owner: Owner, settings: Any) -> None:
        listen_only(settings)
        one = opened(owner)
        other = stored(one)
        for copy in (one, other, one, other):
            chat_sessions.add_message(copy, "user", "Hello")
        assert [row.position for row in rows(one)] == [0, 1, 2, 3]
        assert stored(one).message_count == 4

    def test_a_key_that_was_used_leaves_everything_as_it_was(
        self, owner: Owner, settings: Any, noon: Any
    ) -> None:
        listen_only(settings)
        session = opened(owner)
        first = chat_sessions.add_message(session, "user", "Hello", key="k")
        before = stored(session)
        noon.shift(60)
        assert chat_sessions.add_message(session, "user", "Hello", key="k") == first
        assert session.last_activity_at == stored(session).last_activity_at
        assert stored(session).last_activity_at == before.last_activity_at
        assert len(rows(session)) == 1

    def test_an_open_place_that_is_taken_leaves_the_other_alone(
        self, owner: Owner, settings: Any
    ) -> None:
        listen_only(settings)
        session = talked(owner)
        with pytest.raises(IntegrityError):
            open_new(owner, "", None, clock.now())
        assert chat_sessions.current(owner) == session
        assert get_session_model().objects.count() == 1

    def test_a_session_that_cannot_begin_leaves_the_callers_transaction_alone(
        self, owner: Owner
    ) -> None:
        session = talked(owner)
        with transaction.atomic():
            with pytest.raises(IntegrityError):
                open_new(owner, "", None, clock.now())
            assert chat_sessions.resume_or_start(owner).session == session

    def test_a_reply_that_is_not_ours_any_more_leaves_the_session_alone(
        self, owner: Owner, settings: Any
    ) -> None:
        leave_replies(settings)
        sent = waiting(owner)
        reply = reply_of(sent)
        take(reply, sent.session)
        chat_sessions.stop(sent.session)
        before = stored(sent.session)
        with pytest.raises(TurnLost):
            finish(reply, sent.session, ReplyState.ANSWERED, content="Late")
        assert (stored(reply).state, stored(reply).content) == ("stopped", "")
        assert stored(sent.session).last_activity_at == before.last_activity_at


class TestKeysOfTheDatabases:
    """What a database tells of keys that it makes itself, and when."""

    @pytest.mark.parametrize("untold", [None, DatabaseDefault(Value(1))])
    def test_messages_get_the_key_that_their_session_was_given(
        self, owner: Owner, untold: Any
    ) -> None:
        session = opened(owner)
        given = session.pk
        session.pk = untold
        row = messages().model(session=session, position=0, content="Hello")
        session.pk = given  # as the database does on its INSERT
        Placing(messages(), [row]).make()
        assert stored(row).session_id == given

    # A db_default is what Django 5.2 leaves in the place of a key of the host's.
    @pytest.mark.parametrize("untold", [None, DatabaseDefault(Value(1))])
    def test_where_keys_of_several_rows_are_not_told_they_are_asked_for(
        self, owner: Owner, monkeypatch: pytest.MonkeyPatch, untold: Any
    ) -> None:
        session, anothers = talked(owner), opened(somebody_else())
        model = messages().model
        rows = [model(session=session, position=place, content=str(place)) for place in (1, 2)]
        meanwhile = [model(session=anothers, position=row.position, content="x") for row in rows]

        def insert(table: Any, wanted: list[Any]) -> None:
            for each in (copied := deepcopy(wanted), meanwhile):
                type(table).bulk_create_before(table, each)
            assert [row.pk for row in copied] != [None, None]
            for row in wanted:
                row.pk = untold

        kind = type(messages())
        monkeypatch.setattr(kind, "bulk_create_before", kind.bulk_create, raising=False)
        monkeypatch.setattr(kind, "bulk_create", insert)
        Placing(messages(), rows).make()
        for row in rows:
            assert stored(row).content == row.content
            assert (row._state.adding, row._state.db) == (False, "default")


class TestHostsOwnSave:
    def test_one_that_validates_finds_the_place_taken_as_the_database_does(
        self, owner: Owner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kind = get_session_model()
        before = kind.save

        def save(session: Any, *args: Any, **kwargs: Any) -> None:
            session.full_clean()
            before(session, *args, **kwargs)

        monkeypatch.setattr(kind, "save", save)
        taken = chat_sessions.start(owner).opened
        with pytest.raises(IntegrityError):
            open_new(owner, "", None, clock.now())
        monkeypatch.setattr(kind, "full_clean", refuse)
        with pytest.raises(ValidationError):
            open_new(owner, "other", None, clock.now())
        assert chat_sessions.current(owner) == taken

    @pytest.mark.parametrize("signal", [pre_save, post_save], ids=["before", "after"])
    def test_a_receiver_hears_of_a_new_session(
        self, owner: Owner, settings: Any, signal: Any
    ) -> None:
        listen_only(settings)
        heard: list[Any] = []

        def note(sender: Any, instance: Any, **facts: Any) -> None:
            heard.append((instance.scope, facts.get("created", True)))

        signal.connect(note, sender=get_session_model())
        try:
            chat_sessions.send(owner, "Hello", key="k", scope="biology")
        finally:
            signal.disconnect(note, sender=get_session_model())
        assert heard == [("biology", True)]

    def test_a_row_that_the_database_completes_is_one_statement_of_its_own(
        self, owner: Owner, settings: Any, statements: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        leave_replies(settings)
        said = get_message_model()
        known = "django_chat_sessions.services.statements.is_insertable"
        monkeypatch.setattr(known, lambda model: model is said)
        with statements() as sent:
            waiting(owner)
        assert kinds(sent)[-2:] == ["INSERT", "INSERT"]

    def test_so_does_a_save_of_the_hosts_own(
        self, owner: Owner, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        listen_only(settings)

        def save(self: Any, *args: Any, **kwargs: Any) -> None:
            self.title = "By the host"
            AbstractChatSession.save(self, *args, **kwargs)

        monkeypatch.setattr(get_session_model(), "save", save, raising=False)
        sent = chat_sessions.send(owner, "Hello", key="k")
        assert stored(sent.session).title == "By the host"


if IS_POSTGRES:

    def other_writer(session: Any, **values: Any) -> Any:
        """Begin a transaction of another client's that changes the session; return its end."""
        other = connection.copy()
        other.set_autocommit(False)
        columns = ", ".join(f'"{name}" = %s' for name in values)
        with other.cursor() as cursor:
            cursor.execute(
                f'UPDATE "{session._meta.db_table}" SET {columns} WHERE id = %s',  # noqa: S608
                [*values.values(), session.pk],
            )

        def commit() -> None:
            other.commit()
            other.close()

        return commit

    def someone_waits() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return bool(cursor.fetchone()[0])

    def meanwhile(work: Callable[[], None], commit: Callable[[], None]) -> None:
        """Let work be done by another connection; commit when it waits for the writer's row."""

        def run() -> None:
            work()
            connection.close()

        worker = threading.Thread(target=run)
        worker.start()
        while worker.is_alive() and not someone_waits():
            worker.join(0.01)
        commit()
        worker.join(10)

    @pytest.mark.parametrize(
        ("changed", "again"), [({"title": "Mine"}, False), ({"last_activity_at": None}, True)]
    )
    def test_a_session_that_changes_at_this_very_moment(
        owner: Owner,
        settings: Any,
        monkeypatch: pytest.MonkeyPatch,
        changed: dict[str, Any],
        again: bool,
    ) -> None:
        """The reply's row is written when the session's is found changed: then it is not."""
        leave_replies(settings)
        sent = waiting(owner)
        reply = reply_of(sent)
        take(reply, sent.session)
        lost: list[int] = []
        monkeypatch.setattr(races, "pause", lost.append)
        values = {name: value or clock.now() for name, value in changed.items()}
        commit = other_writer(sent.session, **values)

        def work() -> None:
            finish(reply, sent.session, ReplyState.ANSWERED, content="Yes")

        meanwhile(work, commit)
        assert bool(lost) is again
        assert (stored(reply).state, stored(reply).content) == ("answered", "Yes")
        session = stored(sent.session)
        assert session.running_until is None
        assert session.preview == "Yes"
        if not again:
            assert session.title == "Mine"

    def test_of_three_changes_none_is_made_when_the_second_is_lost_at_this_very_moment() -> None:
        ada, eve, bob = (USERS.objects.create_user(name) for name in ("ada", "eve", "bob"))
        commit = other_writer(eve, email="other")
        lost: list[RaceLost] = []

        def work() -> None:
            try:
                write(renaming(ada, "Ada"), renaming(eve, "Eve", email=""), renaming(bob, "Bob"))
            except RaceLost as error:
                lost.append(error)

        meanwhile(work, commit)
        assert len(lost) == 1
        assert [stored(one).first_name for one in (ada, eve, bob)] == ["", "", ""]

    @contextmanager
    def with_sql(made: str, gone: str) -> Iterator[None]:
        """What a host has made in its database, which knows nothing of Django's."""
        with connection.cursor() as cursor:
            cursor.execute(made)
            try:
                yield
            finally:
                cursor.execute(gone)

    def named() -> dict[str, str]:
        """Return the names that SQL of a host's has in it; a role is one of the whole server's."""
        role = connection.ops.quote_name(f"app_of_{connection.settings_dict['NAME']}")
        talks, words = (model._meta.db_table for model in (sessions().model, messages().model))
        return {"role": role, "sessions": talks, "messages": words}

    RULED = """
        CREATE ROLE {role};
        GRANT ALL ON ALL TABLES IN SCHEMA public TO {role};
        GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role};
        ALTER TABLE {messages} ENABLE ROW LEVEL SECURITY;
        CREATE POLICY of_a_session ON {messages} USING (
            EXISTS (SELECT 1 FROM {sessions} WHERE {sessions}.id = session_id)
        );
        SET ROLE {role};
    """
    FREE = """
        RESET ROLE;
        DROP POLICY of_a_session ON {messages};
        ALTER TABLE {messages} DISABLE ROW LEVEL SECURITY;
        DROP OWNED BY {role};
        DROP ROLE {role};
    """

    def test_a_policy_that_looks_for_the_session_of_a_message_lets_both_begin(
        owner: Owner, settings: Any
    ) -> None:
        """It sees what was there before the statement: not the session that the same one makes."""
        leave_replies(settings)
        with with_sql(RULED.format(**named()), FREE.format(**named())):
            sent = waiting(owner)
            reply = reply_of(sent)
            take(reply, sent.session)
            finish(reply, sent.session, ReplyState.ANSWERED, content="Yes")
            assert [row.content for row in rows(sent.session)] == ["Hello", "Yes"]
        assert stored(sent.session).message_count == 2

    def test_what_a_policy_refuses_is_raised_and_nothing_written(
        owner: Owner, settings: Any
    ) -> None:
        leave_replies(settings)
        refused = "session_id IS NULL OR {sessions}.id IS NULL"
        ruled = RULED.replace("{sessions}.id = session_id", refused)
        with with_sql(ruled.format(**named()), FREE.format(**named())):
            with pytest.raises(ProgrammingError, match="row-level security"):
                waiting(owner)
            assert not sessions().exists()

    TOUCHES = """
        CREATE FUNCTION touch_the_session() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            UPDATE {sessions} SET modified = now() WHERE id = new.session_id;
            RETURN new;
        END $$;
        CREATE TRIGGER touches BEFORE INSERT OR UPDATE ON {messages}
            FOR EACH ROW EXECUTE FUNCTION touch_the_session();
    """
    LETS_BE = "DROP TRIGGER touches ON {messages}; DROP FUNCTION touch_the_session();"

    def test_a_trigger_that_changes_the_session_of_a_message_keeps_no_answer_back(
        owner: Owner, settings: Any
    ) -> None:
        """PostgreSQL lets no statement change a row that its own trigger has changed."""
        leave_replies(settings)
        with with_sql(TOUCHES.format(**named()), LETS_BE.format(**named())):
            sent = waiting(owner)
            reply = reply_of(sent)
            take(reply, sent.session)
            finish(reply, sent.session, ReplyState.ANSWERED, content="Yes")
        assert (stored(reply).state, stored(reply).content) == ("answered", "Yes")
        assert stored(sent.session).preview == "Yes"
        assert stored(sent.session).running_until is None


def test_a_change_alone_is_one_statement_without_a_transaction(
    owner: Owner, statements: Any
) -> None:
    session = opened(owner)
    with statements() as sent:
        write(moving(session, title="Biology"))
    assert kinds(sent) == ["UPDATE"]
    assert stored(session).title == session.title == "Biology"


def test_messages_alone_are_stored(owner: Owner) -> None:
    session = opened(owner)
    model: Any = get_message_model()
    two = [model(session=session, content=text) for text in ("One", "Two")]
    write(Addition(messages(), two))
    assert sessions().get(pk=session.pk) == session
    assert {row.content for row in rows(session)} == {"One", "Two"}
