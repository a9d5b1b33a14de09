"""Rows whose owner or scope a host has changed by SQL, or a dump that gave users other keys.

Such a row holds the open place of whom it belonged to: nobody else may be led into it, and its
owner must find it as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from django_chat_sessions import get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.models import AbstractChatSession
from django_chat_sessions.owners import Owner
from tests.conversations import open_sessions, opened, somebody_else, stored, talked

pytestmark = pytest.mark.django_db


def given_to(session: AbstractChatSession, owner: Owner) -> Any:
    rows = get_session_model()._base_manager.filter(pk=session.pk)
    rows.update(user_id=owner.user_id, visitor_key=owner.visitor_key)
    return stored(session)


def exchanged(one: Owner, other: Owner) -> tuple[AbstractChatSession, AbstractChatSession]:
    """Let each hold the other's open place, as when their keys changed; return whose is which."""
    first, second = talked(one, "Of one"), talked(other, "Of the other")
    return given_to(second, one), given_to(first, other)


def test_nobody_sees_what_holds_their_place_and_is_somebody_elses(owner: Owner) -> None:
    given_to(talked(owner, "Secret"), somebody_else())
    assert chat_sessions.current(owner) is None
    assert chat_sessions.look(owner).previous is None
    assert chat_sessions.look(owner).session is None


def test_what_belongs_to_nobody_any_more_is_nobodys(owner: Owner) -> None:
    left = talked(owner, "Secret")
    get_session_model()._base_manager.filter(pk=left.pk).update(user_id=None, visitor_key=None)
    assert chat_sessions.look(owner).session is None
    assert opened(owner) != left


def test_everybody_is_shown_their_own(owner: Owner) -> None:
    other = somebody_else()
    for who, own in zip((owner, other), exchanged(owner, other), strict=True):
        look = chat_sessions.look(who)
        assert (look.status, look.reason, look.session) == ("resumed", "open", own)


VERBS: dict[str, Callable[[Owner], AbstractChatSession]] = {
    "resume_or_start": opened,
    "send": lambda owner: chat_sessions.send(owner, "Again", key="again").session,
}


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_everybody_goes_on_in_their_own(
    owner: Owner, verb: Callable[[Owner], AbstractChatSession]
) -> None:
    other = somebody_else()
    mine, theirs = exchanged(owner, other)
    assert verb(owner) == mine
    assert verb(other) == theirs
    for who, own in ((owner, mine), (other, theirs)):
        assert open_sessions(who) == [own]
        assert stored(own).open_key == who.open_key("")
        assert chat_sessions.current(who) == own


def test_a_new_chat_takes_the_place_and_ends_nobody_elses(owner: Owner) -> None:
    other = somebody_else()
    mine, theirs = exchanged(owner, other)
    new = chat_sessions.start(owner)
    assert new.previous == mine
    assert stored(mine).end_reason == "user"
    assert chat_sessions.look(other).session == theirs


def test_who_has_nothing_begins_where_somebody_elses_was(owner: Owner) -> None:
    other = somebody_else()
    theirs = given_to(talked(owner), other)
    assert chat_sessions.send(owner, "Hello?", key="hello").arrival.reason == "first"
    assert chat_sessions.look(other).session == theirs


def test_an_old_one_is_continued_where_somebody_elses_was(owner: Owner) -> None:
    other = somebody_else()
    old = chat_sessions.end(talked(owner, "Old"))
    theirs = given_to(talked(owner, "Moved"), other)
    arrival = chat_sessions.reopen(old)
    assert (arrival.status, arrival.previous) == ("reopened", None)
    assert chat_sessions.current(owner) == old
    assert chat_sessions.look(other).session == theirs


def test_a_login_ends_nobody_elses(user: Any) -> None:
    account, visitor, other = Owner.for_user(user), somebody_else(), somebody_else()
    theirs = given_to(talked(account, "Moved"), other)
    mine = talked(visitor, "Mine")
    assert chat_sessions.claim(visitor, account).ended == ()
    assert chat_sessions.current(account) == mine
    assert chat_sessions.look(other).session == theirs
    assert stored(mine).previous is None


def test_a_scope_that_was_renamed_goes_on_under_its_new_name(owner: Owner) -> None:
    session = talked(owner, scope="physics")
    get_session_model()._base_manager.filter(pk=session.pk).update(scope="subject:1")
    assert chat_sessions.look(owner, "subject:1").session == session
    assert chat_sessions.send(owner, "Again", key="again", scope="subject:1").session == session
    assert chat_sessions.look(owner, "physics").session is None
