"""Who is woken by which hint, and the one thread that waits for all of them."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from django_chat_sessions import services as chat_sessions
from django_chat_sessions.models import ReplyState
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.following import hints, postgres
from django_chat_sessions.services.following.hints import (
    Hub,
    get_notifier,
    hint,
    hint_of_logout,
    name_of,
)
from django_chat_sessions.services.following.polling import PollNotifier
from django_chat_sessions.services.replies.writing import finish, renew, save_text, take
from tests.conversations import configure, leave_replies, reply_of, talked, waiting
from tests.services.following.waiting import leave, waits
from tests.threads import threads, until

ADA = Owner.for_user(type("User", (), {"pk": 1}))
EVE = Owner.for_visitor("a visitor's secret key")
THREAD = "chat-sessions-news"


class Noting:
    """A notifier that notes what it is told, and watches until nobody is there."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.watching = 0
        self.raises: list[Exception] = []

    def tell(self, name: str) -> None:
        self.told.append(name)

    def watch(self, hub: Hub) -> None:
        self.watching += 1
        if self.raises:
            raise self.raises.pop()
        hub.left.wait(10)


@pytest.fixture
def noting(settings: Any) -> Noting:
    notifier = Noting()
    configure(settings, NOTIFIER=notifier)
    return notifier


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    yield hub
    leave(hub)
    until(lambda: not threads(THREAD))


async def heard(reader: hints.Reader) -> None:
    await asyncio.wait_for(reader.news.wait(), 10)
    reader.news.clear()


class TestTheHub:
    async def test_a_hint_wakes_every_reader_of_that_owner_and_nobody_else(
        self, hub: Hub, noting: Noting
    ) -> None:
        with hub.reading(ADA) as one, hub.reading(ADA) as two, hub.reading(EVE) as other:
            hub.wake(name_of(ADA))
            await heard(one)
            await heard(two)
            await asyncio.sleep(0)
            assert not other.news.is_set()
            hub.wake_all()
            for reader in (one, two, other):
                await heard(reader)

    def test_a_hint_for_nobody_wakes_nobody(self, hub: Hub) -> None:
        _reader, news = waits(hub, ADA)
        hub.wake(name_of(EVE))
        hub.wake("no such name")
        assert news.times == 0

    async def test_readers_are_counted_for_each_owner(self, hub: Hub, noting: Noting) -> None:
        with hub.reading(ADA) as one:
            with hub.reading(ADA) as two, hub.reading(EVE) as other:
                assert (hub.count(ADA), hub.count(EVE)) == (2, 1)
                assert set(hub.readers()) == {one, two, other}
            assert (hub.count(ADA), hub.count(EVE)) == (1, 0)
        assert hub.readers() == []
        assert hub._readers == {}

    async def test_one_thread_waits_for_all_and_ends_after_the_last(
        self, hub: Hub, noting: Noting
    ) -> None:
        assert not threads(THREAD)
        with hub.reading(ADA):
            with hub.reading(EVE):
                until(lambda: noting.watching == 1)
                assert len(threads(THREAD)) == 1
            assert len(threads(THREAD)) == 1
            assert not hub.left.is_set()
        until(lambda: not threads(THREAD))
        with hub.reading(ADA):
            until(lambda: noting.watching == 2)

    async def test_one_who_comes_just_as_the_thread_would_end_keeps_it(
        self, hub: Hub, noting: Noting
    ) -> None:
        with hub.reading(ADA):
            until(lambda: noting.watching == 1)
            hub.left.set()  # as if the last had left, and this one come at that moment
            until(lambda: noting.watching > 1)
            hub.left.clear()
            assert len(threads(THREAD)) == 1

    async def test_one_who_comes_after_all_have_left_is_waited_for_again(
        self, hub: Hub, noting: Noting
    ) -> None:
        for owner in (ADA, EVE):
            with hub.reading(owner):
                assert not hub.left.is_set()  # else each watch would end as it begins
            assert hub.left.is_set()

    async def test_a_notifier_that_raises_is_asked_again(
        self, hub: Hub, noting: Noting, caplog: pytest.LogCaptureFixture
    ) -> None:
        noting.raises = [ValueError("SECRET-4711")]
        with caplog.at_level(logging.ERROR), hub.reading(ADA):
            until(lambda: noting.watching == 2)
        assert "ValueError" in caplog.text
        assert "SECRET" not in caplog.text

    async def test_where_no_thread_can_be_started_the_next_reader_tries_again(
        self, hub: Hub, noting: Noting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def too_many(thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", too_many)
            with hub.reading(ADA) as reader:
                hub.wake(name_of(ADA))
                await heard(reader)
        with hub.reading(ADA):
            until(lambda: noting.watching == 1)

    async def test_readers_of_another_loop_are_woken_in_theirs(
        self, hub: Hub, noting: Noting
    ) -> None:
        ready, woken = threading.Event(), threading.Event()

        async def read_elsewhere() -> None:
            with hub.reading(ADA) as reader:
                ready.set()
                await heard(reader)
                woken.set()

        thread = threading.Thread(target=lambda: asyncio.run(read_elsewhere()))
        with hub.reading(ADA) as reader:
            thread.start()
            assert await asyncio.to_thread(ready.wait, 10)
            hub.wake(name_of(ADA))
            await heard(reader)
            assert await asyncio.to_thread(woken.wait, 10)
        thread.join(10)
        assert hub.readers() == []

    def test_a_reader_whose_loop_is_closed_disturbs_nobody(self, hub: Hub) -> None:
        loop = asyncio.new_event_loop()
        gone, _news = waits(hub, ADA)
        gone.loop = loop
        loop.close()
        _reader, news = waits(hub, ADA)
        hub.wake(name_of(ADA))
        assert news.times == 1


class TestHints:
    @pytest.mark.parametrize("owner", [ADA, EVE], ids=["user", "visitor"])
    def test_a_name_says_nothing_of_who_it_is_and_is_the_same_everywhere(
        self, owner: Owner
    ) -> None:
        name = name_of(owner)
        assert name == name_of(Owner(owner.user_id, owner.visitor_key))
        assert owner.identity not in name
        assert str(owner.visitor_key) not in name
        assert len(name) == 32
        assert name != owner.open_key("").hex

    def test_different_owners_have_different_names(self) -> None:
        owners = [ADA, EVE, Owner.for_visitor("another"), Owner(user_id="1x"), Owner(user_id=11)]
        assert len({name_of(owner) for owner in owners}) == len(owners)

    async def test_a_hint_wakes_this_process_and_tells_the_others(self, noting: Noting) -> None:
        with hints.hub.reading(ADA) as reader:
            hint(ADA)
            await heard(reader)
        assert noting.told == [name_of(ADA)]
        until(lambda: not threads(THREAD))

    async def test_only_a_hint_of_a_logout_puts_a_login_in_doubt(self, noting: Noting) -> None:
        with hints.hub.reading(ADA) as reader, hints.hub.reading(EVE) as other:
            hint(ADA)
            hints.hub.wake_all()
            await heard(reader)
            await heard(other)
            in_doubt = [each.is_in_doubt for each in (reader, other)]
            hint_of_logout(ADA)
            await heard(reader)
            in_doubt += [each.is_in_doubt for each in (reader, other)]
        assert in_doubt == [False, False, True, False]
        assert len({*noting.told, name_of(EVE)}) == 3
        until(lambda: not threads(THREAD))

    @pytest.mark.django_db
    @pytest.mark.parametrize(
        "verb",
        [
            *("send", "add", "take", "renew", "grow", "finish", "stop"),
            *("end", "reopen", "rename", "read", "delete"),
        ],
    )
    def test_every_change_is_told_once_it_is_committed(
        self, owner: Owner, noting: Noting, settings: Any, answering: Any, verb: str
    ) -> None:
        leave_replies(settings)
        sent = waiting(owner)
        reply, session = reply_of(sent), sent.session
        if verb in ("add", "renew", "grow", "finish", "read"):
            take(reply, session)
        if verb in ("add", "read"):
            finish(reply, session, ReplyState.ANSWERED, content="Because.", unread=True)
        if verb == "reopen":
            chat_sessions.end(session)
        steps: dict[str, Any] = {
            "send": lambda: chat_sessions.send(owner, "In b", key="key-of-b", scope="b"),
            "add": lambda: chat_sessions.add_message(session, "user", "And?"),
            "take": lambda: take(reply, session),
            "renew": lambda: renew(reply, session),
            "grow": lambda: save_text(reply, "Be"),
            "finish": lambda: finish(reply, session, ReplyState.ANSWERED, content="Because."),
            "stop": lambda: chat_sessions.stop(session),
            "end": lambda: chat_sessions.end(session),
            "reopen": lambda: chat_sessions.reopen(session),
            "rename": lambda: chat_sessions.rename(session, "Ice"),
            "read": lambda: chat_sessions.mark_read(session),
            "delete": lambda: chat_sessions.delete(session),
        }
        noting.told.clear()
        with answering():
            steps[verb]()
            assert noting.told == []
        assert set(noting.told) == {name_of(owner)}

    @pytest.mark.django_db
    def test_a_claim_is_told_to_who_had_it_and_to_who_has_it(
        self, noting: Noting, user: Any, answering: Any
    ) -> None:
        account = Owner.for_user(user)
        chat_sessions.end(talked(EVE))  # of an open one its own row would tell
        noting.told.clear()
        with answering():
            chat_sessions.claim(EVE, account)
        assert set(noting.told) == {name_of(EVE), name_of(account)}

    @pytest.mark.django_db
    @pytest.mark.parametrize("verb", ["erase", "sweep"])
    def test_what_goes_or_ends_by_itself_is_told(
        self, owner: Owner, noting: Noting, noon: Any, answering: Any, verb: str
    ) -> None:
        session = talked(owner)
        if verb == "erase":
            chat_sessions.end(session)
        noon.shift(timedelta(seconds=300))
        noting.told.clear()
        with answering():
            assert chat_sessions.erase(owner) if verb == "erase" else chat_sessions.sweep()
        assert set(noting.told) == {name_of(owner)}

    @pytest.mark.django_db
    def test_a_notifier_that_raises_undoes_nothing(
        self, owner: Owner, settings: Any, answering: Any
    ) -> None:
        class Broken(Noting):
            def tell(self, name: str) -> None:
                raise OSError("no medium")

        leave_replies(settings)
        configure(settings, NOTIFIER=Broken())
        with answering():
            sent = waiting(owner)
        assert chat_sessions.find_session(owner, sent.session.pk).message_count == 2


class TestTheNotifier:
    def test_an_instance_is_taken_as_it_is(self, noting: Noting) -> None:
        assert get_notifier() is noting

    def test_a_dotted_path_is_made_once(self, settings: Any) -> None:
        configure(settings, NOTIFIER=f"{__name__}.Noting")
        assert isinstance(get_notifier(), Noting)
        assert get_notifier() is get_notifier()

    def test_by_itself_it_suits_the_database(self, settings: Any) -> None:
        configure(settings, NOTIFIER=None)
        kind = type(get_notifier())
        if connection.vendor == "postgresql":
            assert kind is postgres.PostgresNotifier
        else:
            assert kind is PollNotifier

    @pytest.mark.parametrize("listens", [True, False])
    def test_where_the_database_can_tell_it_does(
        self, monkeypatch: pytest.MonkeyPatch, listens: bool
    ) -> None:
        monkeypatch.setattr(postgres, "can_listen", lambda: listens)
        name = hints.suitable_notifier().rpartition(".")[2]
        assert name == ("PostgresNotifier" if listens else "PollNotifier")
