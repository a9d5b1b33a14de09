"""From exception to status, code and sentence: the only such map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import RequestDataTooBig
from django.utils.translation import gettext as _

from django_chat_sessions import exceptions

if TYPE_CHECKING:
    from collections.abc import Callable

RETRY_AFTER = 5  # seconds
SOON = 1  # seconds
LATER = 60  # seconds

STATUS = {
    "invalid_json": 400,
    "invalid": 400,
    "unknown_field": 400,
    "too_long": 400,
    "not_authenticated": 401,
    "csrf_failed": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "use_polling": 406,
    "turn_in_progress": 409,
    "session_ended": 409,
    "nothing_to_retry": 409,
    "sessions_held": 409,
    "too_large": 413,
    "unsupported_media_type": 415,
    "key_reused": 422,
    "other_reader": 422,
    "too_many_messages": 429,
    "too_many_streams": 429,
    "unavailable": 503,
}


class ApiError(Exception):
    """An answer with a stable code, a sentence for people, and the field that is wrong."""

    def __init__(
        self, code: str, message: str, field: str | None = None, **headers: str | int
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.field = field
        self.headers = {name.replace("_", "-"): str(value) for name, value in headers.items()}

    @property
    def status(self) -> int:
        """The HTTP status of this code."""
        return STATUS[self.code]

    def body(self) -> dict[str, Any]:
        """Return the one error shape."""
        return {"code": self.code, "message": self.message, "field": self.field}


def not_found() -> ApiError:
    """Return the same error for what does not exist and for what is somebody else's."""
    return ApiError("not_found", _("There is no such chat."))


def too_large() -> ApiError:
    """Return the error for a body that is larger than it may be."""
    return ApiError("too_large", _("The body is larger than this site accepts."))


def unreadable(error: Exception) -> ApiError:
    """Return the error for a request that Django itself refuses to read."""
    if isinstance(error, RequestDataTooBig):
        return too_large()
    return ApiError("invalid", _("The request cannot be read."))


def no_json() -> ApiError:
    """Return the error for a body of another type."""
    return ApiError("unsupported_media_type", _("Send the body as application/json."))


def unavailable() -> ApiError:
    """Return the error for a database that cannot be reached."""
    sentence = _("The chat cannot be reached at the moment; your words are safe, try again soon.")
    return ApiError("unavailable", sentence, Retry_After=RETRY_AFTER)


def not_storable() -> ApiError:
    """Return the error for a text that the host's column does not hold."""
    sentence = _("This site cannot store that text; shorten it, or leave out unusual characters.")
    return ApiError("invalid", sentence)


def use_polling() -> ApiError:
    """Return the error for a stream where none can work."""
    return ApiError("use_polling", _("This server cannot stream; ask again for JSON."))


def too_many_streams() -> ApiError:
    """Return the error for one stream too many."""
    sentence = _("Too many pages follow this chat at once; this one looks now and then.")
    return ApiError("too_many_streams", sentence, Retry_After=LATER)


def too_many_messages(error: exceptions.TooManyMessages) -> ApiError:
    """Return the error for an owner who has sent as much as LIMITS allow."""
    sentence = _("Too many messages at once; wait a moment, then send again.")
    return ApiError("too_many_messages", sentence, Retry_After=error.retry_after)


def wrong_since() -> ApiError:
    """Return the error for a cursor of updates that was never given out."""
    sentence = _("since is not a cursor that was given out; begin again without it.")
    return ApiError("invalid", sentence, "since")


_SENTENCES: dict[type[exceptions.ChatSessionsError], Callable[[], ApiError]] = {
    exceptions.SessionNotFound: not_found,
    exceptions.WrongCursor: wrong_since,
    exceptions.NotAuthenticated: lambda: ApiError(
        "not_authenticated", _("Log in to use the chat.")
    ),
    exceptions.InvalidDocument: lambda: ApiError("invalid", _("The request cannot be read.")),
    exceptions.KeyReused: lambda: ApiError(
        "key_reused",
        _("This key belongs to another message; use a new key for a new text."),
        "key",
    ),
    exceptions.TurnInProgress: lambda: ApiError(
        "turn_in_progress",
        _("An answer is being written; send again when it has ended."),
        Retry_After=SOON,
    ),
    exceptions.NothingToRetry: lambda: ApiError(
        "nothing_to_retry", _("There is no reply to ask for again.")
    ),
    exceptions.SessionsHeld: lambda: ApiError(
        "sessions_held",
        _("Some of your chats stay, because this site still needs them. All others are erased."),
    ),
    exceptions.SessionEnded: lambda: ApiError(
        "session_ended",
        _("This chat was ended; continue it, or send in the chat that is open now."),
    ),
}


def error_for(error: exceptions.ChatSessionsError) -> ApiError:
    """Return the answer for one of the package's exceptions, or one that a host derived from it.

    Raises the error itself where it has none, such as a host's own beside ours.
    """
    if isinstance(error, exceptions.TooManyMessages):
        return too_many_messages(error)
    known = next((kind for kind in type(error).__mro__ if kind in _SENTENCES), None)
    if known is None:
        raise error
    return _SENTENCES[known]()
