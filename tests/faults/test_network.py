"""A network that cuts, delays and repeats, between readers and the server."""

from __future__ import annotations

import random
import time

from tests.durability.processes import wait_for
from tests.faults.site import WITHIN, Site, streamed
from tests.faults.tally import Tally


def test_d04_a_request_that_is_cut_at_any_moment_and_sent_again(
    site: Site, is_long: bool, dice: random.Random, tally: Tally
) -> None:
    """A request cut before, while and after the server worked; sent again under its key."""
    whole = site.asked()
    assert tally.send(whole)
    passed = site.web.passed[-1]
    moments = [{"cut_request_after": passed.request}, {"cut_answer_after": 0}]
    for _ in range(50 if is_long else 2):
        moments.append({"cut_request_after": dice.randrange(passed.request)})
        moments.append({"cut_answer_after": dice.randrange(passed.answer)})
    asked = [whole]
    for moment in moments:
        one = site.asked()
        with site.web.troubled(delay=dice.choice([0, 0, 0.01]), **moment):
            assert not tally.send(one), moment
        tally.send_until_taken(one, WITHIN)
        asked.append(one)
    tally.rounds = len(moments)
    for one in asked:
        one.follow(WITHIN)
        tally.settle(site.database, one)


def test_d05_a_request_that_the_network_repeats(site: Site, is_long: bool, tally: Tally) -> None:
    """A request that the network delivers twice at once."""
    for _ in range(30 if is_long else 2):
        one = site.asked()
        with site.web.troubled(twice=True):
            assert tally.send(one)
        one.follow(WITHIN)
        tally.settle(site.database, one)
        wait_for(lambda: site.web.second_answers, WITHIN, "the second answer has come")
        second = site.web.second_answers.pop()
        assert second.partition(b"\r\n")[0].split()[1] in (b"200", b"201")
        assert one.session.encode() in second
        assert one.question.encode() in second
        tally.rounds += 1


def test_a_stream_that_is_cut_in_the_middle_of_an_answer(
    site: Site, is_long: bool, dice: random.Random, tally: Tally
) -> None:
    """A stream cut in the middle of an answer, and taken up from its last event."""
    one = site.asked(seconds=20.0 if is_long else 1.5, words=600 if is_long else 60)
    tally.send_until_taken(one, WITHIN)
    until = time.monotonic() + 2 * WITHIN
    while not (one.reader.events and one.reader.is_finished()):
        assert time.monotonic() < until
        cut = dice.randrange(3000) + dice.choice([0, 20_000])  # the first event is a long one
        with site.web.troubled(cut_answer_after=cut, delay=dice.choice([0, 0.02])):
            one.reader.take(streamed(one.reader))
        tally.rounds += 1
        tally.seen["stream cut"] += 1
    tally.settle(site.database, one)
