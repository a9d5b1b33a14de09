"""Every finding of the system checks: when it comes, what it says, and when it goes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.checks import CheckMessage, Error, run_checks
from django.core.checks.registry import registry
from django.core.management import CommandError, call_command
from django.db.models import DO_NOTHING
from django.utils.translation import gettext_lazy

from django_chat_sessions import checks, get_session_model, models
from django_chat_sessions.checks import columns, databases, methods, named, tables
from django_chat_sessions.contrib.redis import RedisNotifier
from django_chat_sessions.policies import Activity, Deadline, IdleTimeoutPolicy, TimeoutPolicy
from django_chat_sessions.services.replies.runners import ThreadRunner
from tests.conversations import LeavesReplies

HERE = __name__
PREFIX = "django_chat_sessions."

pytestmark = [
    pytest.mark.django_db,  # Django's own checks ask the database for its version
    # Django warns that its connections stay as they are; only our checks read the setting here.
    pytest.mark.filterwarnings("ignore:Overriding setting DATABASES"),
]


def found(*, deploy: bool = False) -> dict[str, list[str]]:
    """Run all checks as ``manage.py check`` does; return our findings by id."""
    messages: dict[str, list[str]] = {}
    for message in run_checks(include_deployment_checks=deploy):
        if message.id and message.id.startswith(PREFIX):
            text = f"{message.msg} {message.hint or ''}"
            messages.setdefault(message.id.removeprefix(PREFIX), []).append(text)
    return messages


@pytest.fixture
def configured(settings: Any) -> Any:
    """Return a function that changes CHAT_SESSIONS and says what the checks find."""

    def findings(*, deploy: bool = False, **changes: Any) -> dict[str, list[str]]:
        settings.CHAT_SESSIONS = {**settings.CHAT_SESSIONS, **changes}
        return found(deploy=deploy)

    return findings


def callable_answer(turn: Any) -> str:
    return "Because."


NOT_CALLABLE = 5


def takes_no_turn() -> str:
    return "Because."


def takes_more_than_the_turn(turn: Any, shelf: Any) -> str:
    return "Because."


class Notifies:
    def tell(self, name: str) -> None:
        """Tell nobody."""

    def watch(self, hub: Any) -> None:
        """Hear nothing."""


class NotifiesByC(Notifies, dict[str, Any]):
    """Python does not know what a dict is made of."""


class WatchesNothing(Notifies):
    def watch(self) -> None:  # type: ignore[override]
        """Take no hub that could be woken."""


class NeedsAToken:
    """As Django Ninja's own classes are: it is their caller that finds the token."""

    by_cookie = False

    def authenticate(self, request: Any, token: str) -> None:
        """Know nobody."""


class IsAsync:
    by_cookie = False

    async def authenticate(self, request: Any) -> None:
        """Know nobody, and only when awaited."""


class StaticallyKnown:
    by_cookie = False

    @staticmethod
    def authenticate(request: Any) -> None:
        """Know nobody."""


class SubmitsAsync:
    async def submit(self, reply: Any, session: Any) -> None:
        """Begin when awaited, which nobody does."""


class KnowsNoSession:
    def submit(self, reply: Any) -> None:
        """Take the reply only."""


class NotifierWithoutFindings(Notifies):
    @classmethod
    def check(cls) -> None:
        """Forget to return what was found."""


class OnlyTells:
    watch = None

    def tell(self, name: str) -> None:
        """Tell nobody."""


class NeedsAddress(Notifies):
    def __init__(self, address: str) -> None:
        """Notify there."""


class NeedsASecret:
    def __init__(self, secret: str) -> None:
        """Recognise who knows it."""

    def authenticate(self, request: Any) -> None:
        """Recognise nobody."""


class NeedsAQueue(LeavesReplies):
    def __init__(self, queue: str) -> None:
        """Use this queue."""


class CheckRaises(LeavesReplies):
    @classmethod
    def check(cls) -> list[CheckMessage]:
        raise KeyError("QUEUE")


class CheckSaysNothing(LeavesReplies):
    @classmethod
    def check(cls) -> None:
        """Forget to return what was found."""


class CheckOfAnInstance(LeavesReplies):
    def check(self) -> list[CheckMessage]:
        return []


class CheckGivesText(LeavesReplies):
    @classmethod
    def check(cls) -> list[str]:
        return ["wrong"]


class Narrow(ThreadRunner):
    """A pool of another size."""


class NeedsWorkers(LeavesReplies):
    """A runner that cannot work everywhere, and knows it."""

    findings: list[CheckMessage] = []

    @classmethod
    def check(cls) -> list[CheckMessage]:
        return cls.findings


class Raises(TimeoutPolicy):
    def deadline(self, activity: Any) -> Deadline | None:
        raise ZeroDivisionError("by policy")


class InThePast(TimeoutPolicy):
    def deadline(self, activity: Any) -> Deadline | None:
        return Deadline(activity.last_activity_at, "idle")


class NoDeadline(TimeoutPolicy):
    def deadline(self, activity: Any) -> Any:
        return 300


class Naive(TimeoutPolicy):
    def deadline(self, activity: Any) -> Deadline | None:
        return Deadline(activity.last_activity_at.replace(tzinfo=None, year=2099), "idle")


class NeedsArguments(IdleTimeoutPolicy):
    def __init__(self, timeout: float) -> None:
        super().__init__(timeout)


class Never(TimeoutPolicy):
    def deadline(self, activity: Any) -> Deadline | None:
        return None


def test_the_test_project_itself_is_without_findings() -> None:
    assert found() == {}


def test_a_project_without_the_setting_is_without_findings_if_the_tables_are_there(
    settings: Any,
) -> None:
    del settings.CHAT_SESSIONS
    ids = set(found())
    if "django_chat_sessions.default_models" in settings.INSTALLED_APPS:
        assert ids == set()
    else:
        assert ids == {"E001"}


@pytest.mark.parametrize(
    ("name", "way_out"),
    [
        ("nothing.Here", "default_models"),
        ("chat_sessions", "app_label.ModelName"),
        ("a.b.c", "app_label.ModelName"),
        ("", "app_label.ModelName"),
        ("auth.User", "'messages'"),
    ],
)
def test_e001_a_session_model_that_is_not_there(configured: Any, name: str, way_out: str) -> None:
    [text] = configured(SESSION_MODEL=name)["E001"]
    assert way_out in text


def test_e002_an_unknown_key_with_the_one_that_was_meant(configured: Any) -> None:
    [text] = configured(HISTORY_LIMITS=30)["E002"]
    assert "'HISTORY_LIMITS'" in text
    assert "'HISTORY_LIMIT'?" in text


def test_e002_an_unknown_key_like_no_other_with_all_that_are_known(configured: Any) -> None:
    [text] = configured(colour="red")["E002"]
    assert "RESPONDER" in text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("SESSION_MODEL", 5),
        ("SESSION_MODEL", None),
        ("ACTIVITY_RESOLUTION", -1),
        ("ACTIVITY_RESOLUTION", "1"),
        ("ACTIVITY_RESOLUTION", None),
        ("ACTIVITY_RESOLUTION", float("inf")),
        ("ACTIVITY_RESOLUTION", float("nan")),
        ("ACTIVITY_RESOLUTION", False),
        ("HISTORY_LIMIT", 0),
        ("HISTORY_LIMIT", 1.5),
        ("HISTORY_LIMIT", True),
        ("HISTORY_LIMIT", "30"),
        ("HISTORY_LIMIT", 2**31),
        ("RETENTION_DAYS", 0),
        ("RETENTION_DAYS", -1),
        ("RETENTION_DAYS", "30"),
        ("RETENTION_DAYS", float("inf")),
        ("RETENTION_DAYS", 10**9),
        ("LIMITS", 30),
        ("LIMITS", None),
        ("LIMITS", {"messages_per_minute": 30}),
        ("LIMITS", "django_chat_sessions.limits.NoSuch"),
        ("LIMITS", "django_chat_sessions.policies.IdleTimeoutPolicy"),
        ("AUTHENTICATORS", []),
        ("AUTHENTICATORS", None),
        ("AUTHENTICATORS", "django_chat_sessions.authentication.DjangoSession"),
        ("AUTHENTICATORS", 5),
        ("REPLY_LEASE", 0),
        ("REPLY_LEASE", None),
        ("REPLY_LEASE", float("inf")),
        ("REPLY_LEASE", 1e12),
        ("REPLY_ATTEMPTS", 0),
        ("REPLY_ATTEMPTS", -1),
        ("REPLY_ATTEMPTS", 1.5),
        ("REPLY_ATTEMPTS", True),
        ("REPLY_ATTEMPTS", "3"),
        ("REPLY_ATTEMPTS", None),
        ("NOTIFIER", 5),
        ("NOTIFIER", []),
        ("NOTIFIER", OnlyTells()),
        ("NOTIFIER", Notifies),  # a class, not a notifier
        ("RESPONDER", 5),
        ("RUNNER", None),
        ("RUNNER", 5),
        ("RUNNER", f"{HERE}.callable_answer"),
        ("RUNNER", f"{HERE}.NOT_CALLABLE"),
        ("RUNNER", f"{HERE}.NeedsAQueue"),
        ("RUNNER", f"{HERE}.Notifies"),
        ("RESPONDER", f"{HERE}.NOT_CALLABLE"),
        ("RESPONDER", HERE),
        ("RESPONDER", f"{HERE}.takes_no_turn"),
        ("RESPONDER", takes_no_turn),
        ("RESPONDER", f"{HERE}.takes_more_than_the_turn"),
        ("NOTIFIER", f"{HERE}.OnlyTells"),
        ("NOTIFIER", f"{HERE}.NOT_CALLABLE"),
        ("NOTIFIER", f"{HERE}.NeedsAddress"),
        ("AUTHENTICATORS", [f"{HERE}.callable_answer"]),
        ("AUTHENTICATORS", [HERE]),
        ("AUTHENTICATORS", [f"{HERE}.Notifies"]),
        ("AUTHENTICATORS", [f"{HERE}.NeedsASecret"]),
        ("AUTHENTICATORS", [f"{HERE}.NeedsAToken"]),
        ("AUTHENTICATORS", [f"{HERE}.IsAsync"]),
        ("RUNNER", f"{HERE}.SubmitsAsync"),
        ("RUNNER", f"{HERE}.KnowsNoSession"),
        ("NOTIFIER", f"{HERE}.WatchesNothing"),
    ],
)
@pytest.mark.parametrize("deploy", [False, True])
def test_e003_a_wrong_value_is_named_once_with_what_to_give(
    configured: Any, key: str, value: Any, deploy: bool
) -> None:
    findings = configured(deploy=deploy, **{key: value})
    [text] = findings["E003"]
    assert key in text
    assert "give " in text
    assert set(findings) <= {"E003", "W004"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ACTIVITY_RESOLUTION", 0),
        ("ACTIVITY_RESOLUTION", 0.5),
        ("HISTORY_LIMIT", 1),
        ("HISTORY_LIMIT", 2**31 - 1),
        ("RETENTION_DAYS", None),
        ("RETENTION_DAYS", 0.5),
        ("AUTHENTICATORS", ("django_chat_sessions.authentication.DjangoSession",)),
        ("REPLY_LEASE", 0.5),
        ("REPLY_ATTEMPTS", 1),
        ("REPLY_ATTEMPTS", 5),
        ("NOTIFIER", None),
        ("NOTIFIER", Notifies()),
        ("NOTIFIER", f"{HERE}.Notifies"),
        ("NOTIFIER", "django_chat_sessions.contrib.redis.RedisNotifier"),
        ("NOTIFIER", f"{HERE}.NotifiesByC"),
        ("AUTHENTICATORS", ["rest_framework.authentication.TokenAuthentication"]),
        ("AUTHENTICATORS", [f"{HERE}.StaticallyKnown"]),
        ("RESPONDER", None),
        ("RESPONDER", callable_answer),
        ("RESPONDER", f"{HERE}.callable_answer"),
        ("RESPONDER", "builtins.print"),
        ("RESPONDER", dict),  # Python does not know what it takes
        ("TIMEOUT_POLICY", Never),
        ("TIMEOUT_POLICY", Never()),
        ("TIMEOUT_POLICY", f"{HERE}.Never"),
        ("TIMEOUT_POLICY", IdleTimeoutPolicy(900)),
    ],
)
def test_right_values_are_without_findings(configured: Any, key: str, value: Any) -> None:
    assert configured(**{key: value}) == {}


@pytest.mark.parametrize("value", [None, [], "x", [("RUNNER", "x")]])
@pytest.mark.parametrize("deploy", [False, True])
def test_e003_a_setting_that_is_no_dict_is_the_only_finding(
    settings: Any, value: Any, deploy: bool
) -> None:
    settings.CHAT_SESSIONS = value
    findings = found(deploy=deploy)
    assert list(findings) == ["E003"]
    assert "make it a dict" in findings["E003"][0]


@pytest.mark.parametrize(
    "policy",
    [
        "no.such.Policy",
        f"{HERE}.Raises",
        f"{HERE}.InThePast",
        f"{HERE}.NoDeadline",
        f"{HERE}.Naive",
        f"{HERE}.NeedsArguments",
        TimeoutPolicy,
        None,
        300,
    ],
)
def test_e004_a_policy_that_cannot_be_used(configured: Any, policy: Any) -> None:
    findings = configured(TIMEOUT_POLICY=policy)
    assert set(findings) == {"E004"}
    assert len(findings["E004"]) == 1


def test_e002_a_key_in_small_letters_is_known_in_large_ones(configured: Any) -> None:
    [text] = configured(responder=None)["E002"]
    assert "Did you mean 'RESPONDER'?" in text


class OffByADay:
    """A policy whose moment knows no time zone."""

    def deadline(self, activity: Activity) -> Deadline:
        """Return a time that cannot be compared."""
        return Deadline(datetime(2030, 1, 1), "idle")  # noqa: DTZ001


def test_e004_what_a_policy_should_return_is_said_where_it_is_that(configured: Any) -> None:
    [text] = configured(TIMEOUT_POLICY=OffByADay())["E004"]
    assert "Let deadline() return a Deadline with an aware moment" in text


class ForAReason(TimeoutPolicy):
    """A policy whose deadline has the reason that is given."""

    def __init__(self, reason: Any) -> None:
        self.reason = reason

    def deadline(self, activity: Activity) -> Deadline:
        """Return tomorrow."""
        return Deadline(activity.last_activity_at + timedelta(days=1), self.reason)


@pytest.mark.parametrize("reason", [None, 5, b"x"])
def test_e004_a_reason_that_is_no_text(configured: Any, reason: Any) -> None:
    [text] = configured(TIMEOUT_POLICY=ForAReason(reason))["E004"]
    assert f"reason={reason!r}), whose reason is no text. " in text


@pytest.mark.parametrize("reason", ["", "lesson_over", gettext_lazy("Yes")])
def test_a_reason_that_is_a_text_is_welcome(configured: Any, reason: Any) -> None:
    assert configured(TIMEOUT_POLICY=ForAReason(reason)) == {}


def test_w006_activity_that_is_written_more_seldom_than_sessions_last(configured: Any) -> None:
    assert configured(ACTIVITY_RESOLUTION=150) == {}
    [text] = configured(ACTIVITY_RESOLUTION=151)["W006"]
    assert "is 151 seconds, and a session expires after 300: it may end that much early" in text
    assert text.endswith("Give a small part of the timeout, such as 1 or 15.")
    assert configured(TIMEOUT_POLICY=IdleTimeoutPolicy(None)) == {}


@pytest.mark.parametrize(("value", "way_out"), [(900, 900), (None, 300), (-5, 300)])
def test_e004_a_number_is_no_policy_and_the_policy_of_it_is_named(
    configured: Any, value: Any, way_out: int
) -> None:
    [text] = configured(TIMEOUT_POLICY=value)["E004"]
    assert f'CHAT_SESSIONS["TIMEOUT_POLICY"] is {value!r}, which is no policy.' in text
    assert f"IdleTimeoutPolicy({way_out})" in text


def test_e003_a_responder_that_is_a_module_is_told_to_name_a_function(configured: Any) -> None:
    [text] = configured(RESPONDER=HERE)["E003"]
    assert "which is a module; give a function in it" in text


@pytest.mark.parametrize("key", ["RUNNER", "RESPONDER", "NOTIFIER"])
@pytest.mark.parametrize("path", ["no.such.thing", f"{HERE}.nothing", "nodots", ""])
@pytest.mark.parametrize("deploy", [False, True])
def test_e005_a_path_that_leads_nowhere(configured: Any, key: str, path: str, deploy: bool) -> None:
    findings = configured(deploy=deploy, **{key: path})
    assert set(findings) <= {"E005", "W004"}
    [text] = findings["E005"]
    assert key in text


@pytest.mark.parametrize("source", ["import os\nos.environ['NOT_SET_4711']", "def (:"])
@pytest.mark.parametrize("key", ["RUNNER", "RESPONDER", "NOTIFIER", "AUTHENTICATORS"])
def test_e005_a_module_that_cannot_be_executed(
    configured: Any, key: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_4711.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    path = "broken_4711.thing"
    [text] = configured(**{key: [path] if key == "AUTHENTICATORS" else path})["E005"]
    assert f"{key}\"] names 'broken_4711.thing'" in text
    assert "NOT_SET_4711" in text or "SyntaxError" in text


@pytest.mark.parametrize("kind", [list, tuple])
def test_e005_each_authenticator_that_cannot_be_imported(configured: Any, kind: Any) -> None:
    known = "django_chat_sessions.authentication.DjangoSession"
    texts = configured(AUTHENTICATORS=kind(["no.such.thing", known, 5]))["E005"]
    assert len(texts) == 2


def test_what_a_runner_finds_out_about_itself_is_said_too(
    configured: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert configured(RUNNER=f"{HERE}.NeedsWorkers") == {}
    nobody = Error("NeedsWorkers cannot work: nobody is there.", id=f"{PREFIX}E777")
    monkeypatch.setattr(NeedsWorkers, "findings", [nobody])
    assert configured() == {"E777": ["NeedsWorkers cannot work: nobody is there. "]}


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("CheckRaises", "KeyError: 'QUEUE'"),
        ("CheckSaysNothing", "TypeError"),
        ("CheckOfAnInstance", "TypeError"),
        ("CheckGivesText", "['wrong']"),
    ],
)
def test_e003_a_runner_whose_own_check_does_not_work(configured: Any, name: str, what: str) -> None:
    [text] = configured(RUNNER=f"{HERE}.{name}")["E003"]
    assert f"{HERE}.{name}" in text
    assert what in text
    assert "class method" in text


@pytest.mark.parametrize(("size", "is_fine"), [(1, True), (0, False), (-1, False), ("8", False)])
def test_a_pool_without_a_thread_says_so(
    configured: Any, monkeypatch: pytest.MonkeyPatch, size: Any, is_fine: bool
) -> None:
    monkeypatch.setattr(Narrow, "size", size)
    findings = configured(RUNNER=f"{HERE}.Narrow")
    if is_fine:
        assert findings == {}
    else:
        assert f"Narrow cannot work: size is {size!r}. Give a whole number" in findings["E015"][0]


def test_a_runner_that_says_nothing_of_itself_is_without_findings(configured: Any) -> None:
    assert not hasattr(LeavesReplies, "check")
    assert configured(RUNNER="tests.conversations.LeavesReplies") == {}


def test_e006_a_model_that_is_not_built_on_ours(
    configured: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.contrib.auth.models import User

    monkeypatch.setattr(checks, "get_session_model", lambda: User)
    [text] = configured()["E006"]
    assert text.startswith("auth.User must subclass AbstractChatSession.")


def test_e009_the_core_app_is_missing(settings: Any) -> None:
    installed = [each for each in settings.INSTALLED_APPS if each != "django_chat_sessions"]
    settings.INSTALLED_APPS = installed
    [text] = found()["E009"]
    assert "Add 'django_chat_sessions'" in text


OWN_TABLES = """
from django.db import models
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession
class Talk(AbstractChatSession):
    class Meta(AbstractChatSession.Meta): abstract, app_label = False, "host"
class Said(AbstractChatMessage):
    session = models.ForeignKey(Talk, on_delete=models.CASCADE, related_name="messages")
    class Meta(AbstractChatMessage.Meta): abstract, app_label = False, "host"
"""


@pytest.mark.parametrize("app", ["django_chat_sessions.default_models", "host"])
def test_e009_without_the_core_app_the_session_model_says_so(app: str, tmp_path: Path) -> None:
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / "models.py").write_text(OWN_TABLES)
    program = f"""
import django
from django.conf import settings
from django.core.management import call_command
apps = ["django.contrib.auth", "django.contrib.contenttypes", {app!r}]
settings.configure(INSTALLED_APPS=apps)
django.setup()
call_command("check")
"""
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 1
    assert done.stderr.count("django_chat_sessions.E009") == 1


@pytest.mark.parametrize("as_path", [True, False])
def test_a_notifier_without_its_package_says_what_to_install(
    configured: Any, monkeypatch: pytest.MonkeyPatch, as_path: bool
) -> None:
    path = "django_chat_sessions.contrib.redis.RedisNotifier"
    notifier: Any = path if as_path else RedisNotifier("redis://cache.example:6379/0")
    monkeypatch.setitem(sys.modules, "redis", None)
    [text] = configured(NOTIFIER=notifier)["E018"]
    assert text.startswith("RedisNotifier cannot work: redis is not installed.")
    assert "pip install 'redis>=5'" in text
    monkeypatch.undo()
    assert configured(NOTIFIER=notifier) == {}


@pytest.mark.parametrize(
    "notifier", [f"{HERE}.NotifierWithoutFindings", NotifierWithoutFindings()], ids=type
)
def test_e003_a_notifiers_check_that_gives_no_list(configured: Any, notifier: Any) -> None:
    [text] = configured(NOTIFIER=notifier)["E003"]
    assert 'CHAT_SESSIONS["NOTIFIER"] names' in text
    assert "NotifierWithoutFindings" in text
    assert "let it be a class method" in text


class ChatsElsewhere:
    """A router of a host that keeps its chats in another database than its users."""

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default" if model._meta.app_label == "auth" else "chats"


def test_e010_a_foreign_key_to_another_database(
    configured: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    user: Any = get_session_model()._meta.get_field("user")
    settings.DATABASE_ROUTERS = ["tests.test_checks.ChatsElsewhere"]
    [text] = configured()["E010"]
    assert "declare it with db_constraint=False and on_delete=DO_NOTHING" in text
    assert text.startswith(f"{user} is a foreign key from database 'chats' to 'default'")
    monkeypatch.setattr(user, "db_constraint", False)
    assert "E010" in configured()
    monkeypatch.setattr(user.remote_field, "on_delete", DO_NOTHING)
    assert "E010" not in configured()


# Databases


@pytest.fixture
def database(settings: Any) -> Any:
    """Return a function that names one database and says what the checks find."""

    def findings(*, deploy: bool = False, **options: Any) -> dict[str, list[str]]:
        settings.DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", **options}}
        return found(deploy=deploy)

    return findings


SQLITE = "django.db.backends.sqlite3"


@pytest.mark.parametrize("options", [{}, {"transaction_mode": "DEFERRED"}])
def test_w001_sqlite_in_its_default_mode(database: Any, options: dict[str, str]) -> None:
    [text] = database(ENGINE=SQLITE, OPTIONS=options)["W001"]
    assert '"transaction_mode": "IMMEDIATE"' in text
    for mode in ("IMMEDIATE", "immediate"):  # Django takes both
        assert database(ENGINE=SQLITE, OPTIONS={"transaction_mode": mode}) == {}


def test_w002_atomic_requests(database: Any) -> None:
    [text] = database(ATOMIC_REQUESTS=True)["W002"]
    assert "non_atomic_requests" in text
    assert database(ATOMIC_REQUESTS=False) == {}


def test_w016_no_autocommit(database: Any) -> None:
    [text] = database(AUTOCOMMIT=False)["W016"]
    assert "TransactionManagementError" in text
    assert database(AUTOCOMMIT=True) == {}


def test_e020_a_schema_for_each_tenant(settings: Any) -> None:
    app = type(apps.get_app_config(get_session_model()._meta.app_label))
    for entry in (app.name, f"{app.__module__}.{app.__qualname__}"):
        settings.TENANT_APPS = ["django.contrib.auth", entry]
        [text] = found()["E020"]
        assert "SHARED_APPS" in text
    settings.TENANT_APPS = ["django.contrib.auth"]
    assert found() == {}


def test_a_database_without_chats_may_be_set_as_it_likes(settings: Any) -> None:
    odd = {"ENGINE": SQLITE, "ATOMIC_REQUESTS": True, "AUTOCOMMIT": False}
    usual = {"ENGINE": "django.db.backends.postgresql"}
    settings.DATABASES = {"default": usual, "legacy": odd}
    assert found() == {}
    settings.DATABASES = {"default": odd, "chats": usual}
    settings.DATABASE_ROUTERS = ["tests.test_checks.ChatsElsewhere"]
    assert set(found()) == {"E010"}
    settings.DATABASES = {"default": usual, "chats": odd}
    assert set(found()) == {"E010", "W001", "W002", "W016"}


def test_w003_local_times(settings: Any) -> None:
    settings.USE_TZ = False
    [text] = found()["W003"]
    assert "USE_TZ = True" in text
    settings.USE_TZ = True
    assert found() == {}


def test_w004_threads_in_production(configured: Any) -> None:
    runners = "django_chat_sessions.services.replies.runners"
    assert "W004" not in configured(RUNNER=f"{runners}.ThreadRunner")
    [text] = configured(deploy=True)["W004"]
    assert "grace" in text
    assert "can ask again; with REPLY_ATTEMPTS above 1" in text
    [text] = configured(deploy=True, REPLY_ATTEMPTS=3)["W004"]
    assert "asked again by itself, 3 times in all" in text
    assert "can ask again" not in text
    assert "W004" not in configured(deploy=True, RESPONDER=None)
    answers = {"RESPONDER": callable_answer}
    assert "W004" not in configured(deploy=True, RUNNER=f"{runners}.InlineRunner", **answers)


@pytest.mark.parametrize("age", [600, None])
def test_w005_connections_that_are_kept_without_a_look_at_their_health(
    database: Any, age: int | None
) -> None:
    assert "W005" not in database(CONN_MAX_AGE=age)
    [text] = database(deploy=True, CONN_MAX_AGE=age)["W005"]
    assert "CONN_HEALTH_CHECKS = True" in text
    assert "W005" not in database(deploy=True, CONN_MAX_AGE=age, CONN_HEALTH_CHECKS=True)
    assert "W005" not in database(deploy=True, CONN_MAX_AGE=0)


# The command people run


def test_manage_py_check_prints_the_way_out_and_fails(settings: Any) -> None:
    settings.CHAT_SESSIONS = {**settings.CHAT_SESSIONS, "HISTORY_LIMIT": "many"}
    with pytest.raises(CommandError, match=r"django_chat_sessions\.E003"):
        call_command("check", stderr=StringIO())


# The ids


def test_every_id_is_listed_on_top_used_and_tested() -> None:
    modules = (checks, named, databases, models)
    source = "".join(Path(str(each.__file__)).read_text() for each in modules)
    assert checks.__doc__
    assert databases.__doc__
    own = checks.__doc__.partition("W001 to W003")[0] + databases.__doc__
    listed = Counter(re.findall(r"\b[EW]\d{3}\b", own))
    used = set(re.findall(r'(?:\{ID\}|django_chat_sessions)\.([EW]\d{3})"', source))
    tests = re.findall(r"def test_([ew]\d{3})_", Path(__file__).read_text())
    assert set(listed) == used == {name.upper() for name in tests}
    assert set(listed.values()) == {1}


@pytest.mark.parametrize("module", [checks, columns, databases, methods, tables])
def test_manage_py_check_runs_every_check(module: Any) -> None:
    own = [it for it in vars(module).values() if getattr(it, "__module__", "") == module.__name__]
    ours = {it for it in own if it.__name__.startswith("check_")}
    assert ours
    assert ours <= {*registry.get_checks(include_deployment_checks=True)}
