"""``erase_chat_sessions``: everything of one owner's, for good."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from django_chat_sessions import services
from django_chat_sessions.exceptions import SessionsHeld
from django_chat_sessions.management.outage import ToldInASentence, print_now
from django_chat_sessions.management.owner_options import add_owner_options, owner_from


class Command(ToldInASentence):
    """Translate the options, call the verb, print the counts."""

    help = (
        "Deletes every chat session and message of one user or visitor, for good; a reply that is "
        "being written is stopped. Does not ask. Safe beside live traffic; again it finds nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_owner_options(parser)
        parser.add_argument(
            "--dry-run", action="store_true", help="Change nothing; say what would be erased."
        )
        parser.add_argument("--json", action="store_true", help="Print the counts as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        dry_run = options["dry_run"]
        owner = owner_from(options)
        try:
            erased = services.erase(owner, dry_run=dry_run, progress=self.progress("erased"))
        except SessionsHeld as error:
            self._report(error.done, options)
            raise CommandError(str(error)) from error
        self._report(erased, options)

    def _report(self, erased: services.Erased, options: dict[str, Any]) -> None:
        dry_run = options["dry_run"]
        if options["json"]:
            print_now(self.stdout, json.dumps({**asdict(erased), "dry_run": dry_run}))
            return
        would = "would be " if dry_run else ""
        print_now(
            self.stdout,
            f"{erased.sessions} sessions and {erased.messages} messages {would}erased, "
            f"{erased.stopped} replies {would}stopped.",
        )
