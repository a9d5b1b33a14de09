"""How a command is told whose data it is about."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.db.models import IntegerField

from django_chat_sessions import get_session_model
from django_chat_sessions.owners import Owner

KEY = re.compile("[0-9a-f]{64}")


def add_owner_options(parser: CommandParser) -> None:
    """Add ``--user-id`` and ``--visitor-key``, of which one must be given."""
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument("--user-id", metavar="ID", help="The primary key of a user.")
    whose.add_argument(
        "--visitor-key",
        metavar="KEY",
        help="What stands in visitor_key of a visitor's sessions: 64 hexadecimal digits.",
    )


def owner_from(options: dict[str, Any]) -> Owner:
    """Return whom the options name. Raises CommandError for what nobody can be."""
    key, user_id = options["visitor_key"], options["user_id"]
    if key is not None:
        if not KEY.fullmatch(key):
            raise CommandError(
                f"--visitor-key is {key!r}; give the 64 hexadecimal digits of the table."
            )
        return Owner(visitor_key=key)
    field = get_session_model()._meta.get_field("user").target_field
    try:
        known = field.to_python(user_id)
        if isinstance(field, IntegerField):  # they say what the database's integers can be
            field.run_validators(known)
        return Owner(user_id=known)
    except ValidationError as error:
        raise CommandError(f"--user-id is {user_id!r}, which no user's key can be.") from error
