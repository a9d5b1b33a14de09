"""Owners: exactly one of a user and a visitor, with keys that nobody else's equal."""

from __future__ import annotations

import hashlib
import inspect
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.core import signing
from django.http import HttpRequest
from django.test import RequestFactory

from django_chat_sessions import get_session_model, services
from django_chat_sessions.authentication import VISITOR_COOKIE, recognise_or_welcome
from django_chat_sessions.owners import Owner, owner_from_request


def test_an_owner_is_a_user_or_a_visitor_never_both_never_neither() -> None:
    for nobody in ({}, {"user_id": 1, "visitor_key": "k"}, {"visitor_key": ""}):
        with pytest.raises(ValueError, match="either a saved user or a visitor"):
            Owner(**nobody)


def test_a_user_whose_id_is_0_is_a_user() -> None:
    assert Owner(user_id=0).identity == "user:0"


def test_an_unsaved_or_anonymous_user_owns_nothing(django_user_model: Any) -> None:
    for user in (django_user_model(), AnonymousUser()):
        with pytest.raises(ValueError, match="saved user"):
            Owner.for_user(user)


def test_a_row_of_another_model_is_no_user_whatever_its_key() -> None:
    with pytest.raises(TypeError, match=r"Group is not a user; give Owner\.for_host"):
        Owner.for_user(Group(pk=1))


def test_a_visitor_must_have_a_key() -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        Owner.for_visitor("")


OWNED: dict[str, dict[str, Any]] = {
    "claim": {"user_owner": Owner(user_id=1)},
    "current": {},
    "erase": {},
    "export": {},
    "find_session": {"session_id": uuid4()},
    "history_page": {"limit": 30},
    "import_sessions": {"document": {}},
    "look": {},
    "recent_sessions": {},
    "restore": {"session_id": uuid4()},
    "resume_or_start": {},
    "search": {"text": "words"},
    "send": {"content": "Hello", "key": "k"},
    "start": {},
    "updates": {},
}


def test_these_are_the_verbs_that_begin_with_an_owner() -> None:
    named = {name: next(iter(inspect.signature(verb).parameters), "") for name, verb in verbs()}
    assert {name for name, first in named.items() if first.endswith("owner")} == OWNED.keys()


def verbs() -> list[tuple[str, Any]]:
    found = inspect.getmembers(services, inspect.isfunction)
    return [(name, verb) for name, verb in found if not inspect.iscoroutinefunction(verb)]


@pytest.mark.parametrize("verb", sorted(OWNED))
def test_who_is_no_owner_is_told_how_to_become_one(verb: str, django_user_model: Any) -> None:
    for nobody, name in ((django_user_model(pk=1), django_user_model.__name__), (None, "NoneType")):
        with pytest.raises(TypeError, match=rf"not {name}: give Owner\.for_user\(user\)"):
            list(getattr(services, verb)(nobody, **OWNED[verb]))


@pytest.mark.parametrize("names", [(), ("organisation", None), ("organisation", ""), (None,)])
def test_those_without_a_name_share_no_history(names: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match="who the owner is"):
        Owner.for_host(*names)


def test_a_name_may_be_0() -> None:
    assert Owner.for_host("organisation", 0) != Owner.for_host("organisation", 1)


def test_of_a_visitors_secret_only_a_hash_is_kept() -> None:
    owner = Owner.for_visitor("secret")
    assert owner.visitor_key == hashlib.sha256(b"secret").hexdigest()
    assert "secret" not in repr(owner)
    assert len(owner.visitor_key) <= 64


def test_the_owner_of_a_session_is_the_one_that_opened_it() -> None:
    model = get_session_model()
    assert Owner.of(model(user_id=7)) == Owner(user_id=7)
    visitor = Owner.for_visitor("v")
    assert Owner.of(model(visitor_key=visitor.visitor_key)) == visitor


def test_keys_of_different_owners_scopes_and_purposes_all_differ() -> None:
    owners = [Owner(user_id=1), Owner(user_id=11), Owner.for_visitor("1"), Owner.for_visitor("v")]
    owners.append(Owner(visitor_key="user:1"))
    keys = [owner.open_key(scope) for owner in owners for scope in ("", "a", "A", "a ")]
    keys += [owner.client_key(key) for owner in owners for key in ("", "a", "A", "a ")]
    assert len(set(keys)) == len(keys)
    assert owners[0].open_key("a") == Owner(user_id=1).open_key("a")
    assert owners[0].client_key("a") == Owner(user_id=1).client_key("a")


class TestFromRequest:
    def request(self, user: Any = None, **cookies: str) -> HttpRequest:
        request = RequestFactory().get("/")
        request.user = user or AnonymousUser()
        request.COOKIES.update(cookies)
        return request

    def test_a_logged_in_user_is_the_owner(self, user: Any) -> None:
        assert owner_from_request(self.request(user)) == Owner.for_user(user)

    def test_a_signed_cookie_makes_its_bearer_that_visitor(self) -> None:
        signer = signing.TimestampSigner(salt="django_chat_sessions.visitor")
        request = self.request(**{VISITOR_COOKIE: signer.sign("key")})
        assert owner_from_request(request) == Owner.for_visitor("key")

    @pytest.mark.parametrize("cookie", ["", "key", "key:sig", "\x00", "é" * 4000])
    def test_a_forged_cookie_is_no_cookie(self, cookie: str) -> None:
        assert owner_from_request(self.request(**{VISITOR_COOKIE: cookie})) is None

    def test_a_stranger_owns_nothing_and_gets_no_key_by_being_looked_at(self) -> None:
        request = self.request()
        assert owner_from_request(request) is None
        assert recognise_or_welcome(request).new_visitor_key is not None


def test_an_owner_of_the_hosts_is_nobody_elses() -> None:
    organisation = Owner.for_host("organisation", 12)
    assert organisation == Owner.for_host("organisation", "12")
    others = [
        Owner.for_host("organisation", 1, 2),
        Owner.for_host("organisation12"),
        Owner.for_visitor("organisation12"),
        Owner.for_visitor("['organisation', '12']"),
        Owner(user_id=12),
    ]
    assert organisation not in others
    with pytest.raises(ValueError, match="Say in names"):
        Owner.for_host()


def test_no_visitors_key_is_taken_for_what_only_the_host_says() -> None:
    """A messenger's hook or a kiosk may hand over whatever text the other side has sent."""
    with pytest.raises(ValueError, match="or begin with NUL"):
        Owner.for_visitor("\0['organisation', '12']")
    assert Owner.for_visitor("key\0") != Owner.for_visitor("key")


def test_a_key_that_is_taken_over_is_the_one_its_new_owner_would_have_stored() -> None:
    before, after = Owner.for_visitor("v"), Owner(user_id=7)
    assert after.taken_over(before.client_key("k"), before) == after.client_key("k")
    assert before.client_key("k").version == 5


@pytest.mark.parametrize("of", [Owner.open_key, Owner.client_key])
@pytest.mark.parametrize("text", ["Zürich", "城市", "🏙"])
def test_a_key_may_be_in_any_script(of: Any, text: str) -> None:
    assert of(Owner(user_id=1), text) != of(Owner(user_id=2), text)


@pytest.mark.parametrize("of", [Owner.open_key, Owner.client_key])
def test_what_is_no_text_is_told_from_one_that_cannot_be_kept(of: Any) -> None:
    owner, name = Owner(user_id=1), "scope" if of is Owner.open_key else "key"
    with pytest.raises(TypeError, match=f"^{name} is None; give a text"):
        of(owner, None)
    with pytest.raises(ValueError, match=f"^{name} is .*; give a text without lone surrogates"):
        of(owner, "a\ud800")


def test_a_session_without_an_owner_says_so() -> None:
    model: Any = get_session_model()
    with pytest.raises(ValueError, match="Chat session 3 has no owner: only staff may read it"):
        Owner.of(model(pk=3))
