"""Processes that are stopped by a deploy, cleaned up after, or go by a wrong clock."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest

from tests.durability.kills import Asked
from tests.durability.processes import ROOT, Process, Stage
from tests.durability.readers import Person, Reader
from tests.durability.words import question
from tests.faults.site import LEASE, WITHIN, Site
from tests.faults.tally import Tally

JUMPS = (20, -20, 3600, -3600)  # seconds


@pytest.mark.durability
def test_d02_a_deploy_while_people_chat(site: Site, tally: Tally) -> None:
    """SIGTERM and the next server, again and again, while people chat."""
    with site.traffic(tally, seconds=1.0):
        for _ in range(5):
            time.sleep(2.0)
            site.server.end(signal.SIGTERM)
            site.server.start()
            tally.rounds += 1


@pytest.mark.durability
def test_c08_the_cleanup_in_a_loop_while_people_chat(site: Site, tally: Tally) -> None:
    """clear_chat_sessions in a loop beside people who chat, for a minute."""
    until = time.monotonic() + 60
    with site.traffic(tally, people=4):
        while time.monotonic() < until:
            _clean_up(site)
            tally.rounds += 1


def _clean_up(site: Site) -> None:
    command = [sys.executable, "-m", "django", "clear_chat_sessions"]
    environment = site.stage.process("cleanup").environment
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.durability
@pytest.mark.parametrize("jump", JUMPS)
def test_the_clock_of_one_process_jumps_while_people_chat(
    stage: Stage, tmp_path: Path, tally: Tally, jump: int
) -> None:
    """The clock of one of two servers jumps in the middle of an answer, and is set right."""
    tally.fault += f" ({jump:+} s)"
    clock = tmp_path / "clock"
    clock.write_text("0")
    settings = {"lease": str(LEASE), "attempts": "4"}
    wrong = stage.server(clock=str(clock), **settings).start()
    right = stage.server(**settings).start()
    people = [Person(wrong.port), Person(right.port)]
    for number in range(3):
        asked = [_sent(tally, person, number) for person in people]
        time.sleep(0.3)
        clock.write_text(str(jump))
        time.sleep(0.8)
        clock.write_text("0")
        for person in people:  # each goes on at the other server
            person.port = wrong.port if person.port == right.port else right.port
        for one in asked:
            one.follow(WITHIN)
            tally.settle(stage.database, one)
        tally.rounds += 1


def _sent(tally: Tally, person: Person, number: int) -> Asked:
    one = Asked(Reader(person), f"{question(20, 1.0)} ({uuid4().hex} {number})")
    tally.send_until_taken(one, WITHIN)
    return one


@pytest.mark.durability
def test_a_skew_costs_no_more_than_itself(stage: Stage, tmp_path: Path, tally: Tally) -> None:
    """Two servers whose clocks are apart, by less than the timeout and by more."""
    clock = tmp_path / "clock"
    servers: list[Process] = [stage.server(clock=str(clock)).start(), stage.server().start()]
    for offset in (0, 250, 279, 301):
        clock.write_text("0")
        person = Person(servers[1].port)
        one = _sent(tally, person, offset)
        one.follow(WITHIN)
        clock.write_text(str(offset))
        status, body = person.call("GET", "sessions/current", port=servers[0].port)
        assert status == 200
        assert (body["session"] is not None) is (offset < 300)
        status, body = person.call("GET", "sessions/current")
        assert body["session"]["id"] == one.session
        tally.settle(stage.database, one)
        tally.rounds += 1
