"""SIGKILL of the web process, and a web process that is stalled, while it writes answers."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable

import pytest

from tests.durability.kills import GRACE, Asked, follow_all
from tests.durability.processes import DB_WORKER, Process, Stage, wait_for
from tests.durability.readers import Person, Reader
from tests.durability.words import question, whole

LEASE = 3.0
PEOPLE = 3
MOST_LOST = 1.5  # seconds: one of text, and what it takes until an answer begins
Tell = Callable[[str], None]


def test_no_kill_of_the_web_process_loses_a_question_or_spoils_an_answer(
    stage: Stage, is_long: bool, dice: random.Random, tell: Tell
) -> None:
    kills, seconds = (50, 10.0) if is_long else (3, 2.0)
    server = stage.server(lease=str(LEASE)).start()
    slowest, lost, ends = 0.0, 0.0, []
    for number in range(kills):
        attempts = 1 + number % 2  # what the process after the kill goes by
        asked = [_person(server, seconds) for _ in range(PEOPLE + 1)]
        moment = dice.uniform(0.1, seconds)
        killed_at, back_at = _kill_while_answering(server, asked, moment, attempts, dice)
        follow_all(asked, within=2 * seconds + 4 * (LEASE + GRACE))
        for one in asked:
            end = one.check(stage.database, attempts)
            ends.append(f"{end['state']} {end['attempt']}")
            assert one.taken_up_at is not None
            if one.at < killed_at:
                # Nobody can look before there is a server again.
                slowest = max(slowest, one.taken_up_at - max(killed_at + LEASE, back_at))
            if end["state"] == "interrupted":
                lost = max(lost, killed_at - one.at - end["share"] * seconds)
        if number % 10 == 9:
            tell(f"{number + 1} kills")
    counted = ", ".join(f"{ends.count(end)} {end}" for end in sorted(set(ends)))
    tell(f"{kills} kills, {len(ends)} questions, none lost; state and attempt: {counted}")
    tell(f"known to its reader {slowest:.2f} s after the lease at most, {GRACE} allowed")
    tell(f"at most {lost:.2f} s of text lost, {MOST_LOST} allowed")
    assert slowest <= GRACE
    assert lost <= MOST_LOST


def _person(server: Process, seconds: float) -> Asked:
    return Asked(Reader(Person(server.port)), question(int(seconds * 20), seconds))


def _kill_while_answering(
    server: Process, asked: list[Asked], moment: float, attempts: int, dice: random.Random
) -> tuple[float, float]:
    """Let people ask at random moments, the last one at the very end; kill, and start again.

    Return when it was killed, and when it was back.
    """
    begins = [0.0, *sorted(dice.uniform(0, moment) for _ in asked[2:]), moment]
    began = time.monotonic()
    threads = []
    for one, after in zip(asked, begins, strict=True):
        time.sleep(max(0.0, began + after - time.monotonic()))
        threads.append(threading.Thread(target=one.ask))
        threads[-1].start()
    time.sleep(dice.uniform(0, 0.01))
    killed_at = time.monotonic()
    server.end(signal.SIGKILL)
    server.start(PROOF_ATTEMPTS=str(attempts))
    back_at = time.monotonic()
    for thread in threads:
        thread.join()
    return killed_at, back_at


@pytest.mark.parametrize(
    ("runner", "attempts"),
    [
        ("tasks", 2),
        *[
            pytest.param(*other, marks=pytest.mark.durability)
            for other in (("tasks", 1), ("threads", 1), ("threads", 2))
        ],
    ],
)
def test_the_late_write_of_a_stalled_worker_is_refused(
    stage: Stage, runner: str, attempts: int, tell: Tell
) -> None:
    settings = {"runner": runner, "attempts": str(attempts), "lease": "2"}
    front, other = (stage.server(**settings).start() for _ in range(2))
    stalled, log = front, front
    if runner == "tasks":
        stalled = log = stage.process(DB_WORKER, **settings).start()
    asked = Asked(Reader(Person(front.port)), question(60, 3.0))
    asked.ask()
    asked.reader.look()
    wait_for(lambda: _has_begun(asked), 5, "the answer has begun")
    stalled.send(signal.SIGSTOP)
    asked.reader.person.port = other.port
    if runner == "tasks":
        stage.process(DB_WORKER, **settings).launch()
    noticed = wait_for(lambda: _is_taken_up(asked), 2 + GRACE, "the reader knows that it is gone")
    stalled.send(signal.SIGCONT)
    wait_for(lambda: "taken away" in log.log(), 5, "the stalled worker's write is refused")
    asked.follow(within=10)
    end = asked.check(stage.database, attempts)
    time.sleep(1)  # whatever the woken worker may still have in mind
    assert asked.check(stage.database, attempts) == end
    assert end["state"] == ("interrupted" if attempts == 1 else "answered")
    tell(f"noticed after {noticed:.2f} s of {2 + GRACE}; its write was refused")


def _has_begun(asked: Asked) -> bool:
    asked.reader.look()
    return bool(asked.reader.reply()["content"])


def _is_taken_up(asked: Asked) -> bool:
    asked.reader.look()
    return asked.reader.is_finished() or asked.reader.reply()["attempt"] > 1


def test_the_words_of_the_proofs_show_what_is_missing_or_doubled() -> None:
    text = whole(question(8, 1.0))
    assert [text.count(f"1.{number}") for number in range(8)] == [1] * 8
    assert whole(question(8, 1.0), attempt=2) != text
    assert len(text) < len(text.encode("utf-16-le")) / 2
