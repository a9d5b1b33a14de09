"""The poller sees every change in a followed place, wakes only whom it concerns, and survives."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, connections

from django_chat_sessions import get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.models import ReplyState
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.following import polling
from django_chat_sessions.services.following.hints import Hub
from django_chat_sessions.services.following.polling import (
    BATCH,
    Echo,
    HintingNotifier,
    PollNotifier,
    fingerprints,
)
from django_chat_sessions.services.replies.writing import finish, renew, save_text, take
from tests.conversations import reply_of, stored, talked, waiting
from tests.services.following.waiting import leave, waits
from tests.threads import threads, until

EVE = Owner.for_visitor("eve")
WATCHER = "watcher"
SECOND = timedelta(seconds=1)
HINTS = "chat-sessions-hints"


@pytest.fixture
def hub() -> Hub:
    return Hub()


# What is seen


@pytest.mark.django_db
class TestFingerprints:
    def test_a_place_where_nothing_is_open_has_none(self, owner: Owner) -> None:
        assert fingerprints([owner.open_key("")]) == {owner.open_key(""): None}

    @pytest.mark.parametrize(
        "verb", ["add", "touch", "grow", "renew", "finish", "stop", "end", "rename", "read"]
    )
    def test_every_change_of_an_open_session_changes_it(
        self, owner: Owner, noon: Any, verb: str
    ) -> None:
        sent = waiting(owner)
        reply, session = reply_of(sent), sent.session
        take(reply, session)
        if verb in ("add", "read"):
            finish(reply, session, ReplyState.ANSWERED, content="Because.", unread=True)
        steps: dict[str, Any] = {
            "add": lambda: talked(owner, "More"),
            "touch": lambda: chat_sessions.touch(session),
            "grow": lambda: save_text(reply, "B"),
            "renew": lambda: renew(reply, session),
            "finish": lambda: finish(reply, session, ReplyState.ANSWERED, content="Because."),
            "stop": lambda: chat_sessions.stop(session),
            "end": lambda: chat_sessions.end(session),
            "rename": lambda: chat_sessions.rename(session, "Ice"),
            "read": lambda: chat_sessions.mark_read(session),
        }
        place = owner.open_key("")
        noon.shift(SECOND)
        before = fingerprints([place])
        assert fingerprints([place]) == before
        steps[verb]()
        assert fingerprints([place]) != before

    def test_a_message_changes_it_where_the_activity_is_as_late_already(
        self, owner: Owner, noon: Any
    ) -> None:
        """A server whose clock is ahead has written it."""
        talked(owner)
        place = owner.open_key("")
        before = fingerprints([place])
        talked(owner, "More")
        assert fingerprints([place]) != before

    @pytest.mark.parametrize(("is_running", "count"), [(False, 1), (True, 2)])
    def test_it_is_one_statement_and_two_while_answers_are_written(
        self, owner: Owner, statements: Any, is_running: bool, count: int
    ) -> None:
        talked(EVE)
        _session = waiting(owner) if is_running else talked(owner)
        with statements() as sent:
            found = fingerprints([owner.open_key(""), EVE.open_key("")])
        assert len(sent) == count
        assert None not in found.values()


@pytest.mark.django_db
class TestALook:
    def test_it_wakes_who_follows_what_has_changed_and_nobody_else(
        self, owner: Owner, hub: Hub
    ) -> None:
        _ada, hers = waits(hub, owner, owner.open_key(""))
        _too, too = waits(hub, owner, owner.open_key(""), owner.open_key("b"))
        _eve, theirs = waits(hub, EVE, EVE.open_key(""))
        notifier = PollNotifier()
        known = notifier._look(hub, {})
        assert (hers.times, too.times, theirs.times) == (1, 1, 1)  # since nobody knows before
        known = notifier._look(hub, known)
        assert (hers.times, too.times, theirs.times) == (1, 1, 1)
        talked(owner, scope="b")
        known = notifier._look(hub, known)
        assert (hers.times, too.times, theirs.times) == (1, 2, 1)
        talked(owner)
        known = notifier._look(hub, known)
        assert (hers.times, too.times, theirs.times) == (2, 3, 1)

    def test_a_place_that_is_followed_anew_is_looked_at_once_more(
        self, owner: Owner, hub: Hub
    ) -> None:
        reader, news = waits(hub, owner, owner.open_key(""))
        notifier = PollNotifier()
        known = notifier._look(hub, {})
        reader.open_keys |= {owner.open_key("b")}
        known = notifier._look(hub, known)
        assert news.times == 2
        notifier._look(hub, known)
        assert news.times == 2

    def test_many_readers_are_looked_for_together(
        self, owner: Owner, hub: Hub, statements: Any
    ) -> None:
        for number in range(BATCH + 1):
            waits(hub, owner, owner.open_key(f"s{number}"), owner.open_key(""))
        with statements() as sent:
            known = PollNotifier()._look(hub, {})
        assert len(sent) == 2
        assert len(known) == BATCH + 2

    def test_nobody_costs_nothing(self, db: None, hub: Hub, statements: Any) -> None:
        with statements() as sent:
            assert PollNotifier()._look(hub, {}) == {}
        assert sent == []


# The thread


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PollNotifier, "every", 0.01)


def watching(notifier: Any, hub: Hub) -> threading.Thread:
    thread = threading.Thread(target=notifier.watch, args=[hub], name=WATCHER)
    thread.start()
    return thread


@pytest.mark.django_db(transaction=True)
def test_what_another_thread_writes_wakes_its_readers(quick: None, hub: Hub) -> None:
    ada = Owner.for_visitor("ada")
    _ada, hers = waits(hub, ada, ada.open_key(""))
    _eve, theirs = waits(hub, EVE, EVE.open_key(""))
    thread = watching(PollNotifier(), hub)
    until(lambda: hers.times == theirs.times == 1)
    talked(ada)
    until(lambda: hers.times > 1)
    assert theirs.times == 1
    leave(hub)
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize("error", [OperationalError, InterfaceError, DatabaseError])
def test_trouble_with_the_database_is_survived_with_a_new_connection(
    quick: None,
    hub: Hub,
    error: type[Exception],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    raises, closed = [error("SECRET-4711")], []

    def look(keys: Any) -> Any:
        if raises:
            raise raises.pop()
        return dict.fromkeys(keys, 1)

    monkeypatch.setattr(polling, "fingerprints", look)

    def close_all() -> None:
        if threading.current_thread().name == WATCHER:  # and not what keeps the leases of others
            closed.append(bool(raises))

    monkeypatch.setattr(connections, "close_all", close_all)
    _reader, news = waits(hub, EVE, EVE.open_key(""))
    with caplog.at_level(logging.ERROR):
        thread = watching(PollNotifier(), hub)
        until(lambda: news.times)
        leave(hub)
        thread.join(10)
    assert closed == [False, False]  # after the trouble, and at the end
    assert error.__name__ in caplog.text
    assert "SECRET" not in caplog.text


def test_it_looks_no_longer_than_it_is_told(quick: None, hub: Hub) -> None:
    PollNotifier().poll(hub, until=time.monotonic() - 1)


def test_it_tells_nobody(hub: Hub) -> None:
    PollNotifier().tell("anybody")


# Media that carry hints


class Medium(HintingNotifier):
    """A medium in memory, that can be broken in every way."""

    idle = 0.02
    every = 0.005
    again = 0.03
    longest = 0.1

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[list[str]] = []
        self.publishing = self.listening = self.polls = 0
        self.is_down = self.is_deaf = False
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def publish(self, batches: Iterator[list[str]]) -> None:
        self.publishing += 1
        if self.is_down:
            raise ConnectionError("SECRET-4711")
        for names in batches:
            self.sent.append(names)
            assert self.may_go_on.wait(10)

    def listen(self, hub: Hub) -> None:
        self.listening += 1
        if self.is_deaf:
            raise ConnectionError("SECRET-4711")
        hub.left.wait(10)

    def poll(self, hub: Hub, *, until: float | None) -> None:
        self.polls += 1
        super().poll(hub, until=until)


@pytest.fixture
def medium() -> Iterator[Medium]:
    medium = Medium()
    yield medium
    medium.may_go_on.set()
    until(lambda: not threads(HINTS))


def test_hints_are_published_by_a_thread_that_ends_when_there_are_no_more(medium: Medium) -> None:
    medium.tell("a")
    until(lambda: medium.sent == [["a"]])
    until(lambda: not threads(HINTS))
    medium.tell("b")
    until(lambda: medium.sent == [["a"], ["b"]])


def test_hints_that_wait_go_together_and_each_once(medium: Medium) -> None:
    medium.may_go_on.clear()
    medium.tell("a")
    until(lambda: medium.sent)
    for name in ("c", "b", "c", "b", "c"):
        medium.tell(name)
    assert len(threads(HINTS)) == 1
    medium.may_go_on.set()
    until(lambda: len(medium.sent) == 2)
    assert medium.sent[1] == ["b", "c"]


def test_hints_that_come_soon_after_others_are_gathered(
    medium: Medium, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each published by itself, they took a third of the processor time of every message."""

    def pass_the_time(seconds: float) -> None:
        if seconds > 0:
            medium.tell("c")

    monkeypatch.setattr(
        polling, "time", SimpleNamespace(monotonic=lambda: 1.0, sleep=pass_the_time)
    )
    medium.may_go_on.clear()
    medium.tell("a")
    until(lambda: medium.sent == [["a"]])
    medium.tell("b")
    medium.may_go_on.set()
    until(lambda: len(medium.sent) > 1)
    assert medium.sent[1] == ["b", "c"]


def test_a_medium_that_is_down_loses_hints_once_and_is_not_asked_without_an_end(
    medium: Medium, caplog: pytest.LogCaptureFixture
) -> None:
    medium.is_down = True
    medium.tell("a")
    until(lambda: medium.publishing and not threads(HINTS))
    assert medium.publishing == 1
    assert "ConnectionError" in caplog.text
    assert "SECRET" not in caplog.text
    medium.is_down = False
    medium.tell("b")
    until(lambda: medium.sent == [["b"]])


def test_a_hint_that_comes_as_the_thread_would_end_is_published(
    medium: Medium, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = medium.publish

    def publish(batches: Iterator[list[str]]) -> None:
        real(batches)
        if medium.publishing == 1:
            medium._names.put("late")

    monkeypatch.setattr(medium, "publish", publish)
    medium.tell("a")
    until(lambda: medium.sent == [["a"], ["late"]])


def test_a_program_ends_although_a_medium_hangs() -> None:
    program = (
        "import threading, django; django.setup();"
        "from django_chat_sessions.services.following.polling import HintingNotifier;"
        "notifier = HintingNotifier();"
        "notifier.publish = lambda batches: threading.Event().wait();"
        "notifier.tell('a')"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


def test_a_thread_that_a_fork_did_not_inherit_is_started_anew(medium: Medium) -> None:
    medium._thread = threading.Thread(target=lambda: None)  # as it is after a fork: not alive
    medium.tell("a")
    until(lambda: medium.sent == [["a"]])


def test_where_no_thread_can_be_started_a_hint_waits_for_the_next(
    medium: Medium, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ending(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", ending)
        medium.tell("a")
    assert medium.sent == []
    medium.tell("b")
    until(lambda: medium.sent == [["a", "b"]])


def test_a_medium_has_to_say_how_it_publishes_and_listens(hub: Hub) -> None:
    with pytest.raises(NotImplementedError):
        HintingNotifier().publish(iter([]))
    with pytest.raises(NotImplementedError):
        HintingNotifier().listen(hub)


def test_while_it_listens_nobody_polls(medium: Medium, hub: Hub) -> None:
    _reader, news = waits(hub, EVE)
    thread = watching(medium, hub)
    until(lambda: medium.listening)
    leave(hub)
    thread.join(10)
    assert (medium.polls, news.times) == (0, 0)


@pytest.fixture
def nothing_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "fingerprints", dict.fromkeys)


def test_without_the_medium_it_polls_for_a_while_and_longer_each_time(
    medium: Medium, hub: Hub, nothing_stored: None, caplog: pytest.LogCaptureFixture
) -> None:
    medium.is_deaf = True
    _reader, news = waits(hub, EVE)
    pauses = []
    for _ in range(3):
        began = time.monotonic()
        medium.watch(hub)
        pauses.append(time.monotonic() - began)
    assert (medium.listening, medium.polls, news.times) == (3, 3, 3)
    assert pauses[0] >= 0.03
    assert pauses[1] >= 0.06
    assert pauses[2] >= 0.1
    assert medium.pause == medium.longest
    assert "ConnectionError" in caplog.text
    assert "SECRET" not in caplog.text


def test_a_reader_who_comes_meanwhile_is_not_the_reason_to_try_again(
    medium: Medium, hub: Hub, nothing_stored: None
) -> None:
    """Each try without hints would be a time in which nobody looks."""
    medium.is_deaf = True
    medium.pause = 10
    for _ in range(2):
        hub.left.clear()
        waits(hub, EVE)
        thread = watching(medium, hub)
        until(lambda: medium.polls)
        leave(hub)
        thread.join(10)
        assert not thread.is_alive()
    assert medium.listening == 1
    assert medium.polls == 2


class TestTheEcho:
    @pytest.fixture
    def told(self) -> list[str]:
        return []

    @pytest.fixture
    def medium(self, told: list[str]) -> Any:
        medium: Any = Medium()
        medium.tell = told.append
        return medium

    def test_one_that_is_heard_is_good_and_ends_the_long_pauses(
        self, medium: Any, told: list[str]
    ) -> None:
        medium.pause = medium.longest
        echo = Echo(medium)
        assert len(told) == 1
        assert echo.heard("another") is False
        assert medium.pause == medium.longest
        assert echo.heard(told[0]) is True
        assert medium.pause == medium.again
        echo.within = -1
        echo.check()

    def test_two_processes_have_two(self, medium: Any, told: list[str]) -> None:
        assert not Echo(medium).heard(Echo(medium)._name)

    def test_one_that_is_not_heard_in_time_is_an_error(
        self, medium: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Echo(medium).check()
        monkeypatch.setattr(Echo, "within", -1)
        with pytest.raises(ConnectionError):
            Echo(medium).check()

    def test_it_is_called_again_and_must_come_back_again(
        self, medium: Any, told: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        echo = Echo(medium)
        echo.heard(told[0])
        echo.check()
        assert len(told) == 1
        monkeypatch.setattr(Echo, "every", -1)
        monkeypatch.setattr(Echo, "within", -1)
        echo.check()
        assert told == [told[0]] * 2
        with pytest.raises(ConnectionError):
            echo.check()

    def test_a_medium_that_hangs_is_noticed_within_twenty_seconds(
        self, medium: Any, told: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It ends no connection: for a minute streams had news every 15 seconds only."""
        echo = Echo(medium)
        echo.heard(told[0])
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + 16)
        echo.check()
        monkeypatch.setattr(time, "monotonic", lambda: now + 20)
        with pytest.raises(ConnectionError):
            echo.check()


@pytest.mark.django_db
def test_the_sessions_of_the_poller_are_the_hosts(owner: Owner) -> None:
    session = talked(owner)
    [found] = fingerprints([owner.open_key("")]).values()
    assert found[1] == session.pk
    get_session_model().objects.filter(pk=session.pk).update(open_key=None)
    assert stored(session).open_key is None
    assert fingerprints([owner.open_key("")]) == {owner.open_key(""): None}
