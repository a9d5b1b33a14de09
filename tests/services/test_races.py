"""Compare and set, look again, try again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, OperationalError, transaction
from django.db.models import CharField, ProtectedError, RestrictedError

from django_chat_sessions import clock, get_message_model, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.exceptions import (
    NotAuthenticated,
    SessionEnded,
    SessionNotFound,
    TurnInProgress,
)
from django_chat_sessions.owners import Owner
from django_chat_sessions.services import loading, races, statements
from django_chat_sessions.services.combined import combined
from django_chat_sessions.services.races import (
    ATTEMPTS,
    RaceLost,
    compare_and_set,
    is_transient,
    pause,
    read_again,
    survives_races,
    with_latest,
)
from tests.conversations import opened, stored


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The pauses that would have been made."""
    made: list[int] = []
    monkeypatch.setattr(races, "pause", made.append)
    return made


def database_error(code: Any = None, sentence: str = "broken", cause: Any = None) -> Any:
    arguments = (sentence,) if code is None else (code, sentence)
    error = OperationalError(*arguments)
    error.__cause__ = cause
    return error


class WithState(Exception):
    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


class WithCode(Exception):
    """As psycopg 2 tells it."""

    def __init__(self, pgcode: str) -> None:
        self.pgcode = pgcode


class WithSqliteCode(Exception):
    def __init__(self, sqlite_errorcode: int) -> None:
        self.sqlite_errorcode = sqlite_errorcode


class Replicated:
    """Lets a host read from a replica, which may know less."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "a replica"


class TestIsTransient:
    @pytest.mark.parametrize(
        ("error", "transient"),
        [
            (database_error(cause=WithState("40001")), True),
            (database_error(cause=WithState("40P01")), True),
            (database_error(cause=WithState("57P01")), False),
            (database_error(cause=WithCode("40001")), True),
            (database_error(cause=WithCode("40P01")), True),
            (database_error(cause=WithCode("57P01")), False),
            (database_error(1213, "Deadlock found"), True),
            (database_error(1205, "Lock wait timeout exceeded"), True),
            (database_error(1020, "Record has changed since last read"), True),
            (database_error(2006, "Server has gone away"), False),
            # PyMySQL says both; what MySQL has no SQLSTATE for is HY000.
            (database_error(1205, "Lock wait timeout exceeded", cause=WithState("HY000")), True),
            (database_error(2006, "Server has gone away", cause=WithState("HY000")), False),
            (database_error(sentence="database is locked"), True),
            (database_error(sentence="database table is locked: chat"), True),
            (database_error(sentence="disk I/O error"), False),
            (OperationalError(), False),
        ],
        ids=repr,
    )
    def test_only_what_may_succeed_the_next_time(self, error: Any, transient: bool) -> None:
        assert is_transient(error) == transient


@pytest.mark.django_db
class TestCompareAndSet:
    def test_it_writes_to_the_row_and_to_the_copy(self, owner: Owner, statements: Any) -> None:
        session = opened(owner)
        with statements() as sent:
            compare_and_set(session, title="Biology")
        assert len(sent) == 1
        assert stored(session).title == session.title == "Biology"

    @pytest.mark.parametrize(
        "name",
        [
            *("open_key", "user_id", "visitor_key", "last_activity_at"),
            *("running_until", "message_count", "deleted_at"),
        ],
    )
    def test_when_the_row_has_moved_on_nothing_is_written(
        self, owner: Owner, name: str, noon: Any, django_user_model: Any
    ) -> None:
        session = opened(owner)
        moved = {
            "open_key": None,
            "user_id": django_user_model.objects.create_user("grace").pk,
            "visitor_key": "somebody else's",
            "last_activity_at": clock.now() + timedelta(microseconds=1),
            "running_until": clock.now(),
            "message_count": 1,
            "deleted_at": clock.now(),
        }
        type(session).objects.filter(pk=session.pk).update(**{name: moved[name]})
        with pytest.raises(RaceLost):
            compare_and_set(session, title="Biology")
        assert stored(session).title == session.title == ""

    def test_another_of_the_same_moment_stays_as_it_is(self, owner: Owner, noon: Any) -> None:
        one, other = (chat_sessions.end(opened(owner)) for _ in range(2))
        compare_and_set(one, title="Biology")
        assert (stored(one).title, stored(other).title) == ("Biology", "")

    def test_a_session_that_is_gone_is_a_lost_race(self, owner: Owner) -> None:
        session = opened(owner)
        get_session_model().objects.filter(pk=session.pk).delete()
        with pytest.raises(RaceLost):
            compare_and_set(session, title="Biology")


@pytest.mark.django_db
class TestWithLatest:
    def test_what_is_known_is_tried_first(self, owner: Owner, statements: Any) -> None:
        session = opened(owner)
        with statements() as sent:
            assert with_latest(session, lambda known: known.title) == ""
        assert sent == []

    def test_after_a_lost_race_it_looks_again(self, owner: Owner, pauses: list[int]) -> None:
        session = opened(owner)
        chat_sessions.rename(stored(session), "Biology")
        tries: list[str] = []

        def step(known: Any) -> str:
            tries.append(known.title)
            if len(tries) == 1:
                raise RaceLost
            return str(known.title)

        assert with_latest(session, step) == "Biology"
        assert tries == ["", "Biology"]
        assert pauses == [0]

    @pytest.mark.parametrize("refusal", [SessionEnded, TurnInProgress])
    def test_a_refusal_is_believed_only_of_a_row_just_read(
        self, owner: Owner, refusal: Any, statements: Any, pauses: list[int]
    ) -> None:
        session = opened(owner)
        tries: list[Any] = []

        def refuses(known: Any) -> None:
            tries.append(known)
            raise refusal(known)

        with statements() as sent, pytest.raises(refusal):
            with_latest(session, refuses)
        assert (len(tries), len(sent), pauses) == (2, 1, [])

    def test_it_gives_up_in_the_end(self, owner: Owner) -> None:
        tries: list[Any] = []

        def loses(known: Any) -> None:
            tries.append(known)
            raise RaceLost

        with pytest.raises(RaceLost):
            with_latest(opened(owner), loses)
        assert len(tries) == ATTEMPTS + 1

    def test_a_session_that_is_gone_is_not_found(self, owner: Owner) -> None:
        session = opened(owner)
        get_session_model().objects.filter(pk=session.pk).delete()
        with pytest.raises(SessionNotFound):
            read_again(session)

    def test_it_looks_where_is_written_and_not_into_a_replica(
        self, owner: Owner, settings: Any
    ) -> None:
        session = opened(owner)
        settings.DATABASE_ROUTERS = [Replicated()]
        read_again(session)
        assert session.open_key is not None


@pytest.mark.django_db
class TestSurvivesRaces:
    def verb(self, *errors: Any) -> Any:
        tried: list[int] = []
        remaining = list(errors)

        @survives_races
        def verb(value: int, *, double: bool = False) -> list[int]:
            """Do something."""
            tried.append(value * 2 if double else value)
            if remaining:
                raise remaining.pop(0)
            return tried

        return verb

    def test_its_name_arguments_and_result_stay(self) -> None:
        verb = self.verb()
        assert (verb.__name__, verb.__doc__) == ("verb", "Do something.")
        assert verb(2, double=True) == [4]

    @pytest.mark.parametrize("error", [RaceLost(), IntegrityError()], ids=repr)
    def test_it_is_run_again_when_another_won(self, error: Any, pauses: list[int]) -> None:
        assert self.verb(error, error)(1) == [1, 1, 1]
        assert pauses == [0, 1]

    def test_what_a_hosts_rows_protect_is_not_tried_again(self, pauses: list[int]) -> None:
        for refusal in (ProtectedError("Held.", set()), RestrictedError("Held.", set())):
            with pytest.raises(type(refusal)):
                self.verb(refusal)(1)
        assert pauses == []

    def test_a_row_that_a_rule_of_a_table_takes_never_is_not_tried_again(
        self, owner: Owner, pauses: list[int]
    ) -> None:
        rows = get_session_model()._base_manager.filter(pk=opened(owner).pk)
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            rows.update(scope=None)
        checks = [IntegrityError(), IntegrityError(), IntegrityError(4025, "CONSTRAINT `c` failed")]
        checks[0].__cause__, checks[1].__cause__ = WithState("23514"), WithSqliteCode(275)
        checks.append(IntegrityError(3819, "Check constraint 'c' is violated."))  # of MySQL
        for refusal in (refused.value, *checks):
            with pytest.raises(IntegrityError):
                self.verb(refusal)(1)
        assert pauses == []

    def test_the_last_attempt_is_like_the_others(self) -> None:
        assert self.verb(*[RaceLost()] * ATTEMPTS)(1, double=True) == [2] * (ATTEMPTS + 1)

    def test_what_was_tried_often_enough_within_it_is_not_tried_again(
        self, owner: Owner, pauses: list[int]
    ) -> None:
        def loses(known: Any) -> None:
            raise RaceLost

        with pytest.raises(RaceLost):
            survives_races(with_latest)(opened(owner), loses)
        assert len(pauses) == ATTEMPTS

    def test_it_gives_up_in_the_end_with_the_error(self) -> None:
        with pytest.raises(IntegrityError):
            self.verb(*[IntegrityError()] * (ATTEMPTS + 1))(1)

    def test_inside_a_transaction_of_the_callers_a_deadlock_is_raised(self) -> None:
        with transaction.atomic(), pytest.raises(OperationalError):
            self.verb(database_error(1213))(1)

    def test_other_errors_are_raised_at_once(self, pauses: list[int]) -> None:
        for error in (database_error(2006), ValueError(), SessionNotFound()):
            with pytest.raises(type(error)):
                self.verb(error)(1)
        assert pauses == []


@pytest.mark.django_db(transaction=True)
def test_outside_any_transaction_a_deadlock_is_survived(pauses: list[int]) -> None:
    errors = [database_error(1213), database_error(sentence="database is locked")]
    tried: list[Any] = []

    @survives_races
    def verb() -> str:
        if errors:
            tried.append(errors.pop())
            raise tried[-1]
        return "done"

    assert verb() == "done"
    assert len(tried) == 2
    assert pauses == [0, 1]


@pytest.mark.django_db(transaction=True)
def test_outside_any_transaction_other_trouble_is_raised_at_once(pauses: list[int]) -> None:
    @survives_races
    def verb() -> None:
        raise database_error(2006)

    with pytest.raises(OperationalError):
        verb()
    assert pauses == []


def test_pauses_are_random_grow_and_stay_short(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    for _ in range(200):
        pause(0)
    assert 0 <= min(slept) < max(slept) <= 0.002
    slept.clear()
    for attempt in range(1000):
        pause(attempt)
    assert 0.02 < max(slept) <= 0.05


@pytest.mark.django_db
def test_an_owner_who_is_there_tries_again(owner: Owner, pauses: list[int], settings: Any) -> None:
    settings.DATABASE_ROUTERS = [Replicated()]
    errors = [IntegrityError()]

    @survives_races
    def verb(whose: Owner) -> Owner:
        if errors:
            raise errors.pop()
        return whose

    assert verb(owner) == owner
    assert pauses == [0]


@pytest.mark.django_db
@pytest.mark.parametrize("way", ["by place", "by name"])
def test_one_whose_account_is_gone_does_not(user: Any, pauses: list[int], way: str) -> None:
    @survives_races
    def verb(whose: Owner) -> None:
        raise IntegrityError

    gone = Owner.for_user(user)
    user.delete()
    get_user_model().objects.create_user("eve")
    with pytest.raises(NotAuthenticated):
        verb(gone) if way == "by place" else verb(whose=gone)
    assert pauses == []


class Encrypted(CharField):  # type: ignore[type-arg]
    """A title that the host encrypts: it is stored otherwise each time, and read as it was."""

    def get_prep_value(self, value: Any) -> Any:
        return f"{time.perf_counter_ns()}:{value}"

    def from_db_value(self, value: Any, *rest: Any) -> Any:
        return value and value.partition(":")[2]  # none, where a join finds no row


class Sealed(Encrypted):
    """As the fields of several packages: stored as bytes, compared with nothing but NULL."""

    def get_internal_type(self) -> str:
        return "BinaryField"

    def get_lookup(self, lookup_name: str) -> Any:
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        return str(self.get_prep_value(value))


@pytest.fixture
def encrypted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A host whose titles are encrypted, while nothing is kept of what was known before."""
    with changed_kinds(monkeypatch, Encrypted, (get_session_model(), "title")):
        yield


@pytest.fixture
def sealed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A host of which the database can read no text."""
    texts = ((get_session_model(), "title"), (get_session_model(), "preview"))
    with changed_kinds(monkeypatch, Sealed, *texts, (get_message_model(), "content")):
        yield


@contextmanager
def changed_kinds(
    monkeypatch: pytest.MonkeyPatch, kind: type[Any], *columns: tuple[Any, str]
) -> Iterator[None]:
    known = (statements.update, statements.columns, statements._fields, combined)
    kept: Any = (*known, loading._to_convert)
    for model, name in columns:
        field = model._meta.get_field(name)
        monkeypatch.setattr(field, "__class__", kind)
        field.__dict__.pop("cached_col", None)
    for each in kept:
        each.cache_clear()
    yield
    for each in kept:
        each.cache_clear()


@pytest.mark.django_db(transaction=True)
def test_the_first_question_gives_an_empty_session_an_encrypted_title(
    owner: Owner, encrypted: None
) -> None:
    session = chat_sessions.start(owner).opened
    chat_sessions.add_message(session, "user", "Why is the sky blue?")
    assert session.title == stored(session).title == "Why is the sky blue?"


@pytest.mark.django_db(transaction=True)
def test_a_chat_whose_texts_the_database_cannot_read(owner: Owner, sealed: None) -> None:
    chat_sessions.add_message(chat_sessions.start(owner).opened, "assistant", "Hello!")
    assert chat_sessions.start(owner).previous is None  # with the host's greeting nothing has begun
    with chat_sessions.record_turn(chat_sessions.start(owner, "sky").opened, "Why?") as turn:
        turn.answer = "So."
    session = stored(turn.session)
    assert (session.title, session.preview) == ("Why?", "So.")
    assert [row.content for row in chat_sessions.transcript(session).messages] == ["Why?", "So."]
    assert [row.content for row in chat_sessions.context(session)] == ["Why?", "So."]
    assert chat_sessions.suggest_title(session, "Reasons").title == "Why?"
    assert chat_sessions.search(owner, "Why").matches == []
