"""Whom a session belongs to: a user, or an anonymous visitor known by an unguessable key."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django_chat_sessions.ids import digest

if TYPE_CHECKING:
    from django.http import HttpRequest

    from django_chat_sessions.models import AbstractChatSession


@dataclass(frozen=True, slots=True)
class Owner:
    """A user's id or a visitor's hashed key; never both, never neither."""

    user_id: Any = None
    visitor_key: str | None = None

    def __post_init__(self) -> None:
        if (self.user_id is None) == (not self.visitor_key):
            raise ValueError("An owner is either a saved user or a visitor with a key.")

    @classmethod
    def for_user(cls, user: Any) -> Owner:
        """Return the owner that stands for a saved user."""
        return cls(user_id=user.pk)

    @classmethod
    def for_visitor(cls, key: str) -> Owner:
        """Return the owner that stands for the visitor who holds this secret key.

        Only a hash is kept: whoever reads the table cannot become the visitor.
        """
        if not key:
            raise ValueError("A visitor's key must not be empty.")
        return cls(visitor_key=hashlib.sha256(key.encode()).hexdigest())

    @classmethod
    def of(cls, session: AbstractChatSession) -> Owner:
        """Return the owner of a session."""
        if session.user_id is not None:
            return cls(user_id=session.user_id)
        return cls(visitor_key=session.visitor_key)

    @property
    def identity(self) -> str:
        """A text that no other owner has."""
        if self.user_id is not None:
            return f"user:{self.user_id}"
        return f"visitor:{self.visitor_key}"

    def open_key(self, scope: str) -> UUID:
        """Return the value of ``open_key`` that only this owner's open session of a scope has."""
        return digest("open", self.identity, scope)

    def client_key(self, key: str) -> UUID:
        """Return the stored form of a client's key; the same key of another owner differs."""
        return digest("client", self.identity, key)


# Whether a request's reader was asked for, and found: the middleware says in headers what follows
# from it. In META, which is one however often the request is wrapped.
READER_FOUND = "CHAT_SESSIONS_READER_FOUND"


def owner_from_request(request: HttpRequest) -> Owner | None:
    """Return the owner that the configured authenticators recognise, or None. Issues no cookie."""
    # Imported late: authentication is made of owners.
    from django_chat_sessions.authentication import recognise  # noqa: PLC0415

    request.META.setdefault(READER_FOUND, False)
    owner = recognise(request).owner
    if owner is not None:
        request.META[READER_FOUND] = True
    return owner
