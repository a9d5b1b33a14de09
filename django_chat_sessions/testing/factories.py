"""Conversations for tests, made by the verbs, so that counters, positions and places agree."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import factory

from django_chat_sessions import clock, services
from django_chat_sessions.conf import app_settings
from django_chat_sessions.models import (
    AbstractChatMessage,
    AbstractChatSession,
    EndReason,
    ReplyState,
    Role,
)
from django_chat_sessions.owners import Owner
from django_chat_sessions.services.opening import held_session, open_new
from django_chat_sessions.services.replies.writing import finish
from django_chat_sessions.services.tables import sessions
from django_chat_sessions.services.turns import append_once, new_message, new_reply
from django_chat_sessions.testing.frozen import frozen_clock

Said = Sequence[tuple[str, str]]
A_DAY = timedelta(days=1)
TALK = (("user", "Why is the sky blue?"), ("assistant", "Because of the air."))


class ChatSessionFactory(factory.Factory[AbstractChatSession]):
    """A conversation of the configured model; open, with a question and its answer.

    Traits: ``expired`` and ``ended`` (a day ago unless ``ago`` says otherwise), ``archived`` (and
    ended), ``running`` (its last question is being answered), ``empty``.

    ``owner`` or ``user``; a new visitor without either. ``messages``: (role, text), in order.
    ``ago``: how long ago it was said, a timedelta. Everything else is a field of the model.
    An open, running or expired one takes its owner's place in the scope, as ``start`` does.
    """

    class Meta:
        model = AbstractChatSession

    class Params:
        user = None
        expired = factory.Trait(lapsed=True, ago=A_DAY)
        ended = factory.Trait(end_reason=EndReason.USER.value, ago=A_DAY)
        archived = factory.Trait(
            end_reason=EndReason.USER.value, ago=A_DAY, archived_at=factory.LazyFunction(clock.now)
        )
        running = factory.Trait(messages=(("user", "Why is the sky blue?"),), unanswered=True)
        empty = factory.Trait(messages=())

    owner = factory.LazyAttribute(lambda wanted: _owner_of(wanted.user))
    scope = ""
    messages = TALK
    ago = timedelta(0)
    end_reason = ""
    lapsed = False
    unanswered = False

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **wanted: Any) -> AbstractChatSession:
        owner, scope = wanted.pop("owner"), wanted.pop("scope")
        said, ago, reason = (wanted.pop(name) for name in ("messages", "ago", "end_reason"))
        lapsed, unanswered = wanted.pop("lapsed"), wanted.pop("unanswered")
        # What has ended must not take its owner's place from the session that is open there.
        holder = _owner_of(None) if reason else owner
        with frozen_clock(clock.now() - ago):
            session = _begun(holder, scope)
            _say(session, said, unanswered=unanswered)
            if reason:
                services.end(session, reason)
                wanted |= {"user_id": owner.user_id, "visitor_key": owner.visitor_key}
        _rewrite(session, wanted)
        if lapsed and not session.is_lapsed(clock.now()):
            raise ValueError(f"The TIMEOUT_POLICY lets it live longer than {ago}; give more `ago`.")
        return session

    @classmethod
    def _build(cls, model_class: Any, *args: Any, **wanted: Any) -> AbstractChatSession:
        raise TypeError("A conversation is made in the database; use create.")


class ChatMessageFactory(factory.Factory[AbstractChatMessage]):
    """One message more in an open ``session``: ``role`` and ``content``, as ``add_message``."""

    class Meta:
        model = AbstractChatMessage

    session = factory.SubFactory(ChatSessionFactory, empty=True)
    role = Role.USER.value
    content = factory.Sequence(lambda number: f"Message {number}")

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **wanted: Any) -> AbstractChatMessage:
        return services.add_message(**wanted)


def _owner_of(user: Any) -> Owner:
    return Owner.for_visitor(uuid.uuid4().hex) if user is None else Owner.for_user(user)


def _begun(owner: Owner, scope: str) -> AbstractChatSession:
    """Begin a session: unlike ``start``, after an empty one too, and as often as a test likes."""
    held = held_session(owner, scope)
    if held is not None and held.message_count == 0:
        services.end(held)
        held = None
    return open_new(owner, scope, held, clock.now()).opened


def _say(session: AbstractChatSession, said: Said, *, unanswered: bool) -> None:
    left = list(said)
    while left:
        role, text = left.pop(0)
        if role == Role.USER and left and left[0][0] == Role.ASSISTANT:
            finish(_asked(session, text), session, ReplyState.ANSWERED, content=left.pop(0)[1])
        elif role == Role.USER and not left and unanswered:
            _asked(session, text)
        else:
            services.add_message(session, role, text)


def _asked(session: AbstractChatSession, text: str) -> AbstractChatMessage:
    """Store a question whose reply a worker is writing; return the reply."""
    now = clock.now()
    reply = new_reply(now, ReplyState.RUNNING, app_settings.REPLY_LEASE)
    append_once(session, [new_message(Role.USER, text, now), reply], now)
    return reply


def _rewrite(session: AbstractChatSession, fields: dict[str, Any]) -> None:
    """Set what no verb sets: a host's own fields, the owner of a past that has ended."""
    if fields:
        sessions().filter(pk=session.pk).update(**fields)
        session.refresh_from_db(using=sessions().db)
