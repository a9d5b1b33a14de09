"""Whom a session belongs to: a user, or an anonymous visitor known by an unguessable key."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import DataError
from django.db.models import Model

from django_chat_sessions.ids import blend, digest

if TYPE_CHECKING:
    from django.http import HttpRequest

    from django_chat_sessions.models import AbstractChatSession

# What drivers raise for credentials that no row can hold; without them, a 500 for who sends them.
REFUSED_BY_DRIVER = (DataError, ValueError)


@dataclass(frozen=True, slots=True)
class Owner:
    """A user's id or a visitor's hashed key; never both, never neither.

    ``user_id`` is the primary key as the user has it, ``user.pk``: another spelling of it, such as
    the text of a UUID without hyphens, would be another owner.
    """

    user_id: Any = None
    visitor_key: str | None = None

    def __post_init__(self) -> None:
        if (self.user_id is None) == (not self.visitor_key):
            raise ValueError("An owner is either a saved user or a visitor with a key.")

    @classmethod
    def for_user(cls, user: Any) -> Owner:
        """Return the owner that stands for a saved user.

        Raises TypeError for a row of another model: its key may be that of a user. ValueError for
        one that is not saved, as Django's AnonymousUser.
        """
        if not may_be_user(user):
            raise TypeError(
                f"{type(user).__name__} is not a user; give Owner.for_host(...) for what else has "
                "chats of its own."
            )
        return cls(user_id=user.pk)

    @classmethod
    def for_visitor(cls, key: str) -> Owner:
        """Return the owner that stands for the visitor who holds this secret key.

        Only a hash is kept: whoever reads the table cannot become the visitor. Raises ValueError
        for a key that is empty or begins with NUL.
        """
        if not key or key.startswith("\0"):  # that is how what is hashed for a host begins
            raise ValueError("A visitor's key must not be empty or begin with NUL.")
        return cls(visitor_key=hashlib.sha256(key.encode()).hexdigest())

    @classmethod
    def for_host(cls, *names: object) -> Owner:
        """Return an owner that only the host knows: a tenant, an organisation, somebody in one.

        ``names`` say who it is, such as ``"organisation", 12``. They need not be secret: no
        visitor's key is the same, so only the host's authenticator can say that somebody is it.
        Raises ValueError without names, and for a name that is None or empty: everybody without a
        name would share one history.
        """
        if not names or any(name is None or name == "" for name in names):
            raise ValueError(
                "Say in names who the owner is, such as 'organisation', 12; none may be None or "
                "empty."
            )
        return cls(
            visitor_key=hashlib.sha256(b"\0" + repr([*map(str, names)]).encode()).hexdigest()
        )

    @classmethod
    def of(cls, session: AbstractChatSession) -> Owner:
        """Return the owner of a session; ValueError where an adopted row has none."""
        if session.user_id is not None:
            return cls(user_id=session.user_id)
        if not session.visitor_key:
            raise ValueError(
                f"Chat session {session.pk} has no owner: only staff may read it. Give it a user."
            )
        return cls(visitor_key=session.visitor_key)

    @classmethod
    def known(cls, value: object) -> Owner:
        """Return the owner that was given; TypeError for anything else, such as a user or None."""
        if isinstance(value, cls):
            return value
        raise TypeError(
            f"An owner is expected, not {type(value).__name__}: give Owner.for_user(user), or "
            "owner_from_request(request) unless that is None."
        )

    def has(self, session: AbstractChatSession) -> bool:
        """Whether the session is this owner's: a row with a user is that user's."""
        return self.identity == _identity(session.user_id, session.visitor_key)

    @property
    def identity(self) -> str:
        """A text that no other owner has."""
        return _identity(self.user_id, self.visitor_key)

    def open_key(self, scope: str) -> UUID:
        """Return the value of ``open_key`` that only this owner's open session of a scope has."""
        return digest("open", self.identity, _text("scope", scope))

    def client_key(self, key: str) -> UUID:
        """Return the stored form of a client's key; the same key of another owner differs."""
        return blend(digest("client", _text("key", key)), self._mark)

    def taken_over(self, client_key: UUID, before: Owner) -> UUID:
        """Return what this owner's ``client_key`` is for a key that another owner has stored."""
        return blend(blend(client_key, before._mark), self._mark)

    @property
    def _mark(self) -> UUID:
        return digest("client of", self.identity)


def _identity(user_id: Any, visitor_key: str | None) -> str:
    return f"visitor:{visitor_key}" if user_id is None else f"user:{user_id}"


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} is {value!r}; give a text.")
    if not value.isascii() and any("\ud800" <= sign <= "\udfff" for sign in value):
        raise ValueError(f"{name} is {value!r}; give a text without lone surrogates.")
    return value


def may_be_user(who: object) -> bool:
    """Whether this is no row of another model; what is no row, such as a token's user, may be one.

    An organisation or an API client that a host lets in has keys of its own.
    """
    return isinstance(who, get_user_model()) or not isinstance(who, Model)


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
        # Django's cache_page asks this, and stores a page before any middleware has marked it.
        inner: Any = getattr(request, "_request", request)  # Django REST Framework wraps it
        inner._cache_update_cache = False  # noqa: SLF001
    return owner
