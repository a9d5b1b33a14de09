"""Where this host keeps what."""

from __future__ import annotations

from typing import Any


class ChatsElsewhere:
    """Chats have a database of their own, and a copy of it to read from that may be late."""

    # Never None for the accounts: Django would look for a talk's user in the talk's database.
    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica" if model._meta.app_label == "talks" else "default"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "chats" if model._meta.app_label == "talks" else "default"

    def allow_relation(self, first: Any, second: Any, **hints: Any) -> bool:
        """A chat names its user, in whichever database each of them is."""
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == ("chats" if app_label == "talks" else "default")
