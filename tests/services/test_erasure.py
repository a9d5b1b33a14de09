"""Erase: every row of the owner's, and not one of anybody else's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db.models import DO_NOTHING

from django_chat_sessions import get_message_model, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.exceptions import SessionNotFound, TurnLost
from django_chat_sessions.models import ReplyState
from django_chat_sessions.owners import Owner
from django_chat_sessions.services import erasure
from django_chat_sessions.services.erasure import Erased
from django_chat_sessions.services.replies.writing import finish, renew, take
from tests.conversations import (
    configure,
    fill_history,
    leave_replies,
    meanwhile,
    reply_of,
    rows,
    somebody_else,
    stored,
    talked,
    waiting,
)

pytestmark = pytest.mark.django_db


def whole_database() -> dict[str, list[str]]:
    """Return every row of every table."""
    models = apps.get_models(include_auto_created=True)
    return {model._meta.label: sorted(map(str, model._base_manager.values())) for model in models}


def a_full_account(owner: Owner) -> None:
    """Leave sessions in every state: ended, archived, deleted, claimed, open, waiting."""
    chat_sessions.end(talked(owner, "Ended", "a"))
    chat_sessions.delete(talked(owner, "Deleted", "b"))
    archived = chat_sessions.end(talked(owner, "Archived", "c"))
    get_session_model()._base_manager.filter(pk=archived.pk).update(
        archived_at=archived.ended_at, pinned_at=archived.ended_at
    )
    talked(owner, "Open", "d")
    if owner.user_id is not None:
        visitor = somebody_else()
        talked(visitor, "Claimed", "e")
        chat_sessions.claim(visitor, owner)


def test_they_go_and_are_told_of_in_the_order_of_their_keys(
    owner: Owner, signals: Any, django_capture_on_commit_callbacks: Any
) -> None:
    opened = [talked(owner, "Hello", scope) for scope in ("a", "b", "c")]
    for session in reversed(opened):  # PostgreSQL reads what was written last at the end
        chat_sessions.add_message(session, "user", "Again")
    signals.clear()
    with django_capture_on_commit_callbacks(execute=True):
        chat_sessions.erase(owner)
    ended = [facts["session"].pk for name, facts in signals if name == "session_ended"]
    assert ended == sorted(session.pk for session in opened)


def test_p03_all_of_the_owners_goes_and_the_rest_of_the_database_stays_as_it_is(
    owner: Owner, settings: Any, noon: Any, django_user_model: Any
) -> None:
    leave_replies(settings)
    for other in (somebody_else(), Owner.for_user(django_user_model.objects.create_user("eve"))):
        a_full_account(other)
        waiting(other, key="the-same-key")
    before = whole_database()
    a_full_account(owner)
    waiting(owner, key="the-same-key")
    assert whole_database() != before
    erased = chat_sessions.erase(owner)
    assert whole_database() == before
    number = 6 if owner.user_id is not None else 5
    assert erased == Erased(number, number + 1, 1)
    assert chat_sessions.erase(owner) == Erased()
    assert whole_database() == before


def test_anothers_session_that_followed_forgets_it_and_is_otherwise_the_same(owner: Owner) -> None:
    mine = chat_sessions.end(talked(owner))
    follower = talked(somebody_else())
    get_session_model()._base_manager.filter(pk=follower.pk).update(previous=mine)
    chat_sessions.erase(owner)
    assert (stored(follower).previous_id, stored(follower).open_key) == (None, follower.open_key)


def test_a_reply_that_is_being_written_is_stopped_and_its_worker_writes_nothing_more(
    owner: Owner, settings: Any, signals: Any, answering: Any
) -> None:
    leave_replies(settings)
    sent = waiting(owner)
    reply = reply_of(sent)
    take(reply, sent.session)
    signals.clear()
    with answering():
        assert chat_sessions.erase(owner).stopped == 1
    ended = [(name, facts.get("state") or facts.get("reason")) for name, facts in signals]
    assert ended == [("turn_failed", "stopped"), ("session_ended", "deleted")]
    with pytest.raises(TurnLost):
        finish(reply, sent.session, ReplyState.ANSWERED, content="Too late")
    with pytest.raises(SessionNotFound):
        renew(reply, sent.session)
    assert rows(sent.session) == []


def test_a_reply_that_is_still_being_written_in_an_ended_session_is_stopped_and_told(
    owner: Owner, settings: Any, signals: Any, answering: Any
) -> None:
    leave_replies(settings)
    sent = waiting(owner)
    take(reply_of(sent), sent.session)
    chat_sessions.end(sent.session)
    signals.clear()
    with answering():
        assert chat_sessions.erase(owner).stopped == 1
    assert [(name, facts.get("state")) for name, facts in signals] == [("turn_failed", "stopped")]


def test_who_follows_is_told_although_nothing_was_open(
    owner: Owner, monkeypatch: pytest.MonkeyPatch, answering: Any
) -> None:
    chat_sessions.end(talked(owner))
    told: list[Owner] = []
    monkeypatch.setattr("django_chat_sessions.services.tables.hint", told.append)
    with answering():
        chat_sessions.erase(owner)
    assert told == [owner]


def test_what_a_login_has_taken_meanwhile_is_the_accounts_and_stays(
    monkeypatch: pytest.MonkeyPatch, user: Any
) -> None:
    visitor, account = Owner.for_visitor("a visitor's secret key"), Owner.for_user(user)
    session = talked(visitor)
    meanwhile(monkeypatch, erasure, lambda: chat_sessions.claim(visitor, account))
    assert chat_sessions.erase(visitor) == Erased()
    assert chat_sessions.current(account) == session
    assert stored(session).deleted_at is None


def test_messages_go_whatever_the_hosts_foreign_key_does_with_them(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    relation = get_message_model()._meta.get_field("session").remote_field
    monkeypatch.setattr(relation, "on_delete", DO_NOTHING)
    session = talked(owner)
    assert chat_sessions.erase(owner) == Erased(1, 1, 0)
    assert rows(session) == []


def test_a_dry_run_counts_the_same_and_changes_nothing(owner: Owner, settings: Any) -> None:
    leave_replies(settings)
    talked(somebody_else(), "Not counted")
    a_full_account(owner)
    waiting(owner)
    before = whole_database()
    would = chat_sessions.erase(owner, dry_run=True)
    assert whole_database() == before
    assert chat_sessions.erase(owner) == would != Erased()


def test_a_message_that_comes_in_between_goes_too(
    owner: Owner, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(settings, RESPONDER=None)
    talked(owner)
    meanwhile(monkeypatch, erasure, lambda: talked(owner, "One more"))
    assert chat_sessions.erase(owner) == Erased(1, 2, 0)


def test_every_batch_is_told_and_statements_do_not_grow_within_it(
    owner: Owner, noon: Any, statements: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    for number in (3, 300):
        fill_history(owner, number)
        with statements() as sent:
            assert chat_sessions.erase(owner).sessions == number
        counts.append(len(sent))
    assert counts[0] <= counts[1] <= 12
    monkeypatch.setattr(erasure, "BATCH", 2)
    talked(somebody_else())  # who is in no batch of the owner's
    fill_history(owner, 5)
    told: list[int] = []
    chat_sessions.erase(owner, progress=told.append)
    assert told == [2, 4, 5]


def test_p05_a_deleted_user_leaves_no_chat_and_nobody_inherits_it(
    user: Any, django_user_model: Any, noon: Any
) -> None:
    owner = Owner.for_user(user)
    a_full_account(owner)
    others = talked(somebody_else())
    noon.shift(timedelta(days=1))
    user.delete()
    assert list(get_session_model()._base_manager.all()) == [others]
    assert chat_sessions.recent_sessions(owner) == []
    assert chat_sessions.erase(owner) == Erased()
