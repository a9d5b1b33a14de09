"""What has changed since a cursor: each kind of news, exactly once, at a cost that is counted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_chat_sessions import clock, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.api import payloads
from django_chat_sessions.api.inputs import SINCE
from django_chat_sessions.models import ReplyState
from django_chat_sessions.owners import Owner
from django_chat_sessions.services import Updates, updates
from django_chat_sessions.services.following import cursors
from django_chat_sessions.services.following.updates import MOST_MESSAGES, MOST_OPEN
from django_chat_sessions.services.replies.asking import recover_session
from django_chat_sessions.services.replies.control import mark_interrupted
from django_chat_sessions.services.replies.writing import finish, renew, save_text, take
from tests.callers import rows as everything_stored
from tests.conversations import (
    configure,
    fill,
    fill_history,
    leave_replies,
    opened,
    reply_of,
    somebody_else,
    stored,
    talked,
    waiting,
)

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
LEASE = timedelta(seconds=30)
TIMEOUT = timedelta(seconds=300)


@pytest.fixture
def sent(owner: Owner, noon: Any) -> chat_sessions.Sent:
    """A question whose reply is pending."""
    return waiting(owner)


def news(owner: Owner, since: str) -> Updates:
    """Return what is new, and make sure that a reader who has it lacks nothing more."""
    found = updates(owner, since)
    assert found.is_news
    assert_nothing_new(owner, found.cursor)
    return found


def assert_nothing_new(owner: Owner, cursor: str) -> None:
    again = updates(owner, cursor)
    assert (again.cursor, again.is_news, again.history_changed) == (cursor, False, False)
    assert (again.sessions, again.messages, again.grown) == ([], [], [])


def shown(found: Updates) -> list[tuple[int | None, str, str]]:
    return [(row.position, row.reply_state(found.read_at), row.content) for row in found.messages]


def answered(sent: chat_sessions.Sent, text: str = "Because.", **more: Any) -> Any:
    reply = reply_of(sent)
    assert take(reply, sent.session)
    finish(reply, sent.session, ReplyState.ANSWERED, content=text, **more)
    return reply


class TestTheFirstLook:
    def test_it_shows_what_is_open_and_its_last_turn(self, owner: Owner, noon: Any) -> None:
        talked(owner, "One")
        talked(owner, "Two")
        session = talked(owner, "Three")
        found = updates(owner)
        assert found.sessions == [session]
        assert shown(found) == [(1, "", "Two"), (2, "", "Three")]
        assert (found.grown, found.history_changed, found.is_news) == ([], False, True)
        assert_nothing_new(owner, found.cursor)

    def test_where_nothing_is_open_it_shows_nothing(self, owner: Owner, noon: Any) -> None:
        fill_history(owner, 3)
        found = updates(owner)
        assert (found.sessions, found.messages) == ([], [])
        assert (found.changes_at, found.open_keys) == (None, frozenset())
        assert_nothing_new(owner, found.cursor)

    def test_every_open_scope_is_followed(self, owner: Owner, noon: Any) -> None:
        for scope in ("", "a", "b"):
            noon.shift(SECOND)
            talked(owner, f"In {scope}", scope)
        found = updates(owner)
        assert [session.scope for session in found.sessions] == ["b", "a", ""]
        assert sorted(row.content for row in found.messages) == ["In ", "In a", "In b"]
        assert found.open_keys == {owner.open_key(scope) for scope in ("", "a", "b")}

    def test_sessions_of_one_moment_keep_their_messages_whatever_order_the_hosts_model_has(
        self, owner: Owner, noon: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for text in ("One", "Two"):
            for scope in ("a", "b"):
                talked(owner, text, scope)
        monkeypatch.setattr(get_session_model()._meta, "ordering", ["-started_at"])
        told = sorted(text for _position, _state, text in shown(updates(owner)))
        assert told == ["One", "One", "Two", "Two"]

    def test_a_running_reply_comes_with_the_text_it_has(
        self, owner: Owner, sent: chat_sessions.Sent
    ) -> None:
        reply = reply_of(sent)
        take(reply, sent.session)
        save_text(reply, "Beca")
        assert shown(updates(owner)) == [(0, "", "Hello"), (1, "running", "Beca")]

    def test_nobody_sees_anothers(self, owner: Owner, sent: chat_sessions.Sent) -> None:
        mine = updates(owner)
        theirs = updates(somebody_else())
        assert (theirs.sessions, theirs.messages) == ([], [])
        with_my_cursor = updates(somebody_else(), mine.cursor)
        assert (with_my_cursor.sessions, with_my_cursor.messages) == ([], [])
        assert with_my_cursor.cursor == theirs.cursor
        with_their_cursor = updates(owner, theirs.cursor)
        assert shown(with_their_cursor) == shown(mine)

    def test_looking_is_no_activity_and_writes_nothing(
        self, owner: Owner, sent: chat_sessions.Sent, noon: Any
    ) -> None:
        before = everything_stored()
        cursor = updates(owner).cursor
        for _ in range(3):
            noon.shift(9 * SECOND)
            cursor = updates(owner, cursor).cursor
        assert everything_stored() == before


class TestAReply:
    def test_its_text_comes_in_exact_pieces_counted_in_code_points(
        self, owner: Owner, sent: chat_sessions.Sent
    ) -> None:
        reply = reply_of(sent)
        cursor = updates(owner).cursor
        take(reply, sent.session)
        found = news(owner, cursor)
        assert shown(found) == [(1, "running", "")]
        text = ""
        for piece in ("Ice ❄️", "👩‍🔬 says\n", "e\u0301", " …", "\U0001d538" * 3):
            save_text(reply, text + piece)
            found = news(owner, found.cursor)
            [grown] = found.grown
            assert (grown.reply, grown.offset, grown.text) == (reply, len(text), piece)
            assert (found.messages, found.sessions, found.history_changed) == ([], [], False)
            text += piece

    def test_several_pieces_are_one_to_a_reader_who_comes_late(
        self, owner: Owner, sent: chat_sessions.Sent
    ) -> None:
        reply = reply_of(sent)
        take(reply, sent.session)
        save_text(reply, "One ")
        cursor = updates(owner).cursor
        save_text(reply, "One two ")
        save_text(reply, "One two three")
        [grown] = news(owner, cursor).grown
        assert (grown.offset, grown.text) == (4, "two three")

    @pytest.mark.parametrize("state", ["answered", "failed", "stopped", "interrupted"])
    def test_how_it_ended_is_told_with_the_whole_text(
        self, owner: Owner, sent: chat_sessions.Sent, noon: Any, state: str
    ) -> None:
        reply = reply_of(sent)
        take(reply, sent.session)
        save_text(reply, "Beca")
        cursor = updates(owner).cursor
        if state == "stopped":
            chat_sessions.stop(sent.session)
        elif state == "interrupted":
            noon.shift(LEASE)
        else:
            finish(reply, sent.session, ReplyState(state), content="Because.")
        found = news(owner, cursor)
        text = "Because." if state in ("answered", "failed") else "Beca"
        assert shown(found) == [(1, state, text)]
        [session] = found.sessions
        assert not session.is_running(clock.now())
        assert (found.grown, found.history_changed) == ([], False)

    def test_what_it_brings_beside_the_text_comes_with_its_end(
        self, owner: Owner, sent: chat_sessions.Sent
    ) -> None:
        cursor = updates(owner).cursor
        answered(sent, metadata={"sources": ["book"]})
        [reply] = news(owner, cursor).messages
        assert reply.metadata == {"sources": ["book"]}

    def test_asked_for_again_it_begins_anew(self, owner: Owner, sent: chat_sessions.Sent) -> None:
        reply = reply_of(sent)
        take(reply, sent.session)
        finish(reply, sent.session, ReplyState.FAILED, content="Half")
        cursor = updates(owner).cursor
        chat_sessions.retry(sent.session)
        found = news(owner, cursor)
        assert shown(found) == [(1, "pending", "")]
        assert found.messages[0].attempt == 2
        again = stored(reply)
        take(again, stored(sent.session))
        save_text(again, "Hal")
        found = news(owner, found.cursor)
        assert shown(found) == [(1, "running", "Hal")]
        save_text(again, "Half and whole")
        [grown] = news(owner, found.cursor).grown
        assert (grown.reply.attempt, grown.offset, grown.text) == (2, 3, "f and whole")

    def test_a_new_attempt_that_has_come_as_far_meanwhile_is_told_whole(
        self, owner: Owner, sent: chat_sessions.Sent, noon: Any
    ) -> None:
        """Or its end would be put behind the beginning of the one before."""
        reply = reply_of(sent)
        take(reply, sent.session)
        save_text(reply, "Half")
        cursor = updates(owner).cursor
        finish(reply, sent.session, ReplyState.FAILED, content="Half")
        chat_sessions.retry(sent.session)
        again = stored(reply)
        take(again, stored(sent.session))
        save_text(again, "Another one")
        found = news(owner, cursor)
        assert (shown(found), found.grown) == ([(1, "running", "Another one")], [])

    def test_a_lease_that_was_renewed_late_makes_an_interrupted_one_run_again(
        self, owner: Owner, sent: chat_sessions.Sent, noon: Any
    ) -> None:
        """Its session stays recoverable by others: here nobody was faster than its worker."""
        reply = reply_of(sent)
        take(reply, sent.session)
        cursor = updates(owner).cursor
        get_session_model().objects.update(running_until=clock.now() + TIMEOUT)
        noon.shift(LEASE)
        found = news(owner, cursor)
        assert shown(found) == [(1, "interrupted", "")]
        type(reply).objects.filter(pk=reply.pk).update(lease_until=clock.now() + LEASE)
        assert shown(news(owner, found.cursor)) == [(1, "running", "")]

    def test_its_lease_is_a_moment_at_which_something_changes(
        self, owner: Owner, sent: chat_sessions.Sent
    ) -> None:
        found = updates(owner)
        assert found.changes_at is not None
        assert clock.seconds_between(clock.now(), found.changes_at) == 30
        answered(sent)
        found = updates(owner, found.cursor)
        assert found.changes_at == clock.now() + TIMEOUT

    def test_a_lease_that_is_renewed_is_news_of_when_its_session_expires(
        self, owner: Owner, sent: chat_sessions.Sent, noon: Any
    ) -> None:
        """While nothing is written for long a reader would believe that it has expired."""
        reply = reply_of(sent)
        take(reply, sent.session)
        cursor = updates(owner).cursor
        noon.shift(LEASE / 3)
        renew(reply, sent.session)
        [session] = news(owner, cursor).sessions
        assert session.expires_at == clock.now() + LEASE + TIMEOUT

    def test_a_moment_that_has_passed_is_none_at_which_something_changes(
        self, owner: Owner, sent: chat_sessions.Sent
    ) -> None:
        """A reader would look again and again until the answer ends."""
        session = sent.session
        type(session).objects.filter(pk=session.pk).update(expires_at=clock.now())
        assert updates(owner).changes_at == session.running_until

    def test_it_goes_on_in_a_session_that_was_ended(
        self, owner: Owner, sent: chat_sessions.Sent
    ) -> None:
        reply = reply_of(sent)
        take(reply, sent.session)
        cursor = updates(owner).cursor
        chat_sessions.end(stored(sent.session))
        found = news(owner, cursor)
        assert found.open_keys == frozenset()
        save_text(reply, "Because")
        found = news(owner, found.cursor)
        assert [grown.text for grown in found.grown] == ["Because"]
        finish(reply, stored(sent.session), ReplyState.ANSWERED, content="Because.")
        found = news(owner, found.cursor)
        assert shown(found) == [(1, "answered", "Because.")]
        assert found.history_changed


def test_it_says_whether_there_is_any_session_open_or_not(owner: Owner, noon: Any) -> None:
    """With none, a visitor's stream ends."""
    assert updates(owner).is_empty
    session = talked(owner)
    chat_sessions.end(session)
    assert not updates(owner).is_empty
    chat_sessions.delete(session)
    assert updates(owner).is_empty


class TestRecovery:
    """A reader finds what a dead worker left behind."""

    @pytest.fixture
    def left_behind(self, owner: Owner, sent: chat_sessions.Sent, noon: Any) -> str:
        take(reply_of(sent), sent.session)
        save_text(reply_of(sent), "Beca")
        cursor = updates(owner).cursor
        noon.shift(LEASE)
        return cursor

    def test_it_is_interrupted_where_asking_again_is_the_readers_choice(
        self, owner: Owner, left_behind: str, sent: chat_sessions.Sent
    ) -> None:
        assert shown(news(owner, left_behind)) == [(1, "interrupted", "Beca")]
        assert stored(reply_of(sent)).state == "interrupted"

    def test_or_asked_for_again_where_it_has_attempts_left(
        self, owner: Owner, left_behind: str, sent: chat_sessions.Sent, settings: Any
    ) -> None:
        configure(settings, REPLY_ATTEMPTS=2)
        assert shown(news(owner, left_behind)) == [(1, "pending", "")]
        assert stored(reply_of(sent)).attempt == 2

    def test_a_first_look_recovers_too(
        self, owner: Owner, left_behind: str, sent: chat_sessions.Sent
    ) -> None:
        assert shown(updates(owner)) == [(0, "", "Hello"), (1, "interrupted", "Beca")]
        assert stored(reply_of(sent)).state == "interrupted"

    def test_where_another_was_faster_what_it_did_is_shown(
        self, owner: Owner, left_behind: str, sent: chat_sessions.Sent, monkeypatch: Any
    ) -> None:
        from django_chat_sessions.services.following import updates as module

        def beaten(session: Any) -> None:
            mark_interrupted(session, clock.now())

        monkeypatch.setattr(module, "recover_session", beaten)
        assert shown(updates(owner, left_behind)) == [(1, "interrupted", "Beca")]

    def test_a_session_that_its_owner_deletes_meanwhile_is_not_shown(
        self, owner: Owner, left_behind: str, monkeypatch: Any
    ) -> None:
        from django_chat_sessions.services.following import updates as module

        def recover_and_delete(session: Any) -> Any:
            found = recover_session(session)
            chat_sessions.delete(stored(session))
            return found

        monkeypatch.setattr(module, "recover_session", recover_and_delete)
        assert updates(owner, left_behind).sessions == []

    def test_a_lease_that_passes_during_the_look_is_for_the_next_one(
        self, owner: Owner, sent: chat_sessions.Sent, noon: Any, monkeypatch: Any
    ) -> None:
        take(reply_of(sent), sent.session)
        passes = clock.aware(stored(sent.session).running_until)
        moments = iter([passes - timedelta(microseconds=1)])
        monkeypatch.setattr(clock, "now", lambda: next(moments, passes))
        found = updates(owner)
        assert shown(found)[1] == (1, "running", "")
        assert (found.read_at, found.changes_at) == (passes - timedelta(microseconds=1), passes)
        # As it was read, however long the telling takes; only the time is that of the telling.
        told = payloads.updates(found, clock.now())
        assert [message["state"] for message in told["messages"]] == ["", "running"]
        assert [session["running"] for session in told["sessions"]] == [True]
        assert told["server_time"] == clock.iso(passes)
        assert shown(news(owner, found.cursor)) == [(1, "interrupted", "")]
        assert stored(reply_of(sent)).state == "interrupted"

    def test_in_a_session_that_was_ended_there_is_nothing_to_recover(
        self, owner: Owner, left_behind: str, sent: chat_sessions.Sent
    ) -> None:
        get_session_model().objects.update(open_key=None, ended_at=clock.now(), end_reason="user")
        found = news(owner, left_behind)
        assert shown(found) == [(1, "interrupted", "Beca")]
        assert found.history_changed


class TestSessions:
    def test_a_new_one_comes_with_its_first_turn(self, owner: Owner, noon: Any) -> None:
        cursor = updates(owner).cursor
        session = waiting(owner).session
        found = news(owner, cursor)
        assert found.sessions == [session]
        assert shown(found) == [(0, "", "Hello"), (1, "pending", "")]
        assert found.history_changed is False

    def test_one_that_was_started_empty_comes_and_then_its_first_message(
        self, owner: Owner, noon: Any
    ) -> None:
        cursor = updates(owner).cursor
        session = opened(owner)
        found = news(owner, cursor)
        assert (found.sessions, found.messages) == ([session], [])
        chat_sessions.add_message(session, "user", "")
        found = news(owner, found.cursor)
        assert shown(found) == [(0, "", "")]
        waiting(owner)
        assert shown(news(owner, found.cursor)) == [(1, "", "Hello"), (2, "pending", "")]

    def test_it_expires_by_time_alone(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        found = updates(owner)
        assert found.changes_at == clock.now() + TIMEOUT
        noon.move_to(clock.aware(found.changes_at) - timedelta(microseconds=1))
        assert_nothing_new(owner, found.cursor)
        noon.move_to(clock.aware(found.changes_at))
        found = news(owner, found.cursor)
        assert [row.state(clock.now()) for row in found.sessions] == ["expired"]
        assert (found.history_changed, found.changes_at) == (True, None)
        chat_sessions.sweep()
        assert stored(session).ended_at is not None
        assert_nothing_new(owner, found.cursor)

    def test_a_touch_tells_the_new_expiry(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        cursor = updates(owner).cursor
        noon.shift(10 * SECOND)
        chat_sessions.touch(session)
        found = news(owner, cursor)
        assert [row.expires_at for row in found.sessions] == [clock.now() + TIMEOUT]
        assert (found.messages, found.history_changed) == ([], False)

    def test_one_that_ends_says_so_and_the_list_has_it(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        cursor = updates(owner).cursor
        chat_sessions.end(session)
        found = news(owner, cursor)
        assert [row.end_reason for row in found.sessions] == ["user"]
        assert found.history_changed is True

    def test_one_that_is_reopened_comes_with_its_last_turn(self, owner: Owner, noon: Any) -> None:
        session = talked(owner, "One")
        talked(owner, "Two")
        talked(owner, "Three")
        chat_sessions.end(session)
        cursor = updates(owner).cursor
        chat_sessions.reopen(session)
        found = news(owner, cursor)
        assert found.sessions == [session]
        assert shown(found) == [(1, "", "Two"), (2, "", "Three")]
        assert found.history_changed is True

    def test_one_that_replaces_another_tells_of_both(self, owner: Owner, noon: Any) -> None:
        old = talked(owner)
        cursor = updates(owner).cursor
        noon.shift(SECOND)
        new = chat_sessions.start(owner).opened
        found = news(owner, cursor)
        assert found.sessions == [new, old]

    @pytest.mark.parametrize("is_open", [True, False])
    def test_a_new_title_is_told(self, owner: Owner, noon: Any, is_open: bool) -> None:
        session = talked(owner)
        if not is_open:
            chat_sessions.end(session)
        cursor = updates(owner).cursor
        chat_sessions.rename(session, "Ice")
        found = news(owner, cursor)
        assert [row.title for row in found.sessions] == ["Ice"] * is_open
        assert found.history_changed is not is_open

    @pytest.mark.parametrize("is_open", [True, False])
    def test_one_that_is_deleted_leaves_the_list(
        self, owner: Owner, noon: Any, is_open: bool
    ) -> None:
        session = talked(owner)
        if not is_open:
            chat_sessions.end(session)
        cursor = updates(owner).cursor
        chat_sessions.delete(session)
        found = news(owner, cursor)
        assert (found.sessions, found.messages, found.history_changed) == ([], [], True)

    @pytest.mark.parametrize("is_open", [True, False])
    def test_unread_and_read_are_told(
        self, owner: Owner, sent: chat_sessions.Sent, is_open: bool
    ) -> None:
        cursor = updates(owner).cursor
        answered(sent, unread=True)
        found = news(owner, cursor)
        assert [row.unread for row in found.sessions] == [True]
        session = stored(sent.session)
        if not is_open:
            chat_sessions.end(session)
        cursor = updates(owner, found.cursor).cursor
        chat_sessions.mark_read(session)
        found = news(owner, cursor)
        assert [row.unread for row in found.sessions] == [False] * is_open
        assert found.history_changed is not is_open

    @pytest.mark.parametrize("field", ["pinned_at", "archived_at"])
    def test_what_a_host_sets_on_a_row_is_told(self, owner: Owner, noon: Any, field: str) -> None:
        session = talked(owner)
        cursor = updates(owner).cursor
        get_session_model().objects.filter(pk=session.pk).update(**{field: timezone.now()})
        assert news(owner, cursor).sessions == [session]

    def test_what_is_archived_is_no_news_of_the_list(self, owner: Owner, noon: Any) -> None:
        session = chat_sessions.end(talked(owner))
        mine = get_session_model().objects.filter(pk=session.pk)
        cursor = updates(owner).cursor
        mine.update(archived_at=timezone.now())
        found = news(owner, cursor)
        assert found.history_changed is True
        mine.update(title="Not to be seen")
        assert_nothing_new(owner, found.cursor)


class TestAReaderWhoWasAway:
    @pytest.mark.parametrize("missing", [1, MOST_MESSAGES])
    def test_gets_every_message_it_lacks(self, owner: Owner, noon: Any, missing: int) -> None:
        session = talked(owner)
        cursor = updates(owner).cursor
        fill(session, 1 + missing)
        found = news(owner, cursor)
        assert [row.position for row in found.messages] == list(range(1, 1 + missing))

    def test_gets_the_last_turn_if_it_lacks_too_many(self, owner: Owner, noon: Any) -> None:
        session = talked(owner)
        cursor = updates(owner).cursor
        fill(session, 2 + MOST_MESSAGES)
        found = news(owner, cursor)
        assert [row.position for row in found.messages] == [MOST_MESSAGES, MOST_MESSAGES + 1]

    def test_gets_all_that_is_open_for_a_cursor_of_another_version_and_lists_again(
        self, owner: Owner, sent: chat_sessions.Sent, monkeypatch: Any
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(cursors, "VERSION", 9)
            old = updates(owner).cursor
        found = news(owner, old)
        assert shown(found) == shown(updates(owner))
        assert found.history_changed is True

    @pytest.mark.parametrize("text", ["", "AQ", "a b", "é", updates.__name__ * 9 + "=="])
    def test_is_refused_with_what_was_never_given_out(self, owner: Owner, text: str) -> None:
        with pytest.raises(ValueError, match="cursor"):
            updates(owner, text)

    def test_gets_news_of_a_session_whose_messages_are_gone(self, owner: Owner, noon: Any) -> None:
        """Somebody removed rows behind our back: what is left is told, and nothing breaks."""
        session = talked(owner)
        cursor = updates(owner).cursor
        session.messages.all().delete()
        noon.shift(SECOND)
        chat_sessions.touch(session)
        found = news(owner, cursor)
        assert (found.sessions, found.messages) == ([session], [])


class TestTheCost:
    def test_nothing_new_is_one_statement(self, owner: Owner, noon: Any, statements: Any) -> None:
        talked(owner)
        cursor = updates(owner).cursor
        with statements() as sent:
            updates(owner, cursor)
        assert len(sent) == 1

    @pytest.mark.parametrize("scopes", [1, 5])
    def test_news_are_two_however_many_places_are_open(
        self, owner: Owner, noon: Any, statements: Any, scopes: int
    ) -> None:
        for number in range(scopes):
            talked(owner, scope=f"s{number}")
        with statements() as sent:
            found = updates(owner)
        assert len(sent) == 2
        noon.shift(SECOND)
        for number in range(scopes):
            talked(owner, scope=f"s{number}")
        with statements() as sent:
            updates(owner, found.cursor)
        assert len(sent) == 2

    def test_an_answer_that_is_being_written_is_two_even_while_it_does_not_grow(
        self, owner: Owner, sent: chat_sessions.Sent, statements: Any
    ) -> None:
        cursor = updates(owner).cursor
        with statements() as made:
            updates(owner, cursor)
        assert len(made) == 2

    def test_news_of_the_list_alone_is_one(self, owner: Owner, noon: Any, statements: Any) -> None:
        session = chat_sessions.end(talked(owner))
        cursor = updates(owner).cursor
        chat_sessions.rename(session, "Ice")
        with statements() as sent:
            assert updates(owner, cursor).history_changed
        assert len(sent) == 1

    def test_three_thousand_sessions_cost_what_three_do(
        self, owner: Owner, noon: Any, statements: Any
    ) -> None:
        fill_history(owner, 3000)
        talked(owner)
        with statements() as sent:
            found = updates(owner)
        assert len(sent) == 2
        with statements() as sent:
            assert_nothing_new(owner, found.cursor)
        assert len(sent) == 1
        assert "LIMIT 30" in sent[0]
        assert len(found.cursor) < 50

    def test_an_answer_is_heard_of_however_few_a_list_shows(
        self, owner: Owner, noon: Any, settings: Any
    ) -> None:
        leave_replies(settings)
        configure(settings, HISTORY_LIMIT=1)
        asked = []
        for scope in ("a", "b"):
            noon.shift(SECOND)
            asked.append(chat_sessions.send(owner, "Why?", key=scope, scope=scope))
        cursor = updates(owner).cursor
        for sent in asked:
            finish(reply_of(sent), sent.session, ReplyState.STOPPED)
        told = {row.session_id for row in news(owner, cursor).messages}
        assert told == {sent.session.pk for sent in asked}

    def test_a_cursor_fits_into_an_address_however_much_is_open(
        self, owner: Owner, noon: Any, settings: Any
    ) -> None:
        configure(settings, HISTORY_LIMIT=100)
        for number in range(MOST_OPEN + 2):
            noon.shift(SECOND)
            talked(owner, scope=f"s{number}")
        found = updates(owner)
        assert len(found.sessions) == MOST_OPEN
        assert SINCE.fullmatch(found.cursor)
        talked(owner, "Again", scope="s0")  # one that was not followed singly
        found = news(owner, found.cursor)
        assert [row.scope for row in found.sessions] == ["s0"]
        assert found.history_changed is True
