"""A rolling deploy, migration first: the old code and the new one in the same conversation."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.durability.processes import ROOT
from tests.durability.readers import Person
from tests.faults.own_postgres import OwnPostgres
from tests.faults.site import WITHIN, Site
from tests.faults.tally import Tally

# What a migration of tomorrow may do while the code of today goes on.
TOMORROW = (
    "ALTER TABLE chat_sessions_chatsession ADD COLUMN mood varchar(20) NOT NULL DEFAULT ''",
    "ALTER TABLE chat_sessions_chatmessage ADD COLUMN mood varchar(20) NULL",
    "CREATE INDEX CONCURRENTLY tomorrow ON chat_sessions_chatsession (user_id, mood)",
)


@pytest.mark.durability
def test_m08_the_old_code_and_the_new_one_write_one_conversation(
    site: Site, is_long: bool, tally: Tally
) -> None:
    """The first release's code and today's on one database, in one conversation."""
    person = Person(site.web.port)
    first = site.asked(person=person)
    tally.send_until_taken(first, WITHIN)
    first.follow(WITHIN)
    old = _old_code(site, first.session)
    ours = [first]
    for _ in range(40 if is_long else 4):
        ours.append(site.asked(person=person))
        tally.send_until_taken(ours[-1], WITHIN)
        ours[-1].follow(WITHIN)
        tally.rounds += 1
    written = json.loads(old.communicate("stop\n", timeout=WITHIN)[0])
    assert old.returncode == 0
    assert written
    for one in ours:
        tally.settle(site.database, one)
    _assert_everything_is_there_in_order(site, first.session, written)
    tally.seen["turns by the old code"] += len(written)


def _old_code(site: Site, session: str) -> subprocess.Popen[str]:
    environment = site.stage.process("old").environment
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.old_code", session],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _assert_everything_is_there_in_order(site: Site, session: str, written: list[str]) -> None:
    rows = site.database.messages(session)
    theirs = [row[0] for row in rows if row[0].startswith("the old code's")]
    assert theirs == [text for text in written for _ in range(2)]


@pytest.mark.durability
def test_m08_todays_code_goes_on_while_tomorrows_migration_runs(
    site: Site, postgres: OwnPostgres, tally: Tally
) -> None:
    """Columns and an index added while people chat, by code that knows nothing of them."""
    with site.traffic(tally):
        for statement in TOMORROW:
            postgres.administer(statement)
            tally.rounds += 1
