"""Group D: a worker that dies, at any moment, as the services see it.

Real processes that are really killed: ``tests/durability``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from django_chat_sessions import clock
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.exceptions import TurnInProgress, TurnLost
from django_chat_sessions.models import ReplyState
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.replies import growing
from django_chat_sessions.services.replies.running import run
from django_chat_sessions.services.replies.writing import finish, renew, save_text, take
from tests.conversations import configure, leave_replies, reply_of, rows, stored

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LEASE = timedelta(seconds=30)
WORDS = ["Water ", "moves ", "through ", "the ", "membrane."]
ANSWER = "".join(WORDS)
KEY = "the key of why"


def speak(turn: Any) -> Iterator[str]:
    """Answer word by word."""
    yield from WORDS


@pytest.fixture
def asked(owner: Owner, noon: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A question in flight: stored, and no worker has come yet."""
    leave_replies(settings)
    configure(settings, RESPONDER=speak)
    monkeypatch.setattr(growing, "SAVE_EVERY", 0)
    return chat_sessions.send(owner, "What is osmosis?", key=KEY)


def after_words(count: int) -> Callable[[Any], None]:
    """Return a worker that is killed when it has stored so many words."""

    def worker(reply: Any) -> None:
        assert take(reply, reply.session)
        for number in range(1, count + 1):
            save_text(reply, "".join(WORDS[:number]))

    return worker


MOMENTS = {
    "before it begins": lambda reply: None,
    "as it begins": after_words(0),
    "in the middle": after_words(3),
    "with every word stored but the end": after_words(len(WORDS)),
}


@pytest.fixture(params=MOMENTS)
def killed(request: pytest.FixtureRequest, asked: Any) -> Any:
    """The worker is killed with ``kill -9``, at one of the moments there are."""
    MOMENTS[request.param](stored(reply_of(asked)))
    return asked


def shown(sent: Any) -> tuple[str, str]:
    """Return state and text of the reply as a reader is shown them."""
    reply = stored(reply_of(sent))
    return reply.reply_state(clock.now()), reply.content


class TestD01Killed:
    def test_the_question_is_there_and_the_turn_is_interrupted_after_the_lease(
        self, owner: Owner, killed: Any, noon: Any
    ) -> None:
        noon.move_to(NOON + LEASE)
        session = chat_sessions.current(owner)
        assert session == killed.session
        assert rows(killed.session)[0].content == "What is osmosis?"
        state, text = shown(killed)
        assert state == "interrupted"
        assert ANSWER.startswith(text)

    @pytest.mark.parametrize("finder", ["nobody", "reader", "cleanup"])
    def test_retry_works_whoever_found_it_and_no_word_is_missing_or_doubled(
        self, owner: Owner, killed: Any, noon: Any, finder: str
    ) -> None:
        noon.move_to(NOON + LEASE)
        if finder == "reader":
            chat_sessions.updates(owner)
        elif finder == "cleanup":
            chat_sessions.recover()
        chat_sessions.retry(stored(killed.session))
        assert shown(killed) == ("pending", "")
        run(reply_of(killed).pk)
        assert shown(killed) == ("answered", ANSWER)
        assert [row.position for row in rows(killed.session)] == [0, 1]

    def test_or_the_host_has_it_asked_again_by_itself(
        self, owner: Owner, killed: Any, noon: Any, settings: Any
    ) -> None:
        configure(settings, REPLY_ATTEMPTS=2)
        noon.move_to(NOON + LEASE)
        chat_sessions.updates(owner)
        assert shown(killed) == ("pending", "")
        run(reply_of(killed).pk)
        assert shown(killed) == ("answered", ANSWER)

    def test_until_then_nobody_takes_it_from_a_worker_that_may_live(
        self, owner: Owner, killed: Any, noon: Any, settings: Any
    ) -> None:
        configure(settings, REPLY_ATTEMPTS=9)
        before = shown(killed)
        noon.move_to(NOON + LEASE - timedelta(microseconds=1))
        chat_sessions.updates(owner)
        chat_sessions.recover()
        assert shown(killed) == before
        with pytest.raises(TurnInProgress):
            chat_sessions.retry(stored(killed.session))
        assert stored(reply_of(killed)).attempt == 1

    def test_never_a_spinner_for_ever(self, owner: Owner, killed: Any, noon: Any) -> None:
        noon.move_to(NOON + LEASE)
        assert not stored(killed.session).is_running(clock.now())
        again = chat_sessions.send(owner, "Hello?", key="another key")
        assert again.session == killed.session
        assert [row.state for row in rows(killed.session)] == ["", "interrupted", "", "pending"]


class TestD02Stalled:
    """A worker that was stopped for longer than its lease, and then goes on."""

    @pytest.mark.parametrize("attempts", [1, 2])
    def test_its_late_writes_are_refused_and_no_half_answer_is_presented_as_complete(
        self, asked: Any, noon: Any, settings: Any, attempts: int
    ) -> None:
        configure(settings, REPLY_ATTEMPTS=attempts)
        stalled = stored(reply_of(asked))
        after_words(2)(stalled)
        noon.move_to(NOON + LEASE)
        chat_sessions.recover()
        writes: list[Callable[[], Any]] = [
            lambda: save_text(stalled, "Water moves too late"),
            lambda: renew(stalled, stored(asked.session)),
            lambda: finish(stalled, stored(asked.session), ReplyState.ANSWERED, content="Late"),
        ]
        for write in writes:
            with pytest.raises(TurnLost):
                write()
        if attempts == 1:
            assert shown(asked) == ("interrupted", "Water moves ")
        else:
            run(reply_of(asked).pk)
            assert shown(asked) == ("answered", ANSWER)

    def test_if_nobody_looked_meanwhile_it_may_go_on(self, asked: Any, noon: Any) -> None:
        stalled = stored(reply_of(asked))
        after_words(2)(stalled)
        noon.move_to(NOON + LEASE + SECOND)
        assert shown(asked)[0] == "interrupted"
        renew(stalled, stored(asked.session))
        assert shown(asked)[0] == "running"
        finish(stalled, stored(asked.session), ReplyState.ANSWERED, content=ANSWER)
        assert shown(asked) == ("answered", ANSWER)
        assert stored(asked.session).expires_at == clock.now() + timedelta(seconds=300)


class TestD17TheServerKillsWhatTakesTooLong:
    """``gunicorn --timeout 30`` and an answer of 60 seconds: killed each time it is tried."""

    def test_the_question_survives_and_every_spinner_ends(
        self, owner: Owner, asked: Any, noon: Any, settings: Any
    ) -> None:
        configure(settings, REPLY_ATTEMPTS=3)
        for attempt in (1, 2, 3):
            reply = stored(reply_of(asked))
            assert (reply.state, reply.attempt) == ("pending", attempt)
            after_words(2)(reply)
            noon.shift(LEASE)
            chat_sessions.updates(owner)
        assert shown(asked) == ("interrupted", "Water moves ")
        assert not stored(asked.session).is_running(clock.now())
        assert rows(asked.session)[0].content == "What is osmosis?"

    def test_the_client_that_sends_again_gets_the_same_rows(
        self, owner: Owner, killed: Any, noon: Any
    ) -> None:
        for moment in (SECOND, LEASE, timedelta(days=30)):
            noon.move_to(NOON + moment)
            again = chat_sessions.send(owner, "What is osmosis?", key=KEY)
            assert not again.created
            assert (again.message, again.reply) == (killed.message, killed.reply)
        assert len(rows(killed.session)) == 2
