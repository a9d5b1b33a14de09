"""What can go wrong.

ChatSessionsError
 ├─ SessionNotFound     no such session, or not this owner's
 ├─ SessionEnded        the session takes no more messages
 ├─ TurnInProgress      an answer is being written
 ├─ NothingToRetry      the last message is no reply that could be asked for again
 ├─ TooManyMessages     the owner has sent as much as LIMITS allow
 ├─ KeyReused           one client key, two texts
 ├─ TurnLost            the lease on a reply has passed to somebody else
 ├─ InvalidDocument     what should be imported is not what an export gives
 ├─ WrongCursor         a cursor of updates that was never given out
 ├─ SessionsHeld        rows of the host's keep sessions from being deleted; all others are gone
 └─ NotAuthenticated    nobody recognised the caller, or the account is gone
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from typing import Any

    from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession


class ChatSessionsError(Exception):
    """Base of all errors of this package; do not raise directly."""


class SessionNotFound(ChatSessionsError):
    """There is no such session, or it belongs to somebody else."""


class SessionEnded(ChatSessionsError):
    """The session takes no more messages; ``current`` is the one open in its scope, if any."""

    def __init__(
        self, session: AbstractChatSession, current: AbstractChatSession | None = None
    ) -> None:
        super().__init__(f"Chat session {session.pk} has ended; reopen it or start a new one.")
        self.session = session
        self.current = current


class TurnInProgress(ChatSessionsError):
    """The session is waiting for an answer; ``reply`` is the message that will hold it."""

    def __init__(
        self, session: AbstractChatSession, reply: AbstractChatMessage | None = None
    ) -> None:
        super().__init__(f"Chat session {session.pk} is waiting for an answer.")
        self.session = session
        self.reply = reply


class NothingToRetry(ChatSessionsError):
    """The session's last message is no reply that failed, was stopped or was left behind."""

    def __init__(self, session: AbstractChatSession) -> None:
        super().__init__(f"Chat session {session.pk} has no reply to ask for again.")
        self.session = session


class TooManyMessages(ChatSessionsError):
    """The owner has sent as much as LIMITS allow; again after ``retry_after`` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"This owner has sent too much; again after {retry_after} seconds.")
        self.retry_after = retry_after


class KeyReused(ChatSessionsError):
    """The client key was used before for another text."""


class TurnLost(ChatSessionsError):
    """The reply is no longer ours to write: it ended, or its lease went to another worker."""


class InvalidDocument(ChatSessionsError, ValueError):
    """A document to import is not what an export gives; the message says where, never what."""


class WrongCursor(ChatSessionsError, ValueError):
    """The cursor of updates was never given out; begin again without it."""


class SessionsHeld(ChatSessionsError, models.ProtectedError):
    """Rows of the host's keep ``held`` sessions from being deleted.

    All others are gone: ``done`` is what ``purge`` or ``erase`` would have returned for them.
    """

    def __init__(self, held: int, why: Exception, done: Any) -> None:
        super().__init__(
            f"{held} sessions stay, all others are gone. {why.args[0]} Delete those rows first, "
            "or give their foreign key another on_delete.",
            why.args[1],
        )
        self.held = held
        self.done = done

    def __str__(self) -> str:
        return str(self.args[0])


class NotAuthenticated(ChatSessionsError):
    """No configured authenticator recognised the caller, or the account was deleted since."""
