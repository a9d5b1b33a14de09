"""``clear_chat_sessions``: recover, sweep, purge. For cron; nothing waits for it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from django_chat_sessions import services
from django_chat_sessions.exceptions import SessionsHeld
from django_chat_sessions.management.outage import ToldInASentence, print_now
from django_chat_sessions.services.retention import LARGEST_BATCH, LONGEST_DAYS, days_kept


class Command(ToldInASentence):
    """Translate the options, call the three verbs, print the counts."""

    help = (
        "Asks again for the replies that a dead worker left behind, or marks them interrupted "
        "(CHAT_SESSIONS['REPLY_ATTEMPTS']), writes expired chat sessions down as ended, then "
        "deletes those older than the retention. "
        "Safe beside live traffic and beside itself; run it from cron, daily or hourly."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--older-than",
            type=float,
            metavar="DAYS",
            help="Delete ended sessions without activity for this many days "
            '(default: CHAT_SESSIONS["RETENTION_DAYS"]; without either nothing but sessions '
            "deleted by their owners goes).",
        )
        parser.add_argument(
            "--batch-size", type=int, default=1000, help="Sessions per transaction (default 1000)."
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Change nothing; say what would be done."
        )
        parser.add_argument("--json", action="store_true", help="Print the counts as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["batch_size"] <= LARGEST_BATCH:
            raise CommandError(
                f"--batch-size is {options['batch_size']}; give 1 to {LARGEST_BATCH}."
            )
        if options["older_than"] is not None and not 0 <= options["older_than"] <= LONGEST_DAYS:
            raise CommandError(
                f"--older-than is {options['older_than']}; give 0 to {LONGEST_DAYS} days."
            )
        try:
            days_kept(options["older_than"])  # the setting's, before anything is done
        except ValueError as error:
            raise CommandError(str(error)) from error
        common = {"batch_size": options["batch_size"], "dry_run": options["dry_run"]}
        recovered = services.recover(dry_run=options["dry_run"], ended=True)
        counts = asdict(recovered)
        counts["swept"] = services.sweep(**common, progress=self.progress("swept"))
        try:
            counts["purged"] = services.purge(
                older_than_days=options["older_than"],
                after_sweep=True,
                **common,
                progress=self.progress("purged"),
            )
        except SessionsHeld as error:
            self._report({**counts, "purged": error.done}, options)
            raise CommandError(str(error)) from error
        self._report(counts, options)

    def _report(self, counts: dict[str, int], options: dict[str, Any]) -> None:
        dry_run = options["dry_run"]
        if options["json"]:
            print_now(self.stdout, json.dumps({**counts, "dry_run": dry_run}))
            return
        would = "would be " if dry_run else ""
        print_now(
            self.stdout,
            "{retried} replies {would}asked for again, {interrupted} {would}interrupted; "
            "{swept} expired sessions {would}swept, {purged} {would}purged.".format(
                **counts, would=would
            ),
        )
