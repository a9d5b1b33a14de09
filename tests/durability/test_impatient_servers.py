"""D-17: a server that ends a worker whose request takes too long, and longer answers."""

from __future__ import annotations

from collections.abc import Callable

from tests.durability.kills import GRACE, Asked
from tests.durability.processes import SERVERS, Process, Stage
from tests.durability.readers import Person, Reader
from tests.durability.words import question, whole

PATIENCE = 2
LEASE = 2.0
SECONDS = 3.0 * PATIENCE
IMPATIENT = f"{SERVERS['gunicorn-sync']} --timeout {PATIENCE}"
Tell = Callable[[str], None]


def _ask(server: Process) -> Asked:
    asked = Asked(Reader(Person(server.port)), question(int(SECONDS * 10), SECONDS))
    asked.ask()
    return asked


def test_an_answer_outside_of_the_request_may_take_longer(stage: Stage, tell: Tell) -> None:
    server = stage.process(IMPATIENT, runner="threads", lease=str(LEASE)).start()
    asked = _ask(server)
    asked.follow(within=SECONDS + GRACE)
    assert asked.check(stage.database, 1)["state"] == "answered"
    assert "TIMEOUT" not in server.log()
    tell(f"an answer of {SECONDS} s, where a request may take {PATIENCE} s")


def test_an_answer_inside_the_request_is_interrupted_and_its_question_kept(
    stage: Stage, tell: Tell
) -> None:
    server = stage.process(IMPATIENT, runner="inline", lease=str(LEASE)).start()
    asked = _ask(server)
    assert "WORKER TIMEOUT" in server.log()
    asked.follow(within=LEASE + GRACE)
    (kept, *_), (content, state, _attempt) = stage.database.messages(asked.session)
    assert kept == asked.question
    assert whole(kept).startswith(content)
    # Whoever ends the worker lets it say so, or does not.
    assert state in {"failed", "interrupted"}
    assert asked.reader.reply()["state"] == state
    tell(f"{len(content)} characters of the answer, and the whole question, outlived the worker")
