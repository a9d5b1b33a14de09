"""What a worker does with a reply that some queue gives it, whichever queue that is."""

from __future__ import annotations

import logging

from django.db import connections

from django_chat_sessions import clock
from django_chat_sessions.services.replies.asking import recover, recover_session
from django_chat_sessions.services.replies.running import run
from django_chat_sessions.services.tables import messages

logger = logging.getLogger(__name__)


def answer(reply_id: str) -> None:
    """Answer the reply; one that came too late, or again after its worker died, is recovered.

    Never raises: queues keep errors with their arguments and traces, and the reply's own row
    already says what became of it.
    """
    try:
        run(reply_id)
        left = messages().filter(pk=reply_id, lease_until__lte=clock.now()).replies_running()
        for reply in left.select_related("session"):
            recover_session(reply.session)
    except Exception as error:  # noqa: BLE001  its lease runs out, and its reader finds it
        logger.error("Reply %s was left behind: %s", reply_id, type(error).__name__)
        connections.close_all()


def look_for_lost_replies() -> None:
    """Deal with what dead workers left; a worker that starts does it. Never raises."""
    try:
        recover()
    except Exception as error:  # noqa: BLE001  the next reader or cleanup does it
        logger.error("Replies left behind were not looked for: %s", type(error).__name__)
        connections.close_all()
