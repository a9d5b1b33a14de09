"""The questions: by owner first, in an order that pages can rely on."""

from __future__ import annotations

import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS

from django_chat_sessions import clock, get_message_model, get_session_model, querysets
from django_chat_sessions.owners import Owner
from tests.conversations import opened, somebody_else

pytestmark = pytest.mark.django_db


def made(owner: Owner, **facts: Any) -> Any:
    model = get_session_model()
    return model.objects.create(user_id=owner.user_id, visitor_key=owner.visitor_key, **facts)


def found(queryset: Any) -> list[Any]:
    return [row.pk for row in queryset]


def test_owned_by_shows_an_owner_their_own_and_nobody_elses(owner: Owner, user: Any) -> None:
    mine = made(owner)
    made(somebody_else())
    made(Owner(user_id=user.pk) if owner.user_id is None else Owner.for_visitor("v"))
    get_session_model().objects.create()  # a row from before us, which nobody owns
    assert found(get_session_model().objects.owned_by(owner)) == [mine.pk]


def test_a_row_with_a_user_is_that_users_whatever_else_it_says(user: Any) -> None:
    account, visitor = Owner.for_user(user), Owner.for_visitor("v")
    row = get_session_model().objects.create(user_id=user.pk, visitor_key=visitor.visitor_key)
    assert found(get_session_model().objects.owned_by(account)) == [row.pk]
    assert found(get_session_model().objects.owned_by(visitor)) == []


def test_owned_by_leaves_out_what_the_owner_deleted(owner: Owner) -> None:
    made(owner, deleted_at=clock.now())
    assert found(get_session_model().objects.owned_by(owner)) == []


def test_held_open_by_finds_the_open_place_of_one_scope_expired_or_not(owner: Owner) -> None:
    here, elsewhere = opened(owner), opened(owner, "subject:1")
    get_session_model().objects.filter(pk=here.pk).update(expires_at=clock.now())
    held = get_session_model().objects.held_open_by
    assert found(held(owner, "")) == [here.pk]
    assert found(held(owner, "subject:1")) == [elsewhere.pk]
    assert found(held(owner, "SUBJECT:1")) == []
    assert found(held(owner, "subject:1 ")) == []
    assert found(held(somebody_else(), "")) == []


def test_the_history_shows_what_has_messages_and_is_not_archived(owner: Owner) -> None:
    now = clock.now()
    shown = made(owner, message_count=1, last_message_at=now)
    made(owner, message_count=0, last_message_at=now)
    put_away = made(owner, message_count=1, archived_at=now, last_message_at=now)
    mine = get_session_model().objects.owned_by(owner)
    assert found(mine.in_history()) == [shown.pk]
    assert found(mine.in_history(archived=True)) == [put_away.pk]


def test_a_row_whose_adoption_is_not_done_is_not_put_before_the_newest(owner: Owner) -> None:
    made(owner, message_count=1, last_message_at=None)
    newest = made(owner, message_count=1, last_message_at=clock.now())
    assert found(get_session_model().objects.owned_by(owner).newest_first()) == [newest.pk]


def test_pinned_ones_come_in_the_order_of_their_pinning_and_pages_join(owner: Owner) -> None:
    now = clock.now()
    made(owner, last_message_at=now)
    for second in (3, 2, 2, 1):
        made(owner, pinned_at=now - timedelta(seconds=second))
    pinned = get_session_model().objects.owned_by(owner).pinned()
    listed = list(pinned)
    assert [row.pinned_at for row in listed] == sorted(
        (row.pinned_at for row in listed), reverse=True
    )
    assert len(listed) == 4
    for number, row in enumerate(listed):
        assert list(pinned.pinned_before(row.pinned_at, row.pk)) == listed[number + 1 :]


def test_belonging_to_shows_deleted_ones_too(owner: Owner) -> None:
    mine, deleted = made(owner), made(owner, deleted_at=clock.now())
    made(somebody_else())
    listed = get_session_model().objects.belonging_to(owner)
    assert set(found(listed)) == {mine.pk, deleted.pk}


def test_the_newest_message_comes_first_and_ids_decide_ties(owner: Owner) -> None:
    now = clock.now()
    old = made(owner, last_message_at=now - timedelta(seconds=1))
    tied = sorted((made(owner, last_message_at=now) for _ in range(3)), key=lambda row: row.pk)
    listed = get_session_model().objects.owned_by(owner).newest_first()
    assert found(listed) == [*(row.pk for row in reversed(tied)), old.pk]


def test_before_continues_the_order_without_a_gap_or_a_double(owner: Owner) -> None:
    now = clock.now()
    for second in (3, 2, 2, 2, 1):
        made(owner, last_message_at=now - timedelta(seconds=second))
    listed = list(get_session_model().objects.owned_by(owner).newest_first())
    for number, row in enumerate(listed):
        rest = get_session_model().objects.owned_by(owner).newest_first()
        assert list(rest.before(row.last_message_at, row.pk)) == listed[number + 1 :]


def test_lapsed_are_the_open_ones_from_the_moment_of_expiry_on(owner: Owner) -> None:
    now = clock.now()
    key = iter([owner.open_key(str(number)) for number in range(9)])
    at_this_moment = made(owner, open_key=next(key), expires_at=now)
    long_ago = made(owner, open_key=next(key), expires_at=now - timedelta(days=400))
    made(owner, open_key=next(key), expires_at=now + timedelta(microseconds=1))
    made(owner, open_key=next(key), expires_at=None)
    made(owner, open_key=None, expires_at=now)
    lapsed = get_session_model().objects.lapsed(now).order_by("expires_at")
    assert found(lapsed) == [long_ago.pk, at_this_moment.pk]


def test_left_behind_are_the_open_ones_whose_lease_has_passed(owner: Owner) -> None:
    now = clock.now()
    key = iter([owner.open_key(str(number)) for number in range(9)])
    at_this_moment = made(owner, open_key=next(key), running_until=now)
    long_ago = made(owner, open_key=next(key), running_until=now - timedelta(days=400))
    made(owner, open_key=next(key), running_until=now + timedelta(microseconds=1))
    made(owner, open_key=next(key), running_until=None)
    made(owner, open_key=None, running_until=now)
    left = get_session_model().objects.left_behind(now).order_by("running_until")
    assert found(left) == [long_ago.pk, at_this_moment.pk]


def test_messages_come_in_the_order_of_the_conversation(owner: Owner) -> None:
    session = made(owner)
    model: Any = get_message_model()
    for position in (2, 0, 1):
        model.objects.create(session=session, position=position)
    assert [row.position for row in model.objects.in_order()] == [0, 1, 2]


def test_running_replies_are_the_pending_and_the_running_ones(owner: Owner) -> None:
    session = made(owner)
    model: Any = get_message_model()
    states = ["", "pending", "running", "answered", "failed", "stopped", "interrupted"]
    for position, state in enumerate(states):
        model.objects.create(session=session, position=position, state=state)
    running = model.objects.replies_running().in_order()
    assert [row.state for row in running] == ["pending", "running"]


def test_a_scope_is_compared_exactly_where_the_collation_does_not(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What MariaDB and MySQL are asked is the same question on every database."""
    there = {DEFAULT_DB_ALIAS: SimpleNamespace(vendor="mysql")}
    here = made(owner, scope="course:aB")
    made(owner, scope="course:aBC")
    with monkeypatch.context() as patched:
        patched.setattr(querysets, "connections", there)
        asked = get_session_model().objects.owned_by(owner).about("course:aB")
    assert {"StartsWith", "Length"} <= set(re.findall(r"\w+", str(asked.query.where)))
    assert found(asked) == [here.pk]
