"""System checks: what is wrong with the configuration, said before the first request.

E001 SESSION_MODEL
E002 unknown key
E003 wrong value
E004 TIMEOUT_POLICY         W004 ThreadRunner in production (--deploy)
E005 a dotted path          W005 CONN_MAX_AGE without CONN_HEALTH_CHECKS (--deploy)
E006 the model's parents    W006 ACTIVITY_RESOLUTION beside the timeout
E009 the core app is missing: the session model says it, as nobody else is there
E010 a foreign key to another database

The dotted paths are looked at in ``named.py``. W001 to W003, W016 and E020, about databases and
time, are in ``databases.py``. W011 to W013, W018 and W019, about tables that are not ours, are in
``tables.py``; E011, about names that we need, is in ``methods.py``; E012, E014, E016, E017, E019,
W014 and W015, about what a host declares, are in ``columns.py``, and E013, E021 and W017, about
texts, in ``texts.py``. What the ``check()`` of a runner or a notifier finds comes with an id of its
own: E007 is TasksRunner's, E008 CeleryRunner's, E015 ThreadRunner's, E018 RedisNotifier's.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.db import router
from django.db.models import DO_NOTHING
from django.utils.functional import Promise

from django_chat_sessions import conf, get_message_model, get_session_model
from django_chat_sessions.checks.named import check_names
from django_chat_sessions.checks.tables import ID
from django_chat_sessions.conf import app_settings
from django_chat_sessions.limits import Limits
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession
from django_chat_sessions.policies import Activity


def _positive(value: Any) -> bool:
    return _number(value) and value > 0


def _number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)


def _is_notifier(value: Any) -> bool:
    methods = (getattr(value, name, None) for name in ("tell", "watch"))
    return not isinstance(value, type) and all(map(callable, methods))


MOST_DAYS = 36_500  # a hundred years; dates before year 1 do not exist
MOST_SECONDS = 30 * 86_400  # threads of some systems cannot wait for much longer
MOST_ROWS = 2**31 - 1
VALUES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "SESSION_MODEL": (lambda v: isinstance(v, str), "a text, app_label.ModelName"),
    "ACTIVITY_RESOLUTION": (
        lambda v: _number(v) and v >= 0,
        "seconds, 0 or more",
    ),
    "HISTORY_LIMIT": (
        lambda v: isinstance(v, int) and _positive(v) and v <= MOST_ROWS,
        f"a whole number from 1 to {MOST_ROWS}",
    ),
    "RETENTION_DAYS": (
        lambda v: v is None or (_positive(v) and v <= MOST_DAYS),
        f"days above 0, at most {MOST_DAYS}, or None for ever",
    ),
    "AUTHENTICATORS": (
        lambda v: isinstance(v, list | tuple) and bool(v),
        "a list of dotted paths",
    ),
    "RESPONDER": (
        lambda v: v is None or isinstance(v, str) or callable(v),
        "a callable or its dotted path",
    ),
    "RUNNER": (lambda v: isinstance(v, str), "the dotted path of a runner"),
    "REPLY_LEASE": (
        lambda v: _positive(v) and v <= MOST_SECONDS,
        f"seconds above 0, at most {MOST_SECONDS}",
    ),
    "REPLY_ATTEMPTS": (lambda v: isinstance(v, int) and _positive(v), "a whole number above 0"),
    "NOTIFIER": (
        lambda v: v is None or isinstance(v, str) or _is_notifier(v),
        "a notifier (an object with tell and watch), the dotted path of its class, or None",
    ),
}


@register()
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Unknown keys, wrong values, paths that lead nowhere."""
    given = _given()
    if given is None:
        kind = type(conf.given()).__name__
        return [Error(f"CHAT_SESSIONS is of type {kind}; make it a dict.", id=f"{ID}.E003")]
    return [
        *_unknown_keys(given),
        *_wrong_values(given),
        *check_names(given),
        *_wrong_policy(),
        *_wrong_limits(),
    ]


def _given() -> dict[Any, Any] | None:
    """Return what the host set; None when it is no dict."""
    given = conf.given()
    return given if isinstance(given, dict) else None


def _value(given: dict[Any, Any], key: str) -> Any:
    return given.get(key, conf.DEFAULTS[key])


def _unknown_keys(given: dict[Any, Any]) -> Iterator[CheckMessage]:
    for key in given:
        if key in conf.DEFAULTS:
            continue
        near = difflib.get_close_matches(str(key).upper(), conf.DEFAULTS, n=1)
        meant = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(conf.DEFAULTS)}."
        yield Error(f"CHAT_SESSIONS has no key {key!r}.", hint=meant, id=f"{ID}.E002")


def _wrong_values(given: dict[Any, Any]) -> Iterator[CheckMessage]:
    for key, (is_right, wanted) in VALUES.items():
        if key in given and not is_right(given[key]):
            yield Error(
                f'CHAT_SESSIONS["{key}"] is {given[key]!r}; give {wanted}.', id=f"{ID}.E003"
            )


def _wrong_limits() -> Iterator[CheckMessage]:
    try:
        is_right = isinstance(app_settings.LIMITS, Limits)
    except Exception:  # noqa: BLE001  a host's own code: whatever it raises, these are no limits
        is_right = False
    if not is_right:
        yield Error(
            f'CHAT_SESSIONS["LIMITS"] is {conf.given()["LIMITS"]!r}; give Limits(…), or the dotted '
            "path of such an object or of a subclass that needs no arguments.",
            id=f"{ID}.E003",
        )


def _wrong_policy() -> Iterator[CheckMessage]:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    sample = Activity(opened_at=moment, last_activity_at=moment, scope="", user_id=0)
    hint = "Name a TimeoutPolicy class without arguments, or give an instance."
    try:
        policy: Any = app_settings.TIMEOUT_POLICY
        if not callable(getattr(policy, "deadline", None)):
            yield _no_policy(policy)
            return
        hint = "Let deadline() return a Deadline with an aware moment, or None for never."
        deadline: Any = policy.deadline(sample)
        is_right = deadline is None or deadline.at > moment
    except Exception as error:  # noqa: BLE001  a host's own code: whatever it raises is the finding
        yield Error(
            f'CHAT_SESSIONS["TIMEOUT_POLICY"] cannot be used: {type(error).__name__}: {error}.',
            hint=hint,
            id=f"{ID}.E004",
        )
        return
    if not is_right:
        yield Error(
            f'CHAT_SESSIONS["TIMEOUT_POLICY"] gave {deadline!r}, which is not after the activity.',
            hint="Return a Deadline later than last_activity_at, or None for never.",
            id=f"{ID}.E004",
        )
    elif deadline is not None and not isinstance(deadline.reason, str | Promise):
        yield Error(
            f'CHAT_SESSIONS["TIMEOUT_POLICY"] gave {deadline!r}, whose reason is no text.',
            hint='Return a Deadline with a moment and a word, such as "idle".',
            id=f"{ID}.E004",
        )
    elif deadline is not None:
        yield from _coarse_activity((deadline.at - moment).total_seconds())


def _coarse_activity(timeout: float) -> Iterator[CheckMessage]:
    resolution: Any = app_settings.ACTIVITY_RESOLUTION
    if _number(resolution) and resolution > timeout / 2:
        yield CheckWarning(
            f'CHAT_SESSIONS["ACTIVITY_RESOLUTION"] is {resolution} seconds, and a session expires '
            f"after {timeout:g}: it may end that much early, while somebody is there.",
            hint="Give a small part of the timeout, such as 1 or 15.",
            id=f"{ID}.W006",
        )


def _no_policy(given: Any) -> CheckMessage:
    seconds = given if _positive(given) else 300
    return Error(
        f'CHAT_SESSIONS["TIMEOUT_POLICY"] is {given!r}, which is no policy.',
        hint=f"Give IdleTimeoutPolicy({seconds}), or the dotted path of a TimeoutPolicy class.",
        id=f"{ID}.E004",
    )


@register(Tags.models)
def check_models(**kwargs: Any) -> list[CheckMessage]:
    """The session model exists, and the pair is built on the abstract classes."""
    given = _given()
    if given is None or not isinstance(_value(given, "SESSION_MODEL"), str):
        return []  # reported by check_settings
    try:
        pair = (
            (get_session_model(), AbstractChatSession),
            (get_message_model(), AbstractChatMessage),
        )
    except ImproperlyConfigured as error:
        return [Error(str(error), id=f"{ID}.E001")]
    wrong: list[CheckMessage] = [
        Error(f"{model._meta.label} must subclass {parent.__name__}.", id=f"{ID}.E006")
        for model, parent in pair
        if not issubclass(model, parent)
    ]
    return wrong or list(_across_databases(pair[0][0]))


def _across_databases(model: type[AbstractChatSession]) -> Iterator[CheckMessage]:
    user: Any = {field.name: field for field in model._meta.concrete_fields}.get("user")
    if not hasattr(user, "db_constraint"):
        return  # no foreign key, as check_columns says
    mine, theirs = router.db_for_write(model), router.db_for_write(user.related_model)
    is_loose = not user.db_constraint and user.remote_field.on_delete is DO_NOTHING
    if mine != theirs and not is_loose:
        yield Error(
            f"{user} is a foreign key from database {mine!r} to {theirs!r}, where it cannot reach.",
            hint="In a model of yours, declare it with db_constraint=False and "
            "on_delete=DO_NOTHING, and delete a user's sessions by a receiver of post_delete.",
            id=f"{ID}.E010",
        )


@register(Tags.compatibility, deploy=True)
def check_deployment(**kwargs: Any) -> list[CheckMessage]:
    """What works on a laptop and is worth a thought in production."""
    found: list[CheckMessage] = []
    given = _given() or {}
    answers = _value(given, "RESPONDER") is not None
    if answers and str(_value(given, "RUNNER")).endswith(".ThreadRunner"):
        found.append(
            CheckWarning(
                "Answers are written by threads of the web process: whoever kills it while one is "
                "being written, interrupts that answer.",
                hint=f"{_after_a_kill(given)} Give a restart a grace period longer than an answer "
                "takes, or use a runner with workers.",
                id=f"{ID}.W004",
            )
        )
    for alias, options in settings.DATABASES.items():
        # None keeps a connection for ever.
        if options.get("CONN_MAX_AGE", 0) != 0 and not options.get("CONN_HEALTH_CHECKS"):
            found.append(
                CheckWarning(
                    f"Database {alias!r}: after it restarts, kept connections fail once each.",
                    hint="Set CONN_HEALTH_CHECKS = True beside CONN_MAX_AGE.",
                    id=f"{ID}.W005",
                )
            )
    return found


def _after_a_kill(given: dict[Any, Any]) -> str:
    attempts = _value(given, "REPLY_ATTEMPTS")
    if attempts == 1:
        return (
            "The question is kept and its reader can ask again; with REPLY_ATTEMPTS above 1 it "
            "is asked again by itself."
        )
    return f"The question is kept and asked again by itself, {attempts} times in all at most."
