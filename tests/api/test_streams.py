"""Updates as a stream: what flows, what is bounded, when it ends, and that nothing stays behind."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connections
from django.middleware.gzip import GZipMiddleware
from django.test import AsyncClient, RequestFactory

from django_chat_sessions import clock, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.api import streams
from django_chat_sessions.models import ReplyState
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.following.hints import hub
from django_chat_sessions.services.following.polling import PollNotifier
from django_chat_sessions.services.replies.writing import finish, save_text, take
from tests.callers import Caller, assert_error, assert_private, person
from tests.conversations import leave_replies, reply_of
from tests.test_contract import problems
from tests.threads import threads, until

pytestmark = pytest.mark.django_db(transaction=True)
STREAM = "text/event-stream"
Event = dict[str, Any]


class Followed:
    """One open stream, as its reader sees it."""

    def __init__(self, response: Any, events: Any) -> None:
        self.response = response
        self.events = events

    async def piece(self) -> str:
        """Return what is sent next."""
        sent: bytes = await asyncio.wait_for(anext(self.events), 10)
        return sent.decode()

    async def event(self) -> Event:
        """Return the next news; signs of life are passed over."""
        while True:
            fields = dict(line.split(": ", 1) for line in (await self.piece()).splitlines() if line)
            if fields.get("event") == "updates":
                body: Event = json.loads(fields["data"])
                assert problems("getUpdates", 200, body) == []
                assert fields["id"] == body["cursor"]
                return body

    async def rest(self) -> list[str]:
        """Return what is sent until it ends by itself."""

        async def read() -> list[str]:
            return [piece.decode() async for piece in self.events]

        return await asyncio.wait_for(read(), 10)

    async def leave(self) -> None:
        await self.events.aclose()


class Site:
    """A site under ASGI, and everybody who follows there."""

    def __init__(self, caller: Caller, made: list[Any]) -> None:
        self.caller = caller
        self.made = made
        self.open: list[Followed] = []

    async def get(self, caller: Caller | None = None, query: str = "", **headers: str) -> Any:
        """Ask for a stream."""
        client = AsyncClient()
        caller = caller or self.caller
        client.cookies = caller.client.cookies
        if "HTTP_AUTHORIZATION" in caller.client.defaults:
            headers["Authorization"] = caller.client.defaults["HTTP_AUTHORIZATION"]
        return await client.get(f"/chat/updates{query}", headers={"Accept": STREAM, **headers})

    async def follow(self, *args: Any, **kwargs: Any) -> Followed:
        """Follow; the first thing that is sent says when to come back."""
        followed = await self.get_one(*args, **kwargs)
        assert await followed.piece() == "retry: 1000\n\n"
        return followed

    async def get_one(self, *args: Any, **kwargs: Any) -> Followed:
        """Follow, and read nothing yet."""
        response = await self.get(*args, **kwargs)
        assert response.status_code == 200, response.content
        self.open.append(Followed(response, self.made[-1]))
        return self.open[-1]


@pytest.fixture
def ada(transactional_db: None, tokens_too: None, settings: Any) -> Caller:
    leave_replies(settings)
    return person("user")


@pytest.fixture
async def site(
    ada: Caller, threads_let_go: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Site]:
    """A site where another process's news are seen soon; nothing of it stays behind."""
    monkeypatch.setattr(PollNotifier, "every", 0.02)
    # Without the wrappings of a response, which let go of it when they like.
    made: list[Any] = []
    real = streams._Stream.events

    def events(stream: Any) -> Any:
        made.append(real(stream))
        return made[-1]

    monkeypatch.setattr(streams._Stream, "events", events)
    site = Site(ada, made)
    yield site
    for followed in site.open:
        await followed.leave()
    assert hub.readers() == []
    streams._reader.submit(connections.close_all).result(10)
    await asyncio.to_thread(until, lambda: not threads("chat-sessions-news"))


async def do(step: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Do something with the database, as another request would."""
    return await sync_to_async(step)(*args, **kwargs)


async def ask(owner: Owner, text: str = "Why?", key: str = "key-00000001") -> Any:
    """Send a message, and return its reply, which a worker has begun."""
    sent = await do(chat_sessions.send, owner, text, key=key)
    assert await do(take, reply_of(sent), sent.session)
    return reply_of(sent)


# What flows


async def test_a_reader_follows_an_answer_from_its_question_to_its_end(site: Site) -> None:
    followed = await site.follow()
    first = await followed.event()
    assert (first["sessions"], first["messages"]) == ([], [])
    reply = await ask(site.caller.owner)
    text = ""
    told: list[Any] = []
    while not told:
        told = (await followed.event())["messages"]
    for piece in ("Ice ❄️\n", "data: x\n\n", "👩‍🔬"):
        text += piece
        await do(save_text, reply, text)
        [delta] = (await followed.event())["deltas"]
        assert (delta["offset"], delta["text"]) == (len(text) - len(piece), piece)
    await do(finish, reply, reply.session, ReplyState.ANSWERED, content=text, unread=True)
    last = await followed.event()
    assert [(row["state"], row["content"]) for row in last["messages"]] == [("answered", text)]
    assert [row["unread"] for row in last["sessions"]] == [True]


@pytest.mark.parametrize("way", ["since", "Last-Event-ID", "both"])
async def test_who_comes_back_gets_what_is_missing_and_nothing_twice(site: Site, way: str) -> None:
    reply = await ask(site.caller.owner)
    await do(save_text, reply, "One ")
    followed = await site.follow()
    first = await followed.event()
    assert [row["content"] for row in first["messages"]] == ["Why?", "One "]
    await followed.leave()
    await do(save_text, reply, "One two ")
    query = {"since": f"?since={first['cursor']}", "both": "?since=AAAA"}.get(way, "")
    headers = {} if way == "since" else {"Last-Event-ID": first["cursor"]}
    again = await site.follow(query=query, **headers)
    event = await again.event()
    assert (event["messages"], event["sessions"]) == ([], [])
    assert [(row["offset"], row["text"]) for row in event["deltas"]] == [(4, "two ")]


async def test_who_lacks_nothing_is_told_nothing_until_there_is_news(site: Site) -> None:
    await ask(site.caller.owner)
    cursor = (await do(chat_sessions.updates, site.caller.owner)).cursor
    followed = await site.follow(query=f"?since={cursor}")
    assert followed.response.headers["Content-Type"] == STREAM
    await do(chat_sessions.start, site.caller.owner, "b")
    event = await followed.event()
    assert [row["scope"] for row in event["sessions"]] == ["b"]


async def test_what_changes_by_time_alone_is_told_in_time(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    quiet = streams._Stream._quiet

    def note(stream: Any) -> float:
        waits.append(quiet(stream))
        return waits[-1]

    monkeypatch.setattr(streams._Stream, "_quiet", note)
    session = (await do(chat_sessions.start, site.caller.owner)).session
    present = clock.now()  # it stands still until the stream waits, however long that takes
    soon = present + timedelta(seconds=0.3)
    mine = get_session_model().objects.filter(pk=session.pk)
    await do(mine.update, expires_at=soon)
    monkeypatch.setattr(clock, "now", lambda: present)
    followed = await site.follow()
    assert [row["state"] for row in (await followed.event())["sessions"]] == ["active"]
    told = asyncio.create_task(followed.event())
    await asyncio.to_thread(until, lambda: len(waits) > 1)
    present = soon
    assert [row["state"] for row in (await told)["sessions"]] == ["expired"]
    assert max(waits[:2]) < 0.5


async def test_a_stream_cannot_be_kept_and_its_events_are_not_held_back(site: Site) -> None:
    response = (await site.follow()).response
    assert_private(response)
    assert "Accept" in response.headers["Vary"]
    assert response.headers["X-Accel-Buffering"] == "no"
    packing = RequestFactory().get("/", headers={"Accept-Encoding": "gzip"})
    untouched: Any = GZipMiddleware(lambda request: response)(packing)
    assert untouched is response
    assert untouched.headers["Content-Encoding"] == "identity"
    assert "ETag" not in response.headers


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/event-stream, application/json;q=0.9", STREAM),
        ("application/json, text/event-stream;q=0.9", "application/json"),
        ("*/*", "application/json"),
        ("A" * 11_000, "application/json"),  # at which Django's own reading raises
    ],
)
async def test_who_takes_both_gets_what_is_preferred(site: Site, accept: str, kind: str) -> None:
    response = await site.get(Accept=accept)
    assert response.headers["Content-Type"] == kind
    if kind == STREAM:
        site.open.append(Followed(response, site.made[-1]))


async def test_z16_nobody_is_told_anothers_news(site: Site) -> None:
    eve = await do(person, "user", "eve")
    theirs, mine = await site.follow(eve), await site.follow()
    await theirs.event()
    await mine.event()
    await ask(site.caller.owner, "SECRET-4711")
    assert "SECRET" in str(await mine.event())
    await do(chat_sessions.start, eve.owner)
    event = await theirs.event()
    assert "SECRET" not in str(event)
    assert len(event["sessions"]) == 1


# What is bounded


async def test_s09_z19_one_owner_may_have_so_many_streams_wherever_they_say_they_come_from(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MOST_PER_OWNER", 2)
    first = await site.follow()
    await site.follow(**{"X-Forwarded-For": "198.51.100.1"})
    refused = await site.get(None, "", **{"X-Forwarded-For": "198.51.100.2"})
    assert_error(refused, 429, "too_many_streams")
    assert refused.headers["Retry-After"] == "60"
    assert "Accept" in refused.headers["Vary"]
    await site.follow(await do(person, "user", "eve"))
    await first.leave()
    await site.follow()


async def test_of_many_that_come_at_once_those_that_are_too_many_end(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MOST_PER_OWNER", 2)
    at_once = [await site.get_one() for _ in range(3)]
    assert [await followed.piece() for followed in at_once[:2]] == ["retry: 1000\n\n"] * 2
    assert await at_once[2].rest() == []
    assert hub.count(site.caller.owner) == 2


async def test_who_leaves_just_as_news_come_has_left() -> None:
    waiting_stream: Any = SimpleNamespace(_quiet=lambda: 10.0)
    news = asyncio.Event()
    waits = asyncio.create_task(streams._Stream._wait(waiting_stream, news))
    await asyncio.sleep(0)
    news.set()
    await asyncio.sleep(0)
    waits.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waits


async def test_a_stream_ends_by_itself_one_day(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LONGEST", 0.2)
    monkeypatch.setattr(streams, "QUIET", 0.05)
    followed = await site.follow()
    await followed.event()
    assert set(await followed.rest()) <= {": still here\n\n"}
    assert hub.readers() == []


async def test_where_nothing_happens_there_are_signs_of_life(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "QUIET", 0.05)
    followed = await site.follow()
    await followed.event()
    assert [await followed.piece() for _ in range(3)] == [": still here\n\n"] * 3


async def test_looks_that_find_nothing_do_not_put_off_the_sign_of_life(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "QUIET", 0.3)
    followed = await site.follow()
    await followed.event()

    async def disturb() -> None:
        while True:
            hub.wake_all()
            await asyncio.sleep(0.08)

    disturbing = asyncio.create_task(disturb())
    assert await followed.piece() == ": still here\n\n"  # or never, as long as it is disturbed
    disturbing.cancel()


# When it ends


async def logged_out(caller: Caller) -> None:
    await do(caller.client.logout)


async def token_taken_away(caller: Caller) -> None:
    from rest_framework.authtoken.models import Token

    await do(Token.objects.all().delete)


@pytest.mark.parametrize(("kind", "happens"), [("user", logged_out), ("token", token_taken_away)])
async def test_z16_it_ends_soon_after_its_reader_may_no_longer_read(
    site: Site, monkeypatch: pytest.MonkeyPatch, kind: str, happens: Any
) -> None:
    monkeypatch.setattr(streams, "QUIET", 0.1)
    caller = await do(person, kind, "grace")
    followed = await site.follow(caller)
    await followed.event()
    assert await followed.piece() == ": still here\n\n"  # looked at again, and still welcome
    await happens(caller)
    assert set(await followed.rest()) <= {": still here\n\n"}


async def test_z16_all_streams_of_a_browser_end_as_it_logs_out(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "A_MOMENT", 0.05)
    elsewhere = await do(person, "user", "ada")
    tabs = [await site.follow(), await site.follow()]
    stays = await site.follow(elsewhere)
    for followed in (*tabs, stays):
        await followed.event()
    await logged_out(site.caller)
    for followed in tabs:
        assert await followed.rest() == []  # long before they would have looked by themselves
    await ask(elsewhere.owner)
    assert (await stays.event())["messages"]


async def test_a_visitors_stream_ends_when_another_tab_has_logged_in(site: Site) -> None:
    visitor = await do(person, "visitor")
    assert (await do(visitor.say, "Why?")).status_code == 201
    followed = await site.follow(visitor)
    assert len((await followed.event())["sessions"]) == 1
    await do(chat_sessions.claim, visitor.owner, site.caller.owner)
    assert (await followed.event())["history_changed"]
    assert await followed.rest() == []
    back = await site.follow(visitor)  # without the login's cookie yet: nothing to end for
    await back.event()
    assert hub.count(visitor.owner) == 1


async def test_a_visitors_stream_goes_on_after_each_news(site: Site) -> None:
    visitor = await do(person, "visitor")
    followed = await site.follow(visitor)
    reply = await ask(visitor.owner)
    while not (await followed.event())["messages"]:
        pass
    for text in ("Ice", "Ice floats"):
        await do(save_text, reply, text)
        assert (await followed.event())["deltas"]


async def test_a_users_stream_goes_on_when_nothing_is_left(site: Site) -> None:
    reply = await ask(site.caller.owner)
    followed = await site.follow()
    await followed.event()
    await do(chat_sessions.delete, reply.session)
    await followed.event()
    await ask(site.caller.owner, key="key-00000002")
    assert (await followed.event())["sessions"]


async def test_a_stranger_without_a_cookie_has_nothing_to_follow_for_long(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "QUIET", 0.1)
    stranger = await do(person, "visitor")
    visitor = await site.follow(stranger)
    await visitor.event()
    assert await visitor.piece() == ": still here\n\n"
    stranger.client.cookies.clear()
    followed = await site.follow(stranger)
    assert (await followed.event())["sessions"] == []
    # A look that takes long shows that it is alive before the next one finds the stranger out.
    assert set(await followed.rest()) <= {": still here\n\n"}


async def test_trouble_with_the_database_ends_it_and_the_next_has_a_new_connection(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed = await site.follow()
    await followed.event()
    closed: list[bool] = []
    real = connections.close_all

    def close() -> None:
        closed.append(True)
        real()

    def fail(*args: Any) -> Any:
        raise OperationalError("the server closed the connection")

    with monkeypatch.context() as patch:
        patch.setattr(connections, "close_all", close)
        patch.setattr(chat_sessions, "updates", fail)
        hub.wake_all()
        assert await followed.rest() == []
    assert closed
    assert "sessions" in await (await site.follow()).event()


async def test_who_leaves_leaves_nothing_behind(site: Site) -> None:
    followed, other = await site.follow(), await site.follow()
    await followed.event()
    assert hub.count(site.caller.owner) == 2
    await followed.leave()
    assert hub.count(site.caller.owner) == 1

    told = asyncio.Event()

    async def wait() -> None:
        async for _piece in other.events:
            told.set()

    reading = asyncio.create_task(wait())
    await asyncio.wait_for(told.wait(), 10)
    reading.cancel()  # what a server does when the line is cut
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert hub.readers() == []
    await asyncio.to_thread(until, lambda: not threads("chat-sessions-news"))


async def test_the_requests_own_connection_is_closed_before_anything_is_sent(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []
    real = connections.close_all

    def close() -> None:
        if threading.current_thread().name != "chat-sessions-leases":  # of answers given before
            closed.append(True)
        real()

    followed = await site.get_one()
    monkeypatch.setattr(connections, "close_all", close)
    await followed.piece()
    assert closed == [True]


async def test_all_streams_read_in_one_thread(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    readers = set()
    real = chat_sessions.updates

    def updates(*args: Any) -> Any:
        readers.add(threading.current_thread().name)
        return real(*args)

    followed = [await site.get_one() for _ in range(3)]
    monkeypatch.setattr(chat_sessions, "updates", updates)
    for each in followed:
        await each.piece()
        await each.event()
    await ask(site.caller.owner)
    for each in followed:
        await each.event()
    assert len(readers) == 1
    assert readers.pop().startswith("chat-updates")
