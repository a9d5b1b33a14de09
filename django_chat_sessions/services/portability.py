"""Export: an owner takes their conversations along, as text that is made while it is read."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.text import slugify

from django_chat_sessions import clock
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.formats import FORMATS, Format
from django_chat_sessions.services.tables import in_batches, messages, sessions

BATCH = 500
LONGEST_NAME = 40


def export(owner: Owner, form: str = "json") -> Iterator[str]:
    """Yield all conversations of the owner's, the oldest first, a piece at a time.

    ``form`` is ``json``, which ``import_sessions`` takes again, ``markdown`` or ``csv``. What the
    owner has deleted is not in it; what is archived is. However long the history is, no more than
    500 sessions and 500 messages are held at a time.

    Raises ValueError for another form, at once. 1 statement for each 500 sessions and 1 at the end;
    1 for each session, and 1 more for each 500 messages in it.
    """
    found = (row for batch in in_batches(sessions().owned_by(owner), BATCH) for row in batch)
    return _written(_format(form), found)


def export_session(session: AbstractChatSession, form: str = "json") -> Iterator[str]:
    """Yield one conversation, as ``export`` does all. 1 statement, 1 more for each 500 messages."""
    return _written(_format(form), iter([session]))


def _format(form: str) -> Format:
    if form not in FORMATS:
        raise ValueError(f"There is no form {form!r} of an export; known are {', '.join(FORMATS)}.")
    return FORMATS[form]()


def _written(form: Format, found: Iterator[AbstractChatSession]) -> Iterator[str]:
    now = clock.now()
    yield form.begin(now)
    for session in found:
        yield from form.session(session, _messages_of(session), now)
    yield form.end()


def _messages_of(session: AbstractChatSession) -> Iterator[AbstractChatMessage]:
    page = messages().filter(session=session.pk).order_by("position", "pk")
    start = 0
    while True:  # by number: an adopted row may have no position
        rows = list(page[start : start + BATCH])
        yield from rows
        if len(rows) < BATCH:
            return
        start += BATCH


def export_name(form: str, session: AbstractChatSession | None = None) -> str:
    """Return a file name that every system takes, whatever the title is. No statement.

    It has letters, digits and hyphens of ASCII only. Raises ValueError for a wrong form.
    """
    extension = _format(form).extension
    title = "" if session is None else slugify(session.title.replace("_", " "))
    moment = clock.now() if session is None else session.started_at or clock.now()
    day = clock.aware(moment).date().isoformat()
    words = ["chats" if session is None else "chat", day, title[:LONGEST_NAME].strip("-")]
    return f"{'-'.join(filter(None, words))}.{extension}"
