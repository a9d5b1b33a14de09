"""The async twins: the same verbs for async views, each in the thread Django keeps for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from asgiref.sync import sync_to_async

from django_chat_sessions.models import AbstractChatSession
from django_chat_sessions.services import (
    erasure,
    history,
    lifecycle,
    organising,
    ownership,
    recording,
    searching,
    turns,
)
from django_chat_sessions.services.context import context
from django_chat_sessions.services.following.updates import updates
from django_chat_sessions.services.replies import asking

acurrent = sync_to_async(lifecycle.current)
alook = sync_to_async(lifecycle.look)
aresume_or_start = sync_to_async(lifecycle.resume_or_start)
astart = sync_to_async(lifecycle.start)
atouch = sync_to_async(lifecycle.touch)
aend = sync_to_async(lifecycle.end)
areopen = sync_to_async(lifecycle.reopen)
asend = sync_to_async(turns.send)
aadd_message = sync_to_async(turns.add_message)
aadd_turn = sync_to_async(recording.add_turn)
afind_session = sync_to_async(history.find_session)
arecent_sessions = sync_to_async(history.recent_sessions)
ahistory_page = sync_to_async(history.history_page)
atranscript = sync_to_async(history.transcript)
asearch = sync_to_async(searching.search)
arename = sync_to_async(organising.rename)
asuggest_title = sync_to_async(organising.suggest_title)
apin = sync_to_async(organising.pin)
aunpin = sync_to_async(organising.unpin)
aarchive = sync_to_async(organising.archive)
aunarchive = sync_to_async(organising.unarchive)
adelete = sync_to_async(organising.delete)
arestore = sync_to_async(organising.restore)
amark_read = sync_to_async(organising.mark_read)
astop = sync_to_async(asking.stop)
aretry = sync_to_async(asking.retry)
acontext = sync_to_async(context)
aclaim = sync_to_async(ownership.claim)
aerase = sync_to_async(erasure.erase)
aupdates = sync_to_async(updates)


@asynccontextmanager
async def arecord_turn(
    session: AbstractChatSession, question: str, *, key: str | None = None
) -> AsyncIterator[recording.Turn]:
    """Do what ``record_turn`` does around an async block.

    A request that is cancelled meanwhile leaves the question and a reply that has failed.
    """
    recorded = recording.record_turn(session, question, key=key)
    entering = _in_thread(recorded.__enter__)
    try:
        await _until_done(entering)
        yield entering.result()
    except BaseException as error:
        if entering.exception() is None:  # otherwise it was refused, and nothing has begun
            await _to_its_end(recorded.__exit__, type(error), error, error.__traceback__)
        raise
    await _to_its_end(recorded.__exit__, None, None, None)


def _in_thread(step: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
    return asyncio.ensure_future(sync_to_async(step)(*args))


async def _to_its_end(step: Callable[..., Any], *args: Any) -> None:
    """Take a step that a cancellation must not take out of the queue: leases hang on it."""
    taking = _in_thread(step, *args)
    await _until_done(taking)
    taking.result()


async def _until_done(taking: asyncio.Future[Any]) -> None:
    """Wait for a step, however often that is cancelled (anyio does it again and again)."""
    cancelled = None
    while not taking.done():
        try:
            await asyncio.wait([taking])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
