"""The steps that open and close rows, where the verbs do not show them."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from django_chat_sessions import clock
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.owners import Owner
from django_chat_sessions.policies import Activity, IdleTimeoutPolicy
from django_chat_sessions.services.opening import (
    Arrival,
    ArrivalStatus,
    close,
    expiry,
    followed,
    latest_activity,
    latest_session,
    new_arrival,
    open_new,
    previous_of,
)
from django_chat_sessions.services.races import RaceLost
from tests.conversations import configure, opened, somebody_else, stored, talked

pytestmark = pytest.mark.django_db


class PerUser(IdleTimeoutPolicy):
    """Ten minutes for users, one for visitors, two hours in a scope."""

    def timeout_for(self, activity: Activity) -> float | None:
        if activity.scope:
            return 7200
        return 600 if activity.user_id is not None else 60


def test_an_arrival_is_a_fact(owner: Owner) -> None:
    arrival = Arrival(opened(owner), ArrivalStatus.NEW, "first")
    assert arrival.opened == arrival.session
    assert arrival.status == "new"
    with pytest.raises(FrozenInstanceError):
        arrival.reason = "other"  # type: ignore[misc]


def test_the_open_place_is_taken_only_once(owner: Owner) -> None:
    opened(owner)
    with pytest.raises(IntegrityError), transaction.atomic():
        open_new(owner, "", None, clock.now())


def test_a_close_that_loses_its_race_leaves_everything_as_it_was(owner: Owner, noon: Any) -> None:
    session = talked(owner)
    old_copy = stored(session)
    noon.shift(timedelta(seconds=2))
    chat_sessions.touch(session)
    with pytest.raises(RaceLost):
        open_new(owner, "", old_copy, clock.now())
    assert stored(session).open_key is not None
    assert chat_sessions.current(owner) == session


def test_closing_an_expired_one_takes_its_own_reason(owner: Owner, noon: Any) -> None:
    session = talked(owner)
    noon.shift(timedelta(seconds=300))
    close(session, "replaced", clock.now())
    assert stored(session).end_reason == "idle"


def test_the_policy_sees_owner_and_scope(owner: Owner, noon: Any, settings: Any) -> None:
    configure(settings, TIMEOUT_POLICY=PerUser())
    seconds = 600 if owner.user_id is not None else 60
    assert opened(owner).expires_at == clock.now() + timedelta(seconds=seconds)
    assert opened(owner, "subject:1").expires_at == clock.now() + timedelta(hours=2)


def test_expiry_of_changed_activity_leaves_the_session_alone(owner: Owner, noon: Any) -> None:
    session = opened(owner)
    later = clock.now() + timedelta(seconds=60)
    assert expiry(session, last_activity_at=later) == later + timedelta(seconds=300)
    assert expiry(session) == session.expires_at
    assert session.last_activity_at == clock.now()


def test_without_a_deadline_there_is_no_expiry(owner: Owner, settings: Any) -> None:
    configure(settings, TIMEOUT_POLICY=IdleTimeoutPolicy(None))
    assert opened(owner).expires_at is None


def test_the_latest_conversation_is_the_one_with_the_latest_message(
    owner: Owner, noon: Any
) -> None:
    assert latest_session(owner, "") is None
    first = talked(owner)
    chat_sessions.start(owner)  # without a message it is no conversation
    assert latest_session(owner, "") == first
    talked(owner, scope="elsewhere")
    assert latest_session(owner, "") == first


def test_nobody_is_led_back_to_where_the_owner_said_nothing(owner: Owner, noon: Any) -> None:
    greeted = chat_sessions.start(owner).opened
    chat_sessions.add_message(greeted, "assistant", "How can I help?")
    assert followed(owner, "", greeted) == greeted  # there is nothing else
    assert latest_session(owner, "") is None
    conversations = []
    for _ in range(2):
        noon.shift(timedelta(seconds=300))
        conversations.append(chat_sessions.end(talked(owner)))
    chat_sessions.rename(conversations[1], "")  # begun it is, whatever it is called
    noon.shift(timedelta(seconds=1))
    talked(somebody_else())
    chat_sessions.end(chat_sessions.rename(opened(owner), "Plans"))
    noon.shift(timedelta(seconds=1))
    again = opened(owner)
    chat_sessions.add_message(again, "assistant", "How can I help?")
    assert latest_session(owner, "") == followed(owner, "", again) == conversations[1]
    assert previous_of(again) == conversations[1]


def test_a_deleted_one_is_not_told_of(owner: Owner) -> None:
    session = talked(owner)
    chat_sessions.delete(session)
    arrival = new_arrival(None, stored(session), clock.now())
    assert (arrival.previous, arrival.reason) == (None, "first")


def test_activity_never_moves_back(owner: Owner, noon: Any) -> None:
    session, now = opened(owner), clock.now()
    for seconds, later in ((-5, 0), (0, 0), (5, 5)):
        session.last_activity_at = now + timedelta(seconds=seconds)
        assert latest_activity(session, now) == now + timedelta(seconds=later)
    session.last_activity_at = None  # a row of the host's
    assert latest_activity(session, now) == now


def test_previous_of_asks_only_when_there_is_one(owner: Owner, statements: Any) -> None:
    first = opened(owner)
    with statements() as sent:
        assert previous_of(first) is None
    assert sent == []
    chat_sessions.add_message(first, "user", "Hello")
    second = chat_sessions.start(owner).opened
    with statements() as sent:
        assert previous_of(stored(second)) == first
    assert len(sent) == 2  # the other one is ours, to read the session
