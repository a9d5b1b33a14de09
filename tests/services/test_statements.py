"""The SQL of writes: made once for each shape, and right for whatever is put into it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, models, transaction
from django.db.models.functions import Now
from django.test.utils import isolate_apps

from django_chat_sessions import clock, get_message_model, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.owners import Owner
from django_chat_sessions.querysets import ChatSessionQuerySet
from django_chat_sessions.services import statements as module
from django_chat_sessions.services.combined import combined
from django_chat_sessions.services.races import RaceLost
from django_chat_sessions.services.statements import (
    VARIES,
    change_shape,
    is_insertable,
    rows_shape,
)
from django_chat_sessions.services.tables import messages, sessions
from django_chat_sessions.services.together import Change
from tests.conversations import opened, stored

pytestmark = pytest.mark.django_db


def changed(session: Any, where: dict[str, Any], **values: Any) -> bool:
    change = Change(session, sessions(), where, values, RaceLost)
    try:
        change.make()
    except RaceLost:
        return False
    return True


def table(rows: Any) -> Any:
    return (type(rows), rows.model, rows.db)


def test_an_update_compares_and_writes_null_as_well_as_values(owner: Owner) -> None:
    session = opened(owner)
    now = clock.now()
    known: dict[str, Any] = {"pk": session.pk, "running_until": None, "open_key": session.open_key}
    assert changed(session, known, running_until=now, title="100 %s")
    assert not changed(session, known, title="too late")
    row = stored(session)
    assert (row.running_until, row.title) == (now, "100 %s")
    assert changed(session, {"pk": session.pk, "running_until": now}, running_until=None)
    later = {"pk": session.pk, "running_until": now + timedelta(seconds=1)}
    assert not changed(session, later, title="")


def test_what_is_empty_or_one_of_the_choices_is_written_as_it_is(owner: Owner) -> None:
    session = opened(owner)
    mine = {"pk": session.pk}
    assert changed(session, mine, title="Mine", unread=True, message_count=3, metadata={"a": 1})
    row = stored(session)
    assert (row.title, row.unread, row.message_count, row.metadata) == ("Mine", True, 3, {"a": 1})
    assert changed(session, mine, title="", unread=False, message_count=0, metadata={})
    row = stored(session)
    assert (row.title, row.unread, row.message_count, row.metadata) == ("", False, 0, {})
    assert changed(session, mine | {"title": "", "unread": False, "message_count": 0}, title="x")


def test_a_column_has_two_names(owner: Owner) -> None:
    session = opened(owner)
    assert changed(session, {"pk": session.pk}, user_id=session.user_id, previous=None)


@pytest.mark.django_db(transaction=True)
def test_an_error_spoils_the_transaction_around_it(owner: Owner) -> None:
    one, other = (chat_sessions.start(owner, scope).opened for scope in ("one", "two"))
    with transaction.atomic():
        with pytest.raises(IntegrityError):
            changed(other, {"pk": other.pk}, open_key=one.open_key)
        assert connection.needs_rollback
        transaction.set_rollback(True)


def test_what_varies_is_no_part_of_the_shape(owner: Owner) -> None:
    model: Any = get_message_model()
    session = opened(owner)

    def shape(**values: Any) -> Any:
        return rows_shape(table(messages()), [model(session=session, **values)])[0]

    one, other = (shape(content=text, position=place) for place, text in ((1, "a"), (2, "b")))
    assert one == other
    assert shape(content="") != one
    assert shape(content="a", position=1, state="pending") != one

    def update(value: Any) -> Any:
        return change_shape(table(sessions()), None, {"pk": session.pk}, {"title": value})

    assert update("a")[0] == update("b")[0] != update("")[0]
    assert [len(update(value)[1]) for value in ("a", "")] == [2, 1]
    module.update.cache_clear()
    for value in ("a", "b", ""):
        module.update(update(value)[0])
    assert module.update.cache_info().misses == 2


class Row(models.Model):
    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.pk)


class Scrambled(models.TextField):  # type: ignore[type-arg]
    """A field whose equal values are stored unlike, as an encrypted one's are."""

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        return f"{value}{clock.now()}"


@isolate_apps("tests.services")
def test_a_column_of_the_hosts_own_kind_is_compared_with_null_as_any_other() -> None:
    class Kept(Row):
        text = Scrambled(null=True)

        class Meta:
            app_label = "services"

    rows: Any = models.QuerySet(Kept, using="default")
    shape, given = change_shape(table(rows), None, {"text": None}, {"text": None})
    assert module.update(shape)[0].endswith("IS NULL")
    assert len(given) == 1  # what is written is the field's to say
    assert change_shape(table(rows), None, {"text": "a"}, {"text": "a"})[0] != shape


@isolate_apps("tests.services")
def test_what_is_put_in_later_goes_through_the_field_once_and_its_place_never() -> None:
    class Hidden(Row):
        text = Scrambled()

        class Meta:
            app_label = "services"

    shape, given = change_shape(
        table(models.QuerySet(Hidden, using="default")), None, {}, {"text": "a"}
    )
    _sql, places = module.update(shape)
    assert [type(place) for place in places] == [module.Slot]
    assert given[0].startswith("a")


@isolate_apps("tests.services")
def test_a_field_of_the_hosts_own_is_asked_each_time() -> None:
    class Secret(Row):
        text = Scrambled(default="")
        at = models.DateTimeField(auto_now=True)

        class Meta:
            app_label = "services"

    rows: Any = models.QuerySet(Secret)
    shape, given = rows_shape(table(rows), [Secret(pk=1)])
    assert shape.rows == ((VARIES, VARIES, VARIES),)
    assert given[1] != ""
    assert given[2] is not None
    assert is_insertable(Secret)


@isolate_apps("tests.services")
def test_rows_that_only_django_can_insert() -> None:
    class Parent(Row):
        class Meta:
            app_label = "services"

    class Child(Parent):
        class Meta:
            app_label = "services"

    class Timed(Row):
        at = models.DateTimeField(db_default=Now())

        class Meta:
            app_label = "services"

    class Made(Row):
        at = models.IntegerField(default=1)
        more = models.GeneratedField(
            expression=models.F("at") + 1, output_field=models.IntegerField(), db_persist=True
        )

        class Meta:
            app_label = "services"

    class Ordered(Row):
        parent = models.ForeignKey(Parent, on_delete=models.CASCADE)

        class Meta:
            app_label = "services"
            order_with_respect_to = "parent"

    class Point(models.IntegerField):  # type: ignore[type-arg]
        def get_placeholder_sql(self, *args: Any) -> Any:
            return "%s", args

    class Placed(Row):
        at = Point()

        class Meta:
            app_label = "services"

    assert not any(map(is_insertable, (Child, Timed, Made, Ordered, Placed)))
    ours = (get_session_model(), get_message_model(), get_user_model())
    assert all(map(is_insertable, (Parent, *ours)))


def of_percent(rows: ChatSessionQuerySet) -> ChatSessionQuerySet:
    return rows.filter(title="100 %s %")


def test_what_a_statement_always_has_is_put_into_it_as_it_is(owner: Owner) -> None:
    if connection.vendor != "postgresql":
        return
    session = opened(owner)
    shapes, counts = [], []
    for narrow in (None, of_percent):
        shape, given = change_shape(table(sessions()), narrow, {"pk": session.pk}, {"title": "x"})
        shapes.append(shape)
        counts.append(len(given))
    statement = combined(tuple(shapes), tuple(counts))
    assert statement.sql.count("'100 %%s %%'") == 2  # as the second changes it, and as it was read
    assert statement.numbers == (1, 0, 2, 3, 2)
    assert not statement.returns
    assert combined(tuple(shapes), tuple(counts)) is statement
