"""The routes: translate, call one verb, translate back."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from django_chat_sessions import clock, services
from django_chat_sessions.api import inputs, payloads, readers, streams
from django_chat_sessions.api.endpoint import Endpoint
from django_chat_sessions.api.errors import not_found
from django_chat_sessions.authentication import forget_visitor
from django_chat_sessions.conf import app_settings
from django_chat_sessions.models import AbstractChatSession

PAGE = 50
FOUND = 30


class OfSession(Endpoint):
    """A route about one session of the caller's."""

    takes_body = False


class CurrentSession(Endpoint):
    """What the next message would meet; what a client asks first."""

    welcomes = True

    def get(self, request: HttpRequest) -> HttpResponse:
        """Look at what the next message would meet."""
        arrival = services.look(self.owner, inputs.scope_in_query(request) or "")
        reader = readers.name_of(self.owner)
        return JsonResponse(payloads.current_session(arrival, reader, clock.now()))


class Sessions(Endpoint):
    """The history, and starting anew."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """List the history."""
        default = min(app_settings.HISTORY_LIMIT, inputs.LARGEST_PAGE)
        limit = inputs.number(request, "limit", least=1, most=inputs.LARGEST_PAGE)
        rows, following = services.history_page(
            self.owner,
            limit=limit or default,
            after=inputs.decode_cursor(request),
            scope=inputs.scope_in_query(request),
            archived=inputs.flag(request, "archived"),
        )
        cursor = inputs.encode_cursor(following)
        return JsonResponse(payloads.history(rows, cursor, clock.now()))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Start a new session."""
        scope = inputs.parse_start(inputs.parse_json(request))
        arrival = services.start(self.owner, scope)
        return JsonResponse(payloads.opened_session(arrival, clock.now()), status=201)

    def delete(self, request: HttpRequest) -> HttpResponse:
        """Erase everything of the caller's; a visitor is nobody afterwards."""
        services.erase(self.owner)
        forget_visitor(request, self.owner)
        return HttpResponse(status=204)


class Search(Endpoint):
    """Finding."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Search titles and messages."""
        limit = inputs.number(request, "limit", least=1, most=inputs.LARGEST_PAGE)
        scope = inputs.scope_in_query(request)
        found = services.search(self.owner, inputs.wanted(request), limit or FOUND, scope=scope)
        return JsonResponse(payloads.found(found, clock.now()))


class Messages(Endpoint):
    """Sending."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Send a message."""
        given = inputs.Message.parse(inputs.parse_json(request))
        readers.refuse_another(request, self.owner, given.reader)
        sent = services.send(
            self.owner,
            given.content,
            key=given.key,
            scope=given.scope,
            session_id=given.session_id,
        )
        status = 201 if sent.created else 200
        return JsonResponse(payloads.sent_message(sent, clock.now()), status=status)


class Session(OfSession):
    """One session."""

    def get(self, request: HttpRequest, session_id: str) -> HttpResponse:
        """Show one session."""
        return self._state(self.session(session_id))

    def patch(self, request: HttpRequest, session_id: str) -> HttpResponse:
        """Rename, pin or archive it."""
        session = self.session(session_id)
        given = inputs.Changes.parse(inputs.parse_json(request))
        if given.title is not None:
            services.rename(session, given.title)
        if given.pinned is not None:
            (services.pin if given.pinned else services.unpin)(session)
        if given.archived is not None:
            (services.archive if given.archived else services.unarchive)(session)
        return self._state(session)

    def delete(self, request: HttpRequest, session_id: str) -> HttpResponse:
        """Delete it."""
        services.delete(self.session(session_id))
        return HttpResponse(status=204)

    def _state(self, session: AbstractChatSession) -> HttpResponse:
        return JsonResponse(payloads.timed_session(session, clock.now()))


class Transcript(OfSession):
    """The messages of a session."""

    def get(self, request: HttpRequest, session_id: str) -> HttpResponse:
        """Show a page of its messages."""
        session = self.session(session_id)
        limit = inputs.number(request, "limit", least=1, most=inputs.LARGEST_PAGE)
        before = inputs.number(request, "before", least=0, most=inputs.LAST_POSITION)
        page = services.transcript(session, limit or PAGE, before)
        return JsonResponse(payloads.transcript(session, page, clock.now()))


class RestoreSession(OfSession):
    """Taking a deletion back."""

    def post(self, request: HttpRequest, session_id: str) -> HttpResponse:
        """Bring back what was deleted."""
        session = services.restore(self.owner, inputs.session_id(session_id))
        return JsonResponse(payloads.timed_session(session, clock.now()))


class EndSession(OfSession):
    """Ending."""

    def post(self, request: HttpRequest, session_id: str) -> HttpResponse:
        """End it."""
        session = services.end(self.session(session_id))
        return JsonResponse(payloads.timed_session(session, clock.now()))


class ReopenSession(OfSession):
    """Continuing."""

    def post(self, request: HttpRequest, session_id: str) -> HttpResponse:
        """Continue it."""
        arrival = services.reopen(self.session(session_id))
        return JsonResponse(payloads.opened_session(arrival, clock.now()))


class TouchSession(OfSession):
    """Deliberate activity."""

    def post(self, request: HttpRequest, session_id: str) -> HttpResponse:
        """Note deliberate activity."""
        session = self.session(session_id)
        services.touch(session)
        return JsonResponse(payloads.timed_session(session, clock.now()))


class StopReply(OfSession):
    """Stopping."""

    def post(self, request: HttpRequest, session_id: str) -> HttpResponse:
        """Stop the reply that is being written."""
        session = self.session(session_id)
        reply = services.stop(session)
        return JsonResponse(payloads.session_reply(session, reply, clock.now()))


class RetryReply(OfSession):
    """Asking again."""

    def post(self, request: HttpRequest, session_id: str) -> HttpResponse:
        """Ask again for the last reply."""
        session = self.session(session_id)
        reply = services.retry(session)
        return JsonResponse(payloads.session_reply(session, reply, clock.now()))


class MarkRead(OfSession):
    """Having seen the answers."""

    def post(self, request: HttpRequest, session_id: str) -> HttpResponse:
        """Note that the answers have been seen."""
        session = services.mark_read(self.session(session_id))
        return JsonResponse(payloads.timed_session(session, clock.now()))


class Updates(Endpoint):
    """What has changed: once as JSON, or on and on as server-sent events."""

    varies_by = (*Endpoint.varies_by, "Accept")

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Tell what has changed since a cursor."""
        since = inputs.since(request)
        scope = inputs.scope_in_query(request) or ""
        found = services.updates(self.owner, since)
        if request.method == "GET" and streams.is_wanted(request):
            return streams.follow(request, self.owner, found, scope)
        tag = f'"{found.cursor}"'
        if tag in request.headers.get("If-None-Match", ""):
            response = HttpResponse(status=304)
        else:
            response = JsonResponse(payloads.updates(found, clock.now()))
        response.headers["ETag"] = tag
        return response


class Contract(Endpoint):
    """The OpenAPI document."""

    needs_owner = False

    def get(self, request: HttpRequest) -> HttpResponse:
        """Serve the contract."""
        return HttpResponse(_contract(), content_type="application/yaml")


class Nowhere(Endpoint):
    """Every other address below the prefix."""

    needs_owner = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Answer every method alike."""
        return self._private(request, self._refusal(not_found()), None)


@cache
def _contract() -> bytes:
    return resources.files("django_chat_sessions.api").joinpath("openapi.yaml").read_bytes()
