"""The measurements of scale and of the cleanup, at a size that takes seconds.

They are about PostgreSQL and the ready-made tables; elsewhere there is nothing here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections
from django.db.models import Count, F

from benchmarks.cleanup import overdue
from benchmarks.cleanup.clients import Chat
from benchmarks.cleanup.command import Run, clear, delete
from benchmarks.figures import Figures
from benchmarks.scale import report
from benchmarks.scale.filling import Size, fill
from benchmarks.scale.operations import Subject, measure
from benchmarks.scale.plans import plans_of
from django_chat_sessions import clock, get_message_model, get_session_model, services
from tests import databases
from tests.conversations import configure

HERE = (os.environ.get(databases.KIND), settings.SETTINGS_MODULE) == (
    "postgres",
    "tests.settings.default_models",
)
pytestmark = [pytest.mark.once, pytest.mark.django_db(transaction=HERE)]


@dataclass(frozen=True)
class Small(Size):
    """A size that is measured in the database of the tests."""

    @property
    def name(self) -> str:
        return str(connection.settings_dict["NAME"])


def rows() -> tuple[Any, Any]:
    """Return the querysets of all sessions and all messages."""
    return get_session_model().objects.all(), get_message_model()._default_manager.all()


if HERE:

    def test_filled_rows_are_what_the_package_would_have_made() -> None:
        size = Small(400, 4)
        fill(size)
        sessions, messages = rows()
        assert (sessions.count(), messages.count()) == (401, 1600 + size.long)
        assert sessions.filter(user_id=1).count() == size.heavy[0] == 30
        assert not messages.filter(session__isnull=True).exists()
        counted = sessions.annotate(said=Count("messages"))
        assert not counted.exclude(message_count=F("said")).exists()
        followed = sessions.filter(previous__isnull=False)
        assert followed.count() > 300
        assert not followed.exclude(previous__started_at__lt=F("started_at")).exists()
        assert not followed.exclude(user_id=None).exclude(previous__user=F("user_id")).exists()
        assert {row.pk.version for row in [*sessions, *messages]} == {7}
        assert sessions.lapsed(clock.now()).count() == 4

    def test_everything_is_measured_and_every_plan_is_looked_at(settings: Any) -> None:
        configure(settings, RESPONDER=None, ACTIVITY_RESOLUTION=0)
        size = Small(400, 4)
        fill(size)
        subject, usual = Subject(size, 30), connections["default"]
        figures = Figures("scale", "Small", "python -m benchmarks.scale")
        try:
            took = measure([subject], rounds=1)
            table = report._operations([subject], took, figures)
            bars = [*report._s01(subject), *report._s02(subject)]
            plans = report._plans(subject, figures)
        finally:
            subject.connection.close()
            connections["default"] = usual
        assert [row[-1] for row in table.rows] == ["1.00 ×"] * len(took)
        assert [bar.measured.split(",")[0] for bar in bars] == [
            *("1 statements", "1 statements", "3 statements", "0")
        ]
        assert len(plans.rows) > 20
        assert figures.bars[-1].what.startswith("plans of ")

    def test_a_plan_that_reads_or_sorts_too_much_is_a_fault() -> None:
        fill(Small(400, 4))
        sessions, messages = rows()
        by_index = sessions.order_by("-open_key")
        for verb, fault in (
            (lambda: list(messages.filter(content="Why?")), "reads all of"),
            (lambda: list(by_index[:3]), "walks the whole of"),
            (lambda: list(sessions.filter(user_id=1).order_by("title")), "sorts 30 rows"),
        ):
            found = [plan.faults(20) for plan in plans_of("planted", verb)]
            assert all(any(fault in sentence for sentence in kind) for kind in found), found
        [custom, generic] = plans_of("fine", lambda: services.recent_sessions(OWNER))
        assert (custom.kind, generic.kind) == ("custom", "generic")
        assert custom.faults(100) == []

    def test_s03_a_killed_sweep_is_finished_by_the_next() -> None:
        overdue.fill(600)
        database = connection.settings_dict["NAME"]
        killed = clear(database, "--batch-size", "50", kill_at=100)
        left = overdue.left()
        assert (killed.code, left % 50) == (-9, 0)
        assert 0 < left <= 500
        rest = clear(database, "--batch-size", "50")
        assert (rest.code, rest.counts["swept"], overdue.left()) == (0, left, 0)
        assert rest.progress[-1] == left
        assert 20 < max(rest.megabytes) < 150

    def test_the_rival_deletes_the_same_rows() -> None:
        fill(Small(400, 4))
        before = clock.now() - timedelta(days=100)
        doomed = services.purge(older_than_days=100, dry_run=True)
        rival = delete(connection.settings_dict["NAME"], before)
        assert (rival.code, rival.progress) == (0, [doomed])
        assert doomed == rival.counts["purged"] > 200
        assert services.purge(older_than_days=100, dry_run=True) == 0
        sessions, messages = rows()
        assert messages.count() == sum(sessions.values_list("message_count", flat=True))


OWNER = Small(400, 4).owner_of(30)


def test_how_long_people_waited_is_that_of_a_span_of_time() -> None:
    chat = Chat("", [(float(second), second / 1000) for second in range(1, 101)])
    assert chat.calls(51, 100) == 50
    assert 95 <= chat.p95(1, 100) <= 96
    assert 97 <= chat.p95(51, 100) <= 98.5


@pytest.mark.parametrize(
    ("megabytes", "starting", "grown"),
    [([9, 50, 50, 50, 50], 1, 1.0), ([50, 50, 100, 75], 0, 2.0), ([9, 40], 2, 1.0)],
)
def test_memory_is_compared_once_the_command_is_at_work(
    megabytes: list[float], starting: int, grown: float
) -> None:
    assert Run(megabytes=megabytes, starting=starting).growth == grown
