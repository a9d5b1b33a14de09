"""``chat_session_statistics``: how chats begin, go on and are answered. Reads only."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from django_chat_sessions import clock, services
from django_chat_sessions.management.outage import ToldInASentence, print_now
from django_chat_sessions.services.statistics import COLUMNS

USUAL_DAYS = 30


class Command(ToldInASentence):
    """Translate the options, call the verb, print the figures."""

    help = (
        "Prints figures of the chat sessions that started in a range of days, and of the replies "
        "in them: no content, and no owner. Days are those of the site's time zone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", metavar="DAY", help="The first day, as 2026-11-30.")
        parser.add_argument("--until", metavar="DAY", help="The last day; today without it.")
        parser.add_argument(
            "--days", type=int, metavar="N", help="So many days up to the last one; 30 without it."
        )
        parser.add_argument("--json", action="store_true", help="Print the figures as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        since, until = self._range(options)
        try:
            found = services.statistics(since, until)
        except ValueError as error:
            raise CommandError(str(error)) from error
        told = json.dumps(_as_json(found)) if options["json"] else "\n".join(_as_table(found))
        print_now(self.stdout, told)

    def _range(self, options: dict[str, Any]) -> tuple[date, date]:
        days = options["days"]
        since, last = options["since"], options["until"]
        if days is not None and since is not None:
            raise CommandError("--since and --days both say where to begin; give one of them.")
        until = clock.today() if last is None else _day("--until", last)
        if since is not None:
            return _day("--since", since), until
        days = USUAL_DAYS if days is None else days
        if days < 1:
            raise CommandError(f"--days is {days}; give 1 or more.")
        try:
            return until - timedelta(days=days - 1), until
        except OverflowError:
            problem = f"{days} days up to {until}; the calendar does not go back so far."
            raise CommandError(problem) from None


def _day(option: str, given: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise CommandError(f"{option} is {given!r}; give a day as 2026-11-30.") from None


def _as_json(found: services.Statistics) -> dict[str, Any]:
    return {
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "total": found.total.as_dict(),
        "days": [{"day": str(figures.day), **figures.as_dict()} for figures in found.days],
    }


def _as_table(found: services.Statistics) -> list[str]:
    """Return a line for each day on which something began, and the total."""
    shown = [(str(figures.day), figures) for figures in found.days if figures.started]
    rows = [["day", *(name.replace("_", " ") for name in COLUMNS)]]
    for label, figures in [*shown, ("total", found.total)]:
        values = [getattr(figures, name) for name in COLUMNS]
        rows.append([label, *("-" if value is None else str(value) for value in values)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    zone = timezone.get_current_timezone_name()
    reasons = ", ".join(f"{reason} {count}" for reason, count in found.total.new.most_common())
    return [
        f"Chat sessions that started from {found.since} to {found.until} ({zone}).",
        *("  ".join(map(str.rjust, row, widths)) for row in rows),
        f"Why they began: {reasons or 'none did'}.",
    ]
