"""Those who try to reach a chat that is not theirs, with whatever they could have got hold of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import time_machine
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.core import signing
from django.test import Client
from django.utils import timezone

from django_chat_sessions import get_message_model, get_session_model
from django_chat_sessions.authentication import VISITOR_COOKIE, VISITOR_COOKIE_AGE
from tests.callers import Caller, person

SALT = "django_chat_sessions.visitor"
Attacker = Callable[[Caller], Client]


def signed(visitor: str, age: float = 0, **other: Any) -> str:
    """Return a visitor's cookie that was signed so many seconds ago."""
    with time_machine.travel(timezone.now() - timedelta(seconds=age), tick=False):
        return signing.TimestampSigner(**{"salt": SALT, **other}).sign(visitor)


def cookie_of(caller: Caller) -> tuple[str, str]:
    """Return the cookie by which a browser is known: a login's or a visitor's."""
    name = VISITOR_COOKIE if caller.kind == "visitor" else settings.SESSION_COOKIE_NAME
    return name, caller.client.cookies[name].value


def holding(**cookies: str) -> Client:
    """Return a browser that holds these cookies."""
    client = Client()
    for name, value in cookies.items():
        client.cookies[name] = value
    return client


def with_cookie(name: str, value: str) -> Client:
    """Return a browser that holds one cookie."""
    return holding(**{name: value})


# Somebody else, whom we know


def another_visitor(victim: Caller) -> Client:
    """Somebody who has a cookie of their own."""
    return person("visitor").client


def another_user(victim: Caller) -> Client:
    """Somebody who has an account."""
    return person("user", "eve").client


def a_program(victim: Caller) -> Client:
    """Somebody's program with a token of its own."""
    return person("token", "eve").client


def staff(victim: Caller, *, permissions: bool = False) -> Client:
    """Staff: the admin is theirs to use, the API shows them their own."""
    caller = person("user", "eve")
    account: Any = _account(caller)
    account.is_staff = True
    account.save()
    models = (get_session_model(), get_message_model())
    names = [f"{verb}_{model._meta.model_name}" for verb in VERBS for model in models]
    if permissions:
        account.user_permissions.set(Permission.objects.filter(codename__in=names))
    return caller.client


VERBS = ("view", "add", "change", "delete")


def staff_with_permission(victim: Caller) -> Client:
    """Staff that may view, change and delete every session in the admin."""
    return staff(victim, permissions=True)


def a_user_with_a_forged_cookie_beside(victim: Caller) -> Client:
    """A login claims what a visitor's cookie proves; a forged one proves nothing."""
    client = another_user(victim)
    client.cookies[VISITOR_COOKIE] = signed(_key(victim), key="another site's")
    return client


def who_planted_the_cookie(victim: Caller) -> Client:
    """Whose own visitor's cookie was in the owner's browser while they wrote and logged in."""
    attacker = person("visitor")
    attacker.say("SECRET-0815", scope="planted")
    victim.client.cookies[VISITOR_COOKIE] = attacker.client.cookies[VISITOR_COOKIE].value
    assert len(victim.get("sessions").json()["sessions"]) == 2  # claimed by the login
    return attacker.client


# Nobody whom we know


def nobody(victim: Caller) -> Client:
    """A browser without cookies."""
    return Client()


def an_expired_login(victim: Caller) -> Client:
    """What was the owner's login, or a visitor's cookie, as it is when its time has passed."""
    name, value = cookie_of(victim)
    if name == VISITOR_COOKIE:
        return with_cookie(name, signed(value.partition(":")[0], VISITOR_COOKIE_AGE + 60))
    past = timezone.now() - timedelta(seconds=1)
    Session.objects.filter(session_key=value).update(expire_date=past)
    return with_cookie(name, value)


def who_has_logged_out(victim: Caller) -> Client:
    """The cookie of the owner's login, which is over."""
    name, value = cookie_of(victim)
    Session.objects.filter(session_key=value).delete()
    return with_cookie(name, value)


def a_forged_cookie(victim: Caller) -> Client:
    """What the owner's cookie would be, with one character changed at its end."""
    name, value = cookie_of(victim)
    return with_cookie(name, value[:-1] + ("a" if value[-1] != "a" else "b"))


def an_unsigned_cookie(victim: Caller) -> Client:
    """The owner's key or id, by itself."""
    return holding(**{VISITOR_COOKIE: _key(victim), settings.SESSION_COOKIE_NAME: _key(victim)})


def a_cookie_without_signature(victim: Caller) -> Client:
    """The right form, with nothing where the signature belongs."""
    stamp = signed("x").split(":")[1]
    return with_cookie(VISITOR_COOKIE, f"{_key(victim)}:{stamp}:")


def a_stored_key(victim: Caller) -> Client:
    """Who has read the table knows the hash of a key, which is no key."""
    return with_cookie(VISITOR_COOKIE, str(victim.owner.visitor_key))


def a_swapped_signature(victim: Caller) -> Client:
    """The owner's key under the signature of a cookie that was really given out."""
    own = person("visitor").client.cookies[VISITOR_COOKIE].value
    _own_key, stamp, signature = own.split(":")
    return with_cookie(VISITOR_COOKIE, f"{_key(victim)}:{stamp}:{signature}")


def swapped_cookies(victim: Caller) -> Client:
    """The owner's cookie under the name of the other one."""
    name, value = cookie_of(victim)
    [other] = {VISITOR_COOKIE, settings.SESSION_COOKIE_NAME} - {name}
    return with_cookie(other, value)


def a_cookie_of_another_site(victim: Caller) -> Client:
    """The owner's key, signed with another site's secret."""
    return with_cookie(VISITOR_COOKIE, signed(_key(victim), key="another site's"))


def a_cookie_for_another_purpose(victim: Caller) -> Client:
    """The owner's key, signed by this site for something else."""
    return with_cookie(VISITOR_COOKIE, signed(_key(victim), salt="django.core.signing"))


def a_deactivated_account(victim: Caller) -> Client:
    """The owner's own login, after the account was closed."""
    name, value = cookie_of(victim)
    account = _account(victim)
    account.is_active = False
    account.save()
    return with_cookie(name, value)


def a_login_before_the_password_changed(victim: Caller) -> Client:
    """The owner's own login, after somebody has changed the password."""
    name, value = cookie_of(victim)
    account = _account(victim)
    account.set_password("changed")
    account.save()
    return with_cookie(name, value)


OTHERS: tuple[Attacker, ...] = (
    another_visitor,
    another_user,
    a_program,
    staff,
    staff_with_permission,
    a_user_with_a_forged_cookie_beside,
)
UNKNOWN: tuple[Attacker, ...] = (
    nobody,
    an_expired_login,
    a_forged_cookie,
    an_unsigned_cookie,
    a_cookie_without_signature,
    swapped_cookies,
    a_cookie_of_another_site,
    a_cookie_for_another_purpose,
)
# What only a user has, and what only a visitor has.
OF_USERS: tuple[Attacker, ...] = (
    who_has_logged_out,
    a_deactivated_account,
    a_login_before_the_password_changed,
)
OF_VISITORS: tuple[Attacker, ...] = (a_stored_key, a_swapped_signature)
BOTH = ("user", "visitor")


class Attempt(NamedTuple):
    """The kind of the victim, the group of who tries, and who it is."""

    kind: str
    group: str
    attacker: Attacker

    def __str__(self) -> str:
        return "-".join([self.kind, self.group, getattr(self.attacker, "__name__", "")])


def attempts() -> list[Attempt]:
    """Return all that is tried."""
    tries = [Attempt(kind, "other", each) for kind in BOTH for each in OTHERS]
    tries += [Attempt("user", "other", who_planted_the_cookie)]
    tries += [Attempt(kind, "unknown", each) for kind in BOTH for each in UNKNOWN]
    tries += [Attempt("user", "unknown", each) for each in OF_USERS]
    tries += [Attempt("visitor", "unknown", each) for each in OF_VISITORS]
    # Where visitors are not welcome every victim has an account.
    return tries + [Attempt("user", "unwelcome", each) for each in UNKNOWN + OF_USERS]


def _key(victim: Caller) -> str:
    """Return what names the owner: the visitor's secret key, or the user's id."""
    if victim.kind == "visitor":
        return cookie_of(victim)[1].partition(":")[0]
    return str(victim.owner.user_id)


def _account(caller: Caller) -> Any:
    return get_user_model()._default_manager.get(pk=caller.owner.user_id)
