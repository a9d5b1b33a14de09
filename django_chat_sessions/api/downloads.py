"""The routes that give files: an owner's conversations, to keep."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import chain

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from django_chat_sessions import services
from django_chat_sessions.api import inputs
from django_chat_sessions.api.endpoint import Endpoint
from django_chat_sessions.models import AbstractChatSession
from django_chat_sessions.services.formats import FORMATS

AT_ONCE = 500_000  # characters; what is longer is sent while it is made


class ExportSessions(Endpoint):
    """Everything of the caller's."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Give all conversations as a file."""
        form = inputs.choice(request, "format", FORMATS)
        return _file(request, services.export(self.owner, form), form)


class ExportSession(Endpoint):
    """One conversation."""

    def get(self, request: HttpRequest, session_id: str) -> HttpResponseBase:
        """Give it as a file."""
        form = inputs.choice(request, "format", FORMATS)
        session = self.session(session_id)
        return _file(request, services.export_session(session, form), form, session)


def _file(
    request: HttpRequest,
    pieces: Iterator[str],
    form: str,
    session: AbstractChatSession | None = None,
) -> HttpResponseBase:
    """Answer with a file to be saved, which no browser shows as a page."""
    beginning, length = [], 0
    response: HttpResponseBase
    for piece in pieces:
        beginning.append(piece)
        length += len(piece)
        if length > AT_ONCE:
            rest = chain(beginning, pieces)
            is_async = isinstance(request, ASGIRequest)
            response = StreamingHttpResponse(_later(rest) if is_async else rest)
            break
    else:  # the usual one: nothing has been sent when the database fails
        response = HttpResponse("".join(beginning))
    response.headers["Content-Type"] = FORMATS[form].media_type
    name = services.export_name(form, session)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


async def _later(pieces: Iterator[str]) -> AsyncIterator[str]:
    """Yield the pieces without keeping others waiting."""
    following = sync_to_async(lambda: next(pieces, None))
    while (piece := await following()) is not None:
        yield piece
