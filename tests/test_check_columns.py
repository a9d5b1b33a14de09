"""What a host declares is held against what the chat writes, before the first message."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.checks import CheckMessage
from django.core.checks.registry import registry
from django.db import models
from django.db.models import F
from django.db.models.functions import Lower, Upper
from django.db.models.signals import post_init, pre_save
from django.test.utils import isolate_apps

import django_chat_sessions
from django_chat_sessions import checks as all_checks
from django_chat_sessions.authentication import AnonymousCookie
from django_chat_sessions.checks import columns as checks
from django_chat_sessions.checks import tables
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession
from tests.conversations import configure

Findings = Callable[..., dict[str, str]]


class FillsItself(models.IntegerField):  # type: ignore[type-arg]  # no generic at run time
    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        return 5


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Findings:
    """Return a function that makes a host's models with these attributes and says what is found."""

    def findings(
        conversation: dict[str, Any] | None = None, utterance: dict[str, Any] | None = None
    ) -> dict[str, str]:
        with isolate_apps():
            own = {"__module__": __name__, "Meta": type("Meta", (), {"app_label": "host"})}
            talk = type("Talk", (AbstractChatSession,), {**own, **(conversation or {})})
            session = models.ForeignKey(talk, models.CASCADE, related_name="messages")
            said = {**own, "session": session, **(utterance or {})}
            pair = (talk, type("Said", (AbstractChatMessage,), said))
            monkeypatch.setattr(checks, "models_in_use", lambda: pair)
            return told([*checks.check_columns(), *checks.check_visitors()])

    return findings


def told(found: list[CheckMessage]) -> dict[str, str]:
    assert len({each.id for each in found}) == len(found)
    return {str(each.id).rpartition(".")[2]: f"{each.msg} {each.hint}" for each in found}


LEFT_OUT: list[models.Field[Any, Any]] = [
    models.IntegerField(),
    models.BooleanField(),
    models.DateTimeField(),
    models.ForeignKey(User, models.CASCADE, related_name="+"),
    models.CharField(max_length=9, unique=True),
    models.UUIDField(),
]
FILLED: list[models.Field[Any, Any]] = [
    models.IntegerField(null=True),
    models.IntegerField(default=0),
    models.IntegerField(db_default=0),
    models.CharField(max_length=9),
    models.CharField(max_length=9, unique=True, null=True),
    models.UUIDField(unique=True, default=uuid.uuid4),
    models.DateTimeField(auto_now_add=True),
    models.DateField(auto_now=True),
    models.FileField(),
    models.GeneratedField(
        expression=Upper("content"),
        output_field=models.TextField(),
        db_persist=True,
        unique=True,
    ),
    FillsItself(),
]


@pytest.mark.parametrize("column", LEFT_OUT, ids=lambda field: type(field).__name__)
def test_e012_a_column_of_the_hosts_that_nothing_fills(
    host: Findings, column: models.Field[Any, Any]
) -> None:
    found = host({}, {"extra": column})
    assert list(found) == ["E012"]
    assert "host.Said.extra may not be empty, and the chat writes rows without it." in found["E012"]
    assert "Give it null=True or a default" in found["E012"]
    assert "save()" not in found["E012"]  # which is not called
    assert "host.Talk.extra" in host({"extra": column.clone()})["E012"]
    assert "or fill it in save()" in host({"extra": column.clone()})["E012"]


@isolate_apps()
def test_e001_a_column_in_the_place_of_the_relation(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {"__module__": __name__, "messages": models.JSONField(default=list), **meta()}
    talk = type("Talk", (AbstractChatSession,), columns)
    for module in (django_chat_sessions, all_checks, tables):
        monkeypatch.setattr(module, "get_session_model", lambda: talk)
    [found] = [*all_checks.check_models(), *checks.check_columns(), *tables.check_guarantees()]
    assert found.id == "django_chat_sessions.E001"
    assert "a column of that name another one in Python" in found.msg


def test_e012_a_user_of_the_hosts_that_a_message_must_have(host: Findings) -> None:
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    found = host({}, {"user": user})
    assert list(found) == ["E012"]
    assert "host.Said.user may not be empty" in found["E012"]


@pytest.mark.parametrize("column", FILLED, ids=lambda field: type(field).__name__)
def test_a_column_of_the_hosts_that_something_fills_is_welcome(
    host: Findings, column: models.Field[Any, Any]
) -> None:
    assert host({"extra": column}, {"extra": column.clone()}) == {}


@pytest.mark.parametrize(
    ("name", "column"),
    [
        *((name, models.DateTimeField()) for name in ("deleted_at", "ended_at", "running_until")),
        *((name, models.DateTimeField()) for name in ("pinned_at", "archived_at", "lease_until")),
        *((name, models.UUIDField()) for name in ("open_key", "client_key", "token")),
        ("visitor_key", models.CharField(max_length=64)),
        ("previous", models.ForeignKey("self", models.CASCADE)),
    ],
)
def test_e012_a_column_of_ours_that_the_host_lets_never_be_empty(
    host: Findings, name: str, column: models.Field[Any, Any]
) -> None:
    is_of_a_message = name in ("client_key", "lease_until", "token")
    found = host({}, {name: column}) if is_of_a_message else host({name: column})
    assert f".{name} may not be empty" in found["E012"]
    assert "Give it null=True, then" in found["E012"]


KEYS_OF_NOBODY: list[models.Field[Any, Any]] = [
    models.CharField(max_length=36, primary_key=True),
    models.BigIntegerField(primary_key=True),
    models.OneToOneField(User, models.CASCADE, related_name="+", primary_key=True),
]


@pytest.mark.parametrize("key", KEYS_OF_NOBODY, ids=lambda field: type(field).__name__)
def test_e012_a_key_that_nobody_makes(host: Findings, key: models.Field[Any, Any]) -> None:
    found = host({}, {"id": key})
    assert "host.Said.id may not be empty" in found["E012"]
    assert "Let it be a UUIDField, which the chat fills, or a BigAutoField" in found["E012"]
    assert "host.Talk.number" in host({"id": None, "number": key.clone()})["E012"]


@pytest.mark.parametrize(
    "key",
    [
        models.CharField(max_length=36, primary_key=True, default=lambda: str(uuid.uuid4())),
        models.AutoField(primary_key=True),
        models.UUIDField(primary_key=True),
    ],
    ids=lambda field: type(field).__name__,
)
def test_a_key_that_somebody_makes_is_welcome(host: Findings, key: models.Field[Any, Any]) -> None:
    assert host({"id": key}, {"id": key.clone()}) == {}
    assert host({"id": None, "number": key.clone()}) == {}


def test_a_key_that_code_of_the_hosts_makes_is_welcome(host: Findings) -> None:
    def save(self: Any, *args: Any, **kwargs: Any) -> None:
        """Fill it."""

    key = models.CharField(max_length=36, primary_key=True)
    assert host({"id": key, "save": save}) == {}


def test_code_of_the_hosts_may_fill_a_session(host: Findings) -> None:
    def save(self: Any, *args: Any, **kwargs: Any) -> None:
        """Fill it."""

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        """Fill it."""

    column = models.IntegerField()
    assert host({"extra": column, "save": save}) == {}
    assert host({}, {"extra": column.clone(), "__init__": init}) == {}
    assert "E012" in host({}, {"extra": column.clone(), "save": save})


@pytest.mark.parametrize("signal", [pre_save, post_init])
def test_receivers_of_the_hosts_may_fill_a_session(host: Findings, signal: Any) -> None:
    def fill(**kwargs: Any) -> None:
        """Fill it."""

    signal.connect(fill)
    try:
        assert host({"extra": models.IntegerField()}) == {}
        # Of a message only what is made is told, not what is saved.
        assert ("E012" in host({}, {"extra": models.IntegerField()})) == (signal is pre_save)
    finally:
        signal.disconnect(fill)


@pytest.mark.parametrize(
    ("conversation", "utterance", "sentence"),
    [
        ({"title": 60}, {}, "host.Talk.title holds 60 characters, and the chat writes up to 200."),
        ({"scope": 50}, {}, "host.Talk.scope holds 50 characters, and the chat writes up to 100."),
        ({}, {"role": 5}, "host.Said.role holds 5 characters, and the chat writes up to 9."),
        ({}, {"role": 8}, "host.Said.role holds 8 characters, and the chat writes up to 9."),
        ({"preview": 90}, {}, "host.Talk.preview holds 90 characters, and the chat writes up to "),
    ],
)
def test_e013_a_column_that_is_too_short(
    host: Findings, conversation: dict[str, int], utterance: dict[str, int], sentence: str
) -> None:
    def of(lengths: dict[str, int]) -> dict[str, Any]:
        return {name: models.CharField(max_length=most) for name, most in lengths.items()}

    assert sentence in host(of(conversation), of(utterance))["E013"]


@pytest.mark.parametrize(("name", "length"), [("content", 1000), ("error", 200)])
def test_w017_a_text_that_may_have_any_length(host: Findings, name: str, length: int) -> None:
    found = host({}, {name: models.CharField(max_length=length)})["W017"]
    assert f"host.Said.{name} holds {length} characters, and the chat writes texts of any" in found
    assert "Let it be a TextField" in found


class Sealed(models.TextField):  # type: ignore[type-arg]  # no generic at run time
    """Makes NULL of an empty text, as some fields that encrypt do."""

    def get_prep_value(self, value: Any) -> Any:
        return value or None


class Unsealed(Sealed):
    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> str:
        return value or ""


class WithoutItsKey(Sealed):
    def get_prep_value(self, value: Any) -> Any:
        raise RuntimeError(value)


@pytest.mark.parametrize("column", [Sealed(), Sealed(null=True), Unsealed()])
def test_e021_a_field_that_makes_null_of_an_empty_text(host: Findings, column: Any) -> None:
    found = host({}, {"content": column.clone()})["E021"]
    assert "host.Said.content makes NULL of an empty text" in found
    assert "get_prep_value()" in found
    assert "host.Talk.title makes NULL" in host({"title": column.clone()})["E021"]


def test_a_field_that_gives_an_empty_text_back_is_welcome(host: Findings) -> None:
    assert host({}, {"content": Unsealed(null=True)}) == {}
    assert host({}, {"content": WithoutItsKey()}) == {}
    # Ours may be NULL there.
    assert host({"visitor_key": Sealed(null=True)}) == {}


def test_a_column_that_is_long_enough_is_welcome(host: Findings) -> None:
    key = models.CharField(max_length=26, primary_key=True, default=str)  # ours is none of text
    role = models.CharField(max_length=9)
    assert host({"id": key, "title": models.TextField()}, {"role": role}) == {}
    assert host({"title": models.CharField()}) == {}  # as long as one likes, on PostgreSQL
    # What a form is told, the database does not hold it to.
    assert host({"title": models.TextField(max_length=60)}) == {}
    assert host({}, {"content": models.TextField(max_length=60)}) == {}


@pytest.mark.parametrize(
    ("column", "problem"),
    [
        (models.CharField(max_length=150, null=True), "is no foreign key"),
        (None, "is no foreign key"),
        (
            models.ForeignKey(User, models.CASCADE, to_field="username", null=True),
            "leads to auth.User.username, which is not the primary key",
        ),
        (models.OneToOneField(User, models.CASCADE, null=True), "is unique"),
    ],
)
def test_e014_a_user_that_is_not_found_by_its_key(
    host: Findings, column: Any, problem: str
) -> None:
    found = host({"user": column})
    assert list(found) == ["E014"]
    assert f"host.Talk.user {problem}" in found["E014"]
    assert "under another name in Python" in found["E014"]


def related(kind: str) -> Any:
    """Return a model that has to do with the user model, made in an isolated registry."""
    link: dict[str, Any] = {"related_name": "+", "on_delete": models.CASCADE}
    own: dict[str, Any] = {"__module__": __name__, **meta()}
    if kind == "proxy":
        return type("Person", (User,), {**own, **meta(proxy=True)})
    if kind == "child":
        one = models.OneToOneField(User, parent_link=True, **link)
        return type("Member", (User,), {**own, "user_ptr": one})
    if kind == "child with a key of its own":
        one = models.OneToOneField(User, parent_link=True, **link)
        number = models.BigAutoField(primary_key=True)
        return type("Guest", (User,), {**own, "user_ptr": one, "number": number})
    is_key = kind == "profile with the user's key"
    one = models.OneToOneField(User, primary_key=is_key, **link)
    return type("Profile", (models.Model,), {**own, "account": one})


@pytest.mark.parametrize("kind", ["profile", "child with a key of its own"])
def test_e014_a_user_that_is_another_models(host: Findings, kind: str) -> None:
    with isolate_apps():
        model = related(kind)
    found = host({"user": models.ForeignKey(model, models.CASCADE, null=True)})
    assert list(found) == ["E014"]
    label = model._meta.label
    assert f"host.Talk.user leads to {label}, and the chat puts keys of auth.User" in found["E014"]
    assert "people would see the chats of others" in found["E014"]
    assert "add user as a foreign key to settings.AUTH_USER_MODEL" in found["E014"]


@pytest.mark.parametrize("kind", ["proxy", "child", "profile with the user's key"])
def test_a_user_that_has_the_user_models_key_is_welcome(host: Findings, kind: str) -> None:
    with isolate_apps():
        model = related(kind)
    assert host({"user": models.ForeignKey(model, models.CASCADE, null=True)}) == {}


def test_a_user_may_lead_to_the_user_models_parent(
    host: Findings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with isolate_apps():
        member, guest = related("child"), related("child with a key of its own")
    for users, ids in (member, []), (guest, ["E014"]):
        monkeypatch.setattr(checks, "get_user_model", lambda users=users: users)
        assert list(host({"user": models.ForeignKey(User, models.CASCADE, null=True)})) == ids


def test_e014_a_session_that_is_not_found_by_its_key(host: Findings) -> None:
    number = models.CharField(max_length=36, unique=True, null=True)
    session = models.ForeignKey(
        "host.Talk", models.CASCADE, to_field="number", related_name="messages"
    )
    found = host({"number": number}, {"session": session})
    assert "host.Said.session leads to host.Talk.number" in found["E014"]


@pytest.mark.parametrize(
    ("conversation", "utterance", "column"),
    [
        ({"title": None}, {}, "host.Talk has no column title,"),
        ({"preview": property(str)}, {}, "host.Talk has no column preview,"),
        ({"open_key": None}, {}, "host.Talk has no column open_key,"),
        ({}, {"metadata": None}, "host.Said has no column metadata,"),
    ],
)
def test_e016_a_field_of_ours_that_the_host_has_taken_away(
    host: Findings, conversation: dict[str, Any], utterance: dict[str, Any], column: str
) -> None:
    found = host(conversation, utterance)
    assert list(found) == ["E016"]
    assert column in found["E016"]
    assert "only created and modified may go" in found["E016"]


def test_the_times_of_model_utils_may_be_taken_away_and_a_key_may_have_another_name(
    host: Findings,
) -> None:
    number = models.BigAutoField(primary_key=True)
    assert host({"created": None, "modified": None, "id": None, "number": number}) == {}


def divided(
    monkeypatch: pytest.MonkeyPatch, *, is_proxy: bool = False
) -> tuple[dict[str, str], ...]:
    """Return what is found of children of a session, of a message, and of the host's own table."""
    with isolate_apps():
        own = {"__module__": __name__, **meta()}
        of = meta(proxy=True) if is_proxy else meta()
        talk: Any = type("Talk", (AbstractChatSession,), {**own})
        session = models.ForeignKey(talk, models.CASCADE, related_name="messages")
        said: Any = type("Said", (AbstractChatMessage,), {**own, "session": session})
        table: Any = type("Table", (models.Model,), {**own})
        pairs = (
            (type("Deep", (talk,), {**own, **of}), said),
            (talk, type("Whisper", (said,), {**own, **of})),
            (type("Listed", (AbstractChatSession, table), {**own, "id": None}), said),
        )
        found = []
        for pair in pairs:
            monkeypatch.setattr(checks, "models_in_use", lambda pair=pair: pair)
            found.append(told(checks.check_columns()))
    return tuple(found)


def test_e017_a_model_of_two_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    talk, said, listed = divided(monkeypatch)
    assert list(talk) == list(said) == ["E017"]
    assert "host.Deep is kept in two tables, its own and that of host.Talk" in talk["E017"]
    assert "host.Whisper is kept in two tables, its own and that of host.Said" in said["E017"]
    assert listed == {}  # its columns of ours are in one


def test_a_proxy_is_kept_in_one_table(monkeypatch: pytest.MonkeyPatch) -> None:
    assert divided(monkeypatch, is_proxy=True) == ({}, {}, {})


def test_e017_a_message_that_has_a_table_of_the_hosts_beside_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with isolate_apps():
        own = {"__module__": __name__, **meta()}
        talk: Any = type("Talk", (AbstractChatSession,), {**own})
        session = models.ForeignKey(talk, models.CASCADE, related_name="messages")
        table: Any = type("Table", (models.Model,), {**own})
        said = type("Said", (AbstractChatMessage, table), {**own, "id": None, "session": session})
        monkeypatch.setattr(checks, "models_in_use", lambda: (talk, said))
        assert list(told(checks.check_columns())) == ["E017"]


def test_e019_a_message_with_a_key_of_several_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    with isolate_apps():
        own = {"__module__": __name__, **meta()}
        talk: Any = type("Talk", (AbstractChatSession,), {**own})
        columns = {
            "pk": models.CompositePrimaryKey("id", "created_at"),
            "id": models.UUIDField(default=uuid.uuid4),
            "created_at": models.DateTimeField(),
            "session": models.ForeignKey(talk, models.CASCADE, related_name="messages"),
        }
        said = type("Said", (AbstractChatMessage,), {**own, **columns})
        monkeypatch.setattr(checks, "models_in_use", lambda: (talk, said))
        found = told(checks.check_columns())
    assert list(found) == ["E019"]
    assert "The primary key of host.Said is id and created_at" in found["E019"]
    assert "Let a column that is unique by itself be the primary key" in found["E019"]


def meta(**values: Any) -> dict[str, Any]:
    return {"Meta": type("Meta", (), {"app_label": "host", **values})}


@pytest.mark.parametrize(
    ("conversation", "utterance", "words"),
    [
        (
            {},
            meta(
                constraints=[models.UniqueConstraint(fields=["session", "created_at"], name="one")]
            ),
            "created_at and session of host.Said must be unique",
        ),
        (
            {},
            meta(unique_together=[("session", "content")]),
            "content and session of host.Said must be unique",
        ),
        (
            {"title": models.CharField(max_length=200, unique=True)},
            {},
            "title of host.Talk must be unique",
        ),
        (
            {"number": models.IntegerField(unique=True, default=0)},
            {},
            "number of host.Talk must be unique",
        ),
        (
            {
                "language": models.CharField(max_length=2, default="en"),
                **meta(unique_together=[("user", "language")]),
            },
            {},
            "language and user of host.Talk must be unique",
        ),
        (
            {
                "subject": models.ForeignKey(User, models.CASCADE, related_name="+"),
                "save": lambda session, **how: None,  # in which the host fills it
                **meta(unique_together=[("user", "subject")]),
            },
            {},
            "subject and user of host.Talk must be unique",
        ),
        (
            meta(constraints=[models.UniqueConstraint(fields=["user"], name="one")]),
            {},
            "user of host.Talk must be unique",
        ),
    ],
)
def test_w015_what_the_chat_writes_again(
    host: Findings, conversation: dict[str, Any], utterance: dict[str, Any], words: str
) -> None:
    found = host(conversation, utterance)["W015"]
    assert words in found
    assert "Take that constraint away" in found


@pytest.mark.parametrize(
    ("conversation", "utterance"),
    [
        ({}, meta(unique_together=[("session", "position")])),
        ({}, meta(unique_together=[("session", "position", "created_at")])),
        *((meta(unique_together=[("user", name)]), {}) for name in ("started_at", "opened_at")),
        (
            {
                "number": models.IntegerField(),
                "ticket": models.OneToOneField(User, models.CASCADE, related_name="+"),
                "save": lambda session, **how: None,
                **meta(unique_together=[("user", "number")]),
            },
            {},
        ),
        *(
            ({"number": number, **meta(unique_together=[("user", "number")])}, {})
            for number in (
                models.IntegerField(null=True),
                models.IntegerField(null=True, default=None),
            )
        ),
        *(({}, meta(unique_together=[("role", name)])) for name in ("client_key", "token")),
        (meta(unique_together=[("user", "open_key")]), {}),
        (
            meta(
                constraints=[
                    models.UniqueConstraint(
                        fields=["user", "scope"],
                        condition=models.Q(open_key__isnull=False),
                        name="one_open",
                    )
                ]
            ),
            {},
        ),
    ],
)
def test_what_stays_distinct_may_be_unique(
    host: Findings, conversation: dict[str, Any], utterance: dict[str, Any]
) -> None:
    assert host(conversation, utterance) == {}


class OwnCookie(AnonymousCookie):
    """Beside a site that shares the host name."""

    cookie_name = "talk_visitor"


def test_w014_visitors_are_let_in_where_a_session_needs_a_user(
    host: Findings, settings: Any
) -> None:
    user = models.ForeignKey(User, models.CASCADE)
    assert "host.Talk.user may not be empty" in host({"user": user})["W014"]
    assert "Give it null=True" in host({"user": user.clone()})["W014"]
    configure(settings, AUTHENTICATORS=[f"{__name__}.OwnCookie"])
    assert list(host({"user": user.clone()})) == ["W014"]
    django_session = "django_chat_sessions.authentication.DjangoSession"
    for names in ([django_session], ["no.such"], ["django_chat_sessions.clock.now"]):
        configure(settings, AUTHENTICATORS=names)
        assert host({"user": user.clone()}) == {}


def test_the_checks_run_with_the_others_and_leave_what_is_not_there_to_them(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    for check in (checks.check_columns, checks.check_visitors):
        assert check in registry.registered_checks
        assert check() == []
    monkeypatch.setattr(checks, "models_in_use", lambda: (models.Model, models.Model))
    assert checks.check_columns() == []
    monkeypatch.undo()
    configure(settings, SESSION_MODEL="no.Model")
    assert checks.check_columns() == checks.check_visitors() == []


def test_a_user_that_is_no_foreign_key_stops_no_other_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with isolate_apps():
        meta = type("Meta", (), {"app_label": "host"})
        own = {"__module__": __name__, "Meta": meta, "user": models.CharField(max_length=9)}
        talk = type("Talk", (AbstractChatSession,), own)
    monkeypatch.setattr(all_checks, "get_session_model", lambda: talk)
    assert all_checks.check_models() == []


OF_THE_HOST = models.Index(fields=["scope", "user"], name="of_the_host")


@pytest.mark.parametrize(
    ("of_meta", "columns", "ids"),
    [
        ({"indexes": [OF_THE_HOST]}, {}, ["W019"]),
        ({"indexes": [*AbstractChatSession.Meta.indexes, OF_THE_HOST]}, {}, []),
        ({"indexes": [models.Index(fields=["-user", "scope"], name="its_own")]}, {}, []),
        ({"constraints": [models.UniqueConstraint(fields=["user", "id"], name="one")]}, {}, []),
        ({"indexes": [models.Index("user", F("scope").desc(), name="by_sql")]}, {}, []),
        ({"indexes": [models.Index(F("user").desc(), name="by_sql")]}, {}, []),
        ({"indexes": [models.Index(Lower("title"), "user", name="by_sql")]}, {}, ["W019"]),
        ({"unique_together": [("user", "id")]}, {}, []),
        ({}, {"user": models.ForeignKey(User, models.CASCADE, null=True)}, []),
    ],
)
def test_w019_a_history_that_no_index_finds(
    monkeypatch: pytest.MonkeyPatch, of_meta: Any, columns: dict[str, Any], ids: list[str]
) -> None:
    with isolate_apps():
        own = {"__module__": __name__, **meta(**of_meta)}
        talk: Any = type("Talk", (AbstractChatSession,), {**own, **columns})
    monkeypatch.setattr(tables, "models_in_use", lambda: (talk, None))
    found = told(tables.check_history_index())
    assert list(found) == ids
    if ids:
        assert "No index of host.Talk begins with user" in found["W019"]
