"""Messages a minute and replies at once, counted in the rows: exact, and at a fixed cost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest

from django_chat_sessions import clock, get_message_model, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.exceptions import NothingToRetry, TooManyMessages, TurnInProgress
from django_chat_sessions.limits import Limits
from django_chat_sessions.models import ReplyState
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.limiting import _refuse_from, refuse_excess
from django_chat_sessions.services.replies.asking import MOST_ATTEMPTS
from tests.conversations import (
    configure,
    fill,
    fill_history,
    leave_replies,
    listen_only,
    opened,
    reply_of,
    somebody_else,
    stored,
    waiting,
)

pytestmark = pytest.mark.django_db
Counting = Callable[[], AbstractContextManager[list[str]]]
MOST = 3


@pytest.fixture
def three_a_minute(settings: Any, noon: Any) -> Any:
    """Nobody answers; three messages a minute; the clock stands still."""
    listen_only(settings)
    configure(settings, LIMITS=Limits(messages_per_minute=MOST))
    return noon


def say(owner: Owner, number: int, scope: str = "") -> chat_sessions.Sent:
    return chat_sessions.send(owner, f"Number {number}", key=f"key-{number}", scope=scope)


def seconds_to_wait(verb: Callable[[], Any]) -> int:
    with pytest.raises(TooManyMessages) as refused:
        verb()
    assert str(refused.value.retry_after) in str(refused.value)
    return refused.value.retry_after


class TestMessagesPerMinute:
    def test_the_one_after_the_last_is_refused_and_nothing_is_written(
        self, owner: Owner, three_a_minute: Any
    ) -> None:
        for number in range(MOST):
            say(owner, number)
        before = stored(opened(owner)).message_count
        assert seconds_to_wait(lambda: say(owner, MOST)) == 60
        assert stored(opened(owner)).message_count == before == MOST

    def test_it_passes_when_it_is_said_to_and_not_a_second_earlier(
        self, owner: Owner, three_a_minute: Any
    ) -> None:
        for number in range(MOST):
            say(owner, number)
            three_a_minute.shift(10)
        assert seconds_to_wait(lambda: say(owner, MOST)) == 30
        three_a_minute.shift(29)
        assert seconds_to_wait(lambda: say(owner, MOST)) == 1
        three_a_minute.shift(1)
        assert say(owner, MOST).created
        assert seconds_to_wait(lambda: say(owner, MOST + 1)) == 10

    def test_all_scopes_and_sessions_count_deleted_ones_too(
        self, owner: Owner, three_a_minute: Any
    ) -> None:
        chat_sessions.delete(say(owner, 0, "a").session)
        chat_sessions.end(say(owner, 1, "b").session)
        say(owner, 2, "b")
        assert seconds_to_wait(lambda: say(owner, 3, "c")) == 60

    def test_others_are_not_touched(self, owner: Owner, three_a_minute: Any) -> None:
        for number in range(MOST):
            say(owner, number)
        assert say(somebody_else(), MOST).created

    def test_what_others_say_does_not_count_in_a_long_conversation_either(
        self, owner: Owner, three_a_minute: Any
    ) -> None:
        for number in range(MOST):
            say(owner, number)
        three_a_minute.shift(60)
        for number in range(MOST):
            say(somebody_else(), number)
        for number in range(MOST, 2 * MOST):
            assert say(owner, number).created

    def test_answers_and_what_a_host_adds_do_not_count(
        self, owner: Owner, three_a_minute: Any, settings: Any
    ) -> None:
        session = opened(owner)
        for _ in range(MOST):
            chat_sessions.add_message(session, "assistant", "Because.")
        say(owner, 0)
        say(owner, 1)
        assert say(owner, 2).created

    def test_the_answers_between_them_do_not_hide_those_that_count(
        self, owner: Owner, three_a_minute: Any
    ) -> None:
        session = opened(owner)
        for number in range(MOST):
            say(owner, number)
            chat_sessions.add_message(session, "assistant", "Because.")
        assert seconds_to_wait(lambda: say(owner, MOST)) == 60

    def test_a_key_that_came_before_gets_its_answer_again(
        self, owner: Owner, three_a_minute: Any
    ) -> None:
        first, *_others = [say(owner, number) for number in range(MOST)]
        again = say(owner, 0)
        assert (again.message.pk, again.created) == (first.message.pk, False)

    def test_without_the_limit_nothing_is_refused(
        self, owner: Owner, three_a_minute: Any, settings: Any
    ) -> None:
        configure(settings, LIMITS=Limits(messages_per_minute=None))
        for number in range(3 * MOST):
            assert say(owner, number).created

    def test_as_many_sessions_may_be_begun(self, owner: Owner, three_a_minute: Any) -> None:
        for number in range(MOST):
            chat_sessions.start(owner, f"scope-{number}")
        assert seconds_to_wait(lambda: chat_sessions.start(owner, "one-more")) == 60
        chat_sessions.start(owner, "scope-1")  # it is empty, and returned as it is
        chat_sessions.start(somebody_else(), "one-more")
        three_a_minute.shift(60)
        chat_sessions.start(owner, "one-more")

    def test_the_next_may_be_begun_when_the_first_of_them_is_a_minute_old(
        self, owner: Owner, three_a_minute: Any
    ) -> None:
        for number in range(MOST):
            chat_sessions.start(owner, f"scope-{number}")
            three_a_minute.shift(10)
        assert seconds_to_wait(lambda: chat_sessions.start(owner, "one-more")) == 30

    def test_those_begun_before_count_no_more_however_lately_one_talked_in_them(
        self, owner: Owner, three_a_minute: Any
    ) -> None:
        begun = [chat_sessions.start(owner, f"scope-{number}").opened for number in range(MOST)]
        three_a_minute.shift(60)
        for session in begun:
            chat_sessions.add_message(session, "assistant", "Still there?")
        chat_sessions.start(owner, "one-more")

    def test_those_from_before_the_clock_was_set_back_do_not_count(
        self, owner: Owner, three_a_minute: Any
    ) -> None:
        for number in range(MOST):
            say(owner, number)
        three_a_minute.shift(timedelta(hours=-1))
        say(owner, MOST)
        for number in range(MOST - 1):
            chat_sessions.start(owner, f"begun:{number}")

    def test_those_of_a_server_whose_clock_is_ahead_count(
        self, owner: Owner, three_a_minute: Any
    ) -> None:
        for number in range(MOST):
            say(owner, number)
        three_a_minute.shift(timedelta(seconds=-20))
        assert seconds_to_wait(lambda: say(owner, MOST)) == 80

    def test_sessions_begun_before_the_clock_was_set_back_do_not_count(
        self, owner: Owner, three_a_minute: Any
    ) -> None:
        for number in range(MOST):
            chat_sessions.start(owner, f"begun:{number}")
        three_a_minute.shift(timedelta(hours=-1))
        assert chat_sessions.start(owner, "one more").session

    def test_nobody_is_told_to_wait_less_than_a_second_when_the_local_clock_has_gone_back(
        self, settings: Any
    ) -> None:
        settings.USE_TZ = False
        settings.TIME_ZONE = "Europe/Berlin"
        before = datetime(2026, 10, 25, 2, 59)  # noqa: DTZ001  as such a host stores it
        with pytest.raises(TooManyMessages) as refused:
            _refuse_from(1, [before], before + timedelta(minutes=1))
        assert refused.value.retry_after == 1

    def test_without_the_limit_as_many_as_one_likes(
        self, owner: Owner, three_a_minute: Any, settings: Any
    ) -> None:
        configure(settings, LIMITS=Limits(messages_per_minute=None))
        for number in range(2 * MOST):
            chat_sessions.start(owner, f"scope-{number}")


@pytest.fixture
def two_at_once(settings: Any, noon: Any) -> Any:
    """Replies are asked for and nobody writes them; two may be waited for."""
    leave_replies(settings)
    configure(settings, LIMITS=Limits(messages_per_minute=None, replies_at_once=2))
    return noon


class TestRepliesAtOnce:
    def test_one_more_is_refused_until_one_has_ended(self, owner: Owner, two_at_once: Any) -> None:
        first = say(owner, 0, "a").session
        say(owner, 1, "b")
        assert seconds_to_wait(lambda: say(owner, 2, "c")) == 5
        assert say(somebody_else(), 2, "c").created
        chat_sessions.stop(first)
        assert say(owner, 2, "c").created

    def test_one_that_goes_on_in_a_session_that_has_long_ended_counts(
        self, owner: Owner, two_at_once: Any
    ) -> None:
        for number, scope in enumerate(("a", "b")):
            sent = say(owner, number, scope)
            two_at_once.shift(20)
            chat_sessions.end(sent.session)
        two_at_once.shift(120)
        for session in get_session_model()._base_manager.all():  # their workers renew their leases
            session.running_until = clock.after(clock.now(), 20)
            session.save(update_fields=["running_until"])
        assert seconds_to_wait(lambda: say(owner, 2, "c")) == 5

    @pytest.mark.parametrize(("age", "counts"), [(3599, True), (3600, False)])
    def test_one_that_takes_an_hour_counts_no_more(
        self, owner: Owner, two_at_once: Any, age: int, counts: bool
    ) -> None:
        for number, scope in enumerate(("a", "b")):
            say(owner, number, scope)
        two_at_once.shift(age)
        alive = clock.after(clock.now(), 20)
        get_session_model()._base_manager.update(running_until=alive)
        if counts:
            assert seconds_to_wait(lambda: say(owner, 2, "c")) == 5
        else:
            assert say(owner, 2, "c").created

    def test_an_answer_whose_worker_is_dead_does_not_count(
        self, owner: Owner, two_at_once: Any
    ) -> None:
        say(owner, 0, "a")
        say(owner, 1, "b")
        two_at_once.shift(30)  # REPLY_LEASE
        assert say(owner, 2, "c").created

    def test_the_session_that_waits_says_so(self, owner: Owner, two_at_once: Any) -> None:
        say(owner, 0)
        with pytest.raises(TurnInProgress):
            say(owner, 1)

    def test_asking_again_counts(self, owner: Owner, two_at_once: Any) -> None:
        first = say(owner, 0, "a").session
        chat_sessions.stop(first)
        say(owner, 1, "b")
        say(owner, 2, "c")
        assert seconds_to_wait(lambda: chat_sessions.retry(first)) == 5

    def test_where_nobody_answers_nothing_is_waited_for(
        self, owner: Owner, two_at_once: Any, settings: Any
    ) -> None:
        say(owner, 0, "a")
        say(owner, 1, "b")
        listen_only(settings)
        assert say(owner, 2, "c").created


def test_a_reply_is_asked_for_a_hundred_times_at_most(owner: Owner, settings: Any) -> None:
    leave_replies(settings)
    sent = waiting(owner)
    replies = get_message_model()._base_manager.filter(pk=reply_of(sent).pk)
    for attempt, refused in ((MOST_ATTEMPTS - 1, False), (MOST_ATTEMPTS, True)):
        replies.update(attempt=attempt, state=ReplyState.STOPPED.value)
        chat_sessions.stop(sent.session)
        if refused:
            with pytest.raises(NothingToRetry):
                chat_sessions.retry(sent.session)
        else:
            assert chat_sessions.retry(sent.session).attempt == MOST_ATTEMPTS


@pytest.mark.parametrize(
    ("limits", "length_and_cost"),
    [
        (Limits(messages_per_minute=None, replies_at_once=None), (50, 0)),
        (Limits(), (29, 1)),
        (Limits(), (30, 2)),
        (Limits(), (300, 2)),
        (Limits(messages_per_minute=None), (300, 1)),
    ],
)
def test_what_it_costs_is_fixed_whatever_the_history(
    owner: Owner, settings: Any, statements: Counting, limits: Limits, length_and_cost: Any
) -> None:
    length, cost = length_and_cost
    configure(settings, LIMITS=limits)
    fill_history(owner, 40)
    session = opened(owner)
    fill(session, length)
    get_message_model()._base_manager.update(role="assistant")
    with statements() as spent:
        refuse_excess(owner, clock.now(), asks=True)
    assert len(spent) == cost


def test_a_long_conversation_costs_no_more_after_a_minute_without_a_message(
    owner: Owner, noon: Any, settings: Any, statements: Counting
) -> None:
    configure(settings, LIMITS=Limits())
    fill(opened(owner), 300)
    noon.shift(60)
    with statements() as spent:
        refuse_excess(owner, clock.now(), asks=True)
    assert len(spent) == 1
