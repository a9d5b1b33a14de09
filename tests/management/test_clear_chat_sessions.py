"""The command for cron: what it prints, what it refuses, and that it changes what it says."""

from __future__ import annotations

import json
import re
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from django_chat_sessions import get_session_model, services
from django_chat_sessions.owners import Owner
from tests.callers import rows
from tests.conversations import configure, fill_history, listen_only, reply_of, stored

VISITOR = Owner.for_visitor("a visitor's secret key")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def clear(*arguments: str, stderr: StringIO | None = None) -> str:
    """Run the command; return what it prints."""
    printed = StringIO()
    call_command("clear_chat_sessions", *arguments, stdout=printed, stderr=stderr or StringIO())
    return printed.getvalue().strip()


@pytest.fixture
def three(db: None, noon: Any, settings: Any) -> Any:
    """Three chats of ten days ago, none of them swept, and one of now."""
    listen_only(settings)
    for number in range(3):
        services.send(VISITOR, "Why?", key=f"key-000000{number}", scope=f"s{number}")
    noon.shift(10 * 24 * 3600)
    services.send(VISITOR, "How?", key="key-00000009", scope="now")
    return noon


def of_sessions(printed: str) -> str:
    """Return what is said of sessions, where there are no replies to speak of."""
    replies, sessions = printed.split("; ")
    assert re.fullmatch(
        r"0 replies (would be )?asked for again, 0 (would be )?interrupted", replies
    )
    return sessions


def reasons() -> list[str]:
    return list(
        get_session_model()._base_manager.order_by("pk").values_list("end_reason", flat=True)
    )


def test_expired_chats_are_swept_and_kept(three: Any) -> None:
    assert of_sessions(clear()) == "3 expired sessions swept, 0 purged."
    assert reasons() == ["idle", "idle", "idle", ""]
    assert of_sessions(clear()) == "0 expired sessions swept, 0 purged."


def test_chats_older_than_the_option_are_purged_with_their_messages(three: Any) -> None:
    assert of_sessions(clear("--older-than", "9.5")) == "3 expired sessions swept, 3 purged."
    left = rows()
    assert [len(table) for table in left.values()] == [1, 1]


def test_an_age_that_no_chat_has_purges_nothing(three: Any) -> None:
    assert of_sessions(clear("--older-than", "11")) == "3 expired sessions swept, 0 purged."


def test_the_retention_of_the_site_is_the_default(three: Any, settings: Any) -> None:
    settings.CHAT_SESSIONS = {**settings.CHAT_SESSIONS, "RETENTION_DAYS": 5}
    assert of_sessions(clear()) == "3 expired sessions swept, 3 purged."


def test_what_is_no_retention_is_refused_before_anything_is_done(three: Any, settings: Any) -> None:
    settings.CHAT_SESSIONS = {**settings.CHAT_SESSIONS, "RETENTION_DAYS": -1}
    stored = rows()
    with pytest.raises(CommandError, match=r"RETENTION_DAYS.* is -1; give days above 0"):
        clear()
    assert rows() == stored


def test_a_dry_run_changes_nothing_and_counts_the_same(three: Any) -> None:
    clear()
    three.shift(3600)
    stored = rows()
    dry = of_sessions(clear("--dry-run", "--older-than", "9"))
    assert dry == "1 expired sessions would be swept, 3 would be purged."
    assert rows() == stored
    assert of_sessions(clear("--older-than", "9")) == "1 expired sessions swept, 3 purged."


def test_p06_a_dry_run_before_the_sweep_changes_nothing_and_counts_the_same(three: Any) -> None:
    stored = rows()
    dry = of_sessions(clear("--dry-run", "--older-than", "9"))
    assert dry == "3 expired sessions would be swept, 3 would be purged."
    assert rows() == stored
    assert of_sessions(clear("--older-than", "9")) == "3 expired sessions swept, 3 purged."
    kept = [row["scope"] for row in rows()[get_session_model().__name__]]
    assert kept == ["now"]


class TestRepliesLeftBehind:
    """A worker died over three replies; one of them had been asked for twice."""

    @pytest.fixture
    def lost(self, db: None, noon: Any, settings: Any) -> list[Any]:
        configure(settings, REPLY_ATTEMPTS=2)
        replies = [
            reply_of(services.send(VISITOR, "Why?", key=f"key-000000{number}", scope=f"s{number}"))
            for number in range(3)
        ]
        type(replies[0]).objects.filter(pk=replies[0].pk).update(attempt=2)
        noon.shift(30)
        return replies

    def states(self, lost: list[Any]) -> list[str]:
        return [stored(reply).state for reply in lost]

    def test_they_are_asked_for_again_or_interrupted(self, lost: list[Any]) -> None:
        said = "2 replies asked for again, 1 interrupted; 0 expired sessions swept, 0 purged."
        assert clear() == said
        assert self.states(lost) == ["interrupted", "pending", "pending"]
        assert clear().startswith("0 replies asked for again, 0 interrupted;")

    def test_a_dry_run_counts_them_and_changes_nothing(self, lost: list[Any]) -> None:
        before = rows()
        said = "2 replies would be asked for again, 1 would be interrupted;"
        assert clear("--dry-run").startswith(said)
        assert rows() == before

    def test_also_as_json(self, lost: list[Any]) -> None:
        for arguments in (["--dry-run"], []):
            counts = json.loads(clear("--json", *arguments))
            assert (counts["retried"], counts["interrupted"]) == (2, 1)

    def test_before_the_sweep_which_would_end_their_sessions(
        self, lost: list[Any], noon: Any
    ) -> None:
        noon.shift(299.9)
        assert clear().startswith("2 replies asked for again, 1 interrupted; 0 expired")
        noon.shift(0.2)
        assert of_sessions(clear()) == "1 expired sessions swept, 0 purged."


def test_the_largest_batch_is_one_that_every_database_takes(db: None) -> None:
    fill_history(VISITOR, 10_000)
    assert of_sessions(clear("--older-than", "0", "--batch-size", "10000")).endswith(
        "10000 purged."
    )


def test_small_batches_come_to_the_same(three: Any) -> None:
    assert (
        of_sessions(clear("--batch-size", "1", "--older-than", "9"))
        == "3 expired sessions swept, 3 purged."
    )


def test_counts_can_be_had_as_json(three: Any) -> None:
    counts = {"retried": 0, "interrupted": 0, "swept": 3, "purged": 0}
    assert json.loads(clear("--json")) == {**counts, "dry_run": False}
    assert json.loads(clear("--json", "--dry-run"))["dry_run"] is True


def test_a_person_at_a_terminal_sees_how_far_it_has_come(three: Any) -> None:
    terminal = Terminal()
    clear("--batch-size", "2", "--older-than", "9", stderr=terminal)
    assert terminal.getvalue().split("\n")[:2] == ["2 swept …", "3 swept …"]
    assert "3 purged …" in terminal.getvalue()


def test_a_log_file_gets_no_progress(three: Any) -> None:
    log = StringIO()
    clear("--batch-size", "1", "--older-than", "9", stderr=log)
    assert log.getvalue() == ""


@pytest.mark.parametrize(
    ("arguments", "way_out"),
    [
        (["--batch-size", "0"], "give 1 to 10000"),
        (["--batch-size", "-5"], "give 1 to 10000"),
        (["--batch-size", "100000"], "give 1 to 10000"),
        (["--older-than", "-1"], "give 0 to 36500 days"),
        (["--older-than", "nan"], "give 0 to 36500 days"),
        (["--older-than", "inf"], "give 0 to 36500 days"),
        (["--older-than", "36501"], "give 0 to 36500 days"),
        (["--older-than", "many"], "invalid float value"),
        (["--batch-size", "1.5"], "invalid int value"),
        (["--colour"], "unrecognized arguments"),
    ],
)
def test_wrong_options_are_refused_with_the_way_out(
    three: Any, arguments: list[str], way_out: str
) -> None:
    stored = rows()
    with pytest.raises(CommandError, match=way_out):
        clear(*arguments)
    assert rows() == stored


@pytest.mark.parametrize("days", ["0", "36500"])
def test_the_bounds_themselves_are_taken(three: Any, days: str) -> None:
    clear("--older-than", days)
