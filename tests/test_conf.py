"""The settings are read when they are needed, from one dict."""

from __future__ import annotations

from typing import Any

import pytest

from django_chat_sessions import conf
from django_chat_sessions.conf import AppSettings, app_settings
from django_chat_sessions.limits import Limits
from django_chat_sessions.policies import IdleTimeoutPolicy, TimeoutPolicy
from tests.conversations import configure
from tests.responders import echo

policy_instance = IdleTimeoutPolicy(42)


class TenSeconds(IdleTimeoutPolicy):
    def __init__(self) -> None:
        super().__init__(10)


def test_without_the_setting_every_key_has_its_default(settings: Any) -> None:
    del settings.CHAT_SESSIONS
    assert app_settings.SESSION_MODEL == "chat_sessions.ChatSession"
    assert isinstance(app_settings.TIMEOUT_POLICY, IdleTimeoutPolicy)
    assert app_settings.TIMEOUT_POLICY.timeout == 300
    assert app_settings.ACTIVITY_RESOLUTION == 1
    assert app_settings.HISTORY_LIMIT == 30
    assert app_settings.RETENTION_DAYS is None
    assert Limits(20_000, messages_per_minute=30, replies_at_once=4) == app_settings.LIMITS
    assert app_settings.RESPONDER is None
    assert app_settings.RUNNER == "django_chat_sessions.services.replies.runners.ThreadRunner"
    assert app_settings.REPLY_LEASE == 30
    assert app_settings.REPLY_ATTEMPTS == 1
    assert app_settings.NOTIFIER is None
    assert app_settings.AUTHENTICATORS == (
        "django_chat_sessions.authentication.DjangoSession",
        "django_chat_sessions.authentication.AnonymousCookie",
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("SESSION_MODEL", "host.Conversation"),
        ("ACTIVITY_RESOLUTION", 2.5),
        ("HISTORY_LIMIT", 7),
        ("RETENTION_DAYS", 90),
        ("LIMITS", Limits(100)),
        ("RUNNER", "somewhere.Runner"),
        ("REPLY_LEASE", 5),
        ("REPLY_ATTEMPTS", 3),
        ("NOTIFIER", "somewhere.Notifier"),
    ],
)
def test_a_value_holds_from_the_moment_it_is_set(settings: Any, key: str, value: Any) -> None:
    configure(settings, **{key: value})
    assert getattr(app_settings, key) == value


def test_authenticators_may_be_given_as_a_list_or_a_tuple(settings: Any) -> None:
    for given in (["a.B", "c.D"], ("a.B", "c.D")):
        configure(settings, AUTHENTICATORS=given)
        assert app_settings.AUTHENTICATORS == ("a.B", "c.D")


@pytest.mark.parametrize(
    "given",
    ["tests.test_conf.TenSeconds", TenSeconds, TenSeconds()],
    ids=["path of a class", "class", "instance"],
)
def test_the_policy_may_be_a_path_a_class_or_an_instance(settings: Any, given: Any) -> None:
    configure(settings, TIMEOUT_POLICY=given)
    policy: TimeoutPolicy = app_settings.TIMEOUT_POLICY
    assert isinstance(policy, TenSeconds)
    assert policy.timeout == 10


def test_the_policy_may_be_the_path_of_an_instance(settings: Any) -> None:
    configure(settings, TIMEOUT_POLICY="tests.test_conf.policy_instance")
    assert app_settings.TIMEOUT_POLICY is policy_instance


def test_the_responder_may_be_a_path_or_a_callable(settings: Any) -> None:
    configure(settings, RESPONDER="tests.responders.echo")
    assert app_settings.RESPONDER is echo
    configure(settings, RESPONDER=echo)
    assert app_settings.RESPONDER is echo


def test_each_key_is_documented_and_there_are_few_of_them() -> None:
    assert len(conf.DEFAULTS) <= 12
    for key in conf.DEFAULTS:
        assert getattr(AppSettings, key).__doc__, key
