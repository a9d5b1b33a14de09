"""A database that is cut off, restarted or away for a while."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.durability.processes import Stage
from tests.durability.readers import Person
from tests.faults.own_postgres import OwnPostgres
from tests.faults.site import WITHIN, Site, streamed
from tests.faults.tally import Tally

RESTARTS = [("restart", "-m", "fast"), ("restart", "-m", "immediate")]


def test_a_connection_to_the_database_that_is_cut_at_any_moment(
    site: Site, is_long: bool, dice: random.Random, tally: Tally
) -> None:
    """A connection to the database cut at any byte of it, inside of a transaction or not."""
    whole = site.asked()
    before = len(site.line.passed)
    assert tally.send(whole)
    passed = site.line.passed[before]  # the request's own; others are the answer's
    moments = [("cut_request_after", passed.request), ("cut_answer_after", passed.answer)]
    moments *= 50 if is_long else 3
    asked = [whole]
    for direction, size in moments:
        one = site.asked()
        with site.line.troubled(**{direction: dice.randrange(size)}):
            tally.send(one)
        assert one.reader.person.call("GET", "sessions")[0] == 200
        asked.append(one)
    tally.rounds = len(moments)
    for one in asked:
        tally.send_until_taken(one, WITHIN)
        one.follow(WITHIN)
        tally.settle(site.database, one)


def test_a_database_that_restarts_while_people_chat(
    site: Site, is_long: bool, dice: random.Random, tally: Tally
) -> None:
    """PostgreSQL restarted, fast and immediately, in the middle of requests and answers."""
    for _ in range(5 if is_long else 1):
        with site.traffic(tally, people=6 if is_long else 3, seconds=1.0):
            for words in RESTARTS:
                time.sleep(dice.uniform(0.3, 0.8))
                site.database.control(*words)
                tally.rounds += 1


@pytest.mark.durability
def test_a_database_that_restarts_in_the_middle_of_a_stream(site: Site, tally: Tally) -> None:
    """PostgreSQL restarted while a reader follows a growing answer by a stream."""
    for number in range(6):
        one = site.asked(seconds=3.0, words=60)
        tally.send_until_taken(one, WITHIN)
        restart = threading.Timer(0.7, site.database.control, RESTARTS[number % 2])
        restart.start()
        until = time.monotonic() + WITHIN
        while not (one.reader.events and one.reader.is_finished()):
            assert time.monotonic() < until
            one.reader.take(streamed(one.reader))
        restart.join()
        tally.settle(site.database, one)
        tally.rounds += 1


def test_d11_kept_connections_survive_a_restart_while_nobody_uses_them(
    postgres: OwnPostgres, stage: Stage, is_long: bool, tally: Tally
) -> None:
    """PostgreSQL restarted while the site is idle, with CONN_MAX_AGE and CONN_HEALTH_CHECKS."""
    server = stage.server("gunicorn-gthread", kept="600").start()
    people = [Person(server.port) for _ in range(8)]

    def at_once(pool: ThreadPoolExecutor) -> list[int]:
        return [answer[0] for answer in pool.map(lambda one: one.call("GET", "sessions"), people)]

    with ThreadPoolExecutor(len(people)) as pool:
        for number in range(10 if is_long else 1):
            assert at_once(pool) == [200] * 8
            postgres.control(*RESTARTS[number % 2])
            told = at_once(pool)
            tally.seen.update(str(status) for status in told)
            assert told == [200] * 8
            tally.rounds += 1


def test_d13_a_database_that_is_down_for_a_while(site: Site, is_long: bool, tally: Tally) -> None:
    """PostgreSQL down: the API says 503 and when to come back, pages show all else."""
    logged_in = Person(site.web.port)
    assert logged_in.call("GET", "/enter")[0] == 200
    people = [Person(site.web.port), logged_in]
    asked = [site.asked(person=person) for person in people]
    site.database.control("stop", "-m", "fast")
    down_since = time.monotonic()
    try:
        while True:
            for one in asked:
                assert not tally.send(one)
                _assert_down(one.reader.person, tally)
            tally.rounds += 1
            if time.monotonic() - down_since > (30 if is_long else 0):
                break
    finally:
        site.database.control("start")
    for one in asked:
        tally.send_until_taken(one, WITHIN)
        one.follow(WITHIN)
        tally.settle(site.database, one)
        page = one.reader.person.call("GET", "/page")[1]
        assert one.question in page


def _assert_down(person: Person, tally: Tally) -> None:
    for path in ("sessions/current", "sessions", "updates"):
        status, body = person.call("GET", path)
        assert (status, body["code"]) == (503, "unavailable")
        assert int(person.headers["Retry-After"]) > 0
        tally.seen[str(status)] += 1
    status, page = person.call("GET", "/page")
    assert (status, "News of the day" in page, "The end" in page) == (200, True, True)
    tally.seen["page 200"] += 1
