"""Group T: the timeout, case by case, as a person and a client meet it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.template import Context, Template
from django.test import Client, RequestFactory

from django_chat_sessions import clock, get_message_model, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.models import ReplyState
from django_chat_sessions.owners import Owner
from django_chat_sessions.policies import Activity, Deadline, IdleTimeoutPolicy, TimeoutPolicy
from django_chat_sessions.services.replies.running import run
from django_chat_sessions.services.replies.writing import finish, renew, take
from tests.conversations import configure, leave_replies, listen_only, opened, rows, stored

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
SECOND = timedelta(seconds=1)
FIVE_MINUTES = timedelta(minutes=5)
Answer = dict[str, Any]
TAGS = Template("{% load chat_sessions %}{% chat_session_status %}{% chat_history %}")


class Browser:
    """A person's tab: the HTTP API and nothing else."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.sent = 0

    def _read(self, response: Any) -> Answer:
        assert response.status_code < 500, response.content
        answer: Answer = response.json() if response.content else {}
        return answer | {"status": response.status_code}

    def post(self, path: str, **body: Any) -> Answer:
        return self._read(
            self.client.post(f"/chat/{path}", json.dumps(body), content_type="application/json")
        )

    def get(self, path: str, **query: Any) -> Answer:
        return self._read(self.client.get(f"/chat/{path}", query))

    def send(self, text: str = "Hello", **body: Any) -> Answer:
        self.sent += 1
        return self.post("messages", content=text, key=f"key-number-{self.sent}", **body)

    def status(self) -> Answer:
        return self.get("sessions/current")


@pytest.fixture
def tab(ada: Client) -> Browser:
    return Browser(ada)


@pytest.fixture
def at(noon: Any) -> Callable[[str], None]:
    """Move to a time of day: ``at("12:04:59.999")``."""

    def move(moment: str) -> None:
        noon.move_to(datetime.fromisoformat(f"2026-11-22T{moment}+00:00"))

    return move


@pytest.fixture
def silent(settings: Any) -> None:
    listen_only(settings)


@pytest.fixture
def begun(owner: Owner, noon: Any) -> Any:
    """A session opened at 12:00:00.000."""
    session = opened(owner)
    chat_sessions.add_message(session, "user", "Hello")
    return stored(session)


def come_back(owner: Owner) -> chat_sessions.Arrival:
    return chat_sessions.resume_or_start(owner)


def test_t_01_at_4_59_999_the_same_session_is_resumed(owner: Owner, begun: Any, at: Any) -> None:
    at("12:04:59.999")
    arrival = come_back(owner)
    assert (arrival.opened, arrival.status) == (begun, "resumed")


def test_t_01_over_http(tab: Browser, at: Any, silent: None) -> None:
    first = tab.send()
    at("12:04:59.999")
    assert tab.status()["session"]["id"] == first["session"]["id"]
    second = tab.send()
    assert second["session"]["id"] == first["session"]["id"]
    assert second["arrival"]["status"] == "resumed"


@pytest.mark.parametrize("swept", [False, True])
def test_t_02_at_exactly_5_00_it_is_another_and_the_old_one_ended_then(
    owner: Owner, begun: Any, at: Any, swept: bool
) -> None:
    at("12:05:00.000")
    if swept:
        chat_sessions.sweep()
    arrival = come_back(owner)
    assert arrival.opened != begun
    assert (arrival.status, arrival.reason, arrival.previous) == ("new", "idle", begun)
    old = stored(begun)
    assert old.state(clock.now()) == "expired"
    assert old.ended_at == NOON + FIVE_MINUTES


def test_t_02_over_http(tab: Browser, at: Any, silent: None) -> None:
    first = tab.send()["session"]
    at("12:05:00.000")
    look = tab.status()
    assert look["session"] is None
    assert (look["arrival"]["status"], look["arrival"]["reason"]) == ("new", "idle")
    assert look["arrival"]["previous"]["id"] == first["id"]
    assert look["arrival"]["previous"]["state"] == "expired"
    second = tab.send()
    assert second["session"]["id"] != first["id"]
    old = tab.get(f"sessions/{first['id']}")["session"]
    assert (old["state"], old["ended_at"]) == ("expired", "2026-11-22T12:05:00.000000Z")
    assert old["end_reason"] == "idle"


@pytest.mark.parametrize("late", [MILLISECOND, timedelta(days=1), timedelta(days=4000)])
def test_t_03_later_it_is_never_resumed(
    owner: Owner, begun: Any, noon: Any, late: timedelta
) -> None:
    noon.move_to(NOON + FIVE_MINUTES + late)
    assert come_back(owner).status == "new"
    assert stored(begun).ended_at == NOON + FIVE_MINUTES


def test_t_04_looking_is_not_activity(tab: Browser, noon: Any, silent: None) -> None:
    first = tab.send()["session"]
    since: dict[str, str] = {}
    for _ in range(9):
        noon.shift(30 * SECOND)
        assert tab.status()["session"]["expires_at"] == first["expires_at"]
        assert len(tab.get("sessions")["sessions"]) == 1
        tab.get(f"sessions/{first['id']}")
        tab.get(f"sessions/{first['id']}/messages")
        since = {"since": tab.get("updates", **since)["cursor"]}
        tab.client.get(f"/chat/sessions/{first['id']}/page")
    noon.shift(30 * SECOND)
    assert tab.status()["session"] is None


def test_t_05_typing_is_activity(tab: Browser, at: Any, silent: None) -> None:
    session = tab.send()["session"]
    at("12:04:59")
    touched = tab.post(f"sessions/{session['id']}/touch")
    assert touched["session"]["expires_at"] == "2026-11-22T12:09:59.000000Z"
    at("12:09:58")
    assert tab.send()["session"]["id"] == session["id"]


def test_t_05_a_touch_that_comes_too_late_opens_nothing_again(
    tab: Browser, at: Any, silent: None
) -> None:
    session = tab.send()["session"]
    at("12:05:00")
    touched = tab.post(f"sessions/{session['id']}/touch")
    assert touched["session"]["state"] == "expired"
    assert tab.status()["session"] is None


@pytest.fixture
def answering(owner: Owner, begun: Any, at: Any, noon: Any) -> Any:
    """T-07: a question at 12:04:59 whose answer takes a minute, with a living worker."""
    at("12:04:59")
    sent = chat_sessions.send(owner, "Why?", key="the key of why")
    assert sent.session == begun
    assert sent.reply is not None
    assert take(sent.reply, sent.session)
    for _ in range(6):
        noon.shift(10 * SECOND)
        renew(sent.reply, sent.session)
    return sent


def test_t_07_a_running_answer_keeps_its_session_active_and_busy(
    owner: Owner, answering: Any, begun: Any, at: Any
) -> None:
    at("12:05:30")
    now = clock.now()
    session = chat_sessions.current(owner)
    assert session == begun
    assert session is not None
    assert (session.state(now), session.is_running(now)) == ("active", True)
    assert come_back(owner).opened == begun
    assert chat_sessions.sweep() == 0
    at("12:05:59")
    answered(answering)
    assert [row.content for row in rows(begun)] == ["Hello", "Why?", "So."]
    assert get_session_model().objects.count() == 1


def answered(sent: Any) -> None:
    finish(sent.reply, sent.session, ReplyState.ANSWERED, content="So.")


@pytest.mark.parametrize(
    ("moment", "status"),
    [("12:10:58", "resumed"), ("12:10:58.999999", "resumed"), ("12:10:59", "new")],
)
def test_t_08_the_idle_clock_starts_again_when_the_answer_ends(
    owner: Owner, answering: Any, at: Any, moment: str, status: str
) -> None:
    at("12:05:59")
    answered(answering)
    at(moment)
    assert come_back(owner).status == status


@pytest.mark.parametrize(
    ("moment", "status"), [("12:10:57.999999", "resumed"), ("12:10:58", "new")]
)
def test_t_08_also_when_it_is_stopped(
    owner: Owner, answering: Any, at: Any, moment: str, status: str
) -> None:
    at("12:05:58")
    chat_sessions.stop(answering.session)
    at(moment)
    assert come_back(owner).status == status


class TestALongAnswerUnderAShortTimeout:
    """An answer of 60 seconds, an idle timeout of 30."""

    @pytest.fixture
    def answered_in_a_minute(self, tab: Browser, noon: Any, settings: Any) -> Answer:
        """Return what was sent at noon; the answer ends at 12:01:00."""
        leave_replies(settings)
        configure(settings, TIMEOUT_POLICY=IdleTimeoutPolicy(30), RESPONDER=self.slowly)
        sent = tab.send("Why?")
        self.tab, self.noon, self.session = tab, noon, sent["session"]["id"]
        run(sent["reply"]["id"])
        return sent

    def slowly(self, turn: Any) -> Iterator[str]:
        for second in range(10, 70, 10):
            self.noon.move_to(NOON + second * SECOND)
            renew(turn.reply, stored(turn.session))  # as the lease keeper does, on its own copy
            status = self.tab.status()["session"]
            assert (status["id"], status["running"]) == (self.session, True)
            assert chat_sessions.sweep() == 0
            yield f"{second} "

    def test_the_session_is_the_same_at_the_end(
        self, tab: Browser, answered_in_a_minute: Answer
    ) -> None:
        session = tab.status()["session"]
        assert session["id"] == answered_in_a_minute["session"]["id"]
        assert not session["running"]
        assert session["expires_at"] == "2026-11-22T12:01:30.000000Z"
        reply = tab.get(f"sessions/{session['id']}/messages")["messages"][1]
        assert (reply["state"], reply["content"]) == ("answered", "10 20 30 40 50 60 ")
        assert get_session_model().objects.count() == 1

    def test_and_expires_30_seconds_after_the_answer_ended(
        self, tab: Browser, answered_in_a_minute: Answer, at: Any
    ) -> None:
        at("12:01:29.999999")
        assert tab.status()["session"]["id"] == answered_in_a_minute["session"]["id"]
        at("12:01:30")
        assert tab.status()["session"] is None
        assert tab.send("And?")["arrival"]["reason"] == "idle"


class TestT10DeadWorker:
    """A worker that was killed: no manual repair, at exactly the moments that were promised."""

    LEASE = timedelta(seconds=30)

    @pytest.fixture
    def dead(self, tab: Browser, noon: Any, settings: Any) -> Answer:
        leave_replies(settings)
        return tab.send("Why?")

    def reply(self, tab: Browser, dead: Answer) -> Answer:
        messages = tab.get(f"sessions/{dead['session']['id']}/messages")["messages"]
        reply: Answer = messages[1]
        return reply

    def test_until_the_lease_ends_the_session_is_busy(
        self, tab: Browser, dead: Answer, noon: Any
    ) -> None:
        noon.move_to(NOON + self.LEASE - MILLISECOND)
        assert tab.status()["session"]["running"]
        assert self.reply(tab, dead)["state"] == "pending"
        refused = tab.send("And?")
        assert (refused["status"], refused["code"]) == (409, "turn_in_progress")
        assert refused["running"]["id"] == dead["reply"]["id"]

    def test_then_it_is_not_and_the_turn_is_interrupted(
        self, tab: Browser, dead: Answer, noon: Any
    ) -> None:
        noon.move_to(NOON + self.LEASE)
        assert not tab.status()["session"]["running"]
        reply = self.reply(tab, dead)
        assert reply["state"] == "interrupted"
        assert reply["error"]
        assert tab.send("And?")["status"] == 201

    def test_it_expires_at_exactly_lease_and_timeout(
        self, tab: Browser, dead: Answer, noon: Any
    ) -> None:
        noon.move_to(NOON + self.LEASE + FIVE_MINUTES - MILLISECOND)
        assert tab.status()["session"]["id"] == dead["session"]["id"]
        noon.move_to(NOON + self.LEASE + FIVE_MINUTES)
        assert tab.status()["session"] is None
        assert self.reply(tab, dead)["state"] == "interrupted"

    @pytest.mark.parametrize("attempts", [1, 2])
    @pytest.mark.parametrize("late", [timedelta(0), timedelta(minutes=4)])
    def test_nor_does_the_cleanup_change_when_unless_it_is_to_ask_again(
        self,
        *,
        tab: Browser,
        dead: Answer,
        noon: Any,
        settings: Any,
        attempts: int,
        late: timedelta,
    ) -> None:
        configure(settings, REPLY_ATTEMPTS=attempts)
        for attempt in range(1, attempts + 1):
            noon.shift(self.LEASE + late)
            call_command("clear_chat_sessions", stdout=StringIO())
            state = "interrupted" if attempt == attempts else "pending"
            assert self.reply(tab, dead)["state"] == state
        end = clock.now() - late + FIVE_MINUTES
        noon.move_to(end - MILLISECOND)
        assert tab.status()["session"]["id"] == dead["session"]["id"]
        noon.move_to(end)
        assert tab.status()["session"] is None
        call_command("clear_chat_sessions", stdout=StringIO())
        old = tab.get(f"sessions/{dead['session']['id']}")["session"]
        assert old["ended_at"] == end.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        assert (old["state"], old["end_reason"]) == ("expired", "idle")

    def test_nor_does_a_reader_who_finds_it(self, owner: Owner, settings: Any, noon: Any) -> None:
        leave_replies(settings)
        session = chat_sessions.send(owner, "Why?", key="the key of why").session
        noon.move_to(NOON + self.LEASE + timedelta(minutes=4))
        chat_sessions.updates(owner)
        assert rows(session)[1].state == "interrupted"
        assert stored(session).expires_at == NOON + self.LEASE + FIVE_MINUTES

    def test_the_worker_that_wakes_up_later_writes_into_the_old_session_only(
        self, tab: Browser, dead: Answer, noon: Any
    ) -> None:
        noon.move_to(NOON + self.LEASE)
        run(get_message_model().objects.get(pk=dead["reply"]["id"]).pk)
        assert self.reply(tab, dead)["state"] == "interrupted"
        assert self.reply(tab, dead)["content"] == ""


SPRING_GAP = datetime(2026, 3, 29, 0, 58, tzinfo=UTC)  # 01:58 in Berlin, then 03:03
AUTUMN = datetime(2026, 10, 24, 23, 58, tzinfo=UTC)  # 01:58, before the hour that comes twice
LEAP_DAY = datetime(2028, 2, 28, 22, 58, tzinfo=UTC)
NEW_YEAR = datetime(2026, 12, 31, 22, 58, tzinfo=UTC)


@pytest.mark.parametrize(
    ("opened_at", "use_tz"),
    [
        pytest.param(SPRING_GAP, True, id="spring gap"),
        pytest.param(SPRING_GAP, False, id="spring gap, naive"),
        # Naive times cannot tell the two hours apart; check W003 says so.
        pytest.param(AUTUMN, True, id="autumn"),
        pytest.param(LEAP_DAY, True, id="leap day"),
        pytest.param(LEAP_DAY, False, id="leap day, naive"),
        pytest.param(NEW_YEAR, True, id="new year"),
        pytest.param(NEW_YEAR, False, id="new year, naive"),
    ],
)
class TestT12AndT14LocalTime:
    """Real minutes, whatever the clock on the wall does; with USE_TZ and without."""

    @pytest.fixture(autouse=True)
    def berlin(self, use_tz: bool, settings: Any) -> None:
        settings.TIME_ZONE = "Europe/Berlin"
        settings.USE_TZ = use_tz

    @pytest.fixture
    def moved(self, opened_at: datetime, berlin: None) -> Iterator[Callable[[timedelta], None]]:
        # A bare timestamp: a destination with a zone would move the process into that zone.
        with time_machine.travel(opened_at.timestamp(), tick=False) as traveller:
            yield lambda later: traveller.move_to((opened_at + later).timestamp())

    def test_four_minutes_59_resume_five_minutes_do_not(self, owner: Owner, moved: Any) -> None:
        session = opened(owner)
        moved(timedelta(minutes=4, seconds=59))
        assert stored(session).is_active(clock.now())
        moved(timedelta(minutes=5))
        assert not stored(session).is_active(clock.now())
        assert come_back(owner).status == "new"

    def test_each_visit_extends_by_five_real_minutes(self, owner: Owner, moved: Any) -> None:
        session = opened(owner)
        for minutes in (4, 8, 12):
            moved(timedelta(minutes=minutes))
            assert come_back(owner).opened == session
        moved(timedelta(minutes=17))
        assert come_back(owner).status == "new"

    def test_the_end_is_stored_as_the_real_moment(
        self, owner: Owner, moved: Any, opened_at: datetime
    ) -> None:
        session = opened(owner)
        moved(timedelta(hours=5))
        chat_sessions.sweep()
        assert clock.aware(stored(session).ended_at) == opened_at + FIVE_MINUTES

    def test_the_api_speaks_utc(
        self, user: Any, moved: Any, opened_at: datetime, settings: Any
    ) -> None:
        listen_only(settings)
        client = Client()
        client.force_login(user)
        tab = Browser(client)
        session = tab.send()["session"]
        assert session["started_at"] == opened_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        expires = (opened_at + FIVE_MINUTES).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        assert session["expires_at"] == expires
        moved(timedelta(minutes=4, seconds=59))
        assert tab.status()["session"]["id"] == session["id"]
        assert tab.get("sessions")["sessions"][0]["id"] == session["id"]
        moved(FIVE_MINUTES)
        assert tab.status()["session"] is None


@pytest.mark.parametrize(("moment", "status"), [("12:04:59.999", "resumed"), ("12:05", "new")])
def test_t_14_without_use_tz_t_01_and_t_02_hold(
    owner: Owner, settings: Any, moment: str, status: str
) -> None:
    settings.USE_TZ = False
    with time_machine.travel(NOON.timestamp(), tick=False) as traveller:
        begun = opened(owner)
        later = datetime.fromisoformat(f"2026-11-22T{moment}+00:00")
        traveller.move_to(later.timestamp())
        arrival = come_back(owner)
        assert arrival.status == status
        assert (arrival.opened == begun) == (status == "resumed")


def test_t_15_a_clock_that_jumps_back_an_hour_breaks_nothing(
    tab: Browser, user: Any, at: Any, silent: None
) -> None:
    first = tab.send()["session"]
    at("11:00:00")
    assert tab.status()["session"]["id"] == first["id"]
    sent = tab.send("Still here")
    assert (sent["status"], sent["session"]["id"]) == (201, first["id"])
    for name in ("last_activity_at", "last_message_at", "expires_at"):
        assert sent["session"][name] >= first[name], name
    history = tab.get("sessions")
    assert [row["id"] for row in history["sessions"]] == [first["id"]]
    transcript = tab.get(f"sessions/{first['id']}/messages")["messages"]
    assert [row["content"] for row in transcript] == ["Hello", "Still here"]
    for told in (history, transcript, sent):
        assert not re.search(r": -\d", json.dumps(told))
    request = RequestFactory().get("/")
    request.user = user
    page = TAGS.render(Context({"request": request}))
    assert "Still here" in page
    assert not re.search(r"[>\s]-\d", page)
    at("12:04:59")
    assert tab.send("Back")["session"]["id"] == first["id"]


@pytest.mark.parametrize(
    "field", ["now", "last_activity_at", "expires_at", "timeout", "started_at"]
)
def test_t_17_the_clients_own_time_is_refused(
    tab: Browser, at: Any, silent: None, field: str
) -> None:
    session = tab.send()["session"]
    far = "2099-01-01T00:00:00Z"
    at("12:04:00")
    for path in ("messages", "sessions"):
        body = {"content": "Hi", "key": "key-with-time"} if path == "messages" else {}
        refused = tab.post(path, **body, **{field: far})
        assert (refused["status"], refused["code"]) == (400, "unknown_field")
    touched = tab.post(f"sessions/{session['id']}/touch", **{field: far})
    assert (touched.get("session") or session)["expires_at"] <= "2026-11-22T12:09:00.000000Z"
    response = tab.client.get("/chat/sessions/current", headers={"X-Client-Time": far})
    assert response.json()["server_time"].startswith("2026-11-22T12:04:00")


class ByUser(IdleTimeoutPolicy):
    """A host's table of timeouts, which may change while people chat."""

    seconds: dict[Any, float | None] = {}

    def timeout_for(self, activity: Activity) -> float | None:
        return self.seconds.get(activity.user_id, 300)


class Broken(TimeoutPolicy):
    def deadline(self, activity: Activity) -> Deadline | None:
        raise RuntimeError("SECRET-4711 is not in the table of timeouts")


class Gives(TimeoutPolicy):
    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds

    def deadline(self, activity: Activity) -> Deadline | None:
        if self.seconds is None:
            return None
        return Deadline(activity.last_activity_at + timedelta(seconds=self.seconds), "ours")


class TestT18Policies:
    TEN_YEARS = 10 * 365 * 24 * 3600

    @pytest.fixture
    def long_login(self, settings: Any) -> None:
        settings.SESSION_COOKIE_AGE = 30 * 365 * 24 * 3600

    def test_none_never_expires(
        self, long_login: None, tab: Browser, noon: Any, settings: Any
    ) -> None:
        listen_only(settings)
        configure(settings, TIMEOUT_POLICY=Gives(None))
        first = tab.send()["session"]
        assert first["expires_at"] is None
        noon.shift(timedelta(days=4000))
        assert tab.send()["session"]["id"] == first["id"]
        assert chat_sessions.sweep() == 0

    def test_ten_years_are_ten_years(
        self, long_login: None, tab: Browser, noon: Any, settings: Any
    ) -> None:
        listen_only(settings)
        configure(settings, TIMEOUT_POLICY=Gives(self.TEN_YEARS))
        first = tab.send()["session"]
        noon.shift(timedelta(seconds=self.TEN_YEARS) - SECOND)
        assert tab.send()["session"]["id"] == first["id"]
        noon.shift(timedelta(seconds=self.TEN_YEARS))
        assert tab.send()["session"]["id"] != first["id"]

    def test_what_a_user_is_given_holds_from_the_next_request_on(
        self, tab: Browser, user: Any, noon: Any, settings: Any, silent: None
    ) -> None:
        configure(settings, TIMEOUT_POLICY=ByUser())
        first = tab.send()["session"]
        ByUser.seconds = {user.pk: 3600}
        try:
            noon.shift(60 * SECOND)
            assert tab.send()["session"]["expires_at"] == "2026-11-22T13:01:00.000000Z"
            noon.shift(timedelta(minutes=59))
            assert tab.send()["session"]["id"] == first["id"]
        finally:
            ByUser.seconds = {}

    @pytest.mark.parametrize(
        "policy",
        [Gives(0), Gives(-1), Gives(-(10**12)), Gives(10**15), Gives(float("nan")), Broken()],
        ids=["0", "negative", "before the calendar", "after it", "nan", "raises"],
    )
    def test_what_is_wrong_never_takes_the_chat_away(
        self, tab: Browser, noon: Any, settings: Any, silent: None, policy: TimeoutPolicy
    ) -> None:
        configure(settings, TIMEOUT_POLICY=policy)
        session = tab.send()["session"]
        noon.shift(SECOND)
        assert tab.status()["status"] == 200
        assert tab.send("More")["status"] == 201
        assert tab.get("sessions")["status"] == 200
        assert tab.post(f"sessions/{session['id']}/touch")["status"] == 200
        assert tab.post(f"sessions/{session['id']}/reopen")["status"] == 200
        assert tab.post(f"sessions/{session['id']}/end")["status"] == 200
        chat_sessions.sweep()

    @pytest.mark.parametrize("policy", [Gives(0), Gives(-1), Broken()], ids=["0", "-1", "raises"])
    def test_and_the_check_says_so_before_the_first_request(
        self, settings: Any, policy: TimeoutPolicy
    ) -> None:
        configure(settings, TIMEOUT_POLICY=policy)
        with pytest.raises(SystemCheckError, match=r"chat_sessions.E004"):
            call_command("check")
