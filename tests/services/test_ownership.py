"""Claim: everything of the visitor's moves to the account, once, and nothing of anybody else's."""

from __future__ import annotations

from copy import copy
from datetime import timedelta
from typing import Any

import pytest
from django.test import RequestFactory

from django_chat_sessions import clock, get_message_model, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.exceptions import KeyReused, SessionNotFound
from django_chat_sessions.models import ReplyState
from django_chat_sessions.owners import Owner
from django_chat_sessions.policies import Activity, IdleTimeoutPolicy
from django_chat_sessions.services import lifecycle, ownership
from django_chat_sessions.services.ownership import Claimed
from django_chat_sessions.services.replies.writing import finish, take
from tests.callers import rows as everything
from tests.conversations import (
    configure,
    fill_history,
    leave_replies,
    listen_only,
    meanwhile,
    open_sessions,
    reply_of,
    rows,
    somebody_else,
    stored,
    talked,
    waiting,
)

pytestmark = pytest.mark.django_db
VISITOR = Owner.for_visitor("a visitor's secret key")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def account(user: Any) -> Owner:
    return Owner.for_user(user)


def test_open_ended_archived_and_deleted_sessions_all_move(account: Owner) -> None:
    ended = chat_sessions.end(talked(VISITOR, "Ended", "a"))
    deleted = talked(VISITOR, "Deleted", "b")
    chat_sessions.delete(deleted)
    still_open = talked(VISITOR, "Open", "c")
    assert chat_sessions.claim(VISITOR, account) == Claimed(3, ())
    assert {stored(row).user_id for row in (ended, deleted, still_open)} == {account.user_id}
    assert not get_session_model()._base_manager.filter(visitor_key=VISITOR.visitor_key).exists()
    assert stored(deleted).deleted_at is not None
    assert chat_sessions.current(account, "c") == still_open
    assert chat_sessions.current(VISITOR, "c") is None


def test_again_finds_nothing_with_1_statement(account: Owner, statements: Any) -> None:
    talked(VISITOR)
    chat_sessions.claim(VISITOR, account)
    with statements() as sent:
        assert chat_sessions.claim(VISITOR, account) == Claimed()
    assert len(sent) == 1


def test_nobody_elses_rows_are_touched(account: Owner) -> None:
    talked(somebody_else(), "Not mine")
    talked(account, "Mine")
    before = everything()
    chat_sessions.claim(VISITOR, account)
    assert everything() == before


@pytest.mark.parametrize("visitor_is_later", [True, False])
def test_of_two_open_sessions_the_one_with_the_later_activity_stays_open(
    account: Owner, noon: Any, signals: Any, answering: Any, visitor_is_later: bool
) -> None:
    first, second = (account, VISITOR) if visitor_is_later else (VISITOR, account)
    loser = talked(first, "Earlier")
    noon.shift(MINUTE)
    winner = talked(second, "Later")
    noon.shift(MINUTE)
    with answering():
        claimed = chat_sessions.claim(VISITOR, account)
    assert (claimed.moved, claimed.ended) == (1, (loser,))
    assert open_sessions(account) == [winner]
    assert stored(winner).open_key == account.open_key("")
    assert (stored(loser).end_reason, stored(loser).open_key) == ("merged", None)
    assert stored(winner).previous is None  # it has a beginning of its own
    assert chat_sessions.recent_sessions(account) == [winner, loser]
    told = [
        (name, facts) for name, facts in signals if name in ("session_ended", "sessions_claimed")
    ]
    assert [name for name, _facts in told] == ["session_ended", "sessions_claimed"]
    assert told[0][1]["session"].user_id == account.user_id
    assert told[1][1] == {"owner": account, "claimed": claimed}


@pytest.mark.usefixtures("noon")
def test_of_two_with_one_activity_the_users_own_stays_open(account: Owner) -> None:
    theirs, own = talked(VISITOR), talked(account)
    assert chat_sessions.claim(VISITOR, account).ended == (theirs,)
    assert open_sessions(account) == [own]


def test_where_nothing_moves_nobody_is_told(account: Owner, signals: Any, answering: Any) -> None:
    talked(account)
    with answering():
        chat_sessions.claim(VISITOR, account)
    assert "sessions_claimed" not in [name for name, _facts in signals]


def test_who_follows_the_visitor_is_told_and_who_follows_the_user(
    account: Owner, monkeypatch: pytest.MonkeyPatch, answering: Any
) -> None:
    chat_sessions.end(talked(VISITOR))
    told: list[Owner] = []
    monkeypatch.setattr("django_chat_sessions.services.tables.hint", told.append)
    with answering():
        chat_sessions.claim(VISITOR, account)
    assert told == [VISITOR, account]


def test_one_that_has_expired_ends_as_expired(account: Owner, noon: Any) -> None:
    expired = talked(VISITOR)
    noon.shift(6 * MINUTE)
    active = talked(account)
    assert chat_sessions.claim(VISITOR, account).ended == (expired,)
    assert stored(expired).end_reason == "idle"
    assert open_sessions(account) == [active]


@pytest.mark.parametrize("visitor_talked", [True, False])
def test_no_empty_session_takes_the_place_of_a_conversation(
    account: Owner, noon: Any, visitor_talked: bool
) -> None:
    talker, starter = (VISITOR, account) if visitor_talked else (account, VISITOR)
    conversation = talked(talker)
    noon.shift(MINUTE)
    empty = chat_sessions.start(starter).opened
    assert chat_sessions.claim(VISITOR, account).ended == (empty,)
    assert chat_sessions.look(account).session == conversation


@pytest.mark.parametrize("visitor_talked", [True, False])
def test_an_empty_one_leads_back_to_the_conversation_that_had_expired(
    account: Owner, noon: Any, visitor_talked: bool
) -> None:
    talker, starter = (VISITOR, account) if visitor_talked else (account, VISITOR)
    conversation = talked(talker)
    noon.shift(6 * MINUTE)
    empty = chat_sessions.start(starter).opened
    assert chat_sessions.claim(VISITOR, account).ended == (conversation,)
    arrival = chat_sessions.look(account)
    assert (arrival.session, arrival.status, arrival.reason) == (empty, "new", "idle")
    assert arrival.previous == conversation


@pytest.mark.parametrize("visitor_is_later", [True, False])
def test_an_empty_one_leads_back_to_no_empty_one(
    account: Owner, noon: Any, visitor_is_later: bool
) -> None:
    first, second = (account, VISITOR) if visitor_is_later else (VISITOR, account)
    left = chat_sessions.start(first).opened
    noon.shift(MINUTE)
    kept = chat_sessions.start(second).opened
    assert chat_sessions.claim(VISITOR, account).ended == (left,)
    assert stored(kept).previous is None


class MembersStayLonger(IdleTimeoutPolicy):
    """A minute for visitors, an hour for members."""

    def timeout_for(self, activity: Activity) -> float:
        is_member = activity.user_id is not None and activity.visitor_key is None
        return 3600 if is_member else 60


def test_what_moves_expires_as_the_accounts_do_unless_it_has_expired(
    account: Owner, noon: Any, settings: Any
) -> None:
    configure(settings, TIMEOUT_POLICY=MembersStayLonger(None))
    expired = talked(VISITOR, scope="a")
    noon.shift(MINUTE)
    active = talked(VISITOR, scope="b")
    assert chat_sessions.claim(VISITOR, account).moved == 2
    assert stored(active).expires_at == stored(active).deadline().at == clock.now() + 60 * MINUTE
    assert chat_sessions.current(account, "a") is None
    assert stored(expired).expires_at == clock.now()
    noon.shift(59 * MINUTE)
    assert chat_sessions.current(account, "b") == active


def test_a_reply_that_is_being_written_goes_on(account: Owner, noon: Any, settings: Any) -> None:
    leave_replies(settings)
    sent = waiting(VISITOR)
    take(reply_of(sent), sent.session)
    noon.shift(MINUTE / 6)
    talked(account, "Later, but nothing is being written")
    chat_sessions.claim(VISITOR, account)
    assert open_sessions(account) == [sent.session]
    finish(reply_of(sent), sent.session, ReplyState.ANSWERED, content="Because.")
    assert [row.content for row in rows(sent.session)] == ["Hello", "Because."]
    assert stored(sent.session).running_until is None


def test_d_a_message_sent_again_after_the_login_is_stored_and_answered_once(
    account: Owner, noon: Any
) -> None:
    sent = chat_sessions.send(VISITOR, "Why?", key="one-key-000")
    chat_sessions.claim(VISITOR, account)
    noon.shift(timedelta(days=300))
    again = chat_sessions.send(account, "Why?", key="one-key-000")
    assert (again.created, again.message, again.reply) == (False, sent.message, sent.reply)
    assert again.session.user_id == account.user_id
    with pytest.raises(KeyReused):
        chat_sessions.send(account, "Something else", key="one-key-000")
    assert get_message_model()._base_manager.count() == 2


def test_z07_the_old_cookie_finds_nothing_by_key_or_id(account: Owner, settings: Any) -> None:
    listen_only(settings)
    sent = chat_sessions.send(VISITOR, "SECRET-4711", key="one-key-000")
    chat_sessions.claim(VISITOR, account)
    with pytest.raises(SessionNotFound):
        chat_sessions.find_session(VISITOR, sent.session.pk)
    with pytest.raises(SessionNotFound):
        chat_sessions.send(VISITOR, "Hi", key="key-of-mine", session_id=sent.session.pk)
    again = chat_sessions.send(VISITOR, "SECRET-4711", key="one-key-000")
    assert (again.created, again.session.pk != sent.session.pk) == (True, True)
    assert chat_sessions.recent_sessions(VISITOR) == [again.session]


def test_a_key_found_in_a_session_that_is_not_the_owners_tells_nothing(account: Owner) -> None:
    """No verb of ours leaves such a row; an update of a host's own may."""
    sent = chat_sessions.send(VISITOR, "SECRET-4711", key="one-key-000")
    get_session_model()._base_manager.filter(pk=sent.session.pk).update(
        user_id=account.user_id, visitor_key=None
    )
    for text in ("SECRET-4711", "Guessed"):
        with pytest.raises(SessionNotFound):
            chat_sessions.send(VISITOR, text, key="one-key-000")


@pytest.mark.parametrize("is_over", [False, True])
def test_a_key_is_known_again_to_whoever_holds_the_session_as_it_was_before(
    account: Owner, settings: Any, noon: Any, is_over: bool
) -> None:
    listen_only(settings)
    session = chat_sessions.resume_or_start(VISITOR).opened
    first = chat_sessions.add_message(session, "user", "Hello", key="one-key-000")
    with chat_sessions.record_turn(session, "Why?", key="one-key-001") as turn:
        turn.answer = "Because."
    held, held_too = copy(session), copy(session)
    chat_sessions.claim(VISITOR, account)
    if is_over:
        noon.shift(6 * MINUTE)
    assert chat_sessions.add_message(held, "user", "Hello", key="one-key-000") == first
    with chat_sessions.record_turn(held_too, "Why?", key="one-key-001") as again:
        assert (again.created, again.answer) == (False, "Because.")


def test_a_key_that_both_have_used_stays_the_accounts(account: Owner, settings: Any) -> None:
    listen_only(settings)
    chat_sessions.send(VISITOR, "Why?", key="one-key-000", scope="a")
    mine = chat_sessions.send(account, "Why?", key="one-key-000", scope="a")
    assert chat_sessions.claim(VISITOR, account).moved == 1
    again = chat_sessions.send(account, "Why?", key="one-key-000", scope="a")
    assert (again.created, again.message) == (False, mine.message)


def test_one_reopened_between_reading_and_moving_is_never_left_in_the_visitors_place(
    account: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = chat_sessions.end(talked(VISITOR))
    real, due = ownership._move_open, [True]

    def reopened_first(*arguments: Any) -> Any:
        if due:
            due.clear()
            chat_sessions.reopen(stored(old))
        return real(*arguments)

    monkeypatch.setattr(ownership, "_move_open", reopened_first)
    assert chat_sessions.claim(VISITOR, account).moved == 1
    assert (due, stored(old).user_id) == ([], account.user_id)
    assert stored(old).open_key is None  # undone with the rest, as one transaction holds both here


@pytest.mark.parametrize("before_the_look", [True, False])
def test_a_reopening_beside_the_claim_never_leaves_a_visitors_place_in_the_account(
    account: Owner, monkeypatch: pytest.MonkeyPatch, before_the_look: bool
) -> None:
    old = chat_sessions.end(talked(VISITOR))
    by = "held_session" if before_the_look else "short_transaction"
    meanwhile(monkeypatch, lifecycle, lambda: chat_sessions.claim(VISITOR, account), by)
    assert chat_sessions.reopen(stored(old)).opened == old
    assert stored(old).open_key == account.open_key("")
    assert chat_sessions.current(account) == old
    assert chat_sessions.current(VISITOR) is None


def test_a_message_that_comes_in_between_is_not_lost(
    account: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = talked(VISITOR)
    meanwhile(monkeypatch, ownership, lambda: talked(VISITOR, "One more"))
    chat_sessions.claim(VISITOR, account)
    assert [row.content for row in rows(session)] == ["Hello", "One more"]
    assert stored(session).user_id == account.user_id


def test_the_statements_do_not_grow_with_the_history(account: Owner, statements: Any) -> None:
    counts = []
    for number in (3, 400):
        visitor = somebody_else()
        fill_history(visitor, number)
        talked(visitor, scope=f"scope-{number}")
        with statements() as sent:
            assert chat_sessions.claim(visitor, account).moved == number + 1
        counts.append(len(sent))
    # Two looks for a batch, the rivals, the open one, the rest, the keys.
    assert counts == [6, 6]


def test_two_that_are_open_in_one_scope_cost_at_most_7_statements(
    account: Owner, statements: Any
) -> None:
    for owner in (VISITOR, account):
        chat_sessions.add_message(chat_sessions.start(owner).opened, "assistant", "How can I help?")
    with statements() as sent:
        chat_sessions.claim(VISITOR, account)
    # Two looks for a batch, the rivals, the keys; who has said something, three times; the two.
    assert [sql.split()[0] for sql in sent] == [*["SELECT"] * 4, *["UPDATE"] * 2, *["SELECT"] * 3]


def test_a_long_history_moves_in_batches(account: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "BATCH", 2)
    fill_history(VISITOR, 5)
    assert chat_sessions.claim(VISITOR, account).moved == 5
    assert len(chat_sessions.recent_sessions(account)) == 5


def test_no_rows_of_others_are_read(account: Owner, statements: Any) -> None:
    chat_sessions.send(VISITOR, "Why?", key="one-key-000")
    with statements() as sent:
        chat_sessions.claim(VISITOR, account)
    assert [sql for sql in sent if sql.startswith("SELECT") and " WHERE " not in sql] == []


def test_what_another_login_took_meanwhile_is_looked_at_again(
    account: Owner, monkeypatch: pytest.MonkeyPatch, django_user_model: Any
) -> None:
    """Of two accounts that log in with one cookie at once, one gets a session, never both."""
    ended = chat_sessions.end(talked(VISITOR))
    other = Owner.for_user(django_user_model.objects.create_user("grace"))
    real, looks = ownership._move_open, list[int]()

    def taken_first(batch: Any, *arguments: Any) -> Any:
        looks.append(len(batch))
        if len(looks) == 1:
            taken = get_session_model()._base_manager.filter(pk=ended.pk)
            taken.update(user_id=other.user_id, visitor_key=None)
        return real(batch, *arguments)

    monkeypatch.setattr(ownership, "_move_open", taken_first)
    chat_sessions.claim(VISITOR, account)
    # The second look: the other's move is undone with the first, in the one transaction of a test.
    assert looks == [1, 1]


def test_where_nobody_was_before_the_login_there_is_nothing_to_claim(account: Owner) -> None:
    request = RequestFactory().get("/")
    assert chat_sessions.claim_at_login(request, account) is False
    assert chat_sessions.claim_at_login(request, VISITOR) is False


def test_a_claim_goes_from_a_visitor_to_a_user_and_no_other_way(account: Owner) -> None:
    for pair in ((account, VISITOR), (account, account), (VISITOR, VISITOR)):
        with pytest.raises(ValueError, match="from a visitor to a user"):
            chat_sessions.claim(*pair)
